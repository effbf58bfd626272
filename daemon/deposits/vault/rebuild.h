#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "daemon/deposits/vault/tree.h"
#include "daemon/history/store.h"

namespace bkmon::deposits::disk {

/// What a walk through the vault found of our own making.
struct Rebuilt {
    std::vector<history::HealthyRow> healthy;  ///< sealed by us and hashing to their attribute; newest first for each target
    std::vector<std::string> damaged;          ///< sealed by us, but not what their attribute says; printable paths
};

/// Reads the attributes of every file outside the vault's own folders and hashes those that carry ours: what a lost history can be
/// rebuilt from. Takes as long as reading the vault does.
Result<Rebuilt> find_sealed(files::FileOps& ops, const std::string& root);

}  // namespace bkmon::deposits::disk

namespace bkmon::deposits {

/// Writes the rows of targets that the history knows no current version of. `added` counts them.
Result<void> adopt_sealed(history::Session& s, const std::vector<history::HealthyRow>& rows, int& added);

}  // namespace bkmon::deposits
