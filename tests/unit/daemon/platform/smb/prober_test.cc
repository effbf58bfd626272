#include "daemon/platform/smb/prober.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <filesystem>
#include <map>
#include <thread>

#include "daemon/platform/loop/libevent.h"
#include "daemon/platform/loop/thread_lane.h"
#include "strange_calls.h"
#include "tests/support/poll_loop.h"

namespace bkmon::smb {
namespace {

using namespace std::chrono_literals;

std::ptrdiff_t descriptors() {
    const std::filesystem::directory_iterator fds("/proc/self/fd");
    return std::distance(begin(fds), end(fds));
}

sockaddr_in v4(const std::string& address, int port) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(static_cast<std::uint16_t>(port));
    ::inet_pton(AF_INET, address.c_str(), &a.sin_addr);
    return a;
}

/// Listens, and never says a word.
class Listener {
public:
    explicit Listener(const std::string& address, int port = 0, int backlog = 4096)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        const int one = 1;
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        auto a = v4(address, port);
        EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&a), sizeof a), 0);
        EXPECT_EQ(::listen(fd_.get(), backlog), 0);
        socklen_t size = sizeof a;
        ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&a), &size);
        port_ = ntohs(a.sin_port);
        address_ = a;
    }
    /// From now on the kernel drops whoever knocks.
    void fill() {
        for (int i = 0; i < 3; ++i) {
            fillers_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            static_cast<void>(::connect(fillers_.back().get(), reinterpret_cast<sockaddr*>(&address_), sizeof address_));
        }
    }
    UniqueFd accept() { return UniqueFd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
    std::uint16_t port() const { return port_; }

private:
    UniqueFd fd_;
    std::vector<UniqueFd> fillers_;
    sockaddr_in address_{};
    std::uint16_t port_ = 0;
};

class ProberTest : public testing::Test {
protected:
    void probe(const std::string& address, std::uint16_t port, milliseconds deadline = 2s) {
        inside_ = true;
        tickets_[address] = prober_->probe(address, port, deadline, [this, address](Probed p) {
            EXPECT_FALSE(inside_) << "from inside probe()";
            EXPECT_EQ(got_.count(address), 0U) << "told twice";
            got_[address] = std::move(p);
        });
        inside_ = false;
    }
    Probed& told(const std::string& address) {
        EXPECT_TRUE(loop_.until([&] { return got_.count(address) > 0; })) << address;
        return got_[address];
    }
    void use(loop::Lane& lane) { prober_ = make_prober(loop_, lane); }

    test::PollLoop loop_;
    test::HeldLane held_;
    std::unique_ptr<Prober> prober_ = make_prober(loop_, held_);
    std::map<std::string, std::unique_ptr<Prober::Ticket>> tickets_;
    std::map<std::string, Probed> got_;
    bool inside_ = false;
};

TEST_F(ProberTest, OneThatListensIsListed) {
    Listener peer("127.0.0.1");
    probe("127.0.0.1", peer.port());
    const auto& p = told("127.0.0.1");
    EXPECT_EQ(p.outcome, Outcome::listed);
    EXPECT_EQ(p.address, "127.0.0.1");
    ASSERT_TRUE(p.connection);
    const auto theirs = peer.accept();
    ASSERT_TRUE(theirs);
    char c = 0;
    EXPECT_LT(::recv(theirs.get(), &c, 1, MSG_DONTWAIT), 0) << "nothing is said";
    EXPECT_EQ(errno, EAGAIN) << "and it stays open";
    EXPECT_EQ(p.connection.since, loop_.clock().boot());
    EXPECT_NE(::fcntl(p.connection.socket.get(), F_GETFD) & FD_CLOEXEC, 0);
    tickets_.clear();
    EXPECT_EQ(::send(p.connection.socket.get(), "x", 1, MSG_NOSIGNAL), 1) << "it is whoever's has it";
    EXPECT_EQ(::recv(theirs.get(), &c, 1, 0), 1);
    got_.clear();
    EXPECT_LT(::recv(theirs.get(), &c, 1, 0), 0);
    EXPECT_EQ(errno, ECONNRESET) << "nothing is left behind";
    EXPECT_FALSE(peer.accept()) << "once";
}

TEST_F(ProberTest, OneThatFailsGivesNoConnection) {
    probe("127.9.9.9", 9);
    EXPECT_FALSE(told("127.9.9.9").connection);
}

