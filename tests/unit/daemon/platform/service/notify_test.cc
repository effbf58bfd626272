#include "daemon/platform/service/notify.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace bkmon::test {
namespace {

using namespace std::chrono_literals;

/// A manager's notify socket.
class Notify : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = "/tmp/bkmon-notify-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        listen_at(folder_ + "/notify");
        ::setenv("NOTIFY_SOCKET", (folder_ + "/notify").c_str(), 1);
    }
    void TearDown() override {
        ::unsetenv("NOTIFY_SOCKET");
        std::filesystem::remove_all(folder_);
    }
    void listen_at(const std::string& path) {
        manager_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        std::memcpy(at.sun_path, path.data(), path.size());
        const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
        ASSERT_EQ(::bind(manager_.get(), reinterpret_cast<const sockaddr*>(&at), length), 0);
    }
    /// The next message, or "nothing".
    std::string next() const {
        std::array<char, 4096> buffer{};
        const auto n = ::recv(manager_.get(), buffer.data(), buffer.size(), 0);
        return n < 0 ? "nothing" : std::string(buffer.data(), static_cast<std::size_t>(n));
    }
    std::string folder_;
    UniqueFd manager_;
};

TEST_F(Notify, SpeaksTheProtocol) {
    const auto notifier = service::Notifier::from_environment();
    EXPECT_TRUE(notifier->connected());
    notifier->ready("12 targets, 1 problem");
    EXPECT_EQ(next(), "READY=1\n");
    EXPECT_EQ(next(), "STATUS=12 targets, 1 problem\n");
    notifier->stopping();
    EXPECT_EQ(next(), "STOPPING=1\n");
    notifier->watchdog();
    EXPECT_EQ(next(), "WATCHDOG=1\n");
    notifier->extend_timeout(90s);
    EXPECT_EQ(next(), "EXTEND_TIMEOUT_USEC=90000000\n");
    EXPECT_EQ(next(), "nothing");
}

TEST_F(Notify, AReloadCarriesItsMoment) {
    const auto notifier = service::Notifier::from_environment();
    notifier->reloading();
    const auto message = next();
    const std::string_view prefix = "RELOADING=1\nMONOTONIC_USEC=";
    ASSERT_TRUE(message.starts_with(prefix)) << message;
    std::int64_t us = 0;
    std::from_chars(message.data() + prefix.size(), message.data() + message.size(), us);
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    EXPECT_NEAR(static_cast<double>(us) / 1e6, static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9, 5);
}

TEST_F(Notify, AStatusCarriesNoAssignmentOfItsOwn) {
    service::Notifier::from_environment()->status("deposit x\nMAINPID=1\nREADY=1");
    EXPECT_EQ(next(), "STATUS=deposit x\\nMAINPID=1\\nREADY=1\n");
}

TEST_F(Notify, AManagerThatDoesNotReadHoldsNobodyAndGetsAllButThePings) {
    const auto notifier = service::Notifier::from_environment();
    int sent = 0;
    for (; notifier->waiting() == 0 && sent < 100000; ++sent) notifier->extend_timeout(milliseconds(sent));
    ASSERT_EQ(notifier->waiting(), 1U) << "the queue of the socket never filled";
    notifier->watchdog();
    notifier->status("old");
    notifier->status("new");
    notifier->stopping();
    EXPECT_EQ(notifier->waiting(), 3U);
    EXPECT_FALSE(notifier->flush(1ms));
    for (int i = 0; i < sent - 1; ++i) ASSERT_EQ(next(), "EXTEND_TIMEOUT_USEC=" + std::to_string(i * 1000) + "\n");
    EXPECT_TRUE(notifier->flush(1s));
    EXPECT_EQ(next(), "EXTEND_TIMEOUT_USEC=" + std::to_string((sent - 1) * 1000) + "\n");
    EXPECT_EQ(next(), "STATUS=new\n");
    EXPECT_EQ(next(), "STOPPING=1\n");
    EXPECT_EQ(next(), "nothing");
}

