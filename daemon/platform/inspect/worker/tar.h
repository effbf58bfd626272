#pragma once
#include "daemon/platform/inspect/worker/format.h"

namespace bkmon::inspect {

/// True when the first 512 bytes are a tar header with its right checksum.
bool is_tar_header(Bytes block);

/// Structure only (POSIX.1-2001 pax, ustar, GNU): every header's checksum, every member's length, the end of two zero blocks.
/// A tar has no checksum of its members' bytes.
std::unique_ptr<Format> tar_format();

}  // namespace bkmon::inspect
