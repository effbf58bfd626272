#include "daemon/platform/loop/clock_watch.h"

#include <sys/timerfd.h>

#include <cerrno>
#include <ctime>
#include <limits>
#include <utility>

namespace bkmon::loop {

Result<std::unique_ptr<ClockWatch>> ClockWatch::create(EventLoop& loop, std::function<void(milliseconds)> jumped) {
    UniqueFd fd(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!fd) return sys_fail("watch the clock: timerfd", errno);
    // Armed for the end of time: only its cancellation is wanted.
    itimerspec when{};
    when.it_value.tv_sec = std::numeric_limits<time_t>::max();
    if (::timerfd_settime(fd.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, nullptr) != 0)
        return sys_fail("watch the clock: timerfd", errno);
    return create_on(std::move(fd), system_clock(), loop, std::move(jumped));
}

Result<std::unique_ptr<ClockWatch>> ClockWatch::create_on(UniqueFd fd, const Clock& clock, EventLoop& loop,
                                                          std::function<void(milliseconds)> jumped) {
    std::unique_ptr<ClockWatch> self(new ClockWatch(clock));
    self->fd_ = std::move(fd);
    self->offset_ = self->offset();
    self->jumped_ = std::make_shared<std::function<void(milliseconds)>>(std::move(jumped));
    self->watch_ = loop.watch(self->fd_.get(), true, false, [raw = self.get()](bool, bool) { raw->on_set(); });
    if (!self->watch_) return fail(Errc::unavailable, "watch the clock: epoll refused the timerfd");
    return self;
}

void ClockWatch::on_set() {
    // ECANCELED is the news; reading it arms the kernel's watch for the next one.
    std::uint64_t expirations = 0;
    if (::read(fd_.get(), &expirations, sizeof expirations) < 0 && errno != ECANCELED) return;
    const auto before = std::exchange(offset_, offset());
    const auto keep = jumped_;
    (*keep)(offset_ - before);
}

}  // namespace bkmon::loop
