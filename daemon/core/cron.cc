#include "daemon/core/cron.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/base/text.h"

namespace bkmon::core {
namespace {

using cctz::civil_day;
using cctz::civil_minute;
using cctz::civil_month;

constexpr int kHorizonYears = 100;  // 29 February on one weekday comes every 28 years, around 2100 every 40

constexpr std::array<std::string_view, 12> kMonths{"january", "february", "march",     "april",   "may",      "june",
                                                   "july",    "august",   "september", "october", "november", "december"};
constexpr std::array<std::string_view, 7> kWeekdays{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};

struct FieldRule {
    std::string_view name;
    int low, high;
    std::span<const std::string_view> names;  // of low, low + 1, …
};
const std::array<FieldRule, 5> kFields{FieldRule{"minute", 0, 59, {}}, FieldRule{"hour", 0, 23, {}}, FieldRule{"day of month", 1, 31, {}},
                                       FieldRule{"month", 1, 12, kMonths}, FieldRule{"day of week", 0, 7, kWeekdays}};

struct Field {
    std::uint64_t bits = 0;
    bool star = false, step = false;
};

struct Word {
    std::string_view text;
    std::size_t column;  // from 1
};

std::vector<Word> words_of(std::string_view text) {
    std::vector<Word> words;
    std::size_t i = 0;
    while (i < text.size()) {
        if (text[i] == ' ' || text[i] == '\t') {
            ++i;
            continue;
        }
        const std::size_t end = std::min(text.find_first_of(" \t", i), text.size());
        words.push_back({text.substr(i, end - i), i + 1});
        i = end;
    }
    return words;
}

/// Reads one field. Every complaint names the field, what is allowed and the column.
class FieldReader {
public:
    FieldReader(const FieldRule& rule, Word word) : rule_(rule), word_(word) {}

    Result<Field> read() {
        std::size_t start = 0;
        for (;;) {
            const std::size_t end = std::min(word_.text.find(',', start), word_.text.size());
            if (auto r = item({word_.text.substr(start, end - start), word_.column + start}); !r) return fail(std::move(r.error()));
            if (end == word_.text.size()) break;
            start = end + 1;
        }
        return field_;
    }

private:
    struct Range {
        int low, high;
    };

    std::string allowed() const {
        if (rule_.names.empty()) return fmt::format("{}..{}", rule_.low, rule_.high);
        return fmt::format("{}..{} or {}..{}", rule_.low, rule_.high, rule_.names.front().substr(0, 3), rule_.names.back().substr(0, 3));
    }
    Failure complain(std::string_view what, std::size_t column) const {
        return fail(Errc::invalid, fmt::format("{}: {} (column {})", rule_.name, what, column));
    }

    Result<void> item(Word word) {
        const std::size_t slash = word.text.find('/');
        const Word base{word.text.substr(0, slash), word.column};
        auto range = range_of(base);
        if (!range) return fail(std::move(range.error()));
        int step = 1;
        if (slash != std::string_view::npos) {
            const Word step_word{word.text.substr(slash + 1), word.column + slash + 1};
            const auto n = number(step_word.text);
            if (!n || *n < 1 || *n > rule_.high)
                return complain(fmt::format("step '{}' is not in 1..{}", printable(step_word.text, 40), rule_.high), step_word.column);
            if (range->low == range->high)
                return complain(fmt::format("a step needs * or a range before it: write {}-{}/{}", range->low, rule_.high, *n), word.column);
            step = *n;
            field_.step = true;
        }
        for (int i = range->low; i <= range->high; i += step) field_.bits |= std::uint64_t{1} << i;
        return {};
    }

    Result<Range> range_of(Word word) {
        if (word.text == "*") {
            field_.star = true;
            return Range{rule_.low, rule_.high == 7 ? 6 : rule_.high};
        }
        const std::size_t dash = word.text.find('-');
        auto low = value({word.text.substr(0, dash), word.column});
        if (!low) return fail(std::move(low.error()));
        if (dash == std::string_view::npos) return Range{*low, *low};
        const Word last{word.text.substr(dash + 1), word.column + dash + 1};
        auto high = value(last);
        if (!high) return fail(std::move(high.error()));
        if (rule_.high == 7 && *high == 0 && *low > 0) *high = 7;  // fri-sun
        if (*high < *low)
            return complain(fmt::format("the range {}-{} runs backwards: write {}-{},{}-{}", *low, *high, *low, rule_.high == 7 ? 6 : rule_.high,
                                        rule_.low, *high),
                            word.column);
        return Range{*low, *high};
    }

    static std::optional<int> number(std::string_view text) {
        if (text.empty() || text.size() > 3) return std::nullopt;
        int n = 0;
        for (const char c : text) {
            if (c < '0' || c > '9') return std::nullopt;
            n = n * 10 + (c - '0');
        }
        return n;
    }

    Result<int> value(Word word) const {
        if (word.text.empty()) return complain(fmt::format("a value is missing; allowed are * and {}", allowed()), word.column);
        auto n = number(word.text);
        if (!n) n = named(word.text);
        if (!n || *n < rule_.low || *n > rule_.high)
            return complain(fmt::format("{} is not in {}", printable(word.text, 40), allowed()), word.column);
        return *n;
    }

    std::optional<int> named(std::string_view text) const {
        for (std::size_t i = 0; i < rule_.names.size(); ++i)
            if (equal_ignoring_case(text, rule_.names[i]) || equal_ignoring_case(text, rule_.names[i].substr(0, 3)))
                return rule_.low + static_cast<int>(i);
        return std::nullopt;
    }

