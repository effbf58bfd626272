#pragma once
#include "daemon/mtf/media.h"

namespace bkmon::mtf {

/// The soft filemark that a file ends with. SQL Server writes into each the places of those before it, newest first.
struct End {
    std::uint64_t at = 0;
    std::uint64_t padding = 0;         ///< zeros behind it
    std::vector<std::uint64_t> marks;  ///< newest first
    bool capped = false;               ///< as many as fit: there may be older ones
    bool sound = true;                 ///< its fields can be

    std::uint64_t data_end() const { return marks.empty() ? 0 : marks[0]; }
    /// Two for each backup set: one that ends its data, one that ends the set. 0: unknown, or the last set has not ended.
    std::uint64_t sets() const { return capped || marks.size() % 2 != 0 ? 0 : marks.size() / 2; }
};

/// The filemark at size - block, or in front of the zeros that the file ends with.
std::optional<End> end_of(const Seen& seen, std::uint64_t block);

/// The filemark at the very end has the form that nobody but SQL Server gives it: an array of 64-bit places with room for as many as fit.
bool ends_as_sql_server_writes(const Seen& seen, std::uint64_t block);
bool ends_as_sql_server_writes(const Seen& seen);  ///< whatever its size

/// Where the last set begins: behind the filemark that ended what was before it.
std::optional<std::uint64_t> last_set_of(const End& end, std::uint64_t block);

/// The map of all sets in the file, stream TSMP between the two blocks ESET: its last entry.
struct MapEntry {
    std::uint64_t family = 0, sets = 0;
    std::uint64_t set_at = 0, number = 0;
    Bytes date;
};

/// `first`, `second`: where the blocks ESET are. nullopt: not read to its last entry. `missing`: all was read, and it is not there.
std::optional<MapEntry> last_of_map(const Seen& seen, std::uint64_t first, std::uint64_t second, std::uint64_t unit, bool& missing);

}  // namespace bkmon::mtf
