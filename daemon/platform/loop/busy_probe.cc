#include "daemon/platform/loop/busy_probe.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace bkmon::loop {

using std::chrono::microseconds;

// Below 16 each microsecond has its bucket; above, each power of two has eight.
std::size_t BusyProbe::bucket_of(microseconds t) {
    const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(t.count(), 0));
    if (us < 16) return us;
    const auto power = static_cast<std::size_t>(std::bit_width(us)) - 1;
    return std::min(16 + (power - 4) * 8 + ((us >> (power - 3)) & 7U), kBuckets - 1);
}

microseconds BusyProbe::upper_end(std::size_t bucket) {
    if (bucket < 16) return microseconds(bucket);
    const std::size_t power = 4 + (bucket - 16) / 8, part = (bucket - 16) % 8;
    return microseconds(((9 + part) << (power - 3)) - 1);
}

void BusyProbe::record(const Turn& turn) {
    ++turns_;
    longest_.cpu = std::max(longest_.cpu, turn.cpu);
    longest_.wall = std::max(longest_.wall, turn.wall);
    ++cpu_[bucket_of(turn.cpu)];
    ++wall_[bucket_of(turn.wall)];
}

microseconds BusyProbe::quantile(const Counts& counts, double q) const {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(turns_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        seen += counts[i];
        if (seen != 0 && seen >= wanted) return upper_end(i);
    }
    return microseconds(0);
}

Turn BusyProbe::quantile(double q) const { return {std::min(quantile(cpu_, q), longest_.cpu), std::min(quantile(wall_, q), longest_.wall)}; }

}  // namespace bkmon::loop
