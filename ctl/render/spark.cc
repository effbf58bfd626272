#include "ctl/render/spark.h"

#include <algorithm>

#include "ctl/render/paint.h"

namespace bkmon::ctl {

namespace {

constexpr const char* kMarks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

/// Full height only when everything was good, and never nothing at all when something was due.
const char* mark_of(const SparkDay& day) {
    if (day.total == 0) return "·";
    if (day.good >= day.total) return kMarks[7];
    return kMarks[std::clamp<std::int64_t>(day.good * 7 / day.total, 0, 6)];
}

Tone tone_of_day(const SparkDay& day) {
    if (day.total == 0) return Tone::dim;
    if (day.good >= day.total) return Tone::good;
    return day.good * 10 >= day.total * 9 ? Tone::warning : Tone::critical;
}

}  // namespace

Spark spark(const Terminal& terminal, const std::vector<SparkDay>& days, std::size_t most) {
    Spark out;
    if (most == 0) return out;
    out.each = std::max<std::size_t>((days.size() + most - 1) / most, 1);
    for (std::size_t i = 0; i < days.size(); i += out.each) {
        SparkDay sum;
        for (std::size_t k = i; k < std::min(i + out.each, days.size()); ++k) {
            sum.good += days[k].good;
            sum.total += days[k].total;
        }
        out.text += paint(terminal, tone_of_day(sum), mark_of(sum));
    }
    return out;
}

}  // namespace bkmon::ctl
