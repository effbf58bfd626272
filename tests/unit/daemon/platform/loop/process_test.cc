#include "daemon/platform/loop/process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <map>
#include <optional>
#include <vector>

#include "common/base/text.h"
#include "loop_fixture.h"

namespace bkmon::test {
namespace {

using loop::Child;
using loop::ChildResult;
using loop::ChildSpec;

class Process : public LoopTest {
protected:
    ChildSpec shell(const std::string& script) {
        ChildSpec spec;
        spec.argv = {"/bin/sh", "-c", script};
        spec.env = {"PATH=/usr/bin:/bin"};
        return spec;
    }
    ChildResult result_of(ChildSpec spec) {
        std::optional<ChildResult> result;
        auto child = runner_.spawn(std::move(spec), [&](ChildResult r) {
            result = std::move(r);
            loop_->stop();
        });
        EXPECT_TRUE(child) << child.error().what;
        EXPECT_FALSE(result) << "done was called from inside spawn()";
        run();
        return result.value_or(ChildResult{});
    }
    static bool alive(int pid) { return ::kill(pid, 0) == 0; }
    /// Runs the loop until each of these has been true, one after the other.
    void in_turn(std::vector<std::function<bool()>> steps) {
        std::size_t at = 0;
        std::unique_ptr<loop::Timer> look;
        look = loop_->make_timer([&] {
            while (at < steps.size() && steps[at]()) ++at;
            if (at == steps.size()) return loop_->stop();
            look->arm(2ms);
        });
        look->arm(0ms);
        run();
    }

