#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "daemon/core/zone.h"

namespace bkmon::core {

/// A stretch of some days of the week: "mon-fri 22:00-06:00", "sat,sun", "22:00-06:00". A value.
struct WeeklyWindow {
    std::uint8_t days = 0x7F;  ///< on which it begins: bit 0 is Sunday
    int from = 0;              ///< minutes after midnight
    int until = 24 * 60;       ///< exclusive; not later than `from`: of the next day
    bool operator==(const WeeklyWindow&) const = default;
};

/// Days (mon … sun, or their full names; lists and ranges, which may wrap: "fri-mon"), hours (24:00 ends a day), or both, days first. Without
/// days: all; without hours: whole days. Case is ignored. Errc::invalid says what is wrong.
Result<WeeklyWindow> parse_window(std::string_view text);

/// True while the clock on the wall of the zone is inside of one of them: what a repeated hour shows counts both times, what a skipped
/// one would have shown never comes.
bool inside(const std::vector<WeeklyWindow>& windows, const cctz::time_zone& zone, Time t);

/// The first moment after `t` at which inside() is another than at `t`; nullopt when it never is (no window, or no time outside).
std::optional<Time> next_change(const std::vector<WeeklyWindow>& windows, const cctz::time_zone& zone, Time t);

}  // namespace bkmon::core
