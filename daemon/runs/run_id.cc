#include "daemon/runs/run_id.h"

#include <fmt/format.h>

#include <chrono>

namespace bkmon::runs {
namespace {

constexpr std::uint32_t kTails = 0x10000;
constexpr milliseconds kSmallStep = std::chrono::minutes(1);

}  // namespace

std::string RunIds::next(Time now) {
    if (now > last_ || now < last_ - kSmallStep) {
        last_ = now;
        tail_ = random_() % (kTails / 2);  // room to count upwards within this millisecond
    } else if (++tail_ == kTails) {
        last_ += milliseconds(1);
        tail_ = 0;
    }
    const auto day = std::chrono::floor<std::chrono::days>(last_);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss<milliseconds> time(last_ - day);
    return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}-{:03x}{:04x}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()), time.hours().count(), time.minutes().count(), time.seconds().count(),
                       time.subseconds().count(), tail_);
}

}  // namespace bkmon::runs
