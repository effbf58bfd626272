#pragma once
#include "daemon/platform/inspect/worker/format.h"

namespace bkmon::inspect {

/// What can be read and proven of a backup in Microsoft Tape Format from its head, its tail and the start of its last set.
/// Format: Microsoft Tape Format Specification 1.00a rev. 1.8, with what SQL Server does differently (array of 64-bit byte offsets in its
/// soft filemarks, configuration stream MQCI with the records SCIN, SFGI, SFIN).
struct MtfView {
    Bytes head;  ///< from byte 0
    Bytes tail;  ///< the last bytes; ends at `size`
    std::uint64_t size = 0;
    Bytes first_set, last_set;  ///< from the first and the last SSET block seen; empty when there was none
    std::uint64_t first_set_at = 0, last_set_at = 0;
    std::span<const std::uint64_t> marks;  ///< offsets of all soft filemarks seen, rising
};

inline constexpr std::size_t kMtfHeader = 52;
inline constexpr std::size_t kMtfStep = 512;  ///< blocks begin at multiples of it

/// True when a block of this type begins here and its header checksum (XOR of its first 25 words) holds.
bool mtf_block(Bytes at, std::string_view type);

void judge_mtf(const MtfView& view, Findings& findings);

/// The compressed container `MSSQLBAK`: names are not in clear; its soft filemarks are, so its end is likely known.
void judge_mssql_packed(const MtfView& view, Findings& findings);

}  // namespace bkmon::inspect
