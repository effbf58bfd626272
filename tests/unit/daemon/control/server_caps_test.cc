#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cstring>

#include "tests/unit/daemon/control/server_fixture.h"

namespace bkmon::control {
namespace {

using test::roles_of;
using test::SocketClient;

/// Runs `act` in a child that has become `uid`; its exit code is what act gives. The parent's loop goes on meanwhile.
class OtherUser {
public:
    OtherUser(uid_t uid, const std::function<int()>& act) {
        pid_ = ::fork();
        if (pid_ == 0) ::_exit(::setgid(uid) == 0 && ::setuid(uid) == 0 ? act() : 99);
    }
    int wait(test::PollLoop& loop) {
        int status = 0;
        for (int i = 0; i < 2000; ++i) {
            if (::waitpid(pid_, &status, WNOHANG) == pid_) return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
            loop.spin();
            ::usleep(5000);
        }
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, &status, 0);
        return -2;
    }

private:
    pid_t pid_ = -1;
};

class ServerCaps : public test::ServerFixture {
protected:
    void open_to_all() { ASSERT_EQ(::chmod(tree.path().c_str(), 0755), 0); }
};

std::string me() { return std::to_string(::geteuid()); }

TEST_F(ServerCaps, ConnectionsOfOneUserAreLimited) {
    start();
    std::vector<SocketClient> clients;
    for (std::size_t i = 0; i < limits.calls_per_uid; ++i) clients.push_back(connect());
    auto refused = connect();
    EXPECT_EQ(refused.reply()->error, "io.bkmon.Busy");
    EXPECT_TRUE(refused.at_end());
    EXPECT_EQ(server->connections(), limits.calls_per_uid);
    clients.pop_back();
    loop.spin();
    auto welcome = connect();
    welcome.call(kVersion);
    loop.spin();
    EXPECT_TRUE(welcome.reply()->error.empty());
}

TEST_F(ServerCaps, StreamsCountApart) {
    limits.calls_per_uid = 4;
    limits.streams_per_uid = 3;
    start();
    std::vector<SocketClient> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(connect());
        clients.back().call(kStatus, "{}", true);
        loop.spin();
    }
    EXPECT_EQ(server->streams(), 3U);
    for (int i = 0; i < 4; ++i) clients.push_back(connect());  // streams took no place from calls
    EXPECT_EQ(server->connections(), 7U);
    clients.back().call(kStatus, "{}", true);
    loop.spin();
    EXPECT_EQ(clients.back().reply()->error, "io.bkmon.Busy");
    clients.back().call(kVersion);  // and it is still good for calls
    loop.spin();
    EXPECT_TRUE(clients.back().reply()->error.empty());
    clients[0].hang_up();
    loop.spin();
    clients.back().call(kStatus, "{}", true);
    loop.spin();
    EXPECT_FALSE(clients.back().reply());
    EXPECT_EQ(server->streams(), 3U);
}

TEST_F(ServerCaps, ConnectingTenThousandTimesCostsNothingThatStays) {
    start();
    connect().hang_up();
    loop.spin();
    const auto before = test::open_fds();
    std::vector<SocketClient> clients;
    for (int i = 0; i < 10000; ++i) {
        SocketClient c(path());
        if (i % 50 == 0) loop.spin();
        if (c.connected()) c.call(kVersion);
        if (clients.size() < 20) clients.push_back(std::move(c));
    }
    loop.spin();
    clients.clear();
    loop.spin();
    EXPECT_EQ(server->connections(), 0U);
    EXPECT_EQ(test::open_fds(), before);
    EXPECT_LE(journal.count(journal::msg::client_refused), 5U);  // nor does it fill the journal
}

