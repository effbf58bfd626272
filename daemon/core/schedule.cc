#include "daemon/core/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "common/base/text.h"
#include "daemon/core/cron.h"
#include "daemon/core/zone.h"

namespace bkmon::core {
namespace {

using cctz::civil_minute;
using cctz::civil_second;
using Lookup = cctz::time_zone::civil_lookup;
using std::chrono::hours;
using std::chrono::minutes;

constexpr std::size_t kMaxText = 512;
constexpr milliseconds kMaxPeriod = hours(24 * 366 * 10);
constexpr int kMaxSteps = 4096;  // more than any chain of changes of one zone within a schedule's reach; ends a search in a broken zone file

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kNames{{{"@hourly", "0 * * * *"},
                                                                               {"@daily", "0 0 * * *"},
                                                                               {"@midnight", "0 0 * * *"},
                                                                               {"@weekly", "0 0 * * 0"},
                                                                               {"@monthly", "0 0 1 * *"},
                                                                               {"@yearly", "0 0 1 1 *"},
                                                                               {"@annually", "0 0 1 1 *"}}};

/// A repeated stretch of civil time: [low, high) happens before `change` and again from it on.
struct Fold {
    civil_second low, high;
    Seconds change;
};

/// A cron expression in a zone. Works in civil time, where the expression lives, and asks the zone about each candidate; repeated
/// stretches are walked pass by pass, gaps are jumped over.
class CronInZone {
public:
    CronInZone(Cron cron, cctz::time_zone zone) : cron_(cron), zone_(std::move(zone)) {}

    std::optional<Seconds> next_after(Seconds t) const { return cron_.every_so_often() ? next_real(t) : next_fixed(t); }
    std::optional<Seconds> last_at_or_before(Seconds t) const { return cron_.every_so_often() ? last_real(t) : last_fixed(t); }
    const Cron& cron() const { return cron_; }
    const cctz::time_zone& zone() const { return zone_; }

private:
    std::optional<Fold> fold_at(civil_second c) const {
        const Lookup l = zone_.lookup(c);
        if (l.kind != Lookup::REPEATED) return std::nullopt;
        return Fold{c - (l.post - l.trans).count(), c + (l.trans - l.pre).count(), l.trans};
    }

    // Matching civil times around one of seconds precision.
    std::optional<civil_second> at_or_after(civil_second c) const {
        const civil_minute m(c);
        return second_of(cron_.at_or_after(civil_second(m) < c ? m + 1 : m));
    }
    std::optional<civil_second> after(civil_second c) const { return second_of(cron_.at_or_after(civil_minute(c) + 1)); }
    std::optional<civil_second> at_or_before(civil_second c) const { return second_of(cron_.at_or_before(civil_minute(c))); }
    std::optional<civil_second> before(civil_second c) const { return at_or_before(c - 1); }
    static std::optional<civil_second> second_of(std::optional<civil_minute> m) {
        if (!m) return std::nullopt;
        return civil_second(*m);
    }

    /// When a job with a fixed hour runs for the civil time `c`. Never decreases with `c`.
    Seconds fixed(civil_second c) const {
        const Lookup l = zone_.lookup(c);
        return l.kind == Lookup::SKIPPED ? l.trans : l.pre;
    }

    /// The end of the civil times whose first pass is not after `t`.
    civil_second reached(Seconds t) const {
        const civil_second c = zone_.lookup(t).cs;
        const auto fold = fold_at(c);
        return fold && t >= fold->change ? std::max(c, fold->high - 1) : c;
    }

    std::optional<Seconds> next_fixed(Seconds t) const {
        auto c = after(reached(t));
        for (int i = 0; c && i < kMaxSteps; ++i, c = after(*c))
            if (const Seconds s = fixed(*c); s > t) return s;
        return std::nullopt;
    }

    std::optional<Seconds> last_fixed(Seconds t) const {
        auto c = at_or_before(reached(t));
        for (int i = 0; c && i < kMaxSteps; ++i, c = before(*c))
            if (const Seconds s = fixed(*c); s <= t) return s;
        return std::nullopt;
    }

