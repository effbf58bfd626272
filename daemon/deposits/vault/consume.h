#pragma once
#include <string>

#include "daemon/deposits/arrival/snapshot.h"
#include "daemon/platform/files/file_ops.h"

namespace bkmon::deposits::disk {

/// Takes a judged file out of a deposit folder, when it still is the one that was judged. Also ends what an interrupted earlier call left
/// there. Errc::denied: it may not, nothing was changed. Errc::busy: another file now.
Result<void> consume(files::FileOps& ops, const std::string& deposit_root, const std::string& agent, const std::string& folder,
                     const std::string& file, const FileIdentity& id);

}  // namespace bkmon::deposits::disk
