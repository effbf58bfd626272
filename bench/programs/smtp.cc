// A mail server that takes whatever comes, and a sender that does nothing but send: what the way of a mail is measured with.
//   smtp sink LOG [FOLDER|hangup]      prints its port on 127.0.0.1; a line of LOG for each mail: nanoseconds since 1970 of its MAIL, its DATA and
//                                      the 250, its length, its Message-ID. FOLDER: it is on the disk before the 250, as a real server has it.
//                                      hangup: it takes its leave after each mail. Ends with its standard input.
//   smtp send PORT CONNECTIONS FILE…   each FILE is one mail; one command, one answer, as many at once as there are CONNECTIONS, which it keeps
//   smtp each PORT CONNECTIONS FILE…   the same with a connection of its own for each mail, as smtp-source and swaks send
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

void need(bool good, const char* what) {
    if (good) return;
    std::perror(what);
    std::exit(1);
}

sockaddr_in here(int port) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(static_cast<std::uint16_t>(port));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

long long now() {
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

/// What has come over a connection and was not looked at yet.
class Wire {
public:
    explicit Wire(int fd) : fd_(fd) {
        const int on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    ~Wire() { ::close(fd_); }
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    /// Up to and with `end`; empty: the other side has gone.
    std::string until(std::string_view end) {
        for (std::size_t from = 0;;) {
            if (const auto at = got_.find(end, from); at != std::string::npos) {
                auto found = got_.substr(0, at + end.size());
                got_.erase(0, at + end.size());
                return found;
            }
            from = got_.size() < end.size() ? 0 : got_.size() - end.size();
            char block[16384];
            const auto n = ::read(fd_, block, sizeof block);
            if (n <= 0) return {};
            got_.append(block, static_cast<std::size_t>(n));
        }
    }
    bool say(std::string_view text) {
        while (!text.empty()) {
            const auto n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (n <= 0) return false;
            text.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }

private:
    const int fd_;
    std::string got_;
};

// --- the server

class Sink {
public:
    Sink(const char* log, std::string how) : log_(::open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)), hangs_up_(how == "hangup") {
        need(log_ >= 0, log);
        if (!hangs_up_) folder_ = std::move(how);
    }

    void serve(int fd) {
        Wire wire(fd);
        long long mail = 0;
        for (auto said = wire.say("220 sink.test ESMTP\r\n"); said;) {
            const auto line = wire.until("\r\n");
            const auto verb = line.substr(0, 4);
            if (line.empty()) return;
            if (verb == "MAIL") mail = now();
            if (verb == "EHLO")
                said = wire.say("250-sink.test\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n");
            else if (verb == "DATA")
                said = take(wire, mail) && !hangs_up_;
            else if (verb == "QUIT")
                said = wire.say("221 bye\r\n") && false;
            else
                said = wire.say("250 ok\r\n");
        }
    }

private:
    bool take(Wire& wire, long long mail) {
        const auto data = now();
        if (!wire.say("354 go on\r\n")) return false;
        const auto bytes = wire.until("\r\n.\r\n");
        if (bytes.empty()) return false;
        if (!folder_.empty()) keep(bytes);
        if (!wire.say("250 taken\r\n")) return false;
        const auto id = bytes.find("Message-ID: ");
        const auto line = std::to_string(mail) + ' ' + std::to_string(data) + ' ' + std::to_string(now()) + ' ' + std::to_string(bytes.size()) + ' ' +
                          (id == std::string::npos ? "-" : bytes.substr(id + 12, bytes.find("\r\n", id) - id - 12)) + '\n';
        need(::write(log_, line.data(), line.size()) == static_cast<ssize_t>(line.size()), "write");
        return true;
    }
    void keep(const std::string& bytes) {
        const auto path = folder_ + "/" + std::to_string(++kept_);
        const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        need(fd >= 0 && ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && ::fsync(fd) == 0, "keep");
        ::close(fd);
    }

    const int log_;
    const bool hangs_up_;
    std::string folder_;
    std::atomic<int> kept_{0};
};

int sink(const char* log, const char* how) {
    Sink server(log, how);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = here(0);
    socklen_t size = sizeof address;
    need(fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 && ::listen(fd, 64) == 0 &&
             ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0,
         "listen");
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    std::thread([] {
        while (std::getchar() != EOF) continue;
        std::_Exit(0);
    }).detach();
    for (;;) {
        const int one = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
        if (one >= 0) std::thread([&server, one] { server.serve(one); }).detach();
    }
}

// --- the sender

/// One command and its answer, of which the code must begin so.
void ask(Wire& wire, const std::string& text, char code) {
    if (!text.empty()) need(wire.say(text), "send");
    std::string line;
    do line = wire.until("\r\n");
    while (line.size() > 3 && line[3] == '-');
    if (line.empty() || line[0] != code) {
        std::fprintf(stderr, "answer: %s\n", line.c_str());
        std::exit(1);
    }
}

/// As it goes over the wire.
std::string dotted(std::string bytes) {
    for (std::size_t at = 0; (at = bytes.find("\r\n.", at)) != std::string::npos; at += 4) bytes.insert(at + 2, 1, '.');
    return bytes;
}

/// From the banner to the farewell, `most` mails at most. False when there are no more.
bool converse(int port, const std::vector<std::string>& mails, std::atomic<std::size_t>& next, std::size_t most) {
    std::size_t i = next++;
    if (i >= mails.size()) return false;
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = here(port);
    need(fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
    Wire wire(fd);
    ask(wire, "", '2');
    ask(wire, "EHLO bench.test\r\n", '2');
    for (std::size_t sent = 0; i < mails.size(); i = next++) {
        ask(wire, "MAIL FROM:<bkmon@example.org> SIZE=" + std::to_string(mails[i].size()) + "\r\n", '2');
        ask(wire, "RCPT TO:<ops@example.org>\r\n", '2');
        ask(wire, "DATA\r\n", '3');
        ask(wire, mails[i] + ".\r\n", '2');
        if (++sent == most) break;
    }
    ask(wire, "QUIT\r\n", '2');
    return true;
}

int send_all(int port, std::size_t connections, std::size_t most, char** files, int count) {
    std::vector<std::string> mails;
    for (int i = 0; i < count; ++i) {
        std::ifstream in(files[i], std::ios::binary);
        mails.push_back(dotted({std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()}));
        need(!mails.back().empty(), files[i]);
    }
    std::atomic<std::size_t> next{0};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < connections; ++i)
        threads.emplace_back([&] {
            while (converse(port, mails, next, most)) {
            }
        });
    for (auto& thread : threads) thread.join();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc > 2 ? argv[1] : "";
    if (what == "sink") return sink(argv[2], argc > 3 ? argv[3] : "");
    if ((what == "send" || what == "each") && argc > 4)
        return send_all(std::atoi(argv[2]), static_cast<std::size_t>(std::atoi(argv[3])), what == "each" ? 1 : SIZE_MAX, argv + 4, argc - 4);
    return 2;
}
