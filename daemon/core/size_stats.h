#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bkmon::core {

/// Thresholds of the size gate. Sources: modified z-score after Iglewicz & Hoaglin (0.6745 (x - median) / MAD).
struct SizeGate {
    double z = 6.0;               ///< |modified z| above this holds
    double floor_factor = 0.5;    ///< below this part of the median holds, whatever z says; 0 switches it off
    double ceiling_factor = 5.0;  ///< above this multiple holds; 0 switches it off
    std::uint64_t min_size = 0;   ///< absolute floor in bytes
    std::uint64_t spread_floor_bytes = 64 * 1024;
    double spread_floor_part = 0.10;  ///< of the median
    bool enabled = true;
};

/// So many sizes the band needs: fewer say nothing about what is usual.
inline constexpr std::size_t kEnoughSizes = 5;

struct SizeJudgement {
    bool held = false;
    bool below_minimum = false;
    double median = 0, spread = 0, z = 0;  ///< as used; 0 with fewer than kEnoughSizes in the baseline, or with the band switched off
    std::size_t baseline = 0;              ///< how many of the history counted
    double lowest = 0, highest = 0;        ///< the band in bytes, both ends good; 0 where there is no band
};

/// The spread is 1.4826 x MAD (comparable with a standard deviation), but at least the two floors; z = (size - median) / spread.
/// `gate.min_size` speaks always, also with `enabled` false, which switches off the band.
/// `baseline`: sizes of the last healthy backups, newest first; the first 10 count, from kEnoughSizes on the band speaks.
SizeJudgement judge_size(std::uint64_t size, const std::vector<std::uint64_t>& baseline, const SizeGate& gate);

}  // namespace bkmon::core