TEST_F(ProberTest, GivingUpClosesWhatIsConnectedAndNotToldYet) {
    Listener peer("127.0.0.1");
    const auto before = descriptors();
    std::vector<std::unique_ptr<Prober::Ticket>> mine;
    int told = 0;
    for (int i = 0; i < 40; ++i)
        mine.push_back(prober_->probe("127.0.0.1", peer.port(), 2s, [&](const Probed& p) {
            ++told;
            EXPECT_TRUE(p.connection);
            EXPECT_GT(descriptors(), before + 1) << "others are connected";
            mine.clear();
            EXPECT_EQ(descriptors(), before + 1);
        }));
    loop_.spin();
    EXPECT_EQ(told, 1);
    EXPECT_EQ(descriptors(), before);
}

TEST_F(ProberTest, NobodyThereIsRefusedAtOnce) {
    probe("127.9.9.9", 9);
    const auto& p = told("127.9.9.9");
    EXPECT_EQ(p.outcome, Outcome::refused);
    EXPECT_EQ(p.address, "127.9.9.9");
    EXPECT_EQ(p.detail, "Connection refused");
}

TEST_F(ProberTest, OneThatDropsIsATimeOutAtTheDeadline) {
    Listener peer("127.0.0.1", 0, 0);
    peer.fill();
    probe("127.0.0.1", peer.port());
    loop_.advance(1990ms);
    EXPECT_TRUE(got_.empty());
    loop_.advance(20ms);
    const auto& p = told("127.0.0.1");
    EXPECT_EQ(p.outcome, Outcome::timeout);
    EXPECT_EQ(p.detail, "no answer within 2 s");
    EXPECT_GE(p.took, 2s);
    EXPECT_LT(p.took, 3s);
}

TEST_F(ProberTest, WithoutARouteItIsUnreachable) {
    probe("255.255.255.255", 445);
    EXPECT_EQ(told("255.255.255.255").outcome, Outcome::unreachable);
    EXPECT_FALSE(got_["255.255.255.255"].detail.empty());
}

TEST_F(ProberTest, BothFamiliesAndNoNameIsAsked) {
    const int before = test::names_asked;
    probe("::1", 9);
    probe("127.0.0.1", 9);
    probe("fe80::1%lo", 9);
    loop_.spin();
    EXPECT_NE(told("::1").outcome, Outcome::internal);
    EXPECT_NE(got_["::1"].outcome, Outcome::name_unknown);
    EXPECT_EQ(told("127.0.0.1").outcome, Outcome::refused);
    loop_.advance(3s);
    EXPECT_NE(told("fe80::1%lo").outcome, Outcome::name_unknown);
    EXPECT_TRUE(held_.queue.empty());
    EXPECT_EQ(test::names_asked, before);
}

TEST_F(ProberTest, ListensOnIPv6) {
    const UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 a{};
    a.sin6_family = AF_INET6;
    a.sin6_addr = in6addr_loopback;
    socklen_t size = sizeof a;
    if (!fd || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&a), size) != 0) return;  // a machine without: the numbers above are read all the same
    ASSERT_EQ(::listen(fd.get(), 5), 0);
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&a), &size);
    probe("0:0::1", ntohs(a.sin6_port));
    EXPECT_EQ(told("0:0::1").outcome, Outcome::listed);
    EXPECT_EQ(got_["0:0::1"].address, "::1");
}

TEST_F(ProberTest, GivingUpClosesIt) {
    Listener peer("127.0.0.1", 0, 0);
    peer.fill();
    const auto before = descriptors();
    for (int i = 1; i <= 50; ++i) tickets_[std::to_string(i)] = prober_->probe("127.0.0.1", peer.port(), 2s, [](const Probed&) { ADD_FAILURE(); });
    loop_.spin();
    EXPECT_EQ(descriptors(), before + 50);
    tickets_.clear();
    EXPECT_EQ(descriptors(), before);
    EXPECT_EQ(loop_.watched(), 0U);
    loop_.advance(3s);
}

TEST_F(ProberTest, NobodyIsToldWhenItIsGone) {
    Listener peer("127.0.0.1", 0, 0);
    peer.fill();
    const auto before = descriptors();
    probe("127.0.0.1", peer.port());
    probe("slow.test", 1);
    loop_.spin();
    prober_.reset();
    EXPECT_EQ(descriptors(), before);
    loop_.advance(3s);
    while (held_.step()) loop_.spin();
    EXPECT_TRUE(got_.empty());
    tickets_.clear();
}

TEST_F(ProberTest, DoneMayDestroyEverything) {
    std::vector<std::unique_ptr<Prober::Ticket>> mine;
    int told = 0;
    for (int i = 0; i < 40; ++i)
        mine.push_back(prober_->probe("127.9.9.9", 9, 2s, [&](const Probed&) {
            ++told;
            prober_.reset();
            mine.clear();
        }));
    loop_.spin();
    EXPECT_EQ(told, 1);
}

/// Allows this many descriptors while it lives.
class Allowed {
public:
    explicit Allowed(rlim_t many) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit now{many, before_.rlim_max};
        EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &now), 0);
    }
    ~Allowed() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    Allowed(const Allowed&) = delete;
    Allowed& operator=(const Allowed&) = delete;