TEST_F(Notify, NoChildInheritsTheManager) {
    ::setenv("WATCHDOG_USEC", "3000000", 1);
    const auto notifier = service::Notifier::from_environment();
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) EXPECT_EQ(std::getenv(name), nullptr) << name;
    EXPECT_EQ(notifier->watchdog_interval(), 3s);
}

TEST_F(Notify, AWatchdogMeantForAnotherProcessIsNotOurs) {
    ::setenv("WATCHDOG_USEC", "3000000", 1);
    ::setenv("WATCHDOG_PID", "1", 1);
    EXPECT_FALSE(service::Notifier::from_environment()->watchdog_interval());
    ::unsetenv("WATCHDOG_PID");
}

TEST_F(Notify, AbstractSocketsAndAbsentManagers) {
    const std::string name = "bkmon-notify-test-" + std::to_string(::getpid());
    listen_at('\0' + name);
    ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
    service::Notifier::from_environment()->ready();
    EXPECT_EQ(next(), "READY=1\n");
    for (const std::string& useless : {std::string(), std::string("relative"), std::string("/"), "/" + std::string(200, 'x')}) {
        ::setenv("NOTIFY_SOCKET", useless.c_str(), 1);
        const auto notifier = service::Notifier::from_environment();
        EXPECT_FALSE(notifier->connected()) << useless;
        notifier->ready("x");
        notifier->watchdog();
        EXPECT_EQ(notifier->waiting(), 0U);
    }
    ::setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
    const auto gone = service::Notifier::from_environment();
    gone->ready();
    EXPECT_EQ(gone->waiting(), 0U) << "a manager that is gone is no reason to wait";
}

/// In a process of its own: descriptors from 3 on are the manager's to give. What `body` returns is its exit code.
template <class Body>
int as_activated(const std::string& names, const std::vector<int>& fds, Body body) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        // First out of the way, then into place.
        std::vector<int> high;
        for (const int fd : fds) high.push_back(::fcntl(fd, F_DUPFD, 100));
        for (std::size_t i = 0; i < high.size(); ++i) ::dup2(high[i], 3 + static_cast<int>(i));
        ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
        ::setenv("LISTEN_FDS", std::to_string(fds.size()).c_str(), 1);
        ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
        ::_exit(body());
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class Listen : public Notify {
protected:
    UniqueFd listening() {
        UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        const auto path = folder_ + "/" + std::to_string(++count_);
        std::memcpy(at.sun_path, path.data(), path.size());
        EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
        EXPECT_EQ(::listen(fd.get(), 1), 0);
        return fd;
    }
    int count_ = 0;
};

TEST_F(Listen, TakesTheNamedSocketAndClosesTheOthers) {
    const auto a = listening(), b = listening();
    const auto body = [] {
        const auto fd = service::take_listen_socket("control");
        if (!fd || fd->get() != 4) return 1;
        if ((::fcntl(4, F_GETFD) & FD_CLOEXEC) == 0) return 2;
        if (::fcntl(3, F_GETFD) != -1) return 3;
        return std::getenv("LISTEN_FDS") == nullptr ? 0 : 4;
    };
    EXPECT_EQ(as_activated("other:control", {a.get(), b.get()}, body), 0);
}

TEST_F(Listen, RefusesWhatIsNoListeningUnixSocket) {
    const auto invalid = [] {
        const auto fd = service::take_listen_socket("control");
        return !fd && fd.error().code == Errc::invalid ? 0 : 1;
    };
    const auto a = listening(), b = listening();
    EXPECT_EQ(as_activated("control:control", {a.get(), b.get()}, invalid), 0) << "two of the name";
    EXPECT_EQ(as_activated("control", {manager_.get()}, invalid), 0) << "a datagram socket";
    const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(as_activated("control", {file.get()}, invalid), 0);
    EXPECT_EQ(as_activated("unknown", {a.get()}, [] { return service::take_listen_socket("control").value().get() == -1 ? 0 : 1; }), 0);
}

TEST_F(Listen, NothingPassedIsNothing) {
    ASSERT_EQ(std::getenv("LISTEN_FDS"), nullptr);
    const auto fd = service::take_listen_socket("control");
    ASSERT_TRUE(fd);
    EXPECT_FALSE(*fd);
}

}  // namespace
}  // namespace bkmon::test