    std::optional<Seconds> next_real(Seconds t) const {
        const civil_second now = zone_.lookup(t).cs;
        auto c = after(now);
        if (const auto fold = fold_at(now); fold && t < fold->change) {  // the rest of the first pass, then the second from its beginning
            if (c && *c < fold->high) return zone_.lookup(*c).pre;
            c = at_or_after(fold->low);
        }
        for (int i = 0; c && i < kMaxSteps; ++i) {
            const Lookup l = zone_.lookup(*c);
            if (l.kind == Lookup::SKIPPED) {
                c = at_or_after(std::max(*c + 1, zone_.lookup(l.trans).cs));
                continue;
            }
            if (l.pre > t) return l.pre;
            if (l.post > t) return l.post;
            c = after(*c);
        }
        return std::nullopt;
    }

    std::optional<Seconds> last_real(Seconds t) const {
        const civil_second now = zone_.lookup(t).cs;
        auto c = at_or_before(now);
        if (const auto fold = fold_at(now); fold && t >= fold->change) {  // the second pass so far, then the first from its end
            if (c && *c >= fold->low) return zone_.lookup(*c).post;
            c = before(fold->high);
        }
        for (int i = 0; c && i < kMaxSteps; ++i) {
            const Lookup l = zone_.lookup(*c);
            if (l.kind == Lookup::SKIPPED) {
                c = before(std::min(*c, *c - (l.pre - l.trans).count()));
                continue;
            }
            if (l.post <= t) return l.post;
            if (l.pre <= t) return l.pre;
            c = before(*c);
        }
        return std::nullopt;
    }

