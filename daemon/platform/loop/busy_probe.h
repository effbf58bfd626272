#pragma once
#include <array>
#include <chrono>
#include <cstdint>

namespace bkmon::loop {

/// One turn of the loop: everything it did between two waits.
struct Turn {
    std::chrono::microseconds cpu{0};   ///< processor time of the loop thread: what our own code cost
    std::chrono::microseconds wall{0};  ///< from the first callback to the last: with what the machine and the disk cost us
};

/// How long the loop was ever busy. Constant memory: times are counted in steps of at most an eighth of their size.
class BusyProbe {
public:
    void record(const Turn& turn);
    void reset() { *this = BusyProbe(); }

    std::uint64_t turns() const { return turns_; }
    Turn longest() const { return longest_; }  ///< each of the two on its own
    /// The time that a share `q` (0 to 1) of all turns did not exceed, at most an eighth too large. Zero before the first turn.
    Turn quantile(double q) const;

private:
    static constexpr std::size_t kBuckets = 320;
    using Counts = std::array<std::uint64_t, kBuckets>;
    static std::size_t bucket_of(std::chrono::microseconds t);
    static std::chrono::microseconds upper_end(std::size_t bucket);
    std::chrono::microseconds quantile(const Counts& counts, double q) const;

    std::uint64_t turns_ = 0;
    Turn longest_;
    Counts cpu_{}, wall_{};
};

}  // namespace bkmon::loop
