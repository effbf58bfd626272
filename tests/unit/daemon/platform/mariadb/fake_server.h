#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "common/base/unique_fd.h"

namespace bkmon::mariadb {

/// What a server does with one connection: its words are the test's. Keeps everything the client says.
class Peer {
public:
    Peer(int fd, const std::atomic<bool>& stop) : fd_(fd), stop_(stop) {}

    bool stopped() const { return stop_; }
    /// False when the client is gone or the test over.
    bool raw(std::string_view bytes) {
        while (!bytes.empty() && !stop_) {
            const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n > 0)
                bytes.remove_prefix(static_cast<std::size_t>(n));
            else if (n < 0 && errno == EAGAIN)
                ready(POLLOUT);
            else
                return false;
        }
        return bytes.empty();
    }
    static std::string packet(std::uint8_t serial, std::string_view payload) {
        const auto n = payload.size();
        std::string head{static_cast<char>(n & 0xFF), static_cast<char>((n >> 8) & 0xFF), static_cast<char>((n >> 16) & 0xFF),
                         static_cast<char>(serial)};
        return head + std::string(payload);
    }
    bool send(std::uint8_t n, std::string_view payload) { return raw(packet(n, payload)); }
    /// The next packet's payload; its number lands in `number`.
    std::optional<std::string> receive() {
        const auto head = bytes(4);
        if (!head) return {};
        const auto at = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>((*head)[i])); };
        number = static_cast<std::uint8_t>(at(3));
        return bytes(at(0) | at(1) << 8 | at(2) << 16);
    }
    /// What comes until the client hangs up.
    void drain() {
        while (bytes(1)) continue;
    }

    /// `capabilities` beside the usual ones.
    static std::string greeting(std::uint32_t capabilities = 0) {
        const std::uint32_t all = 0x000FA20D | 0x80 | capabilities;  // LOCAL_FILES too: it offers what it hopes for
        std::string p =
            "\x0a"
            "5.5.5-10.11.0-MariaDB";
        p += std::string(1, '\0') + std::string("\x01\0\0\0", 4) + "12345678" + std::string(1, '\0');
        p += {static_cast<char>(all & 0xFF),         static_cast<char>((all >> 8) & 0xFF),  '\x2d', '\x02', '\0',
              static_cast<char>((all >> 16) & 0xFF), static_cast<char>((all >> 24) & 0xFF), '\x15'};
        return p + std::string(10, '\0') + "901234567890" + std::string(1, '\0') + "mysql_native_password" + std::string(1, '\0');
    }
    static std::string ok() { return std::string("\0\0\0\x02\0\0\0", 7); }
    /// Greets, lets anybody in.
    bool let_in() { return send(0, greeting()) && receive() && send(static_cast<std::uint8_t>(number + 1), ok()); }
    static std::string column(const std::string& name) {
        const auto part = [](const std::string& t) { return std::string(1, static_cast<char>(t.size())) + t; };
        return part("def") + part("d") + part("t") + part("t") + part(name) + part(name) + std::string("\x0c\x2d\0\xff\0\0\0\xfd\0\0\0\0\0", 13);
    }
    static std::string eof() { return std::string("\xfe\0\0\x02\0", 5); }

    std::uint8_t number = 0;
    std::string said;  ///< all of it

private:
    void ready(short events) {
        pollfd p{fd_, events, 0};
        ::poll(&p, 1, 50);
    }
    std::optional<std::string> bytes(std::size_t n) {
        std::string got;
        while (got.size() < n && !stop_) {
            std::string block(n - got.size(), '\0');
            const auto some = ::recv(fd_, block.data(), block.size(), MSG_DONTWAIT);
            if (some == 0 || (some < 0 && errno != EAGAIN)) return {};
            if (some < 0) {
                ready(POLLIN);
                continue;
            }
            block.resize(static_cast<std::size_t>(some));
            said += block;
            got += block;
        }
        return got.size() == n ? std::optional(got) : std::nullopt;
    }

    int fd_;
    const std::atomic<bool>& stop_;
};

/// Listens on a port of 127.0.0.1 and does with each connection what the test says.
class FakeServer {
public:
    explicit FakeServer(std::function<void(Peer&)> act) : act_(std::move(act)) {
        listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof a;
        EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&a), size), 0);
        EXPECT_EQ(::listen(listener_.get(), 4), 0);
        EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&a), &size), 0);
        port_ = ntohs(a.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~FakeServer() {
        stop_ = true;
        thread_.join();
    }
    std::uint16_t port() const { return port_; }
    /// Everything the clients said so far.
    std::string heard() {
        const std::lock_guard lock(mutex_);
        return heard_;
    }
    /// The same, when it did with them what it wanted to do.
    std::string heard_to_the_end() {
        stop_ = true;
        for (int i = 0; i < 400 && busy_; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return heard();
    }

private:
    void serve() {
        while (!stop_) {
            pollfd p{listener_.get(), POLLIN, 0};
            if (::poll(&p, 1, 20) <= 0) continue;
            const UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!client) continue;
            busy_ = true;
            Peer peer(client.get(), stop_);
            act_(peer);
            const std::lock_guard lock(mutex_);
            heard_ += peer.said;
            busy_ = false;
        }
    }

    std::function<void(Peer&)> act_;
    UniqueFd listener_;
    std::uint16_t port_ = 0;
    std::atomic<bool> stop_ = false, busy_ = false;
    std::mutex mutex_;
    std::string heard_;
    std::thread thread_;
};

}  // namespace bkmon::mariadb
