#pragma once
#include "daemon/mtf/bytes.h"

namespace bkmon::mtf {

/// What does not begin as a backup of SQL Server does: zeros, random bytes, a backup that lost its beginning, another format.
void read_other(const Seen& seen, Reading& r);

}  // namespace bkmon::mtf
