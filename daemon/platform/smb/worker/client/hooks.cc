#include "daemon/platform/smb/worker/client/hooks.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#define BKMON_BEFORE_LIBRARIES extern "C" __attribute__((visibility("default"), used))

namespace bkmon::smb::client {
namespace {

constexpr std::uint32_t kInsufficientResources = 0xc000009a, kNotSupported = 0xc00000bb, kDisconnected = 0xc000020c;
constexpr int kSigningDesired = 2;         // enum smb_signing_setting
constexpr unsigned kGuest = 1, kNull = 2;  // SMB2_SESSION_FLAG_…, [MS-SMB2] 2.2.6

struct Permit {
    sockaddr_storage address{};  ///< ss_family 0: nowhere
    bool signing = true;
    std::uint64_t max_entries = 0;
    milliseconds patience{0};
    UniqueFd connection;  ///< not used yet
};

Seen seen_now;
Permit permitted;
std::string configuration;
std::vector<int> connections;
std::chrono::steady_clock::time_point listing_began;

bool same_place(const sockaddr* wanted, socklen_t length) {
    const auto family = permitted.address.ss_family;
    if (wanted == nullptr || family == 0 || wanted->sa_family != family) return false;
    if (family == AF_INET && length >= sizeof(sockaddr_in)) {
        sockaddr_in a{}, b{};
        memcpy(&a, wanted, sizeof a);
        memcpy(&b, &permitted.address, sizeof b);
        return a.sin_port == b.sin_port && a.sin_addr.s_addr == b.sin_addr.s_addr;
    }
    if (family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
        sockaddr_in6 a{}, b{};
        memcpy(&a, wanted, sizeof a);
        memcpy(&b, &permitted.address, sizeof b);
        return a.sin6_port == b.sin6_port && memcmp(&a.sin6_addr, &b.sin6_addr, sizeof a.sin6_addr) == 0;
    }
    return false;
}

/// Open, to where the order leads, and nobody has spoken.
bool usable(int fd) {
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) != 0) return false;
    if (!same_place(reinterpret_cast<const sockaddr*>(&peer), length)) return false;
    char first = 0;
    return recv(fd, &first, sizeof first, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/// Puts the connection that came with the order in the place of `fd`, which keeps its flags. Once; false when there is none that can be used.
bool take_over(int fd) {
    const UniqueFd ready = std::move(permitted.connection);
    if (!ready || !usable(ready.get())) return false;
    const int status_flags = fcntl(fd, F_GETFL), fd_flags = fcntl(fd, F_GETFD);
    const linger never{0, 0};  // what is said from now on is to arrive
    if (status_flags < 0 || fd_flags < 0 || setsockopt(ready.get(), SOL_SOCKET, SO_LINGER, &never, sizeof never) != 0) return false;
    if (fcntl(ready.get(), F_SETFL, status_flags) != 0) return false;
    return dup3(ready.get(), fd, (fd_flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0) == fd;
}

/// The function of this name that the libraries have among themselves.
template <class F>
F* theirs(const char* name) {
    return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}

// What Samba 4.17 has. An NTSTATUS is a structure of one 32-bit number, which comes and goes in a register as the number itself.
using SessionSetup = std::uint32_t(void* cli, void* credentials);
using SessionFlags = std::uint16_t(void* session);
using SessionIsGuest = bool(void* session);
using ClientSigning = int();
using CloseFile = std::uint32_t(void* cli, std::uint16_t file);
using MapErrno = int(std::uint32_t status);
using EachFile = std::uint32_t(void* file, const char* mask, void* state);
using List = std::uint32_t(void* cli, const char* mask, std::uint32_t attributes, EachFile* each, void* state);

struct Counted {
    EachFile* each;
    void* state;
};

/// An error does not end a listing in there: what has begun to be too much is cut off from where it comes.
std::uint32_t count(void* file, const char* mask, void* state) {
    auto& counted = *static_cast<Counted*>(state);
    if (seen_now.too_many || seen_now.too_slow) return kInsufficientResources;
    ++seen_now.entries;
    seen_now.too_many = seen_now.entries > permitted.max_entries;
    seen_now.too_slow = std::chrono::steady_clock::now() - listing_began > permitted.patience;
    if (!seen_now.too_many && !seen_now.too_slow) return counted.each(file, mask, counted.state);
    cut_connections();
    return kInsufficientResources;
}

}  // namespace

Seen& seen() { return seen_now; }

bool permit(const Order& order, UniqueFd connection, milliseconds patience) {
    permitted = {{}, order.signing, order.max_entries, patience, std::move(connection)};
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    if (inet_pton(AF_INET, order.address.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(order.port);
        memcpy(&permitted.address, &v4, sizeof v4);
        return true;
    }
    if (inet_pton(AF_INET6, order.address.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(order.port);
        memcpy(&permitted.address, &v6, sizeof v6);
        return true;
    }
    return false;
}

void permit_nothing() { permitted = {}; }

void cut_connections() {
    for (const int fd : connections) shutdown(fd, SHUT_RDWR);  // one that is closed already is an error and no harm: no other kind is opened
    connections.clear();
}

void use_configuration(const std::string& path) { configuration = path; }

void wait_cheaply() {
    // <tevent.h>, which came with the library.
    if (auto* const choose = reinterpret_cast<void (*)(const char*)>(dlsym(RTLD_DEFAULT, "tevent_set_default_backend"))) choose("poll");
}

std::string missing_hooks() {
    std::string missing;
    for (const char* name :
         {"get_dyn_CONFIGFILE", "lp_client_signing", "smbXcli_conn_dfs_supported", "smbXcli_tcon_is_dfs_share", "cli_get_fs_attr_info",
          "cli_session_setup_creds", "smbXcli_session_is_guest", "smb2cli_session_get_flags", "map_errno_from_nt_status", "cli_list", "cli_close"})
        if (dlsym(RTLD_NEXT, name) == nullptr) missing += (missing.empty() ? "" : " ") + std::string(name);
    return missing.empty() ? "none" : missing;
}

}  // namespace bkmon::smb::client

using namespace bkmon::smb::client;

BKMON_BEFORE_LIBRARIES int connect(int fd, const sockaddr* address, socklen_t length) {
    if (!same_place(address, length)) {
        seen_now.strayed = true;
        errno = EACCES;
        return -1;
    }
    seen_now.login_tried = seen_now.logged_in = false;
    connections.push_back(fd);
    if (take_over(fd)) return 0;
    return static_cast<int>(syscall(SYS_connect, fd, address, length));
}

#ifndef BKMON_SANITIZED
extern "C" void __libc_free(void* block);  // NOLINT

BKMON_BEFORE_LIBRARIES void free(void* block) {
    if (block == nullptr) return;
    explicit_bzero(block, malloc_usable_size(block));
    __libc_free(block);
}
#endif

BKMON_BEFORE_LIBRARIES const char* get_dyn_CONFIGFILE() { return configuration.c_str(); }

BKMON_BEFORE_LIBRARIES bool smbXcli_conn_dfs_supported(void*) { return false; }

BKMON_BEFORE_LIBRARIES bool smbXcli_tcon_is_dfs_share(void*) { return false; }

BKMON_BEFORE_LIBRARIES int lp_client_signing() {
    static auto* const real = theirs<ClientSigning>("lp_client_signing");
    return permitted.signing ? real() : kSigningDesired;
}

BKMON_BEFORE_LIBRARIES std::uint32_t cli_get_fs_attr_info(void*, std::uint32_t*) { return kNotSupported; }

BKMON_BEFORE_LIBRARIES std::uint32_t cli_session_setup_creds(void* cli, void* credentials) {
    static auto* const real = theirs<SessionSetup>("cli_session_setup_creds");
    ++seen_now.logins;
    seen_now.login_tried = true;
    const auto status = real(cli, credentials);
    seen_now.logged_in = status == 0;
    return status;
}

BKMON_BEFORE_LIBRARIES bool smbXcli_session_is_guest(void* session) {
    static auto* const real = theirs<SessionIsGuest>("smbXcli_session_is_guest");
    static auto* const flags = theirs<SessionFlags>("smb2cli_session_get_flags");
    const bool guest = real(session);
    if (guest || (session != nullptr && (flags(session) & (kGuest | kNull)) != 0)) seen_now.nobody = true;
    return guest;
}

BKMON_BEFORE_LIBRARIES int map_errno_from_nt_status(std::uint32_t status) {
    static auto* const real = theirs<MapErrno>("map_errno_from_nt_status");
    if (seen_now.status == 0) seen_now.status = status;  // what follows comes of it
    return real(status);
}

BKMON_BEFORE_LIBRARIES std::uint32_t cli_close(void* cli, std::uint16_t file) {
    static auto* const real = theirs<CloseFile>("cli_close");
    return connections.empty() ? kDisconnected : real(cli, file);
}

BKMON_BEFORE_LIBRARIES std::uint32_t cli_list(void* cli, const char* mask, std::uint32_t attributes, EachFile* each, void* state) {
    static auto* const real = theirs<List>("cli_list");
    Counted counted{each, state};
    seen_now.entries = 0;
    seen_now.too_many = seen_now.too_slow = false;
    listing_began = std::chrono::steady_clock::now();
    return real(cli, mask, attributes, count, &counted);
}
