#pragma once
#include <string>

#include "ctl/commands/interrupt.h"
#include "ctl/commands/session.h"

namespace bkmon::ctl {

/// Follows a run until its end and says how it ended: kDone only for "done". Goes on by sequence number when the connection drops. With
/// --json one object per change. Interrupted: says how to follow again, kFailed.
int follow_run(Session& session, const std::string& run, const Interrupt& interrupt);

/// What is said on Ctrl-C.
int detached(Session& session, const std::string& run);

/// One sentence on stdout about the end, or the error; the exit code.
int say_end(Session& session, const protocol::Params& run);

}  // namespace bkmon::ctl
