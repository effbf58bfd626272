#include "ctl/commands/times.h"

#include <fmt/format.h>

#include <charconv>
#include <ctime>
#include <optional>

#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

/// The whole text by one format of strptime, in the local zone.
std::optional<Time> by_format(const std::string& text, const char* format) {
    std::tm parts{};
    const char* const end = ::strptime(text.c_str(), format, &parts);
    if (end == nullptr || *end != '\0') return std::nullopt;
    const int day = parts.tm_mday;
    parts.tm_isdst = -1;
    const std::time_t t = std::mktime(&parts);
    // mktime turns 30 February into 2 March: refuse what it had to change.
    if (t == -1 || parts.tm_mday != day) return std::nullopt;
    return std::chrono::sys_seconds(seconds(t));
}

Time local_midnight(Time t, int days_on) {
    const std::time_t since = std::chrono::floor<seconds>(t).time_since_epoch().count();
    std::tm parts{};
    ::localtime_r(&since, &parts);
    parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
    parts.tm_mday += days_on;
    parts.tm_isdst = -1;
    return std::chrono::sys_seconds(seconds(std::mktime(&parts)));
}

}  // namespace

Outcome<Time> read_moment(std::string_view option, const std::string& text, Direction direction, Time now) {
    if (const auto exact = parse_rfc3339(text)) return *exact;
    if (text == "now") return now;
    if (text == "today") return local_midnight(now, 0);
    if (text == "yesterday") return local_midnight(now, -1);
    if (text == "tomorrow") return local_midnight(now, 1);
    for (const char* format : {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"}) {
        if (const auto t = by_format(text, format)) return *t;
    }
    if (const auto span = parse_duration(text)) return direction == Direction::back ? now - *span : now + *span;
    return refuse(kUsage, "usage",
                  fmt::format("{}: '{}' is no time; write 2026-11-22, '2026-11-22 03:04', 2026-11-22T03:04:05Z, yesterday or a duration like 3d",
                              option, text));
}

Outcome<std::string> read_day(std::string_view option, const std::string& text, Time now) {
    const auto t = read_moment(option, text, Direction::back, now);
    if (!t) return Refusal(t.error());
    return local_time(*t).substr(0, 10);
}

Outcome<std::int64_t> read_number(std::string_view option, const std::string& text, std::int64_t least) {
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc() || end != text.data() + text.size() || n < least) {
        return refuse(kUsage, "usage", fmt::format("{}: '{}' is no whole number of at least {}", option, text, least));
    }
    return n;
}

}  // namespace bkmon::ctl
