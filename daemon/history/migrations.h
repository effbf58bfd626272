#pragma once
#include <span>
#include <string_view>

#include "daemon/platform/sql/connection.h"

namespace bkmon::history {

/// Marks a database file as ours ("bkmn"): PRAGMA application_id.
inline constexpr std::int64_t kApplicationId = 0x626b6d6e;

struct Migration {
    int version = 0;       ///< PRAGMA user_version once it is in
    std::string_view sql;  ///< NUL-terminated script
};

/// Numbered from 1 without a gap. One that was released is never edited: a test pins each by its digest.
std::span<const Migration> migrations();

/// The schema's version, 0 for a new file. Errc::invalid for a database of somebody else and for a version beyond `known`. Only reads.
Result<int> schema_version(sql::Connection& connection, int known);

/// Brings the schema up to the last of `steps`, each in a transaction of its own. Refuses what
/// schema_version() refuses, untouched.
Result<void> migrate(sql::Connection& connection, std::span<const Migration> steps);

}  // namespace bkmon::history
