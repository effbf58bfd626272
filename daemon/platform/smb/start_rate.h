#pragma once
#include <string>

#include "common/base/time.h"

namespace bkmon::smb {

/// When the next worker may be started: as many at once as there may be, then kStartsPerSecond; after one that did not start, longer and longer
/// not at all. Pure but for the clock, which outlives it.
class StartRate {
public:
    static constexpr int kStartsPerSecond = 25;
    static constexpr int kTries = 3;  ///< failures in a row, then it is hopeless for the moment
    static constexpr milliseconds kFirstPause{100}, kLongestPause{30'000};

    explicit StartRate(const Clock& clock) : clock_(clock), refilled_(clock.boot()) {}

    /// How long to wait for the next; zero: now. `at_once`: how many there may be.
    milliseconds pause(int at_once);
    void started() { tokens_ -= 1; }
    /// Within a pause only the reason counts. `why`: printable. `lasting`: trying again at once will not help.
    void failed(std::string why, bool lasting);
    /// One that was started did what it is for.
    void works() { failures_ = 0; }

    /// True until one of those started after a failure works: no need to try with many.
    bool on_trial() const { return failures_ > 0; }
    /// True while it is better to tell those who wait than to let them wait: why() says what.
    bool hopeless() const { return failures_ >= kTries && clock_.boot() < next_try_; }
    const std::string& why() const { return why_; }

private:
    const Clock& clock_;
    double tokens_ = kStartsPerSecond;
    int at_once_ = 0;
    BootTime refilled_;
    int failures_ = 0;
    BootTime next_try_{};
    std::string why_;
};

}  // namespace bkmon::smb
