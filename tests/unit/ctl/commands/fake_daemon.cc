#include "tests/unit/ctl/commands/fake_daemon.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "common/protocol/codec.h"

namespace bkmon::test {

FakeDaemon::FakeDaemon() {
    char name[] = "/tmp/bkmonctl-test-XXXXXX";
    if (::mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = name;
    socket_ = folder_ + "/socket";
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    stop_reading_.reset(ends[0]);
    stop_writing_.reset(ends[1]);
    listening_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    if (::bind(listening_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(listening_.get(), 16) != 0) {
        throw std::runtime_error("bind");
    }
    acceptor_ = std::thread([this] { listen(); });
}

FakeDaemon::~FakeDaemon() {
    stop_writing_.reset();  // its end wakes everybody
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void FakeDaemon::on(const std::string& method, Answer answer) {
    const std::lock_guard lock(mutex_);
    answers_[method].push_back(std::move(answer));
}

void FakeDaemon::reply(const std::string& method, const std::string& parameters) { on(method, {{protocol::reply_frame(parameters)}}); }

void FakeDaemon::pages(const std::string& method, const std::vector<std::string>& parameters, Then then) {
    Answer answer;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        answer.frames.push_back(protocol::reply_frame(parameters[i], then != Then::keep || i + 1 < parameters.size()));
    }
    answer.then = then;
    on(method, std::move(answer));
}

void FakeDaemon::error(const std::string& method, const std::string& name, const std::string& parameters) {
    on(method, {{protocol::error_frame(name, parameters)}});
}

std::vector<FakeDaemon::Received> FakeDaemon::received() const {
    const std::lock_guard lock(mutex_);
    return received_;
}

std::string FakeDaemon::parameters(const std::string& method) const {
    const std::lock_guard lock(mutex_);
    std::string found;
    for (const Received& call : received_) {
        if (call.method == method) found = call.parameters;
    }
    return found;
}

void FakeDaemon::listen() {
    while (true) {
        pollfd watched[2] = {{listening_.get(), POLLIN, 0}, {stop_reading_.get(), POLLIN, 0}};
        if (::poll(watched, 2, -1) < 0) continue;
        if (watched[1].revents != 0) return;
        UniqueFd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!fd) continue;
        ++connections_;
        threads_.emplace_back([this, raw = fd.release()] { serve(UniqueFd(raw)); });
    }
}

void FakeDaemon::serve(UniqueFd fd) {
    protocol::FrameBuffer frames(protocol::kMaxCallBytes);
    while (true) {
        pollfd watched[2] = {{fd.get(), POLLIN, 0}, {stop_reading_.get(), POLLIN, 0}};
        if (::poll(watched, 2, -1) < 0) continue;
        if (watched[1].revents != 0) return;
        char bytes[4096];
        const ssize_t n = ::recv(fd.get(), bytes, sizeof bytes, 0);
        if (n <= 0 || !frames.append(std::string_view(bytes, static_cast<std::size_t>(n)))) return;
        while (auto frame = frames.next()) {
            if (!answer(fd.get(), *frame)) return;
        }
    }
}

bool FakeDaemon::answer(int fd, const std::string& frame) {
    const auto call = protocol::parse_call(frame);
    if (!call) return false;
    Answer answer{{protocol::error_frame("org.varlink.service.MethodNotFound", "{\"method\":\"" + call->method + "\"}")}};
    {
        const std::lock_guard lock(mutex_);
        received_.push_back({call->method, call->parameters.dump(), call->more});
        auto& answers = answers_[call->method];
        if (!answers.empty()) answer = answers.front();
        if (answers.size() > 1) answers.pop_front();
    }
    for (const std::string& bytes : answer.frames) {
        if (::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) return false;
    }
    return answer.then != Then::close;
}

}  // namespace bkmon::test
