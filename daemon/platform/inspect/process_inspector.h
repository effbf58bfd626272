#pragma once
#include <memory>
#include <string>

#include "daemon/platform/inspect/inspector.h"
#include "daemon/platform/loop/child.h"
#include "daemon/platform/loop/event_loop.h"

namespace bkmon::inspect {

/// Starts `executable` (bkmon-inspect) for each request. A child that cannot be started, dies, says too much or something else than
/// Findings, or runs out of time gives `not_inspected` with code inspection_failed, the first with not_started. `runner` and `loop` outlive it; it
/// may die before its jobs.
std::unique_ptr<Inspector> make_process_inspector(loop::ChildRunner& runner, loop::EventLoop& loop, std::string executable);

}  // namespace bkmon::inspect
