#pragma once
#include <functional>
#include <initializer_list>
#include <memory>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "daemon/platform/loop/event_loop.h"

namespace bkmon::loop {

/// Signals as events of the loop. Create it before any thread: it blocks the signals in the calling thread, and new threads inherit that.
/// They stay blocked when it is destroyed, so that a late one cannot kill us.
class SignalWatch {
public:
    /// `caught(signal, pid of the sender or 0)` runs on the loop thread; it may destroy this.
    static Result<std::unique_ptr<SignalWatch>> create(EventLoop& loop, std::initializer_list<int> signals, std::function<void(int, int)> caught);

private:
    SignalWatch() = default;
    void read_one();

    UniqueFd fd_;
    std::shared_ptr<std::function<void(int, int)>> caught_;
    std::unique_ptr<FdWatch> watch_;
};

}  // namespace bkmon::loop
