#pragma once
#include <optional>

#include "daemon/core/schedule.h"

namespace bkmon::core {

/// One expected backup of one job: from `opens` (due - early) until `closes` (the next due - early, not included; Time::max() when nothing
/// follows); bad after `deadline`. The cycles of a rule tile the time line from the first one on, changes of the clock included.
struct Cycle {
    Time due{}, opens{}, closes{}, deadline{};
    friend bool operator==(const Cycle&, const Cycle&) = default;
};

struct CycleRule {
    Schedule schedule;
    milliseconds early{std::chrono::minutes(30)};
    milliseconds deadline{std::chrono::hours(2)};
};

/// The cycle that owns the moment `t`; nullopt before the first or without any.
std::optional<Cycle> cycle_of(const CycleRule& rule, Time t);
std::optional<Cycle> next_cycle(const CycleRule& rule, const Cycle& c);

/// The newest cycle whose deadline is at or before `t`, for catching up after downtime.
std::optional<Cycle> newest_past_deadline(const CycleRule& rule, Time t);

/// What an agent's clock says against the arrival. A time that named no zone and is off by about whole hours (within 5 min, 1..14 h) was
/// read in the wrong one: "agent clock or zone". A time that named its zone counts as it is said.
struct ClockCheck {
    Time effective{};  ///< the time to put the report into a cycle by: `end`, or `arrival` when `end` is not credible (either of the below)
    std::optional<std::chrono::hours> zone_offset;  ///< set when the difference looks like a wrong zone; positive: the agent is ahead
    bool future = false;                            ///< `end` lies more than 10 min after the arrival, and not by a zone's worth
};
ClockCheck check_clock(Time end, Time arrival, bool zone_stated);

}  // namespace bkmon::core
