#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/deposits/vault/tree.h"
#include "daemon/history/store.h"
#include "daemon/platform/files/copy.h"

namespace bkmon::deposits {

/// A file of the vault as the history knows it.
struct VaultFile {
    enum class Kind { current, version, held };
    Kind kind = Kind::current;
    TargetId target;
    std::int64_t id = 0;  ///< of its healthy row; 0: held
    std::string path, sha256;
    std::uint64_t size = 0;
    std::optional<Time> backup_at;
    Time read_at{};  ///< when its bytes were last read back and hashed; taking in does that too
    std::optional<Time> damaged_at;
    std::string damage;
};

/// All files that the vault should hold: current ones, replaced ones, held ones.
Result<std::vector<VaultFile>> vault_files_of(history::Reader& r);

/// What reading a file again found.
struct Verified {
    enum class Found {
        whole,        ///< every byte came from the disk and is what was recorded
        damaged,      ///< it is another length, hashes to something else, cannot be read, or is no file any more
        missing,      ///< nothing lies under its name
        moved,        ///< bkmond itself has replaced, moved or removed it meanwhile: nothing is concluded
        unavailable,  ///< the vault or the history cannot be used now: nothing is concluded
        cancelled,
    };
    Found found = Found::unavailable;
    std::uint64_t ino = 0;  ///< of what lies under the name; 0: nothing
    std::string detail;     ///< printable
    bool news = false;      ///< it was whole and is not any more, or the other way round: this was published
    bool bad() const { return found == Found::damaged || found == Found::missing; }
};

namespace disk {

/// Reads the file from the disk, not from the cache as far as the kernel lets go of it, and leaves none of it in the cache. Blocks, for as
/// long as go_on() wants.
Verified verify_file(files::FileOps& ops, const Place& place, const VaultFile& file, const files::GoOn& go_on);

/// Whether what verify_file() found under the name is still what lies there.
Result<bool> still_found(files::FileOps& ops, const Place& place, const std::string& path, std::uint64_t ino);

}  // namespace disk

/// Writes the outcome into the row of the file: when it was read, and what is wrong with it. Nothing when the row is another one now.
history::Store::Work mark_verified(const VaultFile& file, const Verified& verified, Time now);

}  // namespace bkmon::deposits
