#pragma once
#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "daemon/platform/loop/event_loop.h"

namespace bkmon::loop {

/// step(i) for each i below `count`, at most `at_once` in one turn of the loop, then done(). The first slice runs at once, so that a few are
/// over when this returns. When `owner` dies in between, nothing more runs. Loop thread only.
template <class Step, class Done>
void in_slices(EventLoop& loop, std::weak_ptr<const void> owner, std::size_t count, std::size_t at_once, Step step, Done done, std::size_t from = 0) {
    const auto end = std::min(count, from + std::max<std::size_t>(at_once, 1));
    for (std::size_t i = from; i < end; ++i) step(i);
    if (end == count) return done();
    static_cast<void>(
        loop.post(Task([&loop, owner = std::move(owner), count, at_once, step = std::move(step), done = std::move(done), end]() mutable {
            if (!owner.expired()) in_slices(loop, std::move(owner), count, at_once, std::move(step), std::move(done), end);
        })));
}

}  // namespace bkmon::loop
