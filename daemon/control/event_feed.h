#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/control/dispatcher.h"
#include "daemon/history/store.h"
#include "daemon/platform/loop/event_loop.h"
#include "daemon/targets/registry.h"

namespace bkmon::control {

/// One event as `watch` sends it.
struct FeedEvent {
    std::int64_t seq = 0;
    std::string target, what;  ///< target: empty for none; what: the target that a run is about, as it says
    std::string kind;          ///< of the target
    std::string reply;         ///< the whole reply
};

/// The events of the history, handed to everybody who watches: one reader for all of them, which looks when a verdict changed and else
/// once a second, and only while somebody watches. Each watcher has its own place: a slow one is sent what it missed later. Loop thread only.
class EventFeed {
public:
    EventFeed(loop::EventLoop& loop, history::Store& store, targets::Registry& registry);
    ~EventFeed();
    EventFeed(const EventFeed&) = delete;
    EventFeed& operator=(const EventFeed&) = delete;

    /// Streams to the call until its client leaves: events after `after`, or from now on. `kind`: only of such targets; empty: all.
    void watch(std::shared_ptr<Call> call, std::string kind, std::optional<std::int64_t> after);
    std::size_t watchers() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace bkmon::control
