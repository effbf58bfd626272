#include "daemon/control/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "common/base/c_ptr.h"
#include "common/base/text.h"

namespace bkmon::control {

namespace {

constexpr int kBacklog = 128;
constexpr mode_t kMode = 0666;

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return fail(Errc::invalid, fmt::format("control socket '{}': longer than {} bytes", printable(path), sizeof address.sun_path - 1));
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

/// Nobody but root and we may put names into `folder`, or swap a folder on the way to it.
Result<void> check_folder(const std::string& folder, bool is_parent) {
    struct stat st {};
    if (::lstat(folder.c_str(), &st) != 0) return sys_fail(fmt::format("control socket: folder '{}'", printable(folder)), errno);
    const bool trusted_owner = st.st_uid == 0 || st.st_uid == ::geteuid();
    const bool others_write = (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    const bool sticky = !is_parent && (st.st_mode & S_ISVTX) != 0;
    if (!S_ISDIR(st.st_mode)) return fail(Errc::denied, fmt::format("control socket: '{}' is not a folder", printable(folder)));
    if (!trusted_owner || (others_write && !sticky))
        return fail(Errc::denied,
                    fmt::format("control socket: others may write to the folder '{}': somebody else could stand in for bkmond. Choose a "
                                "folder that only root and bkmond's user may write to (control.socket)",
                                printable(folder)));
    return {};
}

Result<std::string> safe_folder(const std::string& path) {
    const auto slash = path.rfind('/');
    if (path.empty() || path[0] != '/' || slash + 1 == path.size())
        return fail(Errc::invalid, fmt::format("control socket '{}': not an absolute path of a socket", printable(path)));
    const std::string parent = slash == 0 ? "/" : path.substr(0, slash);
    const CPtr<char, &std::free> real(::realpath(parent.c_str(), nullptr));
    if (!real) return sys_fail(fmt::format("control socket: folder '{}'", printable(parent)), errno);
    std::string folder = real.get();
    if (auto r = check_folder(folder, true); !r) return fail(std::move(r.error()));
    for (auto up = folder; up != "/";) {
        up.resize(std::max<std::size_t>(up.rfind('/'), 1));
        if (auto r = check_folder(up, false); !r) return fail(std::move(r.error()));
    }
    return folder;
}

/// Ok when the name is free, or held by a socket of ours that nobody listens on.
Result<void> check_name(const std::string& path) {
    struct stat st {};
    if (::lstat(path.c_str(), &st) != 0) {
        if (errno == ENOENT) return {};
        return sys_fail(fmt::format("control socket '{}'", printable(path)), errno);
    }
    if (!S_ISSOCK(st.st_mode) || st.st_uid != ::geteuid())
        return fail(Errc::denied, fmt::format("control socket '{}': something that is not bkmond's socket has this name; look at it, then remove it",
                                              printable(path)));
    const auto address = address_of(path);
    if (!address) return fail(address.error());
    const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe) return sys_fail("control socket", errno);
    if (::connect(probe.get(), generic(*address), sizeof *address) == 0 || errno == EAGAIN)
        return fail(Errc::busy, fmt::format("control socket '{}': another bkmond listens there", printable(path)));
    if (errno != ECONNREFUSED) return sys_fail(fmt::format("control socket '{}'", printable(path)), errno);
    return {};
}

}  // namespace

Result<ListeningSocket> ListeningSocket::bind(const std::string& path) {
    auto folder = safe_folder(path);
    if (!folder) return fail(std::move(folder.error()));
    const std::string name = path.substr(path.rfind('/') + 1);
    const std::string real = (*folder == "/" ? "" : *folder) + "/" + name;
    // The path may be just short enough, its temporary name not: a number keeps it short.
    const std::string temporary = (*folder == "/" ? "" : *folder) + "/." + std::to_string(::getpid());
    if (auto r = address_of(real); !r) return fail(std::move(r.error()));
    const auto address = address_of(temporary);
    if (!address) return fail(address.error());
    if (auto r = check_name(real); !r) return fail(std::move(r.error()));

    const auto failed = [&](std::string_view step) {
        const int e = errno;
        ::unlink(temporary.c_str());
        return sys_fail(fmt::format("control socket '{}': {}", printable(path), step), e);
    };
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return failed("socket");
    ::unlink(temporary.c_str());  // of an earlier process with our number; the folder is ours alone
    if (::bind(fd.get(), generic(*address), sizeof *address) != 0) return failed("bind");
    if (::chmod(temporary.c_str(), kMode) != 0) return failed("chmod");
    if (::listen(fd.get(), kBacklog) != 0) return failed("listen");
    struct stat st {};
    if (::lstat(temporary.c_str(), &st) != 0) return failed("stat");
    if (::rename(temporary.c_str(), real.c_str()) != 0) return failed("rename");
    return ListeningSocket(std::move(fd), real, st.st_dev, st.st_ino);
}

Result<ListeningSocket> ListeningSocket::adopt(UniqueFd fd) {
    const auto option = [&](int name) {
        int value = -1;
        socklen_t length = sizeof value;
        return ::getsockopt(fd.get(), SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
    };
    if (option(SO_DOMAIN) != AF_UNIX || option(SO_TYPE) != SOCK_STREAM || option(SO_ACCEPTCONN) != 1)
        return fail(Errc::invalid, "the socket passed to bkmond is no listening unix stream socket: see ListenStream= in bkmond.socket");
    const int flags = ::fcntl(fd.get(), F_GETFL);
    if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0 || ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0)
        return sys_fail("the socket passed to bkmond", errno);
    return ListeningSocket(std::move(fd), "", 0, 0);
}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : fd_(std::move(other.fd_)), path_(std::exchange(other.path_, {})), dev_(other.dev_), ino_(other.ino_) {}

ListeningSocket::~ListeningSocket() {
    struct stat st {};
    if (!path_.empty() && ::lstat(path_.c_str(), &st) == 0 && st.st_dev == dev_ && st.st_ino == ino_) ::unlink(path_.c_str());
}

}  // namespace bkmon::control
