#include "daemon/core/day.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "daemon/core/schedule.h"

namespace bkmon::core {
namespace {

int number(std::string_view digits) {
    int n = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), n);
    return n;
}

}  // namespace

std::optional<std::chrono::sys_days> parse_date(std::string_view text) {
    using namespace std::chrono;
    constexpr std::string_view kShape = "0000-00-00";
    const auto fits = [](char c, char shape) { return shape == '0' ? std::isdigit(static_cast<unsigned char>(c)) != 0 : c == shape; };
    if (text.size() != kShape.size() || !std::equal(text.begin(), text.end(), kShape.begin(), fits)) return std::nullopt;
    const year_month_day date{year(number(text.substr(0, 4))), month(static_cast<unsigned>(number(text.substr(5, 2)))),
                              day(static_cast<unsigned>(number(text.substr(8, 2))))};
    if (!date.ok()) return std::nullopt;
    return sys_days(date);
}

std::string date_text(std::chrono::sys_days day) {
    const std::chrono::year_month_day date(day);
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

Result<Time> begin_of_day(std::chrono::sys_days day, std::string_view zone) { return from_civil(date_text(day) + "T00:00:00", zone); }

Result<Time> end_of_day(std::chrono::sys_days day, std::string_view zone) {
    auto next = begin_of_day(day + std::chrono::days(1), zone);
    if (next) *next -= milliseconds(1);
    return next;
}

}  // namespace bkmon::core
