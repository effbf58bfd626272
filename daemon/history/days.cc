#include "daemon/history/days.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <tuple>

#include "common/base/time.h"

namespace bkmon::history {

std::int64_t cycle_key(const core::Verdict& verdict) { return verdict.due ? to_ms(*verdict.due) : 0; }

bool outweighs(const core::Verdict& a, const core::Verdict& b) {
    const auto weight = [](const core::Verdict& v) {
        return std::tuple(v.status != core::Status::paused, !core::is_good(v.status), v.severity, cycle_key(v));
    };
    return weight(a) > weight(b);
}

std::string days_before(const std::string& date, int days) {
    const auto number = [&](std::size_t from, std::size_t length) {
        int n = -1;
        if (date.size() == 10) std::from_chars(date.data() + from, date.data() + from + length, n);
        return n;
    };
    const std::chrono::year_month_day day{std::chrono::year(number(0, 4)), std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                          std::chrono::day(static_cast<unsigned>(number(8, 2)))};
    if (!day.ok()) return date;
    const std::chrono::year_month_day before{std::chrono::sys_days(day) - std::chrono::days(days)};
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(before.year()), static_cast<unsigned>(before.month()),
                       static_cast<unsigned>(before.day()));
}

}  // namespace bkmon::history
