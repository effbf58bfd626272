#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "daemon/platform/files/file_ops.h"

namespace bkmon::files {

/// Called between blocks with the bytes done so far; false stops (Errc::cancelled).
using GoOn = std::function<bool(std::uint64_t done)>;

struct Copied {
    std::string sha256;         ///< of what `to` now holds; empty when the length was wrong
    std::uint64_t size = 0;     ///< bytes copied: never more than were claimed
    bool length_right = false;  ///< the source had exactly the claimed bytes and then its end
    bool cloned = false;
};

/// Which file an error came from: a disk that cannot be read is another problem than one that cannot be written.
enum class Side { source, copy };

/// Copies exactly `size` bytes and hashes them: a clone where the file system can share blocks, and then the clone is what is hashed;
/// else one pass read, hash, write. `before_write` runs once after cloning was not possible, before the first byte is written:
/// the place to look for room; its error ends the copy. `begun` runs once, when somebody may start to read the copy: all of it is there (a clone),
/// or it grows from its beginning and what is there never changes. `blame` is set with an error. Blocks.
Result<Copied> copy_hashed(FileOps& ops, int from, int to, std::uint64_t size, const std::function<Result<void>()>& before_write,
                           const std::function<void()>& begun, const GoOn& go_on, Side& blame);

/// SHA-256 of exactly `size` bytes and then the end; Errc::corrupt when the file has another length. Blocks.
Result<std::string> hash_file(FileOps& ops, int fd, std::uint64_t size, const GoOn& go_on);

}  // namespace bkmon::files