TEST_F(ServerCaps, OthersCannotTakeTheAdminsPlaces) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: connects as other users";
    limits.connections = 12;
    limits.kept_for_admins = 3;
    open_to_all();
    start(roles_of({me()}, {}, {"1234"}));
    OtherUser crowd(1234, [&] {
        std::vector<SocketClient> clients;
        for (int i = 0; i < 30; ++i) clients.emplace_back(path());
        ::usleep(300000);
        int open = 0;
        for (auto& c : clients) open += c.connected() && !c.at_end() ? 1 : 0;
        return open;
    });
    for (int i = 0; i < 200 && server->connections() < 9; ++i) {
        ::usleep(1000);
        loop.spin();
    }
    auto admin = connect();
    admin.call(kVersion);
    loop.spin();
    const auto answer = admin.reply();
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->error.empty());
    EXPECT_EQ(crowd.wait(loop), 9);
}

TEST_F(ServerCaps, StrangersHaveFewPlacesTogether) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: connects as other users";
    open_to_all();
    limits.strangers = 6;
    start();
    const auto crowd = [&] {
        std::vector<SocketClient> clients;
        for (int i = 0; i < 10; ++i) clients.emplace_back(path());
        ::usleep(300000);
        int open = 0;
        for (auto& c : clients) open += c.connected() && !c.at_end() ? 1 : 0;
        return open;
    };
    OtherUser a(1234, crowd), b(1235, crowd);
    EXPECT_EQ(a.wait(loop) + b.wait(loop), 6);
}

TEST_F(ServerCaps, RightsFollowTheKernelNotTheName) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: connects as another user";
    open_to_all();
    start();
    // An address of the client's own that looks like somebody else must mean nothing.
    OtherUser liar(1234, [&] {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un own{}, server_address{};
        own.sun_family = server_address.sun_family = AF_UNIX;
        const std::string name = std::string("\0x;uid=0;", 9) + std::to_string(::getpid());
        std::memcpy(own.sun_path, name.data(), name.size());
        std::memcpy(server_address.sun_path, path().data(), path().size());
        if (::bind(fd, reinterpret_cast<sockaddr*>(&own), static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())) != 0) return 90;
        if (::connect(fd, reinterpret_cast<sockaddr*>(&server_address), sizeof server_address) != 0) return 91;
        const auto call = protocol::call_frame(kVersion, "{}");
        if (::send(fd, call.data(), call.size(), 0) < 0) return 92;
        std::string got(4096, '\0');
        const auto n = ::recv(fd, got.data(), got.size(), 0);
        return n > 0 && got.find("io.bkmon.NotAllowed") != std::string::npos && answered == 0 ? 0 : 93;
    });
    EXPECT_EQ(liar.wait(loop), 0);
    EXPECT_EQ(answered, 0);
}

TEST_F(ServerCaps, AConnectionKeepsTheRightsOfWhoConnected) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: becomes another user after connecting";
    open_to_all();
    start();
    SocketClient before(path());  // connected as root, used by whoever holds it
    before.call(kRuns);
    loop.spin();
    ASSERT_EQ(held.size(), 1U);
    EXPECT_EQ(held[0]->caller().uid, 0U);
    EXPECT_EQ(held[0]->caller().pid, ::getpid());
    EXPECT_EQ(held[0]->caller().role, protocol::Role::admin);
    EXPECT_EQ(held[0]->caller().text(), "root (uid 0, pid " + std::to_string(::getpid()) + ")");
    OtherUser holder(1234, [&] {
        before.call(kVersion);
        return 0;
    });
    EXPECT_EQ(holder.wait(loop), 0);
    held[0]->reply("{}");
    loop.spin();
    EXPECT_TRUE(before.reply());
    EXPECT_TRUE(before.reply()->error.empty());
}

TEST_F(ServerCaps, RunningOutOfDescriptorsPausesAndRecovers) {
    start();
    connect().hang_up();
    loop.spin();
    SocketClient early(path()), late(path());
    early.call(kVersion);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{3, before.rlim_max};  // not 0: poll() itself needs one
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    loop.spin(100);  // does not spin: the listening socket is left alone for a moment
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(server->connections(), 0U);
    EXPECT_EQ(journal.count(journal::msg::client_refused), 1U);
    loop.advance(milliseconds(200));
    EXPECT_EQ(server->connections(), 2U);
    EXPECT_TRUE(early.reply());
}

}  // namespace
}  // namespace bkmon::control