    const FieldRule& rule_;
    Word word_;
    Field field_;
};

int days_in(civil_month month) { return static_cast<int>(civil_day(month + 1) - civil_day(month)); }

/// Sunday is 0.
int weekday_of(civil_day day) { return (static_cast<int>(cctz::get_weekday(day)) + 1) % 7; }

std::optional<int> next_bit(std::uint64_t bits, int from) {
    if (from > 63) return std::nullopt;
    const std::uint64_t rest = bits & (~std::uint64_t{0} << from);
    if (rest == 0) return std::nullopt;
    return std::countr_zero(rest);
}

std::optional<int> last_bit(std::uint64_t bits, int to) {
    if (to < 0) return std::nullopt;
    const std::uint64_t rest = bits & (~std::uint64_t{0} >> (63 - to));
    if (rest == 0) return std::nullopt;
    return 63 - std::countl_zero(rest);
}

}  // namespace

Result<Cron> Cron::parse(std::string_view text) {
    const auto words = words_of(text);
    if (words.size() != kFields.size())
        return fail(Errc::invalid, fmt::format("'{}' has {} fields, 5 are needed: minute hour day-of-month month day-of-week, such as \"0 13 * * *\"",
                                               printable(text, 60), words.size()));
    std::array<Field, 5> fields;
    for (std::size_t i = 0; i < words.size(); ++i) {
        auto field = FieldReader(kFields[i], words[i]).read();
        if (!field) return fail(std::move(field.error()));
        fields[i] = *field;
    }
    Cron cron;
    cron.minutes_ = fields[0].bits;
    cron.hours_ = fields[1].bits;
    cron.days_ = fields[2].bits;
    cron.months_ = fields[3].bits;
    cron.weekdays_ = (fields[4].bits | fields[4].bits >> 7) & 0x7f;
    cron.either_day_ = !fields[2].star && !fields[4].star;
    cron.every_so_often_ = fields[1].star || fields[1].step;
    return cron;
}

bool Cron::matches_day(civil_day day) const {
    if (!has(months_, day.month())) return false;
    const bool dom = has(days_, day.day());
    const bool dow = has(weekdays_, weekday_of(day));
    return either_day_ ? dom || dow : dom && dow;
}

std::optional<civil_day> Cron::day_at_or_after(civil_day day) const {
    for (civil_month month(day), end = month + 12 * kHorizonYears; month <= end; ++month) {
        if (!has(months_, month.month())) continue;
        for (civil_day d = std::max(day, civil_day(month)), stop = civil_day(month) + days_in(month); d < stop; ++d)
            if (matches_day(d)) return d;
    }
    return std::nullopt;
}

std::optional<civil_day> Cron::day_at_or_before(civil_day day) const {
    for (civil_month month(day), end = month - 12 * kHorizonYears; month >= end; --month) {
        if (!has(months_, month.month())) continue;
        for (civil_day d = std::min(day, civil_day(month) + days_in(month) - 1), stop = civil_day(month); d >= stop; --d)
            if (matches_day(d)) return d;
    }
    return std::nullopt;
}

std::optional<civil_minute> Cron::at_or_after(civil_minute m) const {
    const civil_day today(m);
    if (matches_day(today)) {
        if (has(hours_, m.hour()))
            if (const auto minute = next_bit(minutes_, m.minute())) return civil_minute(today.year(), today.month(), today.day(), m.hour(), *minute);
        if (const auto hour = next_bit(hours_, m.hour() + 1))
            return civil_minute(today.year(), today.month(), today.day(), *hour, *next_bit(minutes_, 0));
    }
    const auto day = day_at_or_after(today + 1);
    if (!day) return std::nullopt;
    return civil_minute(*day) + first_minute_of_day();
}

std::optional<civil_minute> Cron::at_or_before(civil_minute m) const {
    const civil_day today(m);
    if (matches_day(today)) {
        if (has(hours_, m.hour()))
            if (const auto minute = last_bit(minutes_, m.minute())) return civil_minute(today.year(), today.month(), today.day(), m.hour(), *minute);
        if (const auto hour = last_bit(hours_, m.hour() - 1))
            return civil_minute(today.year(), today.month(), today.day(), *hour, *last_bit(minutes_, 59));
    }
    const auto day = day_at_or_before(today - 1);
    if (!day) return std::nullopt;
    return civil_minute(*day) + last_minute_of_day();
}

int Cron::first_minute_of_day() const { return *next_bit(hours_, 0) * 60 + *next_bit(minutes_, 0); }

int Cron::last_minute_of_day() const { return *last_bit(hours_, 23) * 60 + *last_bit(minutes_, 59); }

int Cron::shortest_step_of_day() const {
    int shortest = 24 * 60;
    for (auto m = next_bit(minutes_, 0); m;) {
        const auto next = next_bit(minutes_, *m + 1);
        if (next) shortest = std::min(shortest, *next - *m);
        m = next;
    }
    const int over_the_hour = *next_bit(minutes_, 0) - *last_bit(minutes_, 59);
    for (auto h = next_bit(hours_, 0); h;) {
        const auto next = next_bit(hours_, *h + 1);
        if (next) shortest = std::min(shortest, (*next - *h) * 60 + over_the_hour);
        h = next;
    }
    return shortest;
}

}  // namespace bkmon::core
