#include "daemon/core/zone.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"
#include "daemon/core/schedule.h"

namespace bkmon::core {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// The name becomes a path below the zone database: nothing that leaves it, no "right/" zones (they count leap seconds, bkmon does not).
bool plausible(std::string_view name) {
    if (name.empty() || name.size() > 64 || !is_letter(name.front())) return false;
    if (name == "localtime" || name.starts_with("right/") || name.starts_with("posix/")) return false;
    return std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '+' || c == '/'; });
}

/// "europe/berlin" as the database would spell it.
std::string capitalised(std::string_view name) {
    std::string out = lower(name);
    bool first = true;
    for (char& c : out) {
        if (first && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        first = c == '/' || c == '_' || c == '-';
    }
    return out;
}

cctz::time_zone zone_or_utc(std::string_view name) { return find_zone(name).value_or(cctz::utc_time_zone()); }

/// Reads digits and separators of a fixed pattern, one after the other.
class Digits {
public:
    explicit Digits(std::string_view text) : text_(text) {}
    bool number(std::size_t width, int& out) {
        if (text_.size() - at_ < width) return false;
        out = 0;
        for (std::size_t i = 0; i < width; ++i, ++at_) {
            if (!is_digit(text_[at_])) return false;
            out = out * 10 + (text_[at_] - '0');
        }
        return true;
    }
    bool one_of(std::string_view characters) {
        if (at_ >= text_.size() || characters.find(text_[at_]) == std::string_view::npos) return false;
        ++at_;
        return true;
    }
    /// Digits after a point, cut to milliseconds.
    bool fraction(int& out) {
        std::size_t n = 0;
        out = 0;
        for (int scale = 100; at_ < text_.size() && is_digit(text_[at_]); ++at_, ++n, scale /= 10) out += (text_[at_] - '0') * scale;
        return n > 0;
    }
    bool at_end() const { return at_ == text_.size(); }

private:
    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::optional<cctz::time_zone> find_zone(std::string_view name) {
    cctz::time_zone zone;
    if (!plausible(name) || !cctz::load_time_zone(std::string(name), &zone)) return std::nullopt;
    return zone;
}

Result<cctz::time_zone> require_zone(std::string_view name) {
    if (const auto zone = find_zone(name)) return *zone;
    const std::string better = name == "utc" || name == "gmt" ? (name == "utc" ? "UTC" : "GMT") : capitalised(name);
    const std::string hint = better != name && zone_exists(better) ? fmt::format("did you mean {}?", better) : "such as Europe/Berlin or UTC";
    return fail(Errc::invalid, fmt::format("time zone: '{}' is not a name of the zone database ({})", printable(name, 60), hint));
}

Result<Civil> parse_civil(std::string_view text) {
    const auto wrong = [&](std::string_view what) {
        return fail(Errc::invalid, fmt::format("time: '{}' {}; write it as 2026-01-10T06:00:00", printable(text, 60), what));
    };
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, fraction = 0;
    Digits in(text);
    bool ok = in.number(4, year) && in.one_of("-") && in.number(2, month) && in.one_of("-") && in.number(2, day) && in.one_of("Tt ") &&
              in.number(2, hour) && in.one_of(":") && in.number(2, minute);
    if (ok && in.one_of(":")) {
        ok = in.number(2, second);
        if (ok && in.one_of(".,")) ok = in.fraction(fraction);
    }
    if (!ok || !in.at_end()) return wrong("is not a date and time");
    if (year < 1900) return wrong("is before 1900");
    if (hour > 23 || minute > 59 || second > 59) return wrong("is not a time of day");
    const cctz::civil_second cs(year, month, day, hour, minute, second);  // normalises: 30 February becomes 2 March
    if (cs.month() != month || cs.day() != day) return wrong("is not a day of the calendar");
    return Civil{cs, milliseconds(fraction)};
}

Time resolve(const Civil& civil, const cctz::time_zone& zone) {
    const auto found = zone.lookup(civil.second);
    if (found.kind == cctz::time_zone::civil_lookup::SKIPPED) return to_time(found.trans);
    return to_time(found.pre) + civil.fraction;
}

bool zone_exists(std::string_view zone) { return find_zone(zone).has_value(); }

std::string local_text(Time t, std::string_view zone, bool with_zone) {
    return cctz::format(with_zone ? "%Y-%m-%d %H:%M %Z" : "%Y-%m-%d %H:%M", to_seconds(t), zone_or_utc(zone));
}

std::string local_date(Time t, std::string_view zone) { return cctz::format("%Y-%m-%d", to_seconds(t), zone_or_utc(zone)); }

Result<Time> from_civil(std::string_view yyyy_mm_dd_t_hh_mm_ss, std::string_view zone) {
    auto found = require_zone(zone);
    if (!found) return fail(std::move(found.error()));
    auto civil = parse_civil(yyyy_mm_dd_t_hh_mm_ss);
    if (!civil) return fail(std::move(civil.error()));
    return resolve(*civil, *found);
}

}  // namespace bkmon::core
