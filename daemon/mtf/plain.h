#pragma once
#include "daemon/mtf/media.h"

namespace bkmon::mtf {

/// A backup in Microsoft Tape Format whose first block is sound, written by SQL Server.
void read_plain(const View& view, const Seen& seen, const Media& media, Reading& r);

/// Where one more window answers what is open; nullopt: nowhere.
std::optional<std::uint64_t> third_of_plain(const Seen& seen, const Media& media);

}  // namespace bkmon::mtf
