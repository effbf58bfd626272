#include "daemon/history/days.h"

#include <tuple>

#include "common/base/time.h"
#include "daemon/core/day.h"

namespace bkmon::history {

std::int64_t cycle_key(const core::Verdict& verdict) { return verdict.due ? to_ms(*verdict.due) : 0; }

bool outweighs(const core::Verdict& a, const core::Verdict& b) {
    const auto weight = [](const core::Verdict& v) {
        return std::tuple(v.status != core::Status::paused, !core::is_good(v.status), v.severity, cycle_key(v));
    };
    return weight(a) > weight(b);
}

std::string days_before(const std::string& date, int days) {
    const auto day = core::parse_date(date);
    return day ? core::date_text(*day - std::chrono::days(days)) : date;
}

}  // namespace bkmon::history