private:
    rlimit before_{};
};

TEST_F(ProberTest, AsManyAsDescriptorsAllowAndOnlyThoseHaveTheirDeadlineRunning) {
    Listener peer("127.0.0.1", 0, 0);
    peer.fill();
    const Allowed few(306);  // 256 are for others
    const auto before = descriptors();
    int told = 0;
    for (int i = 0; i < 120; ++i)
        tickets_[std::to_string(i)] = prober_->probe("127.0.0.1", peer.port(), 2s, [&](const Probed& p) {
            ++told;
            EXPECT_EQ(p.outcome, Outcome::timeout);
            EXPECT_LT(p.took, 2500ms);
        });
    loop_.spin();
    EXPECT_EQ(descriptors(), before + 50);
    loop_.advance(2s);
    EXPECT_EQ(told, 50);
    EXPECT_EQ(descriptors(), before + 50);
    loop_.advance(2s);
    EXPECT_EQ(told, 100);
    loop_.advance(2s);
    EXPECT_EQ(told, 120);
}

TEST_F(ProberTest, OutOfDescriptorsItWaitsAWhile) {
    Listener peer("127.0.0.1");
    test::no_descriptors = true;
    probe("127.0.0.1", peer.port());
    loop_.advance(3s);
    EXPECT_TRUE(got_.empty());
    test::no_descriptors = false;
    loop_.advance(200ms);
    EXPECT_EQ(told("127.0.0.1").outcome, Outcome::listed);
    test::no_descriptors = true;
    probe("127.9.9.9", 9);
    loop_.advance(10s);
    test::no_descriptors = false;
    EXPECT_EQ(told("127.9.9.9").outcome, Outcome::internal);
    EXPECT_EQ(got_["127.9.9.9"].detail, "Too many open files");
}

TEST_F(ProberTest, WithFewDescriptorsThoseThatEndMakeRoom) {
    Listener peer("127.0.0.1", 0, 0);
    peer.fill();
    probe("127.0.0.1", peer.port());
    loop_.spin();
    test::no_descriptors = true;
    probe("127.9.9.9", 9);
    loop_.advance(1s);
    test::no_descriptors = false;
    loop_.advance(500ms);
    EXPECT_TRUE(got_.empty()) << "as many as there are";
    loop_.advance(600ms);
    EXPECT_EQ(told("127.0.0.1").outcome, Outcome::timeout);
    EXPECT_EQ(told("127.9.9.9").outcome, Outcome::refused);
}

// Names.

TEST_F(ProberTest, ANameIsLookedUp) {
    Listener peer("127.0.0.1");
    loop::ThreadLane lane("names", 2);
    use(lane);
    probe("localhost", peer.port());
    const auto& p = told("localhost");
    EXPECT_EQ(p.outcome, Outcome::listed);
    EXPECT_EQ(p.address, "127.0.0.1");
}

TEST_F(ProberTest, ANameThatIsNone) {
    probe("never.test", 445);
    probe("later.test", 445);
    probe("a\x1b[31m b", 445);
    while (held_.step()) loop_.spin();
    EXPECT_EQ(told("never.test").outcome, Outcome::name_unknown);
    EXPECT_EQ(got_["never.test"].detail, "never.test: Name or service not known");
    EXPECT_EQ(told("later.test").outcome, Outcome::name_unknown);
    EXPECT_EQ(got_["later.test"].detail, "later.test: Temporary failure in name resolution");
    EXPECT_EQ(told("a\x1b[31m b").detail.substr(0, 10), "a\\x1b[31m ");
}

TEST_F(ProberTest, AHungNameServiceHoldsNobodyButItsLane) {
    Listener peer("127.0.0.1");
    test::slow_milliseconds = 300;
    loop::ThreadLane lane("names", 1);
    use(lane);
    const int before = test::names_asked;
    probe("slow1.test", 445);
    ASSERT_TRUE(loop_.until([&] { return lane.running() == 1 && test::names_asked == before + 1; }));
    probe("slow2.test", 445);
    probe("127.0.0.1", peer.port());
    EXPECT_EQ(told("127.0.0.1").outcome, Outcome::listed);
    EXPECT_EQ(lane.running(), 1U) << "meanwhile";
    loop_.advance(2001ms);
    EXPECT_EQ(told("slow1.test").outcome, Outcome::name_unknown);
    EXPECT_EQ(got_["slow1.test"].detail, "slow1.test: the name service did not answer within 2 s");
    EXPECT_EQ(told("slow2.test").outcome, Outcome::name_unknown);
    ASSERT_TRUE(loop_.until([&] { return lane.running() == 0 && lane.queued() == 0; }));
    EXPECT_EQ(test::names_asked, before + 1) << "nobody wanted the second one any more";
    EXPECT_EQ(got_.size(), 3U);
}

