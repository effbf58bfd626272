// Workers that are born of a nursery: the real bkmon-smb-worker, and one that is refused to fork.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <thread>

#include "daemon/platform/loop/process.h"
#include "daemon/platform/smb/pool.h"
#include "tests/support/poll_loop.h"
#include "tests/support/temp_tree.h"

namespace bkmon::smb {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::set<int> children() {
    std::set<int> pids;
    for (const auto& task : fs::directory_iterator("/proc/self/task")) {
        std::ifstream in(task.path() / "children");
        for (int pid = 0; in >> pid;) pids.insert(pid);
    }
    return pids;
}

std::string command(int pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/cmdline");
    return {std::istreambuf_iterator<char>(in), {}};
}

std::ptrdiff_t descriptors() {
    const fs::directory_iterator fds("/proc/self/fd");
    return std::distance(begin(fds), end(fds));
}

class Nursery : public testing::Test {
protected:
    ~Nursery() override {
        tickets_.clear();
        pool_.reset();
        deaf_.reset();
        EXPECT_TRUE(loop_.until([&] { return runner_.unreaped() == 0; }));
        EXPECT_TRUE(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD) << "somebody is left";
        EXPECT_EQ(loop_.watched(), 0U);
        EXPECT_EQ(descriptors(), before_);
    }
    void make(int workers, const std::string& program = std::string(BKMON_BIN_DIR) + "/bkmon-smb-worker", milliseconds deadline = 20s) {
        pool_ =
            make_pool(make_nursery(runner_, loop_, program, [this](const std::string& what) { notes_.push_back(what); }), loop_, {workers, deadline});
    }
    /// At a port where nobody listens, or at one where nobody answers.
    void ask(const std::string& folder = "BackupFull", std::uint16_t port = 1, milliseconds patience = 400ms) {
        Order o;
        o.address = "127.0.0.1";
        o.port = port;
        o.shares = {"d$"};
        o.folder = folder;
        o.patterns = {"*.bak"};
        o.request_timeout = patience;
        o.credential = {"u", "d", "p"};
        tickets_.push_back(pool_->visit(std::move(o), Connection{}, [this](Visit v) { got_.push_back(std::move(v)); }));
    }
    /// For what takes time of the loop, too.
    bool told_in_steps_of(milliseconds step) {
        return loop_.until([&] {
            loop_.advance(step);
            return !got_.empty();
        });
    }
    bool told(std::size_t n) {
        return loop_.until([&] { return got_.size() >= n; });
    }
    std::size_t with(Outcome outcome) const {
        return static_cast<std::size_t>(std::count_if(got_.begin(), got_.end(), [&](const Visit& v) { return v.outcome == outcome; }));
    }
    std::set<int> those(bool nursery) const {
        std::set<int> found;
        for (const int pid : children())
            if ((command(pid).find("--nursery") != std::string::npos) == nursery && ::kill(pid, 0) == 0) found.insert(pid);
        return found;
    }
    int nursery() const {
        const auto found = those(true);
        return found.size() == 1 ? *found.begin() : -1;
    }
    std::uint16_t deaf_port() {
        deaf_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in here{};
        here.sin_family = AF_INET;
        here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof here;
        EXPECT_EQ(::bind(deaf_.get(), reinterpret_cast<const sockaddr*>(&here), size), 0);
        EXPECT_EQ(::listen(deaf_.get(), 64), 0);
        EXPECT_EQ(::getsockname(deaf_.get(), reinterpret_cast<sockaddr*>(&here), &size), 0);
        return ntohs(here.sin_port);
    }

