#include "daemon/core/cycle.h"

#include <cstdlib>

namespace bkmon::core {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Time kNever = Time::max();

std::optional<Cycle> cycle_due(const CycleRule& rule, std::optional<Time> due) {
    if (!due) return std::nullopt;
    const auto next = rule.schedule.next_after(*due);
    return Cycle{*due, *due - rule.early, next ? *next - rule.early : kNever, *due + rule.deadline};
}

/// `t + d` without overflow at the ends of time, where clocks that were never set live.
Time shifted(Time t, milliseconds d) {
    if (d.count() > 0 && t > Time::max() - d) return Time::max();
    if (d.count() < 0 && t < Time::min() - d) return Time::min();
    return t + d;
}

}  // namespace

std::optional<Cycle> cycle_of(const CycleRule& rule, Time t) { return cycle_due(rule, rule.schedule.last_at_or_before(shifted(t, rule.early))); }

std::optional<Cycle> next_cycle(const CycleRule& rule, const Cycle& c) { return cycle_due(rule, rule.schedule.next_after(c.due)); }

std::optional<Cycle> newest_past_deadline(const CycleRule& rule, Time t) {
    return cycle_due(rule, rule.schedule.last_at_or_before(shifted(t, -rule.deadline)));
}

ClockCheck check_clock(Time end, Time arrival, bool zone_stated) {
    constexpr milliseconds kAbout = minutes(5);
    constexpr milliseconds kFuture = minutes(10);
    constexpr int kMaxOffset = 14;  // hours; the widest zone there is

    ClockCheck check{end, std::nullopt, false};
    // Compared before they are subtracted: an absurd time must not overflow.
    const bool near = end <= shifted(arrival, hours(kMaxOffset) + kAbout) && end >= shifted(arrival, -(hours(kMaxOffset) + kAbout));
    if (near && !zone_stated) {
        const milliseconds ahead = end - arrival;
        const auto whole = std::chrono::round<hours>(ahead);
        if (whole.count() != 0 && std::chrono::abs(ahead - whole) <= kAbout) check.zone_offset = whole;
    }
    check.future = !check.zone_offset && end > shifted(arrival, kFuture);
    if (check.zone_offset || check.future) check.effective = arrival;
    return check;
}

}  // namespace bkmon::core
