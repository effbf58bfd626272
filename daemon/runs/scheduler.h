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
    std::optional<Time> next_at;  ///< the next moment of the schedule, without the offset
    std::optional<Time> last_at;  ///< the last moment that was fired, without the offset
    std::string last_result;
};

/// Calls back at the moments of schedules, right through DST, clock jumps, suspend and downtime. Loop thread only.
/// After a gap (downtime, suspend, clock set forward) each entry fires once, for its newest passed moment. A clock set back never fires a moment
/// twice, and a moment that was only jumped over by a wrong clock still fires when its time comes. Moments before an entry (or its schedule) was
/// first set never fire. What fired is written to the history right after: a crash in between fires that moment again at the next start.
class Scheduler {
public:
    Scheduler(loop::EventLoop& loop, history::Store& store);
    ~Scheduler();
    /// Reads what was handled before; call once. Entries may be set before, nothing fires until it is done.
    void load(std::function<void(Result<void>)> done);

    struct Entry {
        std::string id;    ///< stable: the key of what is remembered, e.g. "deposit/…" or "deposits/rescan"
        std::string what;  ///< for people
        core::Schedule schedule;
        milliseconds offset{0};  ///< fires at each moment + offset (a deadline)
        bool catch_up = true;    ///< false: a moment that cannot fire within a minute of its time is left out
        /// Called with the due moment (without the offset), never from inside set(). Returns the result for `schedule list`. May set and remove.
        std::function<std::string(Time due)> fire;
    };
    /// Replaces the entry with the same id. Keeps what is remembered of it.
    void set(Entry entry);
    /// What is remembered stays for an hour, so that a reload may remove and set.
    void remove(const std::string& id);
    /// The wall clock was set (TFD_TIMER_CANCEL_ON_SET), or the machine woke up. Without it, a jump is noticed within the hour.
    void clock_changed();
    std::vector<ScheduleView> list() const;  ///< by id

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace bkmon::runs
