#pragma once
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace bkmon::files {

struct FileStat {
    std::uint64_t dev = 0, ino = 0, size = 0, blocks = 0, nlink = 0;
    std::int64_t mtime_ns = 0, ctime_ns = 0;
    std::uint32_t mode = 0, uid = 0, gid = 0;
    bool is_regular() const { return (mode & 0170000) == 0100000; }
    bool is_directory() const { return (mode & 0170000) == 0040000; }
    bool is_symlink() const { return (mode & 0170000) == 0120000; }
};

struct DirEntry {
    std::string name;         ///< raw bytes, never "." or ".."
};

struct Space {
    std::uint64_t free_bytes = 0, free_inodes = 0;   ///< for an ordinary user
    bool inodes_known = false;
    std::uint64_t total_bytes = 0, total_inodes = 0;  ///< what an ordinary user could ever have
};

/// The only door to files: every call that the promotion's safety rests on, one method a system call, so that a simulated layer can
/// forget what was not fsynced, fail the n-th call, or die at it. Blocking: lanes only. Thread-safe. Paths are relative to a held
/// directory descriptor and resolved with RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS|RESOLVE_NO_MAGICLINKS|RESOLVE_NO_XDEV (openat2);
/// a parent is never looked up twice by name.
class FileOps {
public:
    virtual ~FileOps() = default;

    /// A configured root, by absolute path. Not a symbolic link itself.
    virtual Result<UniqueFd> open_root(const std::string& path) = 0;
    virtual Result<UniqueFd> open_dir(int dir, std::string_view relative) = 0;
    /// O_RDONLY|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC. Errc::denied for links (ELOOP), Errc::busy for a file with a write lease (EAGAIN).
    virtual Result<UniqueFd> open_read(int dir, std::string_view relative) = 0;
    /// New, empty, 0600, read-write; Errc::exists when the name is taken.
    virtual Result<UniqueFd> create(int dir, std::string_view name) = 0;
    virtual Result<void> make_dir(int dir, std::string_view name, std::uint32_t mode) = 0;   ///< Errc::exists when there
    virtual Result<FileStat> stat(int fd) = 0;
    virtual Result<FileStat> stat_at(int dir, std::string_view relative) = 0;                ///< the name itself, no link followed
    /// Up to `limit` names; more: Errc::invalid is not used, `truncated` is set.
    virtual Result<std::vector<DirEntry>> list(int dir, std::size_t limit, bool& truncated) = 0;

    virtual Result<std::size_t> read(int fd, std::span<unsigned char> to, std::uint64_t offset) = 0;   ///< 0 at the end
    virtual Result<void> write(int fd, std::span<const unsigned char> bytes, std::uint64_t offset) = 0;  ///< all of it
    virtual Result<void> allocate(int fd, std::uint64_t size) = 0;       ///< blocks for so many bytes; the length stays what was written; ok where unsupported
    virtual Result<bool> clone(int from, int to) = 0;                    ///< FICLONE; false where unsupported
    virtual Result<void> sync(int fd) = 0;                               ///< fsync of a file or directory; never retried after an error
    virtual Result<void> drop_cache(int fd) = 0;                         ///< POSIX_FADV_DONTNEED
    /// Hints, which may do nothing and never fail: what will be read next, and what was written and may go to the disk already.
    virtual void read_ahead(int fd, std::uint64_t offset, std::uint64_t length) { static_cast<void>(fd), static_cast<void>(offset), static_cast<void>(length); }
    virtual void begin_writing(int fd, std::uint64_t offset, std::uint64_t length) { static_cast<void>(fd), static_cast<void>(offset), static_cast<void>(length); }
    virtual Result<void> set_mode(int fd, std::uint32_t mode) = 0;
    /// Errc::denied for who may not give files away.
    virtual Result<void> set_owner(int fd, std::uint32_t uid, std::uint32_t gid) {
        return static_cast<void>(fd), static_cast<void>(uid), static_cast<void>(gid), Result<void>();
    }
    virtual Result<void> set_attribute(int fd, const std::string& name, const std::string& value) = 0;  ///< xattr; ok where unsupported
    virtual Result<std::string> attribute(int fd, const std::string& name) = 0;                        ///< not_found when absent

    virtual Result<void> exchange(int dir_a, std::string_view a, int dir_b, std::string_view b) = 0;   ///< RENAME_EXCHANGE
    virtual Result<void> rename_new(int dir_a, std::string_view a, int dir_b, std::string_view b) = 0; ///< RENAME_NOREPLACE
    virtual Result<void> unlink(int dir, std::string_view name) = 0;
    virtual Result<void> remove_dir(int dir, std::string_view name) = 0;
    virtual Result<Space> space(int fd) = 0;
    /// F_SETLEASE F_RDLCK and back: true when some process has the file open for writing. Evidence only; false where it may not ask.
    virtual bool being_written(int fd) = 0;
};

enum class Walk;  // resolve.h

/// The real one. Paths are walked by openat2 where this process may call it, else component by component with the same refusals.
std::unique_ptr<FileOps> system_files();
std::unique_ptr<FileOps> system_files(Walk walk);   ///< with the walk given

/// SHA-256 as it goes (OpenSSL EVP, fetched once). Not thread-safe; move only.
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    void update(std::span<const unsigned char> bytes);
    std::string finish();   ///< lower case hex, or empty (equal to no hash) when the library failed; then only destroy
    static std::string of(std::string_view bytes);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace bkmon::files
