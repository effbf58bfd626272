#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/status.h"
#include "daemon/deposits/vault/vault.h"
#include "daemon/history/store.h"
#include "daemon/platform/loop/event_loop.h"
#include "daemon/platform/loop/lane.h"
#include "daemon/runs/run_engine.h"

namespace bkmon::deposits {

/// How often each file of the vault is read again by itself.
struct ScrubRules {
    milliseconds every{std::chrono::hours(24 * 7)};  ///< 0: only on demand
    std::uint64_t bytes_per_second = 0;              ///< bound of the background reading, unless `every` asks for more; 0: none
};

/// The file to be read next and when. `files` is what the vault should hold; the one that was read longest ago comes first. A week's worth
/// of files that were all read in one hour is spread over the second half of the next week, so that they are never due all at once.
struct ScrubPlan {
    std::vector<VaultFile> next;  ///< longest ago first; only the first few hundred
    std::size_t files = 0, damaged = 0, behind = 0;
    std::uint64_t bytes = 0;
    std::string damaged_names;  ///< of a few, printable
    milliseconds gap{0};        ///< between two files that are not overdue
};
ScrubPlan plan_scrub(std::vector<VaultFile> files, const ScrubRules& rules, Time now, Time since);
/// When `file` shall be read, if the last one was done at `last`.
Time due_at(const VaultFile& file, const ScrubRules& rules, const ScrubPlan& plan, Time last, Time now);
/// What the background may read in a second: the bound, or more where the bound would not do.
std::uint64_t scrub_rate(const ScrubRules& rules, const ScrubPlan& plan);

/// Reads the vault's files again: in the background, each at least every so often, and on demand as runs of kind "verify". When each file
/// was last read lies in the history, so that a restart goes on where this one was. Loop thread only; the reading is done on a lane of its own.
class Scrub {
public:
    struct Rooms {
        loop::EventLoop& loop;
        loop::Lane& lane;
        history::Store& store;
        runs::RunEngine& runs;
    };
    /// What the deposits part says and does about what is found.
    struct Part {
        std::function<std::optional<targets::Registry::Publication>(const VaultFile&, const Verified&, const std::vector<history::HealthyRow>&)> word;
        std::function<void(const VaultFile&, const Verified&)> told;                             ///< after each file
        std::function<void(core::Status, const char* reason_code, std::string reason)> summary;  ///< about the vault's files as a whole
    };
    Scrub(Rooms rooms, Vault& vault, ScrubRules rules, Part part);
    ~Scrub();

    void start();
    void set(ScrubRules rules);
    /// Reads the files of the targets that `picks` names, now; one such run at a time, others wait. Returns the run's id.
    std::string run(std::string what, std::function<bool(const TargetId&)> picks);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace bkmon::deposits
