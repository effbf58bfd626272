#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/history/store.h"
#include "daemon/platform/loop/event_loop.h"

namespace bkmon::runs {

/// What followers of a run see. The last one has `final` set and is never dropped; others may be coalesced.
struct Progress {
    history::RunRow row;
    std::string text;      ///< what it does right now, printable
    std::uint64_t seq = 0; ///< grows by one per change: a dropped follower resumes from here
    bool final = false;
};

class RunEngine;

/// A piece of work under way; owned by whoever does it. Destroying it unfinished marks the run failed.
class Run {
public:
    virtual ~Run() = default;
    virtual const std::string& id() const = 0;
    virtual void progress(std::int64_t done, std::int64_t total, std::string text) = 0;
    virtual bool cancelled() const = 0;
    virtual void finish(std::string state, std::string error) = 0;  ///< "done", "failed", "cancelled"
};

/// All runs. Loop thread only. Rows are written at start and end, not at each progress.
class RunEngine {
public:
    RunEngine(loop::EventLoop& loop, history::Store& store);
    ~RunEngine();
    /// Marks what an earlier process left running as interrupted; call once at start.
    void load(std::function<void(Result<void>)> done);
    /// `on_cancel` is called when somebody cancels; the owner then finishes the run. `brief` runs (small intakes) write only their end.
    std::unique_ptr<Run> begin(std::string kind, std::string what, std::function<void()> on_cancel, bool brief = false);
    Result<void> cancel(const std::string& id);   ///< not_found; busy when already cancelling; invalid when over
    std::vector<Progress> active() const;
    /// Calls `listener` with the present state at once, then with each change until final or until the token dies. not_found for a run that is not active.
    Result<std::shared_ptr<void>> follow(const std::string& id, std::function<void(const Progress&)> listener);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace bkmon::runs
