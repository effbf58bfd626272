#pragma once
// The inventory as a file. Private to this room; blocks.
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "daemon/platform/files/file_ops.h"

namespace bkmon::outlets {

/// At most `most` bytes of a plain file. Errors say why, without its name: not_found, denied (symbolic links too), invalid (no plain file),
/// no_space (larger), busy (somebody writes it, or it changed meanwhile).
Result<std::string> read_whole(files::FileOps& ops, const std::string& file, std::size_t most);

/// InventorySource::write().
Result<void> replace_whole(files::FileOps& ops, const std::string& file, std::string_view bytes);

}  // namespace bkmon::outlets
