#include "daemon/platform/smb/start_rate.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace bkmon::smb {

milliseconds StartRate::pause(int at_once) {
    const auto now = clock_.boot();
    if (now < next_try_) return next_try_ - now;
    tokens_ += static_cast<double>((now - refilled_).count()) * kStartsPerSecond / 1000 + std::max(0, at_once - at_once_);
    tokens_ = std::min(tokens_, static_cast<double>(std::max(at_once, kStartsPerSecond)));
    refilled_ = now;
    at_once_ = at_once;
    if (tokens_ >= 1) return milliseconds(0);
    return milliseconds(static_cast<std::int64_t>(std::ceil((1 - tokens_) * 1000 / kStartsPerSecond)));
}

void StartRate::failed(std::string why, bool lasting) {
    why_ = std::move(why);
    if (lasting) failures_ = std::max(failures_, kTries);
    if (clock_.boot() < next_try_) return;
    ++failures_;
    next_try_ = clock_.boot() + std::min(kLongestPause, kFirstPause * (1 << std::min(failures_, 10)));
}

}  // namespace bkmon::smb
