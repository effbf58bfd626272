#pragma once
#include <memory>

#include "daemon/control/parts.h"

namespace bkmon::control {

using CallPtr = std::shared_ptr<Call>;
class EventFeed;

/// The methods of io.bkmon.Targets, one a function.
void handle_status(ControlParts& parts, CallPtr call);
void handle_explain(ControlParts& parts, const CallPtr& call);
void handle_history(ControlParts& parts, CallPtr call);
void handle_report(ControlParts& parts, CallPtr call);
void handle_summary(ControlParts& parts, const CallPtr& call);
void handle_watch(EventFeed& feed, CallPtr call);
void handle_pause(ControlParts& parts, const CallPtr& call);
void handle_resume(ControlParts& parts, const CallPtr& call);

}  // namespace bkmon::control
