#include "daemon/control/connection.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "daemon/control/connection_call.h"

namespace bkmon::control {

namespace {
constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr int kCallsPerTurn = 32;  // a client that sends thousands at once does not keep the loop
constexpr milliseconds kHangupCheck{1000};
constexpr int kMostFds = 253;  // SCM_MAX_FD: what one message can carry

/// Closes what was passed along; how many that were.
int close_passed(msghdr& message) {
    int closed = 0;
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i, ++closed) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            ::close(fd);
        }
    }
    return closed;
}

bool is_hung_up(int fd) {
    pollfd p{fd, 0, 0};
    return ::poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}
}  // namespace

Connection::Connection(loop::EventLoop& loop, Owner& owner, const Limits& limits, UniqueFd fd, Peer peer, Access access)
    : loop_(loop),
      owner_(owner),
      limits_(limits),
      fd_(std::move(fd)),
      peer_(std::move(peer)),
      access_(std::move(access)),
      in_(access_.role == protocol::Role::none ? limits.stranger_frame : limits.frame) {
    idle_ = loop_.make_timer([this] { close(out_.empty() ? "" : "does not read its answers"); });
    half_ = loop_.make_timer([this] { close("sent the beginning of a call and not its end"); });
    hangup_ = loop_.make_timer([this] { check_hangup(); });
}

Connection::~Connection() { close(""); }

void Connection::start() {
    watch_ = loop_.watch(fd_.get(), true, false, [this](bool readable, bool writable) { ready(readable, writable); });
    update();
}

void Connection::close(std::string_view why) {
    if (closed_) return;
    closed_ = true;
    const auto self = weak_from_this().lock();  // owner_.closed() lets go of us
    watch_.reset();
    idle_->cancel();
    half_->cancel();
    hangup_->cancel();
    auto* const call = std::exchange(current_, nullptr);
    if (std::exchange(streaming_, false)) owner_.stream_ended(*this);
    owner_.closed(*this, why);
    if (call != nullptr) call->hung_up();
}

void Connection::retire(std::string why) {
    if (streaming_ || (current_ == nullptr && out_.empty())) return close(why);
    closing_ = true;
    why_closing_ = std::move(why);
    update();
}

// ---- reading

void Connection::ready(bool readable, bool writable) {
    const auto self = shared_from_this();
    if (writable) {
        flush();
        if (current_ != nullptr && has_room()) current_->drained();
    }
    if (readable && !closed_ && wants_input()) read_some();
    if (!closed_) process();
}

bool Connection::wants_input() const {
    // While a call is under way later ones are kept up to the limit; a frame that has begun is always read to its end.
    return !closing_ && !half_closed_ && !refusal_ && !broken_ && (!in_.has_frame() || in_.size() < limits_.frame);
}

void Connection::read_some() {
    std::array<char, kReadBytes> bytes;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMostFds)> control;
    iovec part{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t n = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) close("");
        return;
    }
    if (close_passed(message) > 0 || (message.msg_flags & MSG_CTRUNC) != 0) return close("passed file descriptors, which bkmond never takes");
    if (n == 0) return end_of_input();
    const std::string_view got(bytes.data(), static_cast<std::size_t>(n));
    if (got.find('\0') != std::string_view::npos) half_->cancel();  // the next frame has its own time
    if (auto r = in_.append(got); !r) refusal_ = std::move(r.error());
}

void Connection::end_of_input() {
    if (is_hung_up(fd_.get())) return close("");
    half_closed_ = true;  // `printf … | socat`: the answers are still wanted
}

void Connection::process() {
    if (processing_ || closed_) return;
    processing_ = true;
    int started = 0;
    while (!closed_ && !closing_ && !broken_ && current_ == nullptr && in_.has_frame()) {
        if (started++ == kCallsPerTurn) {
            later(&Connection::process);
            break;
        }
        start_call(*in_.next());
    }
    processing_ = false;
    flush();
    settle();
}

void Connection::start_call(const std::string& frame) {
    idle_->cancel();
    const auto parsed = protocol::parse_call(frame);
    if (!parsed) return refuse_frame(parsed.error());
    const auto* spec = protocol::find_method(parsed->method);
    const auto needed = spec != nullptr ? spec->role : protocol::Role::viewer;
    const auto call = std::make_shared<ConnectionCall>(shared_from_this(), owner_.roles().caller(peer_, access_, needed), *parsed);
    current_ = call.get();
    if (!stranger()) {
        if (parsed->upgrade) return call->invalid("upgrade", "no method offers this");
        if (parsed->more && spec != nullptr && spec->streams) {
            streaming_ = owner_.stream_begins(*this);
            if (!streaming_) return call->fail({Errc::busy, "this user has too many streams open: end one first"});
        }
    }
    owner_.dispatcher().dispatch(parsed->method, call);
}

