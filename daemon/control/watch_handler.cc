#include "daemon/control/event_feed.h"
#include "daemon/control/targets_handlers.h"

namespace bkmon::control {

void handle_watch(EventFeed& feed, CallPtr call) {
    if (!call->more()) return call->invalid("more", "events come as a stream: call with more");
    const auto kind = call->params().string("kind");
    if (!kind) return call->invalid("kind", kind.error().what);
    const auto after = call->params().integer("after");
    if (!after || after->value_or(0) < 0) return call->invalid("after", "the number of an event, or nothing");
    feed.watch(std::move(call), kind->value_or(""), *after);
}

}  // namespace bkmon::control
