#pragma once
#include "daemon/platform/inspect/worker/kind.h"

namespace bkmon::inspect {

/// Bytes that nothing can be asked of; that all of them are zero is noticed.
std::unique_ptr<Format> opaque_format(Kind kind);

}  // namespace bkmon::inspect
