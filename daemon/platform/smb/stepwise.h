#pragma once
#include <memory>
#include <utility>

#include "daemon/platform/loop/event_loop.h"

namespace bkmon::smb {

/// What works in steps, each in a task of its own: the loop serves others between two. `Core` derives from it, has step() and is held by a
/// shared_ptr. Loop thread only.
template <class Core>
class Stepwise : public std::enable_shared_from_this<Core> {
protected:
    explicit Stepwise(loop::EventLoop& loop) : loop_(loop) {}
    ~Stepwise() = default;

    /// step() once, however often it is asked for until then; not at all when this is closed or gone by then.
    void soon() {
        if (std::exchange(step_posted_, true)) return;
        static_cast<void>(loop_.post([weak = this->weak_from_this()] {
            const auto self = weak.lock();
            if (!self || self->closed_) return;
            self->step_posted_ = false;
            self->step();
        }));
    }

    loop::EventLoop& loop_;
    bool closed_ = false;

private:
    bool step_posted_ = false;
};

}  // namespace bkmon::smb
