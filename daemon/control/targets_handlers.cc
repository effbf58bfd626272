#include "daemon/control/targets_handlers.h"

#include "daemon/control/event_feed.h"

namespace bkmon::control {

void bind_targets(Dispatcher& dispatcher, ControlParts& parts) {
    const auto bind = [&](std::string_view method, auto handler) {
        dispatcher.bind(method, [&parts, handler](CallPtr call) { handler(parts, std::move(call)); });
    };
    bind("io.bkmon.Targets.Status", handle_status);
    bind("io.bkmon.Targets.Explain", handle_explain);
    bind("io.bkmon.Targets.History", handle_history);
    bind("io.bkmon.Targets.Report", handle_report);
    bind("io.bkmon.Targets.Summary", handle_summary);
    bind("io.bkmon.Targets.Pause", handle_pause);
    bind("io.bkmon.Targets.Resume", handle_resume);
    const auto feed = std::make_shared<EventFeed>(parts.loop, parts.store, parts.registry);
    dispatcher.bind("io.bkmon.Targets.Watch", [feed](CallPtr call) { handle_watch(*feed, std::move(call)); });
}

}  // namespace bkmon::control