    loop::ProcessRunner runner_{*loop_};
};

TEST_F(Process, TellsExitCodeAndOutput) {
    const auto r = result_of(shell("echo out; echo err >&2; exit 7"));
    EXPECT_EQ(r.exit_code, 7);
    EXPECT_EQ(r.signal, 0);
    EXPECT_EQ(r.out, "out\n");
    EXPECT_EQ(r.err, "err\n");
    EXPECT_FALSE(r.timed_out || r.output_too_long);
}

TEST_F(Process, TellsTheSignalItDiedOf) {
    const auto r = result_of(shell("kill -SEGV $$"));
    EXPECT_EQ(r.exit_code, -1);
    EXPECT_EQ(r.signal, SIGSEGV);
}

TEST_F(Process, PassesArgumentsAsTheyAreAndTheGivenEnvironmentOnly) {
    ::setenv("BKMON_TEST_SECRET", "leaked", 1);
    auto spec = shell("printf '%s|' \"$0\" \"$1\"; env");
    spec.argv.insert(spec.argv.end(), {"a b; $(x)", "*"});
    spec.env = {"PATH=/usr/bin:/bin", "ONLY=this one"};
    const auto r = result_of(std::move(spec));
    EXPECT_TRUE(r.out.starts_with("a b; $(x)|*|")) << r.out;
    EXPECT_NE(r.out.find("ONLY=this one"), std::string::npos);
    EXPECT_EQ(r.out.find("SECRET"), std::string::npos);
}

TEST_F(Process, ReadsTheGivenInputOrNothing) {
    auto spec = shell("cat");
    spec.stdin_fd.reset(::memfd_create("input", MFD_CLOEXEC));
    ASSERT_EQ(::pwrite(spec.stdin_fd.get(), "given", 5, 0), 5);
    EXPECT_EQ(result_of(std::move(spec)).out, "given");
}

TEST_F(Process, WithoutInputReadsTheEndAtOnce) { EXPECT_EQ(result_of(shell("cat; echo end")).out, "end\n"); }

TEST_F(Process, InheritsNoDescriptorAndNoIgnoredSignalAndLeadsItsSession) {
    const UniqueFd inheritable(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC on purpose
    const auto previous = std::signal(SIGPIPE, SIG_IGN);
    const auto r =
        result_of(shell("cd /proc/self/fd && for f in *; do echo fd $f; done; grep SigIgn /proc/self/status; echo session $(ps -o sid= -p $$) $$"));
    std::signal(SIGPIPE, previous);
    std::string seen;
    for (const auto& line : split(r.out, '\n')) {
        if (line.starts_with("fd ")) seen += line.substr(3) + " ";
        if (line.starts_with("Sig")) {
            // Bits 32 and 33 belong to the thread library, which hides them itself.
            EXPECT_EQ(std::stoull(split(line, '\t').at(1), nullptr, 16) & ~0x180000000ULL, 0U) << line;
        }
        if (line.starts_with("session ")) {
            const auto words = split(line, ' ');
            EXPECT_EQ(words.at(words.size() - 1), words.at(words.size() - 2)) << line;
        }
    }
    // The shell may hold the folder it lists, never the one we left open.
    EXPECT_TRUE(seen.starts_with("0 1 2 ")) << seen;
    EXPECT_EQ(seen.find(std::to_string(inheritable.get()) + " "), inheritable.get() == 3 && seen != "0 1 2 " ? 6U : std::string::npos) << seen;
}

TEST_F(Process, StartsWithNoSignalBlocked) {
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    ChildSpec spec;  // not by a shell: some unblock all by themselves
    spec.argv = {"/bin/grep", "SigBlk", "/proc/self/status"};
    const auto r = result_of(std::move(spec));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    EXPECT_EQ(r.out, "SigBlk:\t0000000000000000\n");
}

TEST_F(Process, SaysWhyAProgramDoesNotStart) {
    const auto before = open_descriptors();
    ChildSpec spec;
    spec.argv = {"/nonexistent/program"};
    const auto none = runner_.spawn(std::move(spec), [](ChildResult) { ADD_FAILURE(); });
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Errc::not_found);
    EXPECT_NE(none.error().what.find("/nonexistent/program"), std::string::npos);
    ChildSpec folder;
    folder.argv = {"/etc"};
    const auto denied = runner_.spawn(std::move(folder), [](ChildResult) { ADD_FAILURE(); });
    ASSERT_FALSE(denied);
    EXPECT_EQ(denied.error().code, Errc::denied);
    EXPECT_FALSE(runner_.spawn(ChildSpec{}, [](ChildResult) {}));
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Process, LivesAsLongAsItLikesAndKeepsItsLastWords) {
    auto spec = shell("i=0; while [ $i -lt 2000 ]; do echo line $i >&2; i=$((i + 1)); done; sleep 0.2; echo last >&2");
    spec.deadline.reset();
    spec.last_err = true;
    const auto r = result_of(std::move(spec));
    EXPECT_FALSE(r.timed_out);
    EXPECT_EQ(r.exit_code, 0);
    EXPECT_EQ(r.err.size(), 4096U);
    EXPECT_EQ(r.err.substr(4096 - 15), "line 1999\nlast\n");
}

TEST_F(Process, IsKilledAtItsDeadline) {
    auto spec = shell("trap '' TERM INT; echo begun; while :; do sleep 1; done");
    spec.deadline = 1s;
    const auto r = result_of(std::move(spec));
    EXPECT_TRUE(r.timed_out);
    EXPECT_EQ(r.signal, SIGKILL);
    EXPECT_EQ(r.out, "begun\n") << "what it said before is kept";
    EXPECT_GE(r.elapsed, 1s);
    EXPECT_LT(r.elapsed, 10s);
}

TEST_F(Process, IsKilledWhenItSaysTooMuch) {
    auto spec = shell("while :; do echo 0123456789012345678901234567890123456789; done");
    spec.max_output = 100000;
    const auto r = result_of(std::move(spec));
    EXPECT_TRUE(r.output_too_long);
    EXPECT_EQ(r.signal, SIGKILL);
    EXPECT_EQ(r.out.size(), 100000U);
}

TEST_F(Process, TheLimitItselfIsAllowed) {
    auto spec = shell("head -c 300000 /dev/zero");
    spec.max_output = 300000;
    const auto r = result_of(std::move(spec));
    EXPECT_FALSE(r.output_too_long);
    EXPECT_EQ(r.exit_code, 0);
    EXPECT_EQ(r.out.size(), 300000U);
}

TEST_F(Process, OneByteMoreIsNot) {
    auto spec = shell("head -c 300001 /dev/zero");
    spec.max_output = 300000;
    EXPECT_TRUE(result_of(std::move(spec)).output_too_long);
}

TEST_F(Process, KeepsTheBeginningOfItsComplaintsAndNeverBlocksIt) {
    const auto r = result_of(shell("head -c 1000000 /dev/zero | tr '\\0' x >&2; echo through"));
    EXPECT_EQ(r.err, std::string(4096, 'x'));
    EXPECT_EQ(r.out, "through\n");
}

TEST_F(Process, WhatItLeftBehindIsKilledAndKeepsNobodyWaiting) {
    const auto r = result_of(shell("sleep 1000 & echo $!"));
    EXPECT_EQ(r.exit_code, 0);
    EXPECT_LT(r.elapsed, 10s);
    const int left = std::stoi(r.out);
    for (int i = 0; i < 2000 && alive(left); ++i) {
        // An init that does not reap leaves a zombie, which is dead as well.
        std::string stat = "?";
        if (FILE* f = std::fopen(("/proc/" + std::to_string(left) + "/stat").c_str(), "re")) {
            char text[200] = {};
            static_cast<void>(std::fread(text, 1, sizeof text - 1, f));
            std::fclose(f);
            stat = text;
        }
        if (stat.find(") Z") != std::string::npos) return;
        ::usleep(1000);
    }
    EXPECT_FALSE(alive(left));
}

TEST_F(Process, KillEndsItAndDoneStillComes) {
    std::optional<ChildResult> result;
    auto child = runner_.spawn(shell("exec sleep 1000"), [&](ChildResult r) {
        result = std::move(r);
        loop_->stop();
    });
    ASSERT_TRUE(child);
    (*child)->kill();
    run();
    ASSERT_TRUE(result);
    EXPECT_EQ(result->signal, SIGKILL);
    EXPECT_FALSE(result->timed_out);
    (*child)->kill();  // harmless once it is gone
}

TEST_F(Process, DestroyedItIsKilledAndReapedAndDoneNeverComes) {
    const auto before = open_descriptors();
    auto child = runner_.spawn(shell("exec sleep 1000"), [](ChildResult) { ADD_FAILURE(); });
    ASSERT_TRUE(child);
    const int pid = (*child)->pid();
    ASSERT_TRUE(alive(pid));
    child->reset();
    auto look = loop_->make_timer([] {});
    look = loop_->make_timer([&] {
        if (runner_.unreaped() == 0) return loop_->stop();
        look->arm(1ms);
    });
    look->arm(0ms);
    run();
    EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), -1) << "a zombie is left";
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Process, MayBeDestroyedFromItsOwnDone) {
    Result<std::unique_ptr<Child>> child = runner_.spawn(shell("true"), [&](ChildResult r) {
        EXPECT_EQ(r.exit_code, 0);
        child->reset();
        loop_->stop();
    });
    ASSERT_TRUE(child);
    run();
}

