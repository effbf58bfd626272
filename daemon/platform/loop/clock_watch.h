#pragma once
#include <functional>
#include <memory>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "daemon/platform/loop/event_loop.h"

namespace bkmon::loop {

/// Tells when somebody set the wall clock (timerfd on CLOCK_REALTIME with TFD_TIMER_CANCEL_ON_SET), so that what waits for
/// a moment of the day can be reckoned anew. Slewing by NTP is no setting.
class ClockWatch {
public:
    /// `jumped(by)` runs on the loop thread: how far the wall clock moved against the time since boot, negative when it went back.
    /// Zero after a suspend, which the kernel reports as well. It may destroy this.
    static Result<std::unique_ptr<ClockWatch>> create(EventLoop& loop, std::function<void(milliseconds)> jumped);
    /// The same on a descriptor of the caller's that becomes readable at each setting and is read with 8 bytes: for tests, since no
    /// container may set a clock.
    static Result<std::unique_ptr<ClockWatch>> create_on(UniqueFd fd, const Clock& clock, EventLoop& loop, std::function<void(milliseconds)> jumped);

private:
    explicit ClockWatch(const Clock& clock) : clock_(clock) {}
    milliseconds offset() const { return clock_.now().time_since_epoch() - clock_.boot().time_since_epoch(); }
    void on_set();

    const Clock& clock_;
    milliseconds offset_{0};  ///< wall minus boot at the last look
    UniqueFd fd_;
    std::shared_ptr<std::function<void(milliseconds)>> jumped_;
    std::unique_ptr<FdWatch> watch_;
};

}  // namespace bkmon::loop
