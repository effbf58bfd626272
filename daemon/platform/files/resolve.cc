#include "daemon/platform/files/resolve.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "common/base/text.h"

namespace bkmon::files {
namespace {

int call_openat2(int dir, const char* path, int flags) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
    for (;;) {
        const long fd = ::syscall(SYS_openat2, dir, path, &how, sizeof how);
        // EAGAIN with RESOLVE_BENEATH may mean that a rename raced the walk, or a lease: the caller looks again later in both cases.
        if (fd >= 0 || errno != EINTR) return static_cast<int>(fd);
    }
}

int call_openat(int dir, const char* path, int flags) {
    for (;;) {
        const int fd = ::openat(dir, path, flags);
        if (fd >= 0 || errno != EINTR) return fd;
    }
}

/// The mount that a descriptor lies on; the device where the kernel does not tell.
std::uint64_t mount_of(int fd) {
    struct statx sx {};
    if (::statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &sx) != 0) return 0;
    if ((sx.stx_mask & STATX_MNT_ID) != 0) return sx.stx_mnt_id;
    return (std::uint64_t{sx.stx_dev_major} << 32) | sx.stx_dev_minor;
}

Failure refused(std::string_view relative, int error) { return sys_fail("open '" + printable(relative) + "'", error); }

/// Parts of a path; Errc for what no walk may contain. A single "." is the directory itself.
Result<std::vector<std::string>> parts_of(std::string_view relative) {
    if (relative.empty() || relative.find('\0') != std::string_view::npos)
        return fail(Errc::invalid, "open '" + printable(relative) + "': not a usable path");
    if (relative.front() == '/') return refused(relative, EXDEV);
    auto parts = split(relative, '/');
    for (const auto& part : parts) {
        if (part.empty() || (part == "." && parts.size() > 1)) return fail(Errc::invalid, "open '" + printable(relative) + "': empty path component");
        if (part == "..") return refused(relative, EXDEV);
    }
    return parts;
}

Result<UniqueFd> walk_parts(int dir, const std::vector<std::string>& parts, std::string_view relative, int flags) {
    const std::uint64_t mount = mount_of(dir);
    UniqueFd here;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const bool last = i + 1 == parts.size();
        const int from = here ? here.get() : dir;
        UniqueFd next(call_openat(from, parts[i].c_str(), last ? flags | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!next) {
            const int error = errno;
            // O_DIRECTORY|O_NOFOLLOW on a link says ENOTDIR; the kernel's own walk says ELOOP. One answer for both.
            struct stat st {};
            if (error == ENOTDIR && ::fstatat(from, parts[i].c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
                return refused(relative, ELOOP);
            return refused(relative, error);
        }
        if (mount_of(next.get()) != mount) return refused(relative, EXDEV);
        here = std::move(next);
    }
    return here;
}

}  // namespace

Result<void> check_name(std::string_view name) {
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string_view::npos || name.find('\0') != std::string_view::npos)
        return fail(Errc::invalid, "'" + printable(name) + "' is not a file name");
    return {};
}

Result<UniqueFd> open_beneath(int dir, std::string_view relative, int flags, Walk walk) {
    auto parts = parts_of(relative);
    if (!parts) return fail(std::move(parts.error()));
    if (walk == Walk::by_component) return walk_parts(dir, *parts, relative, flags);
    // Without O_NOFOLLOW: RESOLVE_NO_SYMLINKS refuses the last part as well, and always with ELOOP.
    UniqueFd fd(call_openat2(dir, std::string(relative).c_str(), flags));
    if (!fd) return refused(relative, errno);
    return fd;
}

Walk usable_walk() {
    const UniqueFd fd(call_openat2(AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    const bool hidden = !fd && (errno == ENOSYS || errno == EPERM || errno == EINVAL);
    return hidden ? Walk::by_component : Walk::kernel;
}

}  // namespace bkmon::files