TEST_F(ProberTest, WhoWaitsBehindOthersWaitsWhileTheyAreAnswered) {
    for (int i = 0; i < 5; ++i) probe("never.test" + std::to_string(i), 445);
    probe("127.9.9.9", 9);
    // An answer each 1.5 s: the last one waits 7.5 s, although its own look-up took no time.
    for (int i = 0; i < 5; ++i) {
        loop_.advance(1500ms);
        EXPECT_EQ(got_.size(), static_cast<std::size_t>(i) + 1);
        held_.step();
        loop_.spin();
    }
    for (int i = 0; i < 5; ++i) EXPECT_EQ(got_["never.test" + std::to_string(i)].detail.find("did not answer"), std::string::npos) << i;
    EXPECT_EQ(got_.size(), 6U);
}

TEST_F(ProberTest, OfTwoHundredAddressesThreeAreTriedInTurn) {
    Listener good("127.7.0.4");
    test::addresses_of_many.clear();
    for (int i = 1; i <= 200; ++i) test::addresses_of_many.push_back("127.7.0." + std::to_string(i));
    probe("many.test", good.port());
    while (held_.step()) loop_.spin();
    const auto& p = told("many.test");
    EXPECT_EQ(p.outcome, Outcome::refused) << "one verdict";
    EXPECT_EQ(p.detail, "127.7.0.1: Connection refused; 127.7.0.2: Connection refused; 127.7.0.3: Connection refused");
    EXPECT_FALSE(good.accept()) << "the fourth";

    test::addresses_of_many = {"127.7.0.1", "127.7.0.1", "127.7.0.4"};
    got_.clear();
    probe("many.test", good.port());
    while (held_.step()) loop_.spin();
    EXPECT_EQ(told("many.test").outcome, Outcome::listed);
    EXPECT_EQ(got_["many.test"].address, "127.7.0.4");
}

TEST_F(ProberTest, EachAddressHasTheDeadlineAndTheFailureThatTellsMostCounts) {
    Listener silent("127.7.0.1", 0, 0);
    silent.fill();
    test::addresses_of_many = {"255.255.255.255", "127.7.0.1", "255.255.255.255"};
    probe("many.test", silent.port());
    while (held_.step()) loop_.spin();
    loop_.advance(1900ms);
    EXPECT_TRUE(got_.empty());
    loop_.advance(200ms);
    EXPECT_EQ(told("many.test").outcome, Outcome::timeout);
    EXPECT_EQ(got_["many.test"].address, "127.7.0.1");
}

// Many.

TEST(ManyProbes, AThousandAtOnceAndTheLoopStaysFree) {
    auto loop = loop::LibeventLoop::create().value();
    loop::ThreadLane lane("names", 2);
    auto prober = make_prober(*loop, lane);
    Listener all("0.0.0.0");
    std::vector<std::unique_ptr<Listener>> silent;
    std::map<std::string, Outcome> wanted, got;
    for (int i = 0; i < 50; ++i) {
        const auto address = "127.12.0." + std::to_string(i + 1);
        silent.push_back(std::make_unique<Listener>(address, i == 0 ? 0 : silent[0]->port(), 0));
        silent.back()->fill();
        wanted[address] = Outcome::timeout;
    }
    std::vector<std::unique_ptr<Prober::Ticket>> tickets;
    const auto finish = [&] {
        if (got.size() == 1000) loop->stop();
    };
    const auto probe = [&](const std::string& address, std::uint16_t port, Outcome outcome) {
        wanted[address] = outcome;
        tickets.push_back(prober->probe(address, port, 1s, [&, address](const Probed& p) {
            got[address] = p.outcome;
            finish();
        }));
    };
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 50; ++i) probe("127.12.0." + std::to_string(i + 1), silent[0]->port(), Outcome::timeout);
    for (int i = 0; i < 50; ++i) probe("127.13.0." + std::to_string(i + 1), 9, Outcome::refused);
    for (int i = 0; i < 900; ++i) probe("127.14." + std::to_string(i / 200) + "." + std::to_string(i % 200 + 1), all.port(), Outcome::listed);
    auto guard = loop->make_timer([&] { loop->stop(); });
    guard->arm(20s);
    loop->run();
    const auto took = std::chrono::steady_clock::now() - began;
    EXPECT_EQ(got, wanted);
    EXPECT_GE(took, 1s);
    EXPECT_LT(took, 4s) << "the silent ones hold up nobody";
    EXPECT_LT(loop->load().longest_cpu, 30ms);
}

}  // namespace
}  // namespace bkmon::smb
