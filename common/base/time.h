#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace bkmon {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A moment in UTC. Stored as milliseconds since 1970. Zones exist only in schedules and in display.
using Time = std::chrono::sys_time<milliseconds>;

/// Time since boot, suspend included (CLOCK_BOOTTIME): for intervals, which no clock change may stretch.
struct BootClock {
    using duration = milliseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;
};
using BootTime = BootClock::time_point;

/// Where time comes from. Tests move it by hand.
class Clock {
public:
    virtual ~Clock() = default;
    virtual Time now() const = 0;       ///< wall clock, UTC; may jump
    virtual BootTime boot() const = 0;  ///< never jumps
};

/// CLOCK_REALTIME and CLOCK_BOOTTIME. Any thread.
const Clock& system_clock();

/// "2026-11-22T03:04:05Z"; milliseconds only when they are not zero ("…05.250Z").
std::string rfc3339(Time t);

/// RFC 3339 with `Z` or an offset. A text without a zone is Errc::invalid: see core/report for the agents' own dialects.
Result<Time> parse_rfc3339(std::string_view text);

/// "90s", "30min", "26h", "7d", "2w", "1h30min", "250ms": whole numbers, larger units first. A number without a unit is refused, "5m" too.
Result<milliseconds> parse_duration(std::string_view text);

/// Exact and short, parse_duration reads it back: "26h", "1d", "90s", "1h30min", "0s".
std::string duration_text(milliseconds d);

/// For people, at most two units: "3 d 4 h", "2 h 10 min", "45 s", "less than 1 s".
std::string duration_words(milliseconds d);

inline std::int64_t to_ms(Time t) { return t.time_since_epoch().count(); }
inline Time from_ms(std::int64_t ms) { return Time(milliseconds(ms)); }

}  // namespace bkmon
