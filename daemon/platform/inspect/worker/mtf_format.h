#pragma once
#include "daemon/platform/inspect/worker/format.h"

namespace bkmon::inspect {

/// A SQL Server backup: Microsoft Tape Format, or the compressed container (`packed`). Judged as daemon/mtf judges its ends, and by each
/// soft filemark on the way.
std::unique_ptr<Format> mtf_format(bool packed);

}  // namespace bkmon::inspect
