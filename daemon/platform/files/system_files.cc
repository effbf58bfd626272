#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "common/base/c_ptr.h"
#include "common/base/text.h"
#include "daemon/platform/files/file_ops.h"
#include "daemon/platform/files/resolve.h"

namespace bkmon::files {
namespace {

FileStat from_kernel(const struct stat& st) {
    FileStat out;
    out.dev = st.st_dev;
    out.ino = st.st_ino;
    out.size = static_cast<std::uint64_t>(st.st_size);
    out.blocks = static_cast<std::uint64_t>(st.st_blocks);
    out.nlink = st.st_nlink;
    out.mtime_ns = std::int64_t{st.st_mtim.tv_sec} * 1'000'000'000 + st.st_mtim.tv_nsec;
    out.ctime_ns = std::int64_t{st.st_ctim.tv_sec} * 1'000'000'000 + st.st_ctim.tv_nsec;
    out.mode = st.st_mode;
    out.uid = st.st_uid;
    out.gid = st.st_gid;
    return out;
}

/// Repeats a call that a signal interrupted. Not for fsync and close: after an error their effect is unknown.
template <class Call>
auto restart(Call call) {
    for (;;) {
        const auto n = call();
        if (n >= 0 || errno != EINTR) return n;
    }
}

bool unsupported(int error) { return error == EOPNOTSUPP || error == ENOSYS || error == ENOTTY; }

std::string quoted(std::string_view verb, std::string_view name) { return std::string(verb) + " '" + printable(name) + "'"; }

class SystemFiles final : public FileOps {
public:
    explicit SystemFiles(Walk walk) : walk_(walk) {}

