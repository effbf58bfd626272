// The pool with real processes (tests/support/programs/smb_worker.c), which behave as badly as they are told.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "daemon/platform/loop/process.h"
#include "daemon/platform/smb/pool.h"
#include "tests/support/poll_loop.h"
#include "tests/support/temp_tree.h"

namespace bkmon::smb {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class PoolProcess : public testing::Test {
protected:
    PoolProcess() {
        worker_ = tree_.at("worker");
        fs::create_symlink(std::string(BKMON_BIN_DIR) + "/../tests/smb_worker", worker_);
        Visit v;
        v.outcome = Outcome::listed;
        v.share = "TAGTAG";
        std::ofstream(worker_ + ".answer") << to_json(v);
    }
    void make(int workers, milliseconds deadline = 20s) { pool_ = make_pool(make_spawner(runner_, worker_), loop_, {workers, deadline}); }
    void ask(const std::string& what, const std::string& tag = "aaaaaa") {
        Order o;
        o.address = "192.0.2.1";
        o.shares = {"d$"};
        o.folder = "do:" + what + " " + tag;
        o.patterns = {"*.bak"};
        tickets_.push_back(pool_->visit(std::move(o), {}, [this, tag](Visit v) {
            ++told_;
            got_[tag] = std::move(v);
        }));
    }
    Visit visit(const std::string& what) {
        got_.clear();
        ask(what);
        EXPECT_TRUE(loop_.until([&] { return !got_.empty(); })) << what;
        return got_["aaaaaa"];
    }
    std::vector<int> pids() const {
        std::vector<int> list;
        std::ifstream in(worker_ + ".pids");
        for (int pid = 0; in >> pid;) list.push_back(pid);
        return list;
    }
    /// Neither running nor a zombie.
    static bool gone(int pid) { return ::kill(pid, 0) != 0; }
    bool all_gone() {
        return loop_.until([&] {
            for (const int pid : pids())
                if (!gone(pid)) return false;
            return runner_.unreaped() == 0;
        });
    }
    static std::ptrdiff_t descriptors() {
        const fs::directory_iterator fds("/proc/self/fd");
        return std::distance(begin(fds), end(fds));
    }