    Cron cron_;
    cctz::time_zone zone_;
};

struct Once {
    Time at{};
};
struct Every {
    Time anchor{};
    milliseconds period{0};
};

/// A moment with `Z` or an offset stands for itself, one without is in the zone.
Result<Time> parse_moment(std::string_view text, const cctz::time_zone& zone) {
    const bool has_offset = text.size() > 10 && text.find_first_of("Zz+-", 10) != std::string_view::npos;
    Time at{};
    if (has_offset) {
        auto parsed = parse_rfc3339(text);
        if (!parsed) return fail(std::move(parsed.error()));
        at = *parsed;
    } else {
        auto civil = parse_civil(text);
        if (!civil) return fail(std::move(civil.error()));
        at = resolve(*civil, zone);
    }
    if (at < kFirstMoment || at > kLastMoment) return fail(Errc::invalid, fmt::format("time: '{}' is not in 1900..9999", printable(text, 60)));
    return at;
}

Result<Every> parse_every(std::string_view rest, const cctz::time_zone& zone) {
    const std::size_t from = rest.find(" from ");
    if (from == std::string_view::npos)
        return fail(Errc::invalid, "@every: it needs an interval and a beginning, such as \"@every 36h from 2026-01-10T06:00:00\"");
    auto period = parse_duration(trim(rest.substr(0, from)));
    if (!period) return fail(in("@every", std::move(period.error())));
    if (*period < minutes(1) || *period > kMaxPeriod)
        return fail(Errc::invalid, fmt::format("@every: {} is not in 1min..{}", duration_text(*period), duration_text(kMaxPeriod)));
    auto anchor = parse_moment(trim(rest.substr(from + 6)), zone);
    if (!anchor) return fail(in("@every", std::move(anchor.error())));
    return Every{*anchor, *period};
}

std::optional<Time> next_of(const Once& once, Time t) { return once.at > t ? std::optional(once.at) : std::nullopt; }
std::optional<Time> last_of(const Once& once, Time t) { return once.at <= t ? std::optional(once.at) : std::nullopt; }

std::optional<Time> next_of(const Every& every, Time t) {
    if (t < every.anchor) return every.anchor;
    return every.anchor + ((t - every.anchor) / every.period + 1) * every.period;
}
std::optional<Time> last_of(const Every& every, Time t) {
    if (t < every.anchor) return std::nullopt;
    return every.anchor + (t - every.anchor) / every.period * every.period;
}

std::optional<Time> next_of(const CronInZone& cron, Time t) {
    const auto s = cron.next_after(to_seconds(t));
    if (!s) return std::nullopt;
    return to_time(*s);
}
std::optional<Time> last_of(const CronInZone& cron, Time t) {
    const auto s = cron.last_at_or_before(to_seconds(t));
    if (!s) return std::nullopt;
    return to_time(*s);
}

/// Distances in civil time over the coming year, where no change of the clock comes between.
minutes shortest_civil(const CronInZone& cron, Seconds from) {
    constexpr int kDay = 24 * 60;
    int shortest = cron.cron().shortest_step_of_day();
    if (shortest == kDay) shortest = 366 * kDay;
    const int overnight = cron.cron().first_minute_of_day() - cron.cron().last_minute_of_day();
    const cctz::civil_day today(cron.zone().lookup(from).cs);
    std::optional<cctz::civil_day> previous;
    for (auto day = today; day < today + 367; ++day) {
        if (!cron.cron().matches_day(day)) continue;
        if (previous) shortest = std::min(shortest, static_cast<int>(day - *previous) * kDay + overnight);
        previous = day;
    }
    return minutes(shortest);
}

}  // namespace

struct Schedule::Impl {
    std::string text, zone;
    std::variant<Once, Every, CronInZone> rule;
};

Result<Schedule> Schedule::parse(std::string_view text, std::string_view zone_name) {
    if (text.size() > kMaxText) return fail(Errc::invalid, fmt::format("the schedule is longer than {} characters", kMaxText));
    auto zone = require_zone(zone_name);
    if (!zone) return fail(std::move(zone.error()));
    const std::string trimmed = trim(text);
    const std::string_view line = trimmed;
    const auto made = [&](std::variant<Once, Every, CronInZone> rule) {
        Schedule s;
        s.impl_ = std::make_shared<const Impl>(Impl{trimmed, std::string(zone_name), std::move(rule)});
        return s;
    };
    if (line.starts_with("@once ")) {
        auto at = parse_moment(trim(line.substr(6)), *zone);
        if (!at) return fail(in("@once", std::move(at.error())));
        return made(Once{*at});
    }
    if (line.starts_with("@every")) {
        auto every = parse_every(line.substr(6), *zone);
        if (!every) return fail(std::move(every.error()));
        return made(*every);
    }
    std::string_view expression = line;
    if (line.starts_with("@")) {
        const auto* name = std::find_if(kNames.begin(), kNames.end(), [&](const auto& n) { return n.first == line; });
        if (name == kNames.end())
            return fail(Errc::invalid, fmt::format("'{}' is not a schedule: allowed are \"m h dom mon dow\", @hourly, @daily, @midnight, @weekly, "
                                                   "@monthly, @yearly, @annually, \"@once TIME\" and \"@every INTERVAL from TIME\"",
                                                   printable(line, 60)));
        expression = name->second;
    }
    auto cron = Cron::parse(expression);
    if (!cron) return fail(std::move(cron.error()));
    return made(CronInZone(*cron, *zone));
}

std::optional<Time> Schedule::next_after(Time t) const {
    if (!impl_ || t >= kLastMoment) return std::nullopt;
    const Time from = std::max(t, kFirstMoment - milliseconds(1));
    const auto next = std::visit([&](const auto& rule) { return next_of(rule, from); }, impl_->rule);
    return next && *next <= kLastMoment ? next : std::nullopt;
}

std::optional<Time> Schedule::last_at_or_before(Time t) const {
    if (!impl_ || t < kFirstMoment) return std::nullopt;
    const auto last = std::visit([&](const auto& rule) { return last_of(rule, std::min(t, kLastMoment)); }, impl_->rule);
    return last && *last >= kFirstMoment ? last : std::nullopt;
}

std::optional<milliseconds> Schedule::shortest_period(Time from) const {
    if (!impl_ || std::holds_alternative<Once>(impl_->rule)) return std::nullopt;
    if (const auto* every = std::get_if<Every>(&impl_->rule)) return every->period;
    const auto first = next_after(from);
    const auto second = first ? next_after(*first) : std::nullopt;
    if (!second) return std::nullopt;

    const auto& cron = std::get<CronInZone>(impl_->rule);
    const Time end = from + hours(24 * 366);
    milliseconds shortest = *second - *first;
    if (*second <= end) shortest = std::min<milliseconds>(shortest, shortest_civil(cron, to_seconds(from)));
    // Around each change of the clock the distances are others: the pair across it, and the one after a run moved out of a gap.
    cctz::time_zone::civil_transition change;
    for (Seconds t = to_seconds(from); cron.zone().next_transition(t, &change);) {
        t = cron.zone().lookup(change.to).trans;
        if (to_time(t) > end) break;
        auto a = last_at_or_before(to_time(t) - milliseconds(1));
        for (int i = 0; a && i < 2; ++i) {
            const auto b = next_after(*a);
            if (b) shortest = std::min(shortest, *b - *a);
            a = b;
        }
    }
    return shortest;
}

const std::string& Schedule::text() const {
    static const std::string none;
    return impl_ ? impl_->text : none;
}

const std::string& Schedule::zone() const {
    static const std::string none;
    return impl_ ? impl_->zone : none;
}

}  // namespace bkmon::core
