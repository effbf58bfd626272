#pragma once
#include "daemon/platform/inspect/worker/format.h"

namespace bkmon::inspect {

/// A SQLite database file (sqlite.org/fileformat2.html): its header and the length that it says. Pages carry no checksum.
std::unique_ptr<Format> sqlite_file_format();

}  // namespace bkmon::inspect
