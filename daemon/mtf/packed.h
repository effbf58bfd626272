#pragma once
#include "daemon/mtf/bytes.h"

namespace bkmon::mtf {

/// SQL Server's container MSSQLBAK: compressed or encrypted. Nobody documented it: what is said of it is likely at most.
void read_packed(const Seen& seen, Reading& r);

/// With large blocks the first filemark, or the chunk behind it, lies behind the first window.
std::optional<std::uint64_t> third_of_packed(const Seen& seen);

}  // namespace bkmon::mtf
