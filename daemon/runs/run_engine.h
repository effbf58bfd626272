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
    std::string text;       ///< what it does right now, printable
    std::uint64_t seq = 0;  ///< grows by one per change: a dropped follower resumes from here
    bool final = false;
};

/// A piece of work under way; owned by whoever does it. Destroying it unfinished marks the run failed. Loop thread only; may outlive the
/// engine, which then is not told any more: the next start finds the run interrupted.
class Run {
public:
    virtual ~Run() = default;
    virtual const std::string& id() const = 0;
    /// A queued run begins now. Nothing for one that runs already.
    virtual void start() = 0;
    /// `text` is printable(). Cheap: followers hear of it at most ten times a second.
    virtual void progress(std::int64_t done, std::int64_t total, std::string text) = 0;
    virtual bool cancelled() const = 0;
    /// "done", "failed", "cancelled". The first call counts.
    virtual void finish(std::string state, std::string error) = 0;
};

/// All runs. Loop thread only. Rows are written at start and end, not at each progress; a row that cannot be written is tried again while
/// the engine lives. The end of a run that is not brief is also an event (type "run") in the same transaction.
class RunEngine {
public:
    RunEngine(loop::EventLoop& loop, history::Store& store);
    ~RunEngine();
    /// Marks what an earlier process left running as interrupted; call once at start, before the first begin().
    void load(std::function<void(Result<void>)> done);
    /// `on_cancel` is called when somebody cancels; the owner then finishes the run. `brief` runs (small intakes) write only their end.
    /// `what` is printable().
    std::unique_ptr<Run> begin(std::string kind, std::string what, std::function<void()> on_cancel, bool brief = false);
    /// The same in state "queued", until Run::start().
    std::unique_ptr<Run> queue(std::string kind, std::string what, std::function<void()> on_cancel);
    Result<void> cancel(const std::string& id);  ///< not_found; busy when already cancelling; invalid when over
    /// By id. A run that is over stays here (`final`) until its row is durable, so that it never disappears in between.
    std::vector<Progress> active() const;
    /// Calls `listener` with the present state at once, then with each change until final or until the token dies. not_found for a run that is not
    /// active. The token may die inside the listener; the listener is destroyed after the final call.
    Result<std::shared_ptr<void>> follow(const std::string& id, std::function<void(const Progress&)> listener);
    /// A clean stop: what is still active ends as "interrupted" now, and its owners cannot say otherwise any more.
    void interrupt_all();

private:
    struct Impl;
    struct Handle;
    std::shared_ptr<Impl> impl_;
};

}  // namespace bkmon::runs
