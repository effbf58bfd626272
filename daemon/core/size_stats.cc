#include "daemon/core/size_stats.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bkmon::core {
namespace {

constexpr std::size_t kWindow = 10;         // the newest healthy backups that count
constexpr double kMadToSigma = 1 / 0.6745;  // of a normal distribution: makes the spread comparable with a standard deviation

double median_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::vector<double> newest(const std::vector<std::uint64_t>& baseline) {
    std::vector<double> values;
    for (std::size_t i = 0; i < std::min(baseline.size(), kWindow); ++i) values.push_back(static_cast<double>(baseline[i]));
    return values;
}

double spread_of(const std::vector<double>& values, double median, const SizeGate& gate) {
    std::vector<double> distances;
    for (const double v : values) distances.push_back(std::abs(v - median));
    return std::max(
        {median_of(std::move(distances)) * kMadToSigma, median * gate.spread_floor_part, static_cast<double>(gate.spread_floor_bytes), 1.0});
}

}  // namespace

SizeJudgement judge_size(std::uint64_t size, const std::vector<std::uint64_t>& baseline, const SizeGate& gate) {
    SizeJudgement j;
    const double x = static_cast<double>(size);
    const std::vector<double> values = newest(baseline);
    j.baseline = values.size();
    j.below_minimum = size < gate.min_size;
    j.held = j.below_minimum;
    if (!gate.enabled || values.size() < kEnoughSizes) return j;

    j.median = median_of(values);
    j.spread = spread_of(values, j.median, gate);
    j.z = (x - j.median) / j.spread;
    double low = 0;
    double high = std::numeric_limits<double>::max();
    if (gate.z > 0) {
        low = std::max(low, j.median - gate.z * j.spread);
        high = std::min(high, j.median + gate.z * j.spread);
    }
    if (gate.floor_factor > 0) low = std::max(low, j.median * gate.floor_factor);
    // A history of empty files has no multiple: there the spread alone speaks.
    if (gate.ceiling_factor > 0 && j.median > 0) high = std::min(high, j.median * gate.ceiling_factor);
    j.lowest = low;
    j.highest = high;
    j.held = j.held || x < low || x > high;
    return j;
}

}  // namespace bkmon::core
