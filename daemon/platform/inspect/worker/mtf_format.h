#pragma once
#include "daemon/platform/inspect/worker/format.h"

namespace bkmon::inspect {

/// A SQL Server backup: Microsoft Tape Format, or the compressed container (`packed`). Proves its length from head and tail (mtf.h).
std::unique_ptr<Format> mtf_format(bool packed);

}  // namespace bkmon::inspect