void Connection::refuse_frame(const Error& why) {
    closing_ = true;
    why_closing_ = "sent what is no call: " + why.what;
    JsonWriter w;
    if (stranger()) return send(protocol::error_frame("io.bkmon.NotAllowed", R"({"method":"","role":"viewer"})"), false);
    send(protocol::error_frame("io.bkmon.Invalid", w.begin_object().key("parameter").null().field("message", why.what).end_object().str()), false);
}

// ---- answering

void Connection::send(std::string frame, bool droppable) {
    if (closed_ || broken_) return;
    // A client that is behind sees only the newest of several progress lines.
    if (droppable && !out_.empty() && out_.back().droppable && (out_.size() > 1 || sent_of_front_ == 0)) {
        queued_ += frame.size() - out_.back().bytes.size();
        out_.back().bytes = std::move(frame);
        return;
    }
    if (queued_ >= limits_.output) {
        if (droppable) return;
        broken_ = "does not read its answers";
        return later(&Connection::settle);
    }
    queued_ += frame.size();
    out_.push_back({std::move(frame), droppable});
    // Answers to calls that came together leave together.
    if (out_.size() == 1 ? !processing_ : !has_room()) flush();
    update();
}

void Connection::finished() {
    current_ = nullptr;
    idle_->cancel();
    if (std::exchange(streaming_, false)) owner_.stream_ended(*this);
    if (stranger()) closing_ = true;
    if (!processing_) later(&Connection::process);
}

// ---- writing

void Connection::flush() {
    while (!out_.empty() && write_some()) {
    }
}

bool Connection::write_some() {
    std::array<iovec, 16> parts{};
    std::size_t count = 0;
    for (auto it = out_.begin(); it != out_.end() && count < parts.size(); ++it, ++count) {
        const std::size_t skip = count == 0 ? sent_of_front_ : 0;
        parts[count] = {it->bytes.data() + skip, it->bytes.size() - skip};
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const ssize_t n = ::sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
        if (errno == EINTR) return true;
        if (errno != EAGAIN && !broken_) {
            broken_ = "";
            later(&Connection::settle);
        }
        return false;
    }
    idle_->cancel();  // it reads
    auto left = static_cast<std::size_t>(n);
    queued_ -= left;
    while (left > 0) {
        const std::size_t rest = out_.front().bytes.size() - sent_of_front_;
        if (left < rest) {
            sent_of_front_ += left;
            break;
        }
        left -= rest;
        sent_of_front_ = 0;
        out_.pop_front();
    }
    return true;
}

// ---- between events

void Connection::later(void (Connection::*step)()) {
    static_cast<void>(loop_.post(Task([weak = weak_from_this(), step] {
        if (const auto connection = weak.lock(); connection && !connection->closed_) (connection.get()->*step)();
    })));
}

void Connection::settle() {
    if (closed_) return;
    if (current_ == nullptr && !in_.has_frame()) {
        if (auto why = std::exchange(refusal_, std::nullopt); why && !closing_) refuse_frame(*why);
        if (half_closed_) closing_ = true;
    }
    if (broken_) return close(*broken_);
    if (closing_ && current_ == nullptr && out_.empty()) return close(why_closing_);
    update();
}

void Connection::update() {
    if (closed_ || !watch_) return;
    const bool input = wants_input();
    watch_->want(input, !out_.empty());
    if (!input || !in_.half())
        half_->cancel();
    else if (!half_->armed())
        half_->arm(limits_.half_frame);
    if (current_ != nullptr && out_.empty())
        idle_->cancel();
    else if (!idle_->armed())
        idle_->arm(stranger() ? limits_.stranger_idle : limits_.idle);
    if (current_ == nullptr || input)
        hangup_->cancel();
    else if (!hangup_->armed())
        hangup_->arm(kHangupCheck);
}

void Connection::check_hangup() {
    if (is_hung_up(fd_.get())) return close("");
    update();
}

}  // namespace bkmon::control
