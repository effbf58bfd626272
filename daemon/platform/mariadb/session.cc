#include "daemon/platform/mariadb/session.h"

#include <arpa/inet.h>
#include <errmsg.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/tcp.h>
#include <mysqld_error.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>

#include "common/base/text.h"

namespace bkmon::mariadb {
namespace {

constexpr std::size_t kStack = std::size_t{1} << 20;  // of the library's coroutine: TLS and resolving names want more than its default
constexpr milliseconds kLook{100};
constexpr const char* kSystemCertificates = "/etc/ssl/certs/ca-certificates.crt";

bool on_this_machine(const std::string& host) {
    in_addr address{};
    if (::inet_pton(AF_INET, host.c_str(), &address) == 1) return (ntohl(address.s_addr) >> 24) == 127;
    return host == "localhost" || host == "::1";
}

/// How the server may ask for the password. Without TLS only so that who listens or answers instead learns nothing from it: caching_sha2_password
/// encrypts it with a key that the server itself sends.
const char* ways_to_log_in(const Server& server) {
    if (server.tls) return "mysql_native_password,client_ed25519,caching_sha2_password,mysql_clear_password";
    return on_this_machine(server.host) ? "mysql_native_password,client_ed25519,caching_sha2_password" : "mysql_native_password,client_ed25519";
}

/// Files of ours are nobody's business: asked for one, it fails before anything is opened.
int refuse_file(void**, const char*, void*) { return 1; }
int refuse_read(void*, char*, unsigned) { return -1; }
void nothing_to_end(void*) {}
int why_refused(void*, char* text, unsigned size) {
    fmt::format_to_n(text, size, "the server asked for a file of this machine{}", '\0');
    return CR_UNKNOWN_ERROR;
}

Errc class_of(unsigned code) {
    switch (code) {
        case ER_ACCESS_DENIED_ERROR:
        case ER_DBACCESS_DENIED_ERROR:
        case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
        case ER_TABLEACCESS_DENIED_ERROR:
        case ER_COLUMNACCESS_DENIED_ERROR:
        case ER_SPECIFIC_ACCESS_DENIED_ERROR:
        case ER_PROCACCESS_DENIED_ERROR:
        case ER_HOST_NOT_PRIVILEGED:
        case ER_MUST_CHANGE_PASSWORD:
        case ER_MUST_CHANGE_PASSWORD_LOGIN:
        case ER_NOT_SUPPORTED_AUTH_MODE:
        case CR_AUTH_PLUGIN_CANNOT_LOAD:
        case CR_PLUGIN_NOT_ALLOWED: return Errc::denied;
        case CR_NET_PACKET_TOO_LARGE: return Errc::no_space;
        case ER_LOCK_WAIT_TIMEOUT:
        case ER_STATEMENT_TIMEOUT: return Errc::timeout;
        case ER_CON_COUNT_ERROR:
        case ER_OUT_OF_RESOURCES:
        case ER_SERVER_SHUTDOWN:
        case ER_HOST_IS_BLOCKED:
        case ER_USER_LIMIT_REACHED:
        case ER_TOO_MANY_USER_CONNECTIONS:
        case ER_CONNECTION_KILLED: return Errc::unavailable;
        default: return code >= CR_MIN_ERROR && code <= CR_MAX_ERROR ? Errc::unavailable : Errc::invalid;
    }
}

std::uint64_t received(int fd) {
    struct tcp_info info {};
    socklen_t size = sizeof info;
    return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_received : 0;
}

}  // namespace

Guard::Guard(int socket, BootTime deadline) : socket_(::fcntl(socket, F_DUPFD_CLOEXEC, 0)), deadline_(deadline) {
    thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

void Guard::watch(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
        const auto left = deadline_ - system_clock().boot();
        late_ = left <= milliseconds(0);
        flooded_ = !late_ && received(socket_.get()) > allowed_;
        if (late_ || flooded_) return static_cast<void>(::shutdown(socket_.get(), SHUT_RDWR));
        changed.wait_for(lock, stop, std::min(left, kLook), [] { return false; });
    }
}

Session::Session(const Server& server) : server_(server), mysql_(nullptr), deadline_(system_clock().boot() + server.timeout) {
    static std::once_flag once;
    std::call_once(once, [] { ::mysql_library_init(0, nullptr, nullptr); });
    mysql_ = ::mysql_init(nullptr);
}

Session::~Session() {
    if (!mysql_) return;
    // A word of farewell may wait too.
    drive([&] { return ::mysql_close_start(mysql_); }, [&](int events) { return ::mysql_close_cont(mysql_, events); });
}

void Session::options() {
    const auto set = [&](mysql_option option, const void* value) { ::mysql_optionsv(mysql_, option, value); };
    const my_bool off = 0;
    const unsigned none = 0, tcp = MYSQL_PROTOCOL_TCP;
    const std::size_t largest = kMostOfRow, stack = kStack;
    set(MYSQL_OPT_NONBLOCK, &stack);
    set(MYSQL_OPT_PROTOCOL, &tcp);
    set(MYSQL_OPT_RECONNECT, &off);
    set(MYSQL_SET_CHARSET_NAME, "utf8mb4");
    set(MYSQL_OPT_MAX_ALLOWED_PACKET, &largest);
    set(MARIADB_OPT_RESTRICTED_AUTH, ways_to_log_in(server_));
    set(MYSQL_OPT_LOCAL_INFILE, &none);
    ::mysql_set_local_infile_handler(mysql_, &refuse_file, &refuse_read, &nothing_to_end, &why_refused, nullptr);
    if (server_.tls) options_tls();
}

void Session::options_tls() {
    const my_bool on = 1;
    ::mysql_optionsv(mysql_, MYSQL_OPT_SSL_CA, server_.ca_file.empty() ? kSystemCertificates : server_.ca_file.c_str());
    ::mysql_optionsv(mysql_, MYSQL_OPT_SSL_ENFORCE, &on);
    ::mysql_optionsv(mysql_, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
    ::mysql_optionsv(mysql_, MARIADB_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3");
}

Result<void> Session::connect() {
    if (!mysql_) return fail(Errc::internal, "the database library has no memory");
    options();
    MYSQL* connected = nullptr;
    const auto text = [](const std::string& t) { return t.empty() ? nullptr : t.c_str(); };
    drive(
        [&] {
            return ::mysql_real_connect_start(&connected, mysql_, server_.host.c_str(), text(server_.user), server_.password.c_str(),
                                              text(server_.database), server_.port, nullptr, 0);
        },
        [&](int events) { return ::mysql_real_connect_cont(&connected, mysql_, events); });
    if (!connected) return failure("no connection");
    return {};
}

bool Session::goes_on() {
    late_ = late_ || (guard_ && guard_->late()) || system_clock().boot() >= deadline_;
    return !late_ && !(guard_ && guard_->flooded());
}

int Session::wait(int events) {
    if (const auto fd = ::mysql_get_socket(mysql_); !guard_ && fd >= 0) guard_ = std::make_unique<Guard>(fd, deadline_);
    if (!goes_on()) return MYSQL_WAIT_TIMEOUT;
    short wanted = 0;
    if (events & MYSQL_WAIT_READ) wanted |= POLLIN;
    if (events & MYSQL_WAIT_WRITE) wanted |= POLLOUT;
    if (events & MYSQL_WAIT_EXCEPT) wanted |= POLLPRI;
    pollfd socket{::mysql_get_socket(mysql_), wanted, 0};
    const auto left = std::max(deadline_ - system_clock().boot(), milliseconds(0));
    const auto n = ::poll(&socket, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 3'600'000)));
    if (n < 0 && errno == EINTR) return wait(events);
    if (n <= 0) return late_ = true, MYSQL_WAIT_TIMEOUT;
    int happened = 0;
    if (socket.revents & (POLLIN | POLLHUP | POLLERR)) happened |= MYSQL_WAIT_READ & events;
    if (socket.revents & (POLLOUT | POLLHUP | POLLERR)) happened |= MYSQL_WAIT_WRITE & events;
    if (socket.revents & POLLPRI) happened |= MYSQL_WAIT_EXCEPT & events;
    return happened != 0 ? happened : events;
}

void Session::rows_begin() {
    if (guard_) guard_->allow(kMostBytes + kMostBytes / 2);  // half of it again for what the protocol adds
}

void Session::hang_up() {
    if (const auto fd = ::mysql_get_socket(mysql_); fd >= 0) ::shutdown(fd, SHUT_RDWR);
}

std::string Session::name() const {
    const bool v6 = server_.host.find(':') != std::string::npos;
    const auto database = server_.database.empty() ? "server" : fmt::format("'{}'", printable(server_.database, 100));
    return fmt::format("the database {} on {}{}{}:{}", database, v6 ? "[" : "", printable(server_.host, 260), v6 ? "]" : "", server_.port);
}

Failure Session::failure(const char* doing) { return failure(doing, ::mysql_errno(mysql_), ::mysql_error(mysql_)); }

Failure Session::failure(const char* doing, unsigned code, const std::string& words) {
    goes_on();
    if (guard_ && guard_->flooded()) return too_much("it sends without an end");
    if (late_) return fail(Errc::timeout, fmt::format("{}: {} within {}", name(), doing, duration_text(server_.timeout)));
    auto said = printable(words, 300);
    // It never gets it so that it could repeat it; but what stands in a log is never unsaid.
    if (const auto secret = printable(server_.password, 4096); !secret.empty())
        for (auto at = said.find(secret); at != std::string::npos; at = said.find(secret, at + 3)) said.replace(at, secret.size(), "***");
    if (code == CR_PLUGIN_NOT_ALLOWED) said += server_.tls ? "" : " (it wants the password in a way that is only safe with 'tls: required')";
    return fail(class_of(code), fmt::format("{}: {}: {} ({})", name(), doing, said, code));
}

Failure Session::too_much(std::string what) const { return fail(Errc::no_space, fmt::format("{}: {}", name(), what)); }

}  // namespace bkmon::mariadb
