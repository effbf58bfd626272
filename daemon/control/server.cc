#include "daemon/control/server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "common/base/text.h"
#include "daemon/control/connection.h"
#include "daemon/control/socket.h"
#include "daemon/control/throttle.h"

namespace bkmon::control {

namespace {
constexpr int kAcceptsPerTurn = 64;
constexpr milliseconds kAcceptPause{200};  // when the process has no descriptors left

bool is_shortage(int e) { return e == EMFILE || e == ENFILE || e == ENOBUFS || e == ENOMEM; }
}  // namespace

struct Server::Impl final : Connection::Owner {
    Impl(loop::EventLoop& l, Dispatcher& d, journal::Journal& j, const Limits& limits_given, ListeningSocket socket)
        : loop(l), dispatcher_(d), journal(j), limits(limits_given), listener(std::move(socket)) {
        resume = loop.make_timer([this] { watch->want(true, false); });
        watch = loop.watch(listener.fd(), true, false, [this](bool, bool) { accept_some(); });
    }
    ~Impl() override {
        watch.reset();
        while (!connections.empty()) (*connections.begin())->close("");
    }

    // Connection::Owner
    Dispatcher& dispatcher() override { return dispatcher_; }
    const Roles& roles() const override { return roles_; }
    bool stream_begins(Connection& c) override {
        auto& count = streams[c.peer().uid];
        if (count >= limits.streams_per_uid) return false;
        ++count;
        return true;
    }
    void stream_ended(Connection& c) override {
        if (--streams[c.peer().uid] == 0) streams.erase(c.peer().uid);
    }
    void closed(Connection& c, std::string_view why) override {
        if (!why.empty()) refused(c.peer(), why);
        const auto it = std::find_if(connections.begin(), connections.end(), [&](const auto& held) { return held.get() == &c; });
        if (it != connections.end()) connections.erase(it);
    }

    void accept_some() {
        for (int i = 0; i < kAcceptsPerTurn; ++i) {
            UniqueFd fd(::accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (fd) {
                admit(std::move(fd));
                continue;
            }
            if (is_shortage(errno)) {
                watch->want(false, false);
                resume->arm(kAcceptPause);
                return refused(Peer{0, 0, {}}, "cannot be accepted now: bkmond has no descriptors or memory left");
            }
            if (errno != EINTR && errno != ECONNABORTED) return;
        }
    }

    void admit(UniqueFd fd) {
        auto peer = peer_of(fd.get());
        if (!peer) return;
        auto access = roles_.access(*peer);
        if (!has_place(*peer, access.role)) {
            refused(*peer, "has too many connections open");
            if (access.role == protocol::Role::none) return;
            const auto busy = protocol::error_frame("io.bkmon.Busy", R"({"message":"too many connections are open: end one first"})");
            static_cast<void>(::send(fd.get(), busy.data(), busy.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
            return;
        }
        auto connection = std::make_shared<Connection>(loop, *this, limits, std::move(fd), std::move(*peer), std::move(access));
        connections.insert(connection);
        connection->start();
    }

    bool has_place(const Peer& peer, protocol::Role role) const {
        using protocol::Role;
        const bool stranger = role == Role::none;
        std::size_t same_user = 0, strangers = 0;
        for (const auto& c : connections) {
            same_user += c->peer().uid == peer.uid ? 1 : 0;
            strangers += c->access().role == Role::none ? 1 : 0;
        }
        const auto s = streams.find(peer.uid);
        const std::size_t calls = same_user - (s == streams.end() ? 0 : s->second);
        if (stranger && (same_user >= limits.strangers_per_uid || strangers >= limits.strangers)) return false;
        if (calls >= limits.calls_per_uid) return false;
        return connections.size() < limits.connections - (role == Role::admin ? 0 : limits.kept_for_admins);
    }

    void refused(const Peer& peer, std::string_view why) {
        const auto held_back = journal_throttle.pass(peer.uid, loop.clock().boot());
        if (!held_back) return;
        const auto who = roles_.caller(peer, {}, protocol::Role::none).text();
        const auto more = *held_back > 0 ? fmt::format(" ({} more like this were not written)", *held_back) : std::string();
        journal.log(journal::Level::warning, journal::msg::client_refused, fmt::format("Control socket: {} {}{}", who, why, more),
                    {{"BKMON_UID", std::to_string(peer.uid)}, {"BKMON_PID", std::to_string(peer.pid)}});
    }

    void set_roles(Roles next) {
        roles_ = std::move(next);
        const std::vector<std::shared_ptr<Connection>> all(connections.begin(), connections.end());
        for (const auto& c : all)
            if (!(roles_.access(c->peer()) == c->access())) c->retire("");
    }

    loop::EventLoop& loop;
    Dispatcher& dispatcher_;
    journal::Journal& journal;
    const Limits limits;
    ListeningSocket listener;
    Roles roles_;
    Throttle journal_throttle{5, std::chrono::minutes(1)};
    std::set<std::shared_ptr<Connection>> connections;
    std::map<std::uint32_t, std::size_t> streams;
    std::unique_ptr<loop::Timer> resume;
    std::unique_ptr<loop::FdWatch> watch;
};

Result<std::unique_ptr<Server>> Server::create(loop::EventLoop& loop, Dispatcher& dispatcher, journal::Journal& journal, ServerOptions options) {
    auto socket = options.listener ? ListeningSocket::adopt(std::move(options.listener)) : ListeningSocket::bind(options.path);
    if (!socket) return fail(std::move(socket.error()));
    return std::unique_ptr<Server>(new Server(std::make_unique<Impl>(loop, dispatcher, journal, options.limits, std::move(*socket))));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;
void Server::set_roles(Roles roles) { impl_->set_roles(std::move(roles)); }
std::size_t Server::connections() const { return impl_->connections.size(); }

std::size_t Server::streams() const {
    std::size_t n = 0;
    for (const auto& [uid, count] : impl_->streams) n += count;
    return n;
}

}  // namespace bkmon::control
