#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/schedule.h"
#include "daemon/history/store.h"
#include "daemon/platform/loop/event_loop.h"

namespace bkmon::runs {

struct ScheduleView {
    std::string id, what, expression, timezone;
    std::optional<Time> next_at, last_at;
    std::string last_result;
};

/// Calls back at the moments of schedules, right through DST, clock jumps, suspend and downtime. Loop thread only.
/// After a gap (downtime, suspend, clock set forward) each entry fires once, for its newest passed moment. A clock set back never fires a moment twice.
class Scheduler {
public:
    Scheduler(loop::EventLoop& loop, history::Store& store);
    ~Scheduler();
    /// Reads what was handled before; call once.
    void load(std::function<void(Result<void>)> done);

    struct Entry {
        std::string id;               ///< stable: the key of what is remembered, e.g. "deposit/…" or "deposits/rescan"
        std::string what;             ///< for people
        core::Schedule schedule;
        milliseconds offset{0};       ///< fires at each moment + offset (a deadline)
        bool catch_up = true;
        /// Called with the due moment (without the offset). Returns the result for `schedule list`.
        std::function<std::string(Time due)> fire;
    };
    /// Replaces the entry with the same id. Keeps what is remembered of it.
    void set(Entry entry);
    void remove(const std::string& id);
    /// The wall clock was set (TFD_TIMER_CANCEL_ON_SET), or the machine woke up.
    void clock_changed();
    std::vector<ScheduleView> list() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace bkmon::runs
