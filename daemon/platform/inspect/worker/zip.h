#pragma once
#include "daemon/platform/inspect/worker/stream.h"

namespace bkmon::inspect {

/// A zip (APPNOTE.TXT 6.3.x, zip64 included) by its central directory: every member's local header, length and CRC; no overlap, nothing
/// after the end record. Dumps (*.sql, or the only member) are looked into.
void inspect_zip(const ReadAt& read, Inquiry& inquiry, Findings& findings);

}  // namespace bkmon::inspect
