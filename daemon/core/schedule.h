#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"

namespace bkmon::core {

/// A set of moments: a cron expression in a zone, a name (`@daily`), one moment, or every N from an anchor. Immutable, cheap to copy,
/// any thread.
///
/// Text forms: "m h dom mon dow" with lists, ranges, steps, names of months and days (7 is Sunday); dom OR dow when both are restricted
/// (contain no `*`, as in crontab(5));
/// "@hourly @daily @midnight @weekly @monthly @yearly @annually"; "@once 2026-01-10T06:00:00[Z|+02:00]"; "@every 36h from 2026-01-10T06:00:00"
/// (of real time: at least a minute; nothing before the anchor).
///
/// The DST rule: a job with a fixed hour that falls into a gap runs once, at the first moment after the gap; in a repeated hour it
/// runs once, at the first pass. A job whose hour is `*` or a step (such as "*/15 * * * *") follows real time: nothing in the gap, both passes of the
/// repeated hour.
///
/// Moments lie between 1900 and 9999, on whole seconds or the milliseconds of an anchor.
class Schedule {
public:
    /// `zone` is an IANA name ("Europe/Berlin"); Errc::invalid names what is wrong and where ("hour: 25 is not in 0..23").
    static Result<Schedule> parse(std::string_view text, std::string_view zone);

    /// The first moment strictly after `t`; nullopt when there is none (a past @once, 30 February).
    std::optional<Time> next_after(Time t) const;
    /// The last moment at or before `t`; nullopt when there is none.
    std::optional<Time> last_at_or_before(Time t) const;
    /// The shortest distance between two neighbours over the coming year from `from`, changes of the clock included; the next distance
    /// where a year holds fewer than two; nullopt for @once and for what never comes.
    std::optional<milliseconds> shortest_period(Time from) const;

    const std::string& text() const;
    const std::string& zone() const;

private:
    struct Impl;
    std::shared_ptr<const Impl> impl_;
};

bool zone_exists(std::string_view zone);
/// "2026-11-22 13:00" in the zone, for people; with `with_zone` " CET" after it.
std::string local_text(Time t, std::string_view zone, bool with_zone = false);
/// "2026-11-22", the day in the zone: the key of daily records.
/// For both: an unknown zone shows UTC.
std::string local_date(Time t, std::string_view zone);
/// A civil time in a zone; T or a space in the middle, seconds and their fraction may be absent, cut to milliseconds. A time in a gap moves
/// to its end, an ambiguous one is the first. For report times without an offset. Errc::invalid.
Result<Time> from_civil(std::string_view yyyy_mm_dd_t_hh_mm_ss, std::string_view zone);

}  // namespace bkmon::core
