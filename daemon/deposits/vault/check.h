#pragma once
#include <optional>
#include <string>

#include "daemon/deposits/arrival/snapshot.h"
#include "daemon/deposits/vault/tree.h"
#include "daemon/history/rows.h"
#include "daemon/platform/files/copy.h"

namespace bkmon::deposits::disk {

/// The last healthy version as the history knows it.
struct OldFile {
    std::string path, sha256;
    std::uint64_t size = 0;
    std::uint64_t damaged_ino = 0;  ///< it is known to be damaged, and this is what lay there: it may be replaced as it is
};

/// What CHECK (promises D3) has to prove before READY may be written.
struct CheckRequest {
    std::string temp_name;  ///< in .tmp, or the path of a held file
    std::string final_path;
    std::string sha256;
    std::uint64_t size = 0;
    std::string target, backup_at;  ///< for the attribute that a lost history is rebuilt from
    std::optional<OldFile> old;
    std::optional<FileIdentity> proven;  ///< what prove() said; a copy that is another one now is proven again
};

struct Checked {
    std::uint64_t temp_ino = 0;
    std::uint64_t old_ino = 0;  ///< of the old version, wherever it lies; 0: there is none on the disk
    bool old_in_place = false;  ///< it lies under the final name
};

/// Syncs a copy in .tmp and hashes what the disk gives back. Errc::corrupt when that is not `sha256`. Returns which file that was.
Result<FileIdentity> prove(files::FileOps& ops, const Place& place, const std::string& temp_name, const std::string& sha256, std::uint64_t size,
                           const files::GoOn& go_on);

/// Proves the copy from the disk itself, seals it, makes the final directory, and recognises the old version.
/// Errc::exists: a file that the history does not know lies under the final name. Errc::corrupt: the disk gave back other bytes.
Result<Checked> check(files::FileOps& ops, const Place& place, const CheckRequest& request, const files::GoOn& go_on);

/// Hashes what lies at `path`: from the disk, not from the cache, as far as the kernel lets go of it. Errc::corrupt when it is not `sha256`.
Result<void> verify(files::FileOps& ops, int root, const std::string& path, const std::string& sha256, std::uint64_t size, const files::GoOn& go_on);

/// Whether the file at `spot` is the recorded one: by its attribute, or by its bytes where it has none.
Result<bool> is_recorded(files::FileOps& ops, const Spot& spot, const std::string& sha256, std::uint64_t size, const files::GoOn& go_on);

}  // namespace bkmon::deposits::disk
