#pragma once
#include "daemon/control/dispatcher.h"
#include "daemon/history/store.h"
#include "daemon/platform/journal/journal.h"
#include "daemon/platform/loop/event_loop.h"

namespace bkmon::control {

/// Has the dispatcher's audit written to the history and to the journal. Refusals beyond some per user and minute are counted, not written.
/// All three must outlive the dispatcher's use.
void record_audit(Dispatcher& dispatcher, loop::EventLoop& loop, history::Store& store, journal::Journal& journal);

}  // namespace bkmon::control