    Result<UniqueFd> open_root(const std::string& path) override {
        if (path.empty() || path.front() != '/' || path.find('\0') != std::string::npos)
            return fail(Errc::invalid, quoted("open", path) + ": not an absolute path");
        std::string bare = path;
        while (bare.size() > 1 && bare.back() == '/') bare.pop_back();  // "link/" would follow the link in spite of O_NOFOLLOW
        UniqueFd fd(restart([&] { return ::open(bare.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
        if (!fd) return sys_fail(quoted("open", path), errno);
        return fd;
    }

    Result<UniqueFd> open_dir(int dir, std::string_view relative) override {
        return open_beneath(dir, relative, O_RDONLY | O_DIRECTORY | O_CLOEXEC, walk_);
    }

    Result<UniqueFd> open_read(int dir, std::string_view relative) override {
        return open_beneath(dir, relative, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, walk_);
    }

    Result<UniqueFd> create(int dir, std::string_view name) override {
        if (auto good = check_name(name); !good) return fail(std::move(good.error()));
        UniqueFd fd(restart([&] { return ::openat(dir, std::string(name).c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600); }));
        if (!fd) return sys_fail(quoted("create", name), errno);
        return fd;
    }

    Result<void> make_dir(int dir, std::string_view name, std::uint32_t mode) override {
        if (auto good = check_name(name); !good) return good;
        if (::mkdirat(dir, std::string(name).c_str(), mode) != 0) return sys_fail(quoted("make directory", name), errno);
        return {};
    }

    Result<FileStat> stat(int fd) override {
        struct stat st {};
        if (::fstat(fd, &st) != 0) return sys_fail("fstat", errno);
        return from_kernel(st);
    }

    Result<FileStat> stat_at(int dir, std::string_view relative) override {
        const auto slash = relative.rfind('/');
        UniqueFd parent;
        if (slash != std::string_view::npos) {
            auto opened = open_beneath(dir, relative.substr(0, slash), O_PATH | O_DIRECTORY | O_CLOEXEC, walk_);
            if (!opened) return fail(std::move(opened.error()));
            parent = std::move(*opened);
        }
        const auto name = slash == std::string_view::npos ? relative : relative.substr(slash + 1);
        if (auto good = check_name(name); !good) return fail(std::move(good.error()));
        struct stat st {};
        if (::fstatat(parent ? parent.get() : dir, std::string(name).c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
            return sys_fail(quoted("stat", relative), errno);
        return from_kernel(st);
    }

    Result<std::vector<DirEntry>> list(int dir, std::size_t limit, bool& truncated) override {
        truncated = false;
        // A descriptor of our own: the reading position belongs to the open file, and `dir` may be read by others.
        const int own = restart([&] { return ::openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
        if (own < 0) return sys_fail("open directory", errno);
        const CPtr<DIR, &::closedir> stream(::fdopendir(own));
        if (!stream) {
            const int error = errno;
            ::close(own);
            return sys_fail("read directory", error);
        }
        std::vector<DirEntry> out;
        for (;;) {
            errno = 0;
            const dirent* entry = ::readdir(stream.get());
            if (entry == nullptr) {
                if (errno != 0) return sys_fail("read directory", errno);
                return out;
            }
            const std::string_view name(entry->d_name);
            if (name == "." || name == "..") continue;
            if (out.size() == limit) {
                truncated = true;
                return out;
            }
            out.push_back({std::string(name)});
        }
    }

    Result<std::size_t> read(int fd, std::span<unsigned char> to, std::uint64_t offset) override {
        const auto n = restart([&] { return ::pread(fd, to.data(), to.size(), static_cast<off_t>(offset)); });
        if (n < 0) return sys_fail("read", errno);
        return static_cast<std::size_t>(n);
    }

    Result<void> write(int fd, std::span<const unsigned char> bytes, std::uint64_t offset) override {
        while (!bytes.empty()) {
            const auto n = restart([&] { return ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
            if (n < 0) return sys_fail("write", errno);
            if (n == 0) return sys_fail("write", EIO);  // would loop for ever
            bytes = bytes.subspan(static_cast<std::size_t>(n));
            offset += static_cast<std::uint64_t>(n);
        }
        return {};
    }

    Result<void> allocate(int fd, std::uint64_t size) override {
        if (size == 0) return {};
        if (restart([&] { return ::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size)); }) == 0 || unsupported(errno)) return {};
        return sys_fail("allocate", errno);
    }

    Result<bool> clone(int from, int to) override {
        if (restart([&] { return ::ioctl(to, FICLONE, from); }) == 0) return true;
        const int error = errno;
        if (unsupported(error) || error == EXDEV || error == EINVAL || error == EPERM || error == ETXTBSY) return false;
        return sys_fail("clone", error);
    }

    Result<void> sync(int fd) override {
        if (::fsync(fd) != 0) return sys_fail("fsync", errno);
        return {};
    }

    Result<void> drop_cache(int fd) override {
        if (const int error = ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); error != 0) return sys_fail("fadvise", error);
        return {};
    }

    void read_ahead(int fd, std::uint64_t offset, std::uint64_t length) override {
        static_cast<void>(::posix_fadvise(fd, static_cast<off_t>(offset), static_cast<off_t>(length), POSIX_FADV_WILLNEED));
    }

    void begin_writing(int fd, std::uint64_t offset, std::uint64_t length) override {
        static_cast<void>(::sync_file_range(fd, static_cast<off_t>(offset), static_cast<off_t>(length), SYNC_FILE_RANGE_WRITE));
    }

    Result<void> set_mode(int fd, std::uint32_t mode) override {
        if (::fchmod(fd, mode) != 0) return sys_fail("chmod", errno);
        return {};
    }

    Result<void> set_owner(int fd, std::uint32_t uid, std::uint32_t gid) override {
        if (restart([&] { return ::fchown(fd, uid, gid); }) != 0) return sys_fail("set owner", errno);
        return {};
    }

    Result<void> set_attribute(int fd, const std::string& name, const std::string& value) override {
        if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) == 0 || unsupported(errno)) return {};
        return sys_fail("set attribute " + name, errno);
    }

    Result<std::string> attribute(int fd, const std::string& name) override {
        std::array<char, 4096> value{};
        const auto n = ::fgetxattr(fd, name.c_str(), value.data(), value.size());
        if (n >= 0) return std::string(value.data(), static_cast<std::size_t>(n));
        const int error = errno;
        if (error == ENODATA || unsupported(error)) return fail(Errc::not_found, "no attribute " + name, error);
        return sys_fail("get attribute " + name, error);
    }

    Result<void> exchange(int dir_a, std::string_view a, int dir_b, std::string_view b) override {
        return renamed(dir_a, a, dir_b, b, RENAME_EXCHANGE, "exchange");
    }

    Result<void> rename_new(int dir_a, std::string_view a, int dir_b, std::string_view b) override {
        return renamed(dir_a, a, dir_b, b, RENAME_NOREPLACE, "rename");
    }

    Result<void> unlink(int dir, std::string_view name) override {
        if (auto good = check_name(name); !good) return good;
        if (::unlinkat(dir, std::string(name).c_str(), 0) != 0) return sys_fail(quoted("remove", name), errno);
        return {};
    }

    Result<void> remove_dir(int dir, std::string_view name) override {
        if (auto good = check_name(name); !good) return good;
        if (::unlinkat(dir, std::string(name).c_str(), AT_REMOVEDIR) != 0) return sys_fail(quoted("remove directory", name), errno);
        return {};
    }

    Result<Space> space(int fd) override {
        struct statvfs st {};
        if (restart([&] { return ::fstatvfs(fd, &st); }) != 0) return sys_fail("statvfs", errno);
        Space out;
        out.free_bytes = std::uint64_t{st.f_bavail} * st.f_frsize;
        out.free_inodes = st.f_favail;
        out.total_bytes = std::uint64_t{st.f_blocks - st.f_bfree + st.f_bavail} * st.f_frsize;
        out.total_inodes = st.f_files;
        out.inodes_known = st.f_files != 0;  // btrfs makes them as needed and says 0
        return out;
    }

    bool being_written(int fd) override {
        // An open for writing that comes while we hold the lease sends a signal. The default one, SIGIO, would kill us; SIGURG is ignored.
        if (::fcntl(fd, F_SETSIG, SIGURG) != 0) return false;
        if (::fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
        static_cast<void>(::fcntl(fd, F_SETLEASE, F_UNLCK));
        return false;
    }

private:
    Result<void> renamed(int dir_a, std::string_view a, int dir_b, std::string_view b, unsigned flags, std::string_view verb) {
        for (const auto name : {a, b})
            if (auto good = check_name(name); !good) return good;
        if (::renameat2(dir_a, std::string(a).c_str(), dir_b, std::string(b).c_str(), flags) != 0)
            return sys_fail(quoted(verb, a) + " to '" + printable(b) + "'", errno);
        return {};
    }

    const Walk walk_;
};

}  // namespace

std::unique_ptr<FileOps> system_files() { return std::make_unique<SystemFiles>(usable_walk()); }
std::unique_ptr<FileOps> system_files(Walk walk) { return std::make_unique<SystemFiles>(walk); }

}  // namespace bkmon::files