TEST_F(Process, MayOutliveItsRunner) {
    auto runner = std::make_unique<loop::ProcessRunner>(*loop_);
    auto child = runner->spawn(shell("exec sleep 1000"), [](ChildResult) { ADD_FAILURE(); });
    ASSERT_TRUE(child);
    runner.reset();
    const int pid = (*child)->pid();
    child->reset();
    EXPECT_TRUE(::waitpid(pid, nullptr, 0) == pid || errno == ECHILD);
}

TEST_F(Process, ManyAtOnceLeaveNoDescriptorAndNoZombie) {
    const auto before = open_descriptors();
    std::vector<std::unique_ptr<Child>> children;
    int ended = 0;
    for (int i = 0; i < 40; ++i) {
        auto child = runner_.spawn(shell("echo x; exit 3"), [&](ChildResult r) {
            EXPECT_EQ(r.exit_code, 3);
            EXPECT_EQ(r.out, "x\n");
            if (++ended == 40) loop_->stop();
        });
        ASSERT_TRUE(child);
        children.push_back(std::move(*child));
    }
    run();
    EXPECT_EQ(open_descriptors(), before) << "an ended child holds none, even while its owner keeps it";
    children.clear();
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
}

/// A child of this process that its runner has not made.
int somebodys_child(int how_it_ends = 0) {
    const int pid = ::fork();
    if (pid != 0) return pid;
    if (how_it_ends != 0) ::_exit(how_it_ends);
    for (;;) ::pause();
}
UniqueFd pidfd_of(int pid) { return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

bool childless() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

TEST_F(Process, AdoptsAChildThatSomebodyElseMade) {
    const auto before = open_descriptors();
    std::optional<ChildResult> result;
    const int pid = somebodys_child(7);
    auto child = runner_.adopt(pid, pidfd_of(pid), [&](ChildResult r) {
        result = std::move(r);
        loop_->stop();
    });
    ASSERT_TRUE(child);
    EXPECT_EQ((*child)->pid(), pid);
    EXPECT_FALSE(result);
    run();
    EXPECT_EQ(result->exit_code, 7);
    EXPECT_TRUE(childless());
    child->reset();
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Process, OneThatIsAdoptedIsKilledLikeAnyOther) {
    std::optional<ChildResult> result;
    const int pid = somebodys_child();
    auto child = runner_.adopt(pid, pidfd_of(pid), [&](ChildResult r) { result = std::move(r); });
    ASSERT_TRUE(child);
    (*child)->kill();
    in_turn({[&] { return result.has_value(); }});
    EXPECT_EQ(result->signal, SIGKILL);
    EXPECT_TRUE(childless());
}

TEST_F(Process, OneThatIsAdoptedIsGivenUpLikeAnyOther) {
    const int pid = somebodys_child();
    auto child = runner_.adopt(pid, pidfd_of(pid), [](ChildResult) { ADD_FAILURE() << "told to nobody"; });
    ASSERT_TRUE(child);
    child->reset();
    in_turn({[&] { return runner_.unreaped() == 0; }});
    EXPECT_TRUE(childless());
}

/// A child's child. It ends with the child, which ends with the pipe.
int somebody_elses_child(const UniqueFd& pipe_end, const UniqueFd& other_end) {
    std::array<int, 2> told{};
    EXPECT_EQ(::pipe2(told.data(), O_CLOEXEC), 0);
    const int child = ::fork();
    if (child == 0) {
        ::close(other_end.get());
        const int self = ::getpid();
        int grandchild = ::fork();
        if (grandchild == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() != self) ::_exit(0);  // it was quicker
            for (;;) ::pause();
        }
        char c;
        if (::write(told[1], &grandchild, sizeof grandchild) > 0) static_cast<void>(!::read(pipe_end.get(), &c, 1));
        ::_exit(0);
    }
    int grandchild = 0;
    EXPECT_EQ(::read(told[0], &grandchild, sizeof grandchild), static_cast<ssize_t>(sizeof grandchild));
    ::close(told[0]);
    ::close(told[1]);
    return grandchild;
}

