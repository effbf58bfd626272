#pragma once
#include "daemon/platform/inspect/worker/format.h"

namespace bkmon::inspect {

/// pg_dump --format=custom (magic PGDMP), archive versions 1.12 to 1.16 (PostgreSQL 9.0 to 18), as pg_backup_archiver.c and
/// pg_backup_custom.c write it: header, table of contents, then one block of chunks per table, walked to the last byte. The chunks'
/// content is not unpacked. Other versions and layouts: read, but not proven.
std::unique_ptr<Format> pg_custom_format();

}  // namespace bkmon::inspect
