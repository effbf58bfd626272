#pragma once
#include <string>

#include "daemon/deposits/arrival/snapshot.h"
#include "daemon/platform/files/file_ops.h"

namespace bkmon::deposits::disk {

/// Takes a judged file out of a deposit folder, when it still is the one that was judged. Also ends what an interrupted earlier call left
/// there. Errc::denied: it may not. Errc::busy: another file now. After any other error too the file may have the name it is given before it goes:
/// finish_consumed() removes it.
Result<void> consume(files::FileOps& ops, const std::string& deposit_root, const std::string& agent, const std::string& folder,
                     const std::string& file, const FileIdentity& id);

/// Removes what consume() had renamed there when a crash came. What cannot be removed now is found again with the next look.
void finish_consumed(files::FileOps& ops, const std::string& deposit_root, const std::string& agent, const std::string& folder);

}  // namespace bkmon::deposits::disk