TEST_F(Process, AdoptsNobodyElsesChild) {
    const auto never = [](ChildResult) { ADD_FAILURE(); };
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    UniqueFd theirs(ends[0]), ours(ends[1]);
    const int other = somebody_elses_child(theirs, ours);
    EXPECT_EQ(runner_.adopt(other, pidfd_of(other), never).error().code, Errc::invalid);
    EXPECT_EQ(runner_.adopt(other, UniqueFd(), never).error().code, Errc::invalid);
    EXPECT_TRUE(alive(other));
    ours.reset();
    EXPECT_GT(::wait(nullptr), 0);
    EXPECT_EQ(runner_.adopt(-1, UniqueFd(), never).error().code, Errc::invalid);
    EXPECT_EQ(runner_.adopt(other, UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)), never).error().code, Errc::invalid);
    const int pid = somebodys_child(1);
    auto reaped = pidfd_of(pid);
    ::waitpid(pid, nullptr, 0);
    EXPECT_EQ(runner_.adopt(pid, std::move(reaped), never).error().code, Errc::invalid);
}

TEST_F(Process, OneWithoutADescriptorIsKilled) {
    const int pid = somebodys_child();
    EXPECT_EQ(runner_.adopt(pid, UniqueFd(), [](ChildResult) { ADD_FAILURE(); }).error().code, Errc::unavailable);
    EXPECT_TRUE(childless());
}

