#pragma once
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "daemon/deposits/arrival/snapshot.h"
#include "daemon/platform/files/file_ops.h"
#include "daemon/platform/journal/journal.h"
#include "daemon/platform/loop/lane.h"

namespace bkmon::deposits {

/// Finds out what lies in the deposit root. inotify is a hint, the scan is the truth: at start, every `rescan`, on overflow, on a remount,
/// on demand. Watch first, scan second. Loop thread only; directories are read on `lane`, one agent a piece, round robin, so that
/// one agent with 100,000 files does not delay another. Descriptors are reopened per scan: none keeps the file system busy.
class Arrival {
public:
    struct Options {
        std::string root;
        milliseconds rescan{std::chrono::seconds(30)};
        milliseconds debounce{250};     ///< an agent that never stops is looked at once in this; one that was quiet, at once
        std::size_t max_names = 20000;  ///< per agent and folder
        std::string marker_id;          ///< content expected in `<root>/.bkmon-root`; empty: none expected
    };
    struct RootState {
        bool usable = false;
        std::string problem;    ///< printable, for bkmon/deposits
        bool watching = false;  ///< false: by scan alone
        std::string watch_problem;
    };
    /// `on_agent` and `on_round` are called only while the root is usable: what cannot be read is not gone.
    Arrival(loop::EventLoop& loop, loop::Lane& lane, files::FileOps& files, journal::Journal& journal, Options options,
            std::function<void(AgentSnapshot)> on_agent,                    ///< each look at an agent's folder, changed or not
            std::function<void(std::vector<std::string> agents)> on_round,  ///< after each full round: the agents that are there
            std::function<void(RootState)> on_root);                        ///< when it changes
    ~Arrival();
    void start();
    void look_at(const std::string& agent);  ///< soon, as if an event had come
    /// The report with this hash was taken over: from now on it appears without its bytes and is not read again while its identity stays.
    /// Until then each look carries the bytes, from memory or read again. Forgotten when the report goes away.
    void settled(const std::string& agent, const std::string& sha256);
    /// Takes back every settled() of the agent.
    void unsettle(const std::string& agent);
    /// A full round now, or right after the one that runs; `progress(done, total)` after each agent, `done` at the end.
    void rescan(std::function<void(std::size_t, std::size_t)> progress, std::function<void()> done);
    const RootState& root() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace bkmon::deposits
