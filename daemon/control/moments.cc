#include "daemon/control/moments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "common/base/text.h"
#include "daemon/core/day.h"
#include "daemon/core/schedule.h"

namespace bkmon::control {

namespace {

/// True when `text` has the pattern's shape: 0 stands for a digit, all else for itself.
bool has_shape(std::string_view text, std::string_view pattern) {
    return text.size() == pattern.size() && std::equal(text.begin(), text.end(), pattern.begin(), [](char c, char p) {
               return p == '0' ? std::isdigit(static_cast<unsigned char>(c)) != 0 : c == p;
           });
}

Result<Time> at_clock(std::string_view hh_mm, std::string_view zone, Time now, Sense sense) {
    auto day = *core::parse_date(core::local_date(now, zone));
    const auto on = [&](std::chrono::sys_days d) { return core::from_civil(fmt::format("{}T{}:00", core::date_text(d), hh_mm), zone); };
    auto t = on(day);
    if (t && sense == Sense::until && *t <= now) t = on(day + std::chrono::days(1));
    if (t && sense != Sense::until && *t > now) t = on(day - std::chrono::days(1));
    return t;
}

}  // namespace

Result<Time> parse_moment(std::string_view text, std::string_view zone, Time now, Sense sense) {
    if (auto t = parse_rfc3339(text)) return *t;
    if (const auto day = core::parse_date(text)) return sense == Sense::to ? core::end_of_day(*day, zone) : core::begin_of_day(*day, zone);
    if (has_shape(text, "00:00"))
        if (auto t = at_clock(text, zone, now, sense)) return t;
    if (has_shape(text, "0000-00-00 00:00") || has_shape(text, "0000-00-00T00:00") || has_shape(text, "0000-00-00 00:00:00") ||
        has_shape(text, "0000-00-00T00:00:00")) {
        const std::string civil = std::string(text.substr(0, 10)) + "T" + std::string(text.substr(11)) + (text.size() == 16 ? ":00" : "");
        if (auto t = core::from_civil(civil, zone)) return t;
    }
    if (const auto d = parse_duration(text); d && *d <= std::chrono::hours(24 * 36500)) return sense == Sense::until ? now + *d : now - *d;
    return fail(Errc::invalid,
                fmt::format("'{}' is no time: give 2026-11-22T13:00:00Z, 2026-11-22, \"2026-11-22 13:00\", 13:00 or a duration like 26h",
                            printable(text, 64)));
}

}  // namespace bkmon::control