/// A child that makes others, of which nobody knows.
class Siblings : public Process {
protected:
    /// What it makes; its numbers are told when it has ended.
    ChildSpec maker(std::vector<std::string> how, UniqueFd& line) {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        line.reset(ends[1]);
        ChildSpec spec;
        spec.argv = {std::string(BKMON_BIN_DIR) + "/../tests/sibling"};
        spec.argv.insert(spec.argv.end(), how.begin(), how.end());
        spec.stdin_fd.reset(ends[0]);
        spec.bears = true;
        return spec;
    }
    static std::vector<int> children() {
        std::vector<int> pids;
        std::ifstream in("/proc/self/task/" + std::to_string(::gettid()) + "/children");
        for (int pid = 0; in >> pid;) pids.push_back(pid);
        return pids;
    }
};

TEST_F(Siblings, DieAndAreReapedWithTheOneThatMadeThem) {
    UniqueFd line;
    auto spec = maker({"here", "here", "here"}, line);
    line.reset();
    EXPECT_EQ(result_of(std::move(spec)).exit_code, 0);
    EXPECT_TRUE(childless());
}

TEST_F(Siblings, WhoWasAdoptedIsToldOfAndWhoIsApartLives) {
    UniqueFd line;
    bool maker_ended = false;
    std::map<int, ChildResult> ended;
    auto made = runner_.spawn(maker({"here", "apart"}, line), [&](ChildResult) { maker_ended = true; });
    ASSERT_TRUE(made);
    const int leader = (*made)->pid();
    int here = 0, apart = 0;
    std::vector<std::unique_ptr<Child>> adopted;
    const auto adopt = [&] {
        for (const int pid : children()) {
            if (pid == leader) continue;
            (::getpgid(pid) == leader ? here : apart) = pid;
            auto child = runner_.adopt(pid, pidfd_of(pid), [&ended, pid](ChildResult r) { ended[pid] = std::move(r); });
            ASSERT_TRUE(child);
            adopted.push_back(std::move(*child));
        }
        ::kill(leader, SIGKILL);
    };
    in_turn({[&] {
                 const auto pids = children();
                 const auto groups = std::count_if(pids.begin(), pids.end(), [](int pid) { return ::getpgid(pid) == pid; });
                 return pids.size() == 3 && groups == 2;
             },
             [&] { return adopt(), true; }, [&] { return maker_ended && !ended.empty(); }});
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended.begin()->first, here);
    EXPECT_EQ(ended.begin()->second.signal, SIGKILL);
    EXPECT_EQ(children(), std::vector<int>{apart});
    ::kill(apart, SIGKILL);
    ::waitpid(apart, nullptr, 0);
    EXPECT_TRUE(childless());
}

TEST_F(Siblings, AreReapedWhenTheirMakerIsGivenUp) {
    UniqueFd line;
    auto made = runner_.spawn(maker({"here", "here"}, line), [](ChildResult) { ADD_FAILURE(); });
    ASSERT_TRUE(made);
    in_turn({[&] { return children().size() == 3; }, [&] { return made->reset(), true; }, [&] { return runner_.unreaped() == 0; }});
    EXPECT_TRUE(childless());
}

}  // namespace
}  // namespace bkmon::test
