#pragma once
#include <string>
#include <vector>

#include "daemon/deposits/vault/tree.h"

namespace bkmon::deposits::disk {

/// What preparing the vault found.
struct Prepared {
    std::string marker;  ///< the vault's id
    bool fresh = false;  ///< the history does not know it yet: put it there
};

/// Looks at the marker, makes the vault's own folders (0700), and writes a test file. A vault that the history knows none for is marked when
/// its directory is empty but for our own folders, or holds a marker that an interrupted marking left there. Errc::unavailable says what to do.
Result<Prepared> prepare(files::FileOps& ops, const std::string& root, const std::string& known_marker);

/// Marks the vault (`deposits init`): keeps a marker that is there, else writes a new one. Durable. Returns the id.
Result<std::string> mark(files::FileOps& ops, const std::string& root);

}  // namespace bkmon::deposits::disk
