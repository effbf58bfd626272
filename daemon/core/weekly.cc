#include "daemon/core/weekly.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/text.h"

namespace bkmon::core {
namespace {

constexpr int kDayMinutes = 24 * 60;
/// Two weeks hold each window at least once, whatever the clock skips, and a day on both sides those that reach over it.
constexpr int kDaysAhead = 16;

const std::vector<std::string> kDays{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};

std::optional<int> day_of(const std::string& word) {
    for (std::size_t i = 0; i < kDays.size(); ++i)
        if (word == kDays[i] || (word.size() == 3 && kDays[i].starts_with(word))) return static_cast<int>(i);
    return {};
}

Failure no_day(const std::string& word) {
    auto near = nearest(word, kDays);
    if (near.empty() && word.size() >= 3) near = nearest(word.substr(0, 3), {"sun", "mon", "tue", "wed", "thu", "fri", "sat"});
    return fail(Errc::invalid, fmt::format("'{}' is no day (mon, tue, … sun){}", printable(word, 40),
                                           near.empty() ? "" : fmt::format(": did you mean '{}'?", near)));
}

Result<std::uint8_t> parse_days(const std::string& text) {
    unsigned days = 0;
    for (const auto& part : split(text, ',')) {
        const auto dash = part.find('-');
        const auto first_word = trim(part.substr(0, dash)), last_word = dash == std::string::npos ? first_word : trim(part.substr(dash + 1));
        const auto first = day_of(first_word), last = day_of(last_word);
        if (!first) return no_day(first_word);
        if (!last) return no_day(last_word);
        for (int day = *first;; day = (day + 1) % 7) {
            days |= 1U << static_cast<unsigned>(day);
            if (day == *last) break;
        }
    }
    return static_cast<std::uint8_t>(days);
}

std::optional<int> parse_minutes(std::string_view text) {
    const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9' ? text[i] - '0' : -1; };
    if (text.size() != 5 || text[2] != ':') return {};
    const int hour = digit(0) * 10 + digit(1), minute = digit(3) * 10 + digit(4);
    if (digit(0) < 0 || digit(1) < 0 || digit(3) < 0 || digit(4) < 0 || minute > 59 || hour * 60 + minute > kDayMinutes) return {};
    return hour * 60 + minute;
}

Result<void> parse_hours(const std::string& text, WeeklyWindow& into) {
    const auto dash = text.find('-');
    const auto from = parse_minutes(std::string_view(text).substr(0, dash));
    const auto until = dash == std::string::npos ? std::nullopt : parse_minutes(std::string_view(text).substr(dash + 1));
    if (!from || !until || *from == kDayMinutes)
        return fail(Errc::invalid, fmt::format("'{}' is no stretch of hours such as 22:00-06:00", printable(text, 40)));
    if (*from == *until) return fail(Errc::invalid, fmt::format("'{}' is empty: for whole days leave the hours out", printable(text, 40)));
    into.from = *from;
    into.until = *until;
    return {};
}

bool begins_on(const WeeklyWindow& w, int weekday) { return ((w.days >> static_cast<unsigned>(weekday)) & 1U) != 0; }

int weekday_of(const cctz::civil_day& day) { return (static_cast<int>(cctz::get_weekday(day)) + 1) % 7; }  // cctz begins with Monday

bool shows(const WeeklyWindow& w, int weekday, int minute) {
    if (w.until > w.from) return begins_on(w, weekday) && minute >= w.from && minute < w.until;
    return (begins_on(w, weekday) && minute >= w.from) || (begins_on(w, (weekday + 6) % 7) && minute < w.until);
}

bool within_schedules(Time t) { return t >= kFirstMoment && t <= kLastMoment; }

/// All moments of the coming weeks at which the answer could change.
std::vector<Time> edges(const std::vector<WeeklyWindow>& windows, const cctz::time_zone& zone, Time t) {
    std::vector<Time> found;
    const auto today = cctz::civil_day(zone.lookup(to_seconds(t)).cs);
    for (int ahead = -1; ahead <= kDaysAhead; ++ahead)
        for (const auto& w : windows)
            for (const int minute : {w.from, w.until}) {
                const auto at = zone.lookup(cctz::civil_minute(today + ahead) + minute);
                for (const auto moment : {at.pre, at.post}) found.push_back(to_time(moment));
            }
    cctz::time_zone::civil_transition change;
    auto from = to_seconds(t);
    const auto end = from + std::chrono::hours(24 * kDaysAhead);
    while (zone.next_transition(from, &change)) {
        const auto next = zone.lookup(change.to).trans;
        if (next <= from || next > end) break;
        from = next;
        found.push_back(to_time(from));
    }
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace

Result<WeeklyWindow> parse_window(std::string_view text) {
    WeeklyWindow window;
    const auto all = lower(trim(text));
    if (all.empty()) return fail(Errc::invalid, "it is empty; write such as \"mon-fri 22:00-06:00\" or \"sat,sun\"");
    const auto hours = std::min(all.find_first_of("0123456789"), all.size());
    if (hours > 0) {
        const auto days = parse_days(all.substr(0, hours));
        if (!days) return fail(Error(days.error()));
        window.days = *days;
    }
    if (hours == all.size()) return window;
    if (auto read = parse_hours(all.substr(hours), window); !read) return fail(std::move(read.error()));
    return window;
}

bool inside(const std::vector<WeeklyWindow>& windows, const cctz::time_zone& zone, Time t) {
    if (windows.empty() || !within_schedules(t)) return false;
    const auto shown = zone.lookup(to_seconds(t)).cs;
    const auto weekday = weekday_of(cctz::civil_day(shown));
    const int minute = shown.hour() * 60 + shown.minute();
    return std::any_of(windows.begin(), windows.end(), [&](const auto& w) { return shows(w, weekday, minute); });
}

std::optional<Time> next_change(const std::vector<WeeklyWindow>& windows, const cctz::time_zone& zone, Time t) {
    if (windows.empty() || !within_schedules(t)) return {};
    const bool now = inside(windows, zone, t);
    for (const auto edge : edges(windows, zone, t))
        if (edge > t && within_schedules(edge) && inside(windows, zone, edge) != now) return edge;
    return {};
}

}  // namespace bkmon::core
