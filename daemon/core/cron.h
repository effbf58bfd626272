#pragma once
#include <cctz/civil_time.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/result.h"

namespace bkmon::core {

/// The five fields of a crontab line as a set of civil minutes; knows nothing of zones. A value; any thread.
///
/// Fields after crontab(5): lists, ranges, steps after `*` or a range, three-letter or full English names of months and days, 7 is Sunday.
/// dom OR dow when neither of them contains a `*`, else both must match.
class Cron {
public:
    /// Errc::invalid with field, what is wrong, what is allowed and the column: "hour: 25 is not in 0..23 (column 4)".
    static Result<Cron> parse(std::string_view text);

    bool matches(cctz::civil_minute m) const { return matches_day(cctz::civil_day(m)) && has(hours_, m.hour()) && has(minutes_, m.minute()); }
    bool matches_day(cctz::civil_day day) const;

    /// The nearest matching minute in that direction, `m` itself included; nullopt when there is none within 100 years.
    std::optional<cctz::civil_minute> at_or_after(cctz::civil_minute m) const;
    std::optional<cctz::civil_minute> at_or_before(cctz::civil_minute m) const;

    /// The hour is `*` or has a step: the job means "every so often", not "at that hour".
    bool every_so_often() const { return every_so_often_; }

    int first_minute_of_day() const;  ///< 0..1439, of a matching day
    int last_minute_of_day() const;
    int shortest_step_of_day() const;  ///< minutes between two neighbours of one day; 1440 when there is but one

private:
    using Bits = std::uint64_t;
    static bool has(Bits bits, int i) { return ((bits >> i) & 1U) != 0; }
    std::optional<cctz::civil_day> day_at_or_after(cctz::civil_day day) const;
    std::optional<cctz::civil_day> day_at_or_before(cctz::civil_day day) const;

    Bits minutes_ = 0, hours_ = 0, days_ = 0, months_ = 0, weekdays_ = 0;  // bit i stands for the value i; Sunday is 0
    bool either_day_ = false;
    bool every_so_often_ = false;
};

}  // namespace bkmon::core