    test::TempTree tree_;
    std::string worker_;
    test::PollLoop loop_;
    loop::ProcessRunner runner_{loop_};
    std::unique_ptr<Visitor> pool_;
    std::vector<std::unique_ptr<Visitor::Ticket>> tickets_;
    std::map<std::string, Visit> got_;
    int told_ = 0;
};

TEST_F(PoolProcess, AnswersComeToWhoAsked) {
    make(4);
    for (int i = 100000; i < 100060; ++i) ask("ok", std::to_string(i));
    ASSERT_TRUE(loop_.until([&] { return told_ == 60; }));
    for (const auto& [tag, v] : got_) EXPECT_EQ(v.share, tag);
    EXPECT_EQ(got_.size(), 60U);
    EXPECT_EQ(pids().size(), 4U);
    loop_.advance(10s);
    EXPECT_TRUE(all_gone()) << "ten seconds later";
}

TEST_F(PoolProcess, EachBadOneCostsItsVisitAlone) {
    make(1);
    const std::map<std::string, std::string> bad{
        {"die", "the worker died of signal 11 (Segmentation fault)"},
        {"exit", "the worker ended with code 3: the \\x1b[31mreason"},
        {"resigns", "the worker ended with code 1: ERROR: nothing can be done"},
        {"garbage", "the worker's answer cannot be used"},
        {"empty", "the worker died of signal 9 (Killed)"},
        {"long", "the worker's answer is longer than 65536 bytes"},
        {"hangup", "the worker died of signal 9 (Killed)"},
        {"prints", "the worker printed too much"},
    };
    std::size_t lost = 0;
    for (const auto& [what, why] : bad) {
        SCOPED_TRACE(what);
        const auto v = visit(what);
        EXPECT_EQ(v.outcome, Outcome::worker_crashed);
        EXPECT_EQ(v.detail.substr(0, why.size()), why);
        EXPECT_EQ(visit("ok").outcome, Outcome::listed);
        EXPECT_EQ(pids().size(), ++lost + 1) << "a new one for it";
        loop_.advance(1s);
    }
    pool_.reset();
    EXPECT_TRUE(all_gone());
}

TEST_F(PoolProcess, TwoAnswersAtOnce) {
    make(1);
    ask("twice");
    loop_.spin();
    for (int i = 0; i < 20000 && !fs::exists(worker_ + ".said"); ++i) std::this_thread::sleep_for(1ms);
    ASSERT_TRUE(loop_.until([&] { return told_ == 1; }));
    EXPECT_EQ(got_["aaaaaa"].outcome, Outcome::worker_crashed);
    EXPECT_EQ(got_["aaaaaa"].detail, "the worker answered twice");
}

TEST_F(PoolProcess, OneThatAnswersAndGoes) {
    make(1);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(visit("last").outcome, Outcome::listed);
    EXPECT_EQ(pids().size(), 5U);
}

TEST_F(PoolProcess, SilentStubbornAndGreedyOnesAreKilledAtTheDeadline) {
    make(3, 20s);
    ask("silent", "silent");
    ask("stubborn", "stubborn");
    ask("eats", "eats");
    ASSERT_TRUE(loop_.until([&] { return pids().size() == 3; }));
    std::this_thread::sleep_for(100ms);  // they have read their orders
    loop_.advance(19s);
    EXPECT_EQ(told_, 0);
    loop_.advance(1100ms);
    EXPECT_EQ(told_, 3);
    for (const auto& [tag, v] : got_) EXPECT_EQ(v.outcome, Outcome::timeout) << tag;
    EXPECT_TRUE(all_gone()) << "no zombie, and nobody that one left behind";
    EXPECT_EQ(visit("ok").outcome, Outcome::listed);
}

TEST_F(PoolProcess, DescriptorsThatItSendsDoNotBecomeOurs) {
    make(1);
    EXPECT_EQ(visit("ok").outcome, Outcome::listed);
    const auto before = descriptors();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(visit("gives").outcome, Outcome::listed);
    EXPECT_EQ(descriptors(), before);
    pool_.reset();
    tickets_.clear();
    EXPECT_TRUE(all_gone());
    EXPECT_LT(descriptors(), before);
}

TEST_F(PoolProcess, ItHasItsThreeDescriptorsAndAnEnvironmentOfItsOwn) {
    const UniqueFd inheritable(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC on purpose
    ::setenv("BKMON_TEST_SECRET", "leaked", 1);
    make(1);
    visit("ok");
    std::ifstream in(worker_ + ".seen");
    std::string line, env, fds;
    while (std::getline(in, line)) (line[0] == 'e' ? env : fds) += line.substr(line.find(' ') + 1) + "\n";
    EXPECT_EQ(env, "HOME=/nonexistent\nPATH=/nonexistent\nLC_ALL=C.UTF-8\n");
    std::string sorted = fds;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(sorted, "\n\n\n012");
}

TEST_F(PoolProcess, GivingUpKillsIt) {
    make(1);
    ask("stubborn");
    ASSERT_TRUE(loop_.until([&] { return pids().size() == 1; }));
    std::this_thread::sleep_for(50ms);
    tickets_.clear();
    EXPECT_TRUE(all_gone());
    EXPECT_EQ(told_, 0);
}

TEST_F(PoolProcess, OneThatCannotShutItselfInIsSaidNotSpunOn) {
    std::ofstream(worker_ + ".bad") << "";
    make(8);
    for (int i = 100000; i < 100100; ++i) ask("ok", std::to_string(i));
    for (int i = 0; i < 50 && told_ < 100; ++i) {
        loop_.until([&] { return told_ == 100; }, 100ms);
        loop_.advance(200ms);
    }
    EXPECT_EQ(told_, 100);
    for (const auto& [tag, v] : got_) {
        EXPECT_EQ(v.outcome, Outcome::internal);
        EXPECT_EQ(v.detail, "the worker cannot be started: it ended with code 5: cannot shut myself in");
    }
    EXPECT_LE(pids().size(), 24U);
}

TEST_F(PoolProcess, AProgramThatIsNotThere) {
    worker_ = tree_.at("no such");
    make(4);
    const auto v = visit("ok");
    EXPECT_EQ(v.outcome, Outcome::internal);
    EXPECT_NE(v.detail.find("the worker cannot be started: start " + worker_), std::string::npos) << v.detail;
}

TEST_F(PoolProcess, KilledFromOutsideItIsReplaced) {
    make(2);
    EXPECT_EQ(visit("ok").outcome, Outcome::listed);
    ask("silent", "victim");
    ASSERT_TRUE(loop_.until([&] { return pids().size() == 1 && told_ == 1; }));
    std::this_thread::sleep_for(50ms);
    ::kill(pids()[0], SIGKILL);
    ASSERT_TRUE(loop_.until([&] { return told_ == 2; }));
    EXPECT_EQ(got_["victim"].outcome, Outcome::worker_crashed);
    EXPECT_EQ(got_["victim"].detail, "the worker died of signal 9 (Killed)");
    EXPECT_EQ(visit("ok").outcome, Outcome::listed);
    EXPECT_EQ(pids().size(), 2U);
}

}  // namespace
}  // namespace bkmon::smb
