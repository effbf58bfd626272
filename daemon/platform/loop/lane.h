#pragma once
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "common/base/task.h"
#include "daemon/platform/loop/event_loop.h"

namespace bkmon::loop {

/// A queue with a few threads of its own for work that may block: one lane per file system or remote peer, so that a hung one
/// holds only itself. Work never waits for the store, the loop or a child.
class Lane {
public:
    virtual ~Lane() = default;
    /// Any thread. Work queued after stop has begun is destroyed unrun.
    virtual void run(std::function<void(std::stop_token)> work) = 0;
};

/// Runs work(stop) on the lane, then done(result) on the loop thread, unless `owner` died meanwhile: owners die on the loop
/// thread, so this cannot race. Work and done may own move-only things.
template <class Work, class Done>
void submit(Lane& lane, EventLoop& loop, std::weak_ptr<const void> owner, Work work, Done done) {
    auto state = std::make_shared<std::pair<Work, Done>>(std::move(work), std::move(done));
    lane.run([&loop, owner = std::move(owner), state](std::stop_token stop) mutable {
        auto result = std::make_shared<decltype(state->first(stop))>(state->first(stop));
        static_cast<void>(loop.post(Task([owner = std::move(owner), state = std::move(state), result]() mutable {
            if (!owner.expired()) state->second(std::move(*result));
        })));
    });
}

}  // namespace bkmon::loop
