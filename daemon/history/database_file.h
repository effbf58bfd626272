#pragma once
#include <memory>
#include <string>

#include "daemon/platform/sql/connection.h"

namespace bkmon::history {

/// The two connections to one history file, checked and brought to the newest schema.
struct DatabaseFile {
    std::unique_ptr<sql::Connection> writer;
    std::unique_ptr<sql::Connection> reader;  ///< read-only
};

/// Opens or makes the file (mode 0640). After an unclean end the tables that decisions rest on are checked whole and the newest rows of
/// the long ones read: what that costs depends on the number of targets, not on the length of the history. Errors say what to do.
/// Blocks on the disk.
Result<DatabaseFile> open_database(const std::string& path);

/// "history '/…/history.db': <cause>; <what to do>".
Error explained(const std::string& path, Error cause);

}  // namespace bkmon::history
