#include "ctl/commands/client.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "common/base/text.h"

namespace bkmon::ctl {

namespace {

constexpr std::size_t kMaxReplyBytes = std::size_t{256} << 20;

enum class Wait { ready, timeout, interrupted, failed };

/// `timeout` zero: for ever.
Wait wait_for(int fd, short events, BootTime deadline, bool forever, int interrupt_fd) {
    while (true) {
        const milliseconds left = deadline - system_clock().boot();
        if (!forever && left.count() < 0) return Wait::timeout;
        pollfd watched[2] = {{fd, events, 0}, {interrupt_fd, POLLIN, 0}};
        const int n = ::poll(watched, interrupt_fd >= 0 ? 2 : 1, forever ? -1 : static_cast<int>(std::min<std::int64_t>(left.count(), 60'000) + 1));
        if (n < 0 && errno != EINTR) return Wait::failed;
        if (n <= 0) continue;
        if (interrupt_fd >= 0 && watched[1].revents != 0) return Wait::interrupted;
        if (watched[0].revents != 0) return Wait::ready;
    }
}

Trouble unreachable(const std::string& path, int error) {
    std::string why = std::strerror(error);
    std::string todo = "look at `systemctl status bkmond`";
    if (error == ENOENT) {
        why = "there is no such socket";
        todo = "is it running? (systemctl status bkmond)";
    } else if (error == ECONNREFUSED) {
        why = "nobody listens there";
        todo = "it is not running (systemctl status bkmond)";
    } else if (error == EACCES) {
        why = "you may not open it";
        todo = "look at the rights of its folder";
    }
    return {kUnreachable, "unreachable", fmt::format("cannot reach bkmond at {}: {}; {}", path, why, todo)};
}

std::string snake_case(std::string_view name) {
    std::string out;
    for (const char c : name) {
        const bool upper = c >= 'A' && c <= 'Z';
        if (upper && !out.empty()) out += '_';
        out += upper ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
}

std::string text(const protocol::Params& p, std::string_view name) {
    const auto value = p.string(name);
    return value && *value ? **value : std::string();
}

Trouble no_such_target(const protocol::Params& p) {
    const std::string target = text(p, "target");
    const std::string nearest = text(p, "nearest");
    std::string message = fmt::format("there is no target '{}'", target);
    message += nearest.empty() ? "; `bkmonctl status --problems` and `bkmonctl status '*'` list what there is"
                               : fmt::format("; did you mean '{}'?", nearest);
    return {kNoSuchObject, "no_such_target", std::move(message)};
}

Trouble nothing_unexpected(const protocol::Params& p) {
    const std::string agent = text(p, "agent");
    const std::string database = text(p, "database");
    std::string what = agent.empty() ? "there is nothing unexpected" : fmt::format("nothing of agent '{}' is unexpected", agent);
    if (!database.empty()) what = fmt::format("database '{}' of agent '{}' is not unexpected", database, agent);
    return {kNoSuchObject, "nothing_unexpected", what + "; `bkmonctl deposits unexpected` lists what is"};
}

Trouble no_such_mode(const protocol::Params& p) {
    std::string names;
    if (const auto modes = p.strings("modes"); modes && *modes)
        for (const std::string& mode : **modes) names += (names.empty() ? "" : ", ") + mode;
    const std::string mode = text(p, "mode");
    if (mode.empty()) return {kUsage, "no_such_mode", fmt::format("name a mode: {}", names)};
    return {kNoSuchObject, "no_such_mode", fmt::format("there is no mode '{}'; there {}", mode, names.empty() ? "are none" : "are " + names)};
}

Trouble no_such_outlet(const protocol::Params& p) {
    const std::string nearest = text(p, "nearest");
    return {kNoSuchObject, "no_such_outlet",
            fmt::format("there is no outlet '{}'; {}", text(p, "outlet"),
                        nearest.empty() ? "`bkmonctl outlets list` shows them" : fmt::format("did you mean '{}'?", nearest))};
}

/// The errors of the io.bkmon.* interfaces by their last part.
std::optional<Trouble> known_trouble(std::string_view name, const protocol::Params& p, std::string_view method) {
    if (name == "NotAllowed") {
        const std::string what = text(p, "method").empty() ? std::string(method) : text(p, "method");
        return Trouble{kNotAllowed, "not_allowed",
                       fmt::format("you are not allowed to call {}: it needs the role '{}' (control.roles in bkmon.yaml)", what, text(p, "role"))};
    }
    if (name == "NoSuchTarget") return no_such_target(p);
    if (name == "NoSuchRecord") {
        return Trouble{kNoSuchObject, "no_such_record", fmt::format("there is no verdict of '{}' for {}", text(p, "target"), text(p, "as_of"))};
    }
    if (name == "NoSuchRun")
        return Trouble{kNoSuchObject, "no_such_run", fmt::format("there is no run '{}'; `bkmonctl runs list` shows the last ones", text(p, "id"))};
    if (name == "NotRunning") return Trouble{kFailed, "not_running", fmt::format("run '{}' is over: it is {}", text(p, "id"), text(p, "state"))};
    if (name == "NotHeld")
        return Trouble{kNoSuchObject, "not_held",
                       fmt::format("no file of '{}' is held; `bkmonctl status --status held` lists what is", text(p, "target"))};
    if (name == "WrongHash") {
        const std::string held = text(p, "held");  // the hash, or a sentence about it
        const std::string why =
            is_sha256(held) || held.empty() ? fmt::format("the file held for '{}' has another hash: {}", text(p, "target"), held) : held;
        return Trouble{kFailed, "wrong_hash", why + "; nothing was changed"};
    }
    if (name == "NothingUnexpected") return nothing_unexpected(p);
    if (name == "NoSuchMode") return no_such_mode(p);
    if (name == "NoSuchOutlet") return no_such_outlet(p);
    if (name == "NoSuchScan")
        return Trouble{
            kNoSuchObject, "no_such_scan",
            fmt::format("no scan '{}' is under way or ended lately; `bkmonctl runs show {}` says how it ended", text(p, "run"), text(p, "run"))};
    if (name == "NoSuchIncident")
        return Trouble{kNoSuchObject, "no_such_incident", fmt::format("there is no incident {}; `bkmonctl alerts list` shows them", p.dump("id"))};
    if (name == "NoSuchSilence")
        return Trouble{kNoSuchObject, "no_such_silence",
                       fmt::format("there is no silence {} that has not ended; `bkmonctl alerts silences` shows them", p.dump("id"))};
    if (name == "NothingToExpect")
        return Trouble{kNoSuchObject, "nothing_to_expect", fmt::format("there is no backup of '{}' whose size could be expected", text(p, "target"))};
    return std::nullopt;
}

}  // namespace

Trouble trouble_of(std::string_view error, const protocol::Params& p, std::string_view method) {
    const std::size_t dot = error.rfind('.');
    const std::string_view interface = error.substr(0, dot == std::string_view::npos ? 0 : dot);
    const std::string_view name = dot == std::string_view::npos ? error : error.substr(dot + 1);
    if (interface == "org.varlink.service") {
        if (name == "InvalidParameter") return {kUsage, "invalid", fmt::format("bkmond does not accept the parameter '{}'", text(p, "parameter"))};
        return {kFailed, snake_case(name), fmt::format("this bkmond does not know {}: is it older than this bkmonctl? (`bkmonctl version`)", method)};
    }
    if (auto known = known_trouble(name, p, method)) return *known;
    const std::string message = text(p, "message");
    if (name == "Invalid") {
        const std::string parameter = text(p, "parameter");
        return {kUsage, "invalid", parameter.empty() ? message : fmt::format("{}: {}", parameter, message)};
    }
    if (name == "Failed" && !text(p, "code").empty())
        return {kFailed, text(p, "code"), message.empty() ? "bkmond failed and did not say why" : message};
    return {kFailed, snake_case(name), message.empty() ? fmt::format("bkmond answered {} {}", error, p.dump()) : message};
}

Client::Client(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)), frames_(kMaxReplyBytes) {}

Trouble Client::lost(std::string_view why) const { return {kUnreachable, "connection_lost", fmt::format("bkmond at {} {}", path_, why)}; }

Outcome<Client> Client::connect(const std::string& path, milliseconds timeout) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return Refusal(Trouble{kUsage, "usage", fmt::format("'{}' is no usable socket path", path)});
    std::memcpy(address.sun_path, path.data(), path.size());
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return Refusal(unreachable(path, errno));
    const BootTime deadline = system_clock().boot() + timeout;
    // A Unix socket whose backlog is full gives EAGAIN and cannot be polled for room.
    while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int error = errno;
        if (error == EINTR) continue;
        if (error != EAGAIN) return Refusal(unreachable(path, error));
        if (system_clock().boot() >= deadline)
            return Refusal(Trouble{kUnreachable, "timeout", fmt::format("bkmond at {} takes no more connections", path)});
        ::poll(nullptr, 0, 20);
    }
    return Client(std::move(fd), path);
}

Outcome<void> Client::send(std::string_view frame, milliseconds timeout) {
    const BootTime deadline = system_clock().boot() + timeout;
    while (!frame.empty()) {
        const ssize_t n = ::send(fd_.get(), frame.data(), frame.size(), MSG_NOSIGNAL);
        if (n > 0) {
            frame.remove_prefix(static_cast<std::size_t>(n));
            continue;
        }
        if (errno == EINTR) continue;
        // It may have refused us with a reason before it hung up: that is read next.
        if (errno == EPIPE || errno == ECONNRESET) return {};
        if (errno != EAGAIN) return Refusal(lost(fmt::format("closed the connection: {}", std::strerror(errno))));
        if (wait_for(fd_.get(), POLLOUT, deadline, timeout.count() == 0, -1) != Wait::ready) {
            return Refusal(Trouble{kUnreachable, "timeout", fmt::format("bkmond at {} does not read", path_)});
        }
    }
    return {};
}

Outcome<std::optional<protocol::ReplyFrame>> Client::receive(milliseconds timeout, int interrupt_fd) {
    const BootTime deadline = system_clock().boot() + timeout;
    while (true) {
        if (auto frame = frames_.next()) {
            auto reply = protocol::parse_reply(*frame);
            if (!reply) return Refusal(lost("sent something that is no reply: " + reply.error().what));
            return std::optional<protocol::ReplyFrame>(std::move(*reply));
        }
        switch (wait_for(fd_.get(), POLLIN, deadline, timeout.count() == 0, interrupt_fd)) {
            case Wait::interrupted: return std::optional<protocol::ReplyFrame>();
            case Wait::failed: return Refusal(lost("cannot be waited for"));
            case Wait::timeout:
                return Refusal(Trouble{kUnreachable, "timeout",
                                       fmt::format("bkmond at {} did not answer within {} (--timeout)", path_, duration_words(timeout))});
            case Wait::ready: break;
        }
        char bytes[65536];
        const ssize_t n = ::recv(fd_.get(), bytes, sizeof bytes, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (n <= 0) return Refusal(lost("closed the connection before it had answered"));
        if (!frames_.append(std::string_view(bytes, static_cast<std::size_t>(n)))) return Refusal(lost("sent a reply without an end"));
    }
}

Outcome<protocol::Params> Client::call(std::string_view method, std::string_view parameters, milliseconds timeout) {
    if (auto sent = send(protocol::call_frame(method, parameters), timeout); !sent) return Refusal(sent.error());
    auto reply = receive(timeout, -1);
    if (!reply) return Refusal(reply.error());
    if (!(*reply)->error.empty()) return Refusal(trouble_of((*reply)->error, (*reply)->parameters, method));
    return (*reply)->parameters;
}

Outcome<StreamEnd> Client::stream(std::string_view method, std::string_view parameters, const Patience& patience,
                                  const std::function<bool(const protocol::Params&, bool)>& each) {
    if (auto sent = send(protocol::call_frame(method, parameters, true), patience.first); !sent) return Refusal(sent.error());
    milliseconds timeout = patience.first;
    while (true) {
        auto reply = receive(timeout, patience.interrupt_fd);
        if (!reply) return Refusal(reply.error());
        if (!*reply) return StreamEnd::interrupted;
        const protocol::ReplyFrame& frame = **reply;
        if (!frame.error.empty()) return Refusal(trouble_of(frame.error, frame.parameters, method));
        const bool go_on = each(frame.parameters, !frame.continues);
        if (!frame.continues) return StreamEnd::complete;
        if (!go_on) {
            fd_.reset();
            return StreamEnd::stopped;
        }
        timeout = patience.next;
    }
}

}  // namespace bkmon::ctl
