#include "common/base/time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <limits>
#include <optional>

#include "common/base/text.h"

namespace bkmon {
namespace {

using namespace std::chrono;

milliseconds read_clock(clockid_t id) {
    timespec t{};
    ::clock_gettime(id, &t);
    return duration_cast<milliseconds>(seconds(t.tv_sec) + nanoseconds(t.tv_nsec));
}

class SystemClock final : public Clock {
public:
    Time now() const override { return Time(read_clock(CLOCK_REALTIME)); }
    BootTime boot() const override { return BootTime(read_clock(CLOCK_BOOTTIME)); }
};

bool digit(char c) { return c >= '0' && c <= '9'; }

/// Takes exactly `n` digits off the front.
std::optional<int> take_number(std::string_view& text, std::size_t n) {
    if (text.size() < n) return {};
    int value = 0;
    for (std::size_t i = 0; i < n; ++i) {
        if (!digit(text[i])) return {};
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(n);
    return value;
}

bool take(std::string_view& text, std::string_view any_of) {
    if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<sys_days> take_date(std::string_view& text) {
    const auto y = take_number(text, 4);
    if (!y || !take(text, "-")) return {};
    const auto m = take_number(text, 2);
    if (!m || !take(text, "-")) return {};
    const auto d = take_number(text, 2);
    if (!d) return {};
    const year_month_day date(year(*y), month(static_cast<unsigned>(*m)), day(static_cast<unsigned>(*d)));
    if (!date.ok()) return {};
    return sys_days(date);
}

/// hh:mm:ss with an optional fraction, cut to milliseconds. A leap second counts as the first of the next minute, as POSIX has it.
std::optional<milliseconds> take_time_of_day(std::string_view& text) {
    const auto h = take_number(text, 2);
    if (!h || !take(text, ":")) return {};
    const auto m = take_number(text, 2);
    if (!m || !take(text, ":")) return {};
    const auto s = take_number(text, 2);
    if (!s || *h > 23 || *m > 59 || *s > 60) return {};
    int ms = 0;
    if (take(text, ".")) {
        if (text.empty() || !digit(text.front())) return {};
        for (int scale = 100; !text.empty() && digit(text.front()); scale /= 10, text.remove_prefix(1)) ms += (text.front() - '0') * scale;
    }
    return hours(*h) + minutes(*m) + seconds(*s) + milliseconds(ms);
}

std::optional<minutes> take_offset(std::string_view& text) {
    if (take(text, "Zz")) return minutes(0);
    if (text.empty() || (text.front() != '+' && text.front() != '-')) return {};
    const int sign = text.front() == '-' ? -1 : 1;
    text.remove_prefix(1);
    const auto h = take_number(text, 2);
    if (!h || !take(text, ":")) return {};
    const auto m = take_number(text, 2);
    if (!m || *h > 23 || *m > 59) return {};
    return sign * (hours(*h) + minutes(*m));
}

struct Unit {
    std::string_view name;
    std::int64_t ms;
};
// Largest first: the order in which parts of one duration must stand.
constexpr std::array<Unit, 6> kUnits{{{"w", 604800000}, {"d", 86400000}, {"h", 3600000}, {"min", 60000}, {"s", 1000}, {"ms", 1}}};

Failure bad_duration(std::string_view text, std::string_view why) {
    return fail(Errc::invalid,
                fmt::format("'{}' is not a duration: {} (write it like 90s, 30min, 26h, 7d, 2w or 1h30min)", printable(text, 100), why));
}

}  // namespace

const Clock& system_clock() {
    static const SystemClock clock;
    return clock;
}

std::string rfc3339(Time t) {
    // Four digits are all a year has in RFC 3339; what lies beyond is shown as the nearest moment that can be written.
    constexpr Time kFirst = sys_days(year(0) / 1 / 1);
    constexpr Time kLast = sys_days(year(9999) / 12 / 31) + hours(24) - milliseconds(1);
    t = std::clamp(t, kFirst, kLast);
    const auto midnight = floor<days>(t);
    const year_month_day date(midnight);
    const hh_mm_ss<milliseconds> clock(t - midnight);
    // By hand: half of what `status` of ten thousand targets costs is writing times.
    std::string text = "0000-00-00T00:00:00Z";
    const auto put = [&text](std::size_t at, std::size_t digits, std::int64_t number) {
        for (std::size_t i = at + digits; i-- > at; number /= 10) text[i] = static_cast<char>('0' + number % 10);
    };
    put(0, 4, static_cast<int>(date.year()));
    put(5, 2, static_cast<unsigned>(date.month()));
    put(8, 2, static_cast<unsigned>(date.day()));
    put(11, 2, clock.hours().count());
    put(14, 2, clock.minutes().count());
    put(17, 2, clock.seconds().count());
    if (clock.subseconds().count() != 0) {
        text.replace(19, 1, ".000Z");
        put(20, 3, clock.subseconds().count());
    }
    return text;
}

Result<Time> parse_rfc3339(std::string_view text) {
    std::string_view rest = text;
    const auto bad = [&](std::string_view why) {
        return fail(Errc::invalid, fmt::format("'{}' is not a time: {} (write it like 2026-11-22T03:04:05Z or …+01:00)", printable(text, 100), why));
    };
    const auto date = take_date(rest);
    if (!date) return bad("the date is not YYYY-MM-DD");
    if (!take(rest, "Tt ")) return bad("a T must follow the date");
    const auto time_of_day = take_time_of_day(rest);
    if (!time_of_day) return bad("the time of day is not hh:mm:ss");
    if (rest.empty()) return bad("it has no zone");
    const auto offset = take_offset(rest);
    if (!offset) return bad("the zone is neither Z nor ±hh:mm");
    if (!rest.empty()) return bad("something follows the zone");
    return Time(*date) + *time_of_day - *offset;
}

Result<milliseconds> parse_duration(std::string_view text) {
    if (text.empty()) return bad_duration(text, "it is empty");
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    std::int64_t total = 0;
    std::size_t next_unit = 0;
    for (std::string_view rest = text; !rest.empty();) {
        if (!digit(rest.front())) return bad_duration(text, "a whole number is missing");
        std::int64_t number = 0;
        for (; !rest.empty() && digit(rest.front()); rest.remove_prefix(1)) {
            if (number > (kMost - 9) / 10) return bad_duration(text, "the number is too large");
            number = number * 10 + (rest.front() - '0');
        }
        const auto name = rest.substr(0, std::min(rest.find_first_of("0123456789"), rest.size()));
        if (name.empty()) return bad_duration(text, "a unit is missing");
        const auto* const unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == name; });
        if (unit == kUnits.end()) return bad_duration(text, name == "m" ? "minutes are written min" : "the unit is unknown");
        const auto index = static_cast<std::size_t>(unit - kUnits.begin());
        if (index < next_unit) return bad_duration(text, "larger units come first, each once");
        next_unit = index + 1;
        if (number > (kMost - total) / unit->ms) return bad_duration(text, "it is too long");
        total += number * unit->ms;
        rest.remove_prefix(name.size());
    }
    return milliseconds(total);
}

std::string duration_text(milliseconds d) {
    if (d.count() < 0) return "-" + duration_text(-std::max(d, -milliseconds::max()));
    constexpr std::int64_t kDay = 86400000, kHour = 3600000, kMinute = 60000, kSecond = 1000;
    std::int64_t ms = d.count();
    if (ms == 0) return "0s";
    if (ms % kDay == 0) return fmt::format("{}d", ms / kDay);
    if (ms % kMinute != 0 && ms % kSecond == 0 && ms < 2 * kMinute) return fmt::format("{}s", ms / kSecond);
    if (ms % kSecond != 0 && ms < 2 * kSecond) return fmt::format("{}ms", ms);
    std::string out;
    for (const auto& [name, size] : {Unit{"h", kHour}, Unit{"min", kMinute}, Unit{"s", kSecond}, Unit{"ms", 1}}) {
        if (ms >= size) out += fmt::format("{}{}", ms / size, name);
        ms %= size;
    }
    return out;
}

std::string duration_words(milliseconds d) {
    if (d <= -seconds(1)) return "-" + duration_words(-std::max(d, -milliseconds::max()));
    const std::int64_t s = d.count() / 1000;
    if (s == 0) return "less than 1 s";
    const auto two = [](std::int64_t large, std::string_view large_unit, std::int64_t small, std::string_view small_unit) {
        return small == 0 ? fmt::format("{} {}", large, large_unit) : fmt::format("{} {} {} {}", large, large_unit, small, small_unit);
    };
    if (s >= 86400) return two(s / 86400, "d", s % 86400 / 3600, "h");
    if (s >= 3600) return two(s / 3600, "h", s % 3600 / 60, "min");
    if (s >= 60) return two(s / 60, "min", s % 60, "s");
    return fmt::format("{} s", s);
}

}  // namespace bkmon