    std::ptrdiff_t before_ = (children(), descriptors());
    UniqueFd deaf_;
    test::PollLoop loop_;
    loop::ProcessRunner runner_{loop_};
    std::vector<std::string> notes_;
    std::unique_ptr<Visitor> pool_;
    std::vector<std::unique_ptr<Visitor::Ticket>> tickets_;
    std::vector<Visit> got_;
};

/// Where a sanitizer forbids forking, there is nothing of it to see.
class RealNursery : public Nursery {
protected:
    void SetUp() override {
#ifdef BKMON_SANITIZED
        GTEST_SKIP() << "a sanitized worker does not fork";
#endif
    }
};

TEST_F(RealNursery, ItsWorkersAnswerAndAllGoWhenThereIsNothingToDo) {
    make(4);
    for (int i = 0; i < 20; ++i) ask();
    ASSERT_TRUE(told(20));
    EXPECT_EQ(with(Outcome::refused), 20U) << got_.front().detail;
    EXPECT_GT(nursery(), 0);
    EXPECT_EQ(those(false).size(), 4U) << "children of this process";
    loop_.advance(10s);
    EXPECT_TRUE(loop_.until([] { return children().empty(); }));
    ask();
    ASSERT_TRUE(told(21));
    EXPECT_EQ(with(Outcome::refused), 21U) << "a new one";
    EXPECT_TRUE(notes_.empty()) << notes_.front();
}

TEST_F(RealNursery, KilledInTheMiddleOfAScanItCostsNothing) {
    make(4);
    const auto port = deaf_port();
    for (int i = 0; i < 3; ++i) ask("BackupFull", port, 2s);
    ASSERT_TRUE(loop_.until([&] { return those(false).size() == 3 && nursery() > 0; }));
    const auto workers = those(false);
    // In a session of their own: until then they are its own.
    ASSERT_TRUE(loop_.until([&] { return std::all_of(workers.begin(), workers.end(), [](int pid) { return ::getpgid(pid) == pid; }); }));
    const int first = nursery();
    ::kill(first, SIGKILL);
    ASSERT_TRUE(loop_.until([&] { return ::kill(first, 0) != 0; })) << "reaped";
    EXPECT_EQ(those(false), workers) << "they go on";
    EXPECT_TRUE(got_.empty());
    ask();
    ASSERT_TRUE(told(4));
    EXPECT_EQ(with(Outcome::timeout), 3U) << got_.front().detail;
    EXPECT_EQ(with(Outcome::refused), 1U);
    EXPECT_GT(nursery(), 0);
    EXPECT_NE(nursery(), first);
}

TEST_F(RealNursery, KilledWhileItIsAskedItCostsATryAndNoVisit) {
    make(8);
    for (int i = 0; i < 8; ++i) ask();
    loop_.spin();
    for (int kills = 0; kills < 2; ++kills) {
        ASSERT_TRUE(loop_.until([&] { return nursery() > 0; }));
        const int pid = nursery();
        ::kill(pid, SIGKILL);
        ASSERT_TRUE(loop_.until([&] { return ::kill(pid, 0) != 0; }));
        loop_.advance(1s);
    }
    ASSERT_TRUE(loop_.until([&] {
        loop_.advance(10ms);
        return got_.size() == 8;
    }));
    EXPECT_EQ(with(Outcome::refused), 8U) << got_.front().detail;
}

TEST_F(RealNursery, AWorkersDeathCostsItsVisitAndTheNextHasAnotherNursery) {
    make(1);
    const auto port = deaf_port();
    ask("BackupFull", port, 10s);
    ASSERT_TRUE(loop_.until([&] { return those(false).size() == 1 && nursery() > 0; }));
    const int first = nursery(), worker = *those(false).begin();
    ASSERT_TRUE(loop_.until([&] { return ::getpgid(worker) == worker; }));
    std::this_thread::sleep_for(50ms);  // so that it has its order
    ::kill(worker, SIGSEGV);
    ASSERT_TRUE(told(1));
    EXPECT_EQ(got_[0].outcome, Outcome::worker_crashed);
    EXPECT_EQ(got_[0].detail, "the worker died of signal 11 (Segmentation fault)");
    ask();
    ASSERT_TRUE(told(2));
    EXPECT_EQ(got_[1].outcome, Outcome::refused) << got_[1].detail;
    ASSERT_TRUE(loop_.until([&] { return nursery() > 0; }));
    EXPECT_NE(nursery(), first) << "it shares no addresses with the one that died";
}

TEST_F(RealNursery, OneThatIsKilledBeforeItIsBornDiesThen) {
    auto source = make_nursery(runner_, loop_, std::string(BKMON_BIN_DIR) + "/bkmon-smb-worker", nullptr);
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
    const UniqueFd ours(ends[0]);
    std::optional<loop::ChildResult> ended;
    auto child = source->start(UniqueFd(ends[1]), [&](loop::ChildResult result) { ended = std::move(result); });
    ASSERT_TRUE(child);
    (*child)->kill();
    EXPECT_FALSE(ended);
    EXPECT_TRUE(loop_.until([&] { return ended.has_value(); }, 5s));
    EXPECT_EQ(ended ? ended->signal : 0, SIGKILL);
}

TEST_F(RealNursery, WhatIsGivenUpBeforeItIsBornLeavesNobody) {
    make(8);
    for (int i = 0; i < 8; ++i) ask();
    loop_.spin();
    tickets_.clear();
    ask();
    ASSERT_TRUE(told(1));
    EXPECT_EQ(with(Outcome::refused), 1U);
    EXPECT_TRUE(loop_.until([&] { return those(false).size() <= 8; }));
    for (int i = 0; i < 8; ++i) ask();
    pool_.reset();
    EXPECT_TRUE(loop_.until([&] { return children().empty(); })) << "and with the pool all";
}

/// The play worker: as a nursery it refuses.
class Refused : public Nursery {
protected:
    Refused() {
        program_ = tree_.at("worker");
        fs::create_symlink(std::string(BKMON_BIN_DIR) + "/../tests/smb_worker", program_);
        Visit v;
        v.outcome = Outcome::listed;
        v.share = "TAGTAG";
        std::ofstream(program_ + ".answer") << to_json(v);
    }
    test::TempTree tree_;
    std::string program_;
};

TEST_F(Refused, EachIsStartedByItselfWhereNobodyMayForkAndThatIsSaidOnce) {
    std::ofstream(program_ + ".refuses") << EPERM;
    make(20, program_);
    for (int i = 0; i < 40; ++i) ask("do:slow 20");
    ASSERT_TRUE(told(40));
    EXPECT_EQ(with(Outcome::listed), 40U) << got_.front().detail;
    ASSERT_EQ(notes_.size(), 1U);
    EXPECT_EQ(notes_[0],
              "workers for the outlets cannot be forked here (Operation not permitted): each is started by itself, which takes more time and memory");
}

TEST_F(Refused, OneThatSaysNothingIsReplaced) {
    std::ofstream(program_ + ".refuses") << -1;
    make(2, program_);
    ask("do:ok");
    ASSERT_TRUE(loop_.until([&] { return nursery() > 0; }));
    const int stuck = nursery();
    loop_.advance(9s);
    EXPECT_EQ(nursery(), stuck);
    std::ofstream(program_ + ".refuses") << EPERM;
    loop_.advance(1s);
    ASSERT_TRUE(loop_.until([&] { return ::kill(stuck, 0) != 0; }));
    ASSERT_TRUE(told_in_steps_of(10ms));
    EXPECT_EQ(with(Outcome::listed), 1U) << got_.front().detail;
}

TEST_F(Refused, WhereNoProcessCanBeMadeThatIsTheReason) {
    std::ofstream(program_ + ".refuses") << EAGAIN;
    make(2, program_);
    ask();
    ASSERT_TRUE(told_in_steps_of(100ms));
    EXPECT_EQ(got_[0].outcome, Outcome::internal);
    EXPECT_EQ(got_[0].detail, "the worker cannot be started: it ended with code 1: no process can be made: Resource temporarily unavailable");
    EXPECT_TRUE(notes_.empty());
}

TEST_F(Refused, ANurseryThatCannotStartSaysWhy) {
    std::ofstream(program_ + ".bad") << "yes";
    make(2, program_);
    ask();
    ASSERT_TRUE(told_in_steps_of(100ms));
    EXPECT_EQ(got_[0].outcome, Outcome::internal);
    EXPECT_EQ(got_[0].detail, "the worker cannot be started: it ended with code 5: cannot shut myself in");
}

}  // namespace
}  // namespace bkmon::smb
