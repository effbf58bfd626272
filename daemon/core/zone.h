#pragma once
#include <cctz/time_zone.h>

#include <optional>
#include <string_view>

#include "common/base/time.h"

namespace bkmon::core {

using Seconds = cctz::time_point<cctz::seconds>;

/// Moments that schedules know: from 1900 to the end of 9999. Outside there is nothing, so that no clock, however wrong, overflows.
inline constexpr Time kFirstMoment = std::chrono::sys_days(std::chrono::year(1900) / 1 / 1);
inline constexpr Time kLastMoment = std::chrono::sys_days(std::chrono::year(9999) / 12 / 31);

/// An IANA zone of the system's database, by its exact name; nullopt for every other name. Any thread.
std::optional<cctz::time_zone> find_zone(std::string_view name);
/// Errc::invalid with the nearest spelling when the case is wrong.
Result<cctz::time_zone> require_zone(std::string_view name);

/// Rounded down to the second.
inline Seconds to_seconds(Time t) { return std::chrono::floor<cctz::seconds>(t); }
inline Time to_time(Seconds s) { return std::chrono::time_point_cast<milliseconds>(s); }

/// "2026-01-10T06:00[:00[.250]]" with T or a space between date and time; no zone in it. Errc::invalid says what is wrong.
struct Civil {
    cctz::civil_second second;
    milliseconds fraction{0};
};
Result<Civil> parse_civil(std::string_view text);
/// A time in a gap moves to its end, an ambiguous one is the first.
Time resolve(const Civil& civil, const cctz::time_zone& zone);

}  // namespace bkmon::core
