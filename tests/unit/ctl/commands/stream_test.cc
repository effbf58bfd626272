// watch, runs follow, deposits rescan: connections that drop, and Ctrl-C.
#include <gtest/gtest.h>

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "tests/unit/ctl/commands/fake_daemon.h"
#include "tests/unit/ctl/commands/harness.h"

namespace bkmon::test {
namespace {

using Then = FakeDaemon::Then;
constexpr const char* kWatch = "io.bkmon.Targets.Watch";
constexpr const char* kFollow = "io.bkmon.Runs.Follow";
constexpr const char* kRescan = "io.bkmon.Deposits.Rescan";

Seat pipe_to(const FakeDaemon& daemon) {
    Seat seat;
    seat.socket = daemon.socket();
    return seat;
}

std::string event(int seq, const std::string& status, const std::string& at = "2026-11-22T01:00:00Z") {
    return R"({"seq":)" + std::to_string(seq) + R"(,"at":")" + at + R"(","type":"verdict","target":"deposit/a/b","run":null,"status":")" + status +
           R"(","severity":"WARNING","previous":"ok","reason_code":"report_late","reason":"due","text":null})";
}

std::string in_reply(const std::string& e) { return R"({"event":)" + e + "}"; }

std::string run(const std::string& state, int done, const std::string& error = "null") {
    return R"({"id":"r7","kind":"rescan","what":"all","state":")" + state +
           R"(","started_at":"2026-11-22T03:03:05Z","ended_at":"2026-11-22T03:04:05Z","done":)" + std::to_string(done) + R"(,"total":9,"error":)" +
           error + "}";
}

std::string progress(const std::string& state, int done, int seq, const std::string& error = "null") {
    return R"({"run":)" + run(state, done, error) + R"(,"text":"agent )" + std::to_string(done) + R"(","seq":)" + std::to_string(seq) +
           R"(,"final":false})";
}

std::string scan(int done) {
    return R"({"run":"r7","done":)" + std::to_string(done) + R"(,"total":9,"text":"agent )" + std::to_string(done) + R"(","final":false})";
}

/// Presses Ctrl-C in this process once the daemon has heard `method` so often: only while a command waits for it.
class CtrlC {
public:
    CtrlC(const FakeDaemon& daemon, const std::string& method, std::size_t times)
        : thread_([&daemon, method, times] {
              for (int i = 0; i < 500; ++i) {
                  std::size_t heard = 0;
                  for (const auto& call : daemon.received()) heard += call.method == method;
                  if (heard >= times) break;
                  std::this_thread::sleep_for(std::chrono::milliseconds(10));
              }
              std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the replies to arrive
              ::kill(::getpid(), SIGINT);
          }) {}
    ~CtrlC() { thread_.join(); }

private:
    std::thread thread_;
};

TEST(Watch, OneEventALine) {
    FakeDaemon daemon;
    daemon.pages(kWatch, {in_reply(event(1, "late", "2026-11-21T23:59:58Z")), in_reply(event(2, "missing"))});
    const Ended ended = ctl({"watch", "--kind", "deposit"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0);
    EXPECT_EQ(ended.out,
              "-- 2026-11-21 (UTC)\n23:59:58  ok -> late  deposit/a/b: due\n"
              "-- 2026-11-22 (UTC)\n01:00:00  ok -> missing  deposit/a/b: due\n");
    EXPECT_TRUE(same_json(daemon.parameters(kWatch), R"({"kind":"deposit"})"));
    EXPECT_LE(widest(ctl({"watch"}, on_terminal(daemon.socket(), 40, 24)).out), 40U);
}

TEST(Watch, GoesOnAfterADropWithWhatItHasNotSeen) {
    FakeDaemon daemon;
    daemon.pages(kWatch, {in_reply(event(41, "late")), in_reply(event(42, "late"))}, Then::close);
    daemon.pages(kWatch, {in_reply(event(43, "missing"))}, Then::hang);
    const CtrlC later(daemon, kWatch, 2);
    const Ended ended = ctl({"watch", "--json"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0);  // interrupting is how a watch ends
    EXPECT_TRUE(same_json(daemon.parameters(kWatch), R"({"after":42})")) << daemon.parameters(kWatch);
    const auto lines = lines_of(ended.out);
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_TRUE(same_json(lines[0], event(41, "late")));
    EXPECT_TRUE(same_json(lines[2], event(43, "missing")));
}

TEST(Watch, IsNotStubbornAboutErrorsOrAnAbsentDaemon) {
    FakeDaemon daemon;
    daemon.error(kWatch, "io.bkmon.NotAllowed", R"({"method":"m","role":"viewer"})");
    EXPECT_EQ(ctl({"watch"}, pipe_to(daemon)).code, 5);
    EXPECT_EQ(ctl({"watch", "--socket", "/nonexistent/s"}, {}).code, 3);
}

TEST(Follow, ShowsProgressAndTheEnd) {
    FakeDaemon daemon;
    daemon.pages(kFollow, {progress("running", 3, 1), progress("done", 9, 2)});
    const Ended ended = ctl({"runs", "follow", "r7"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0);
    EXPECT_EQ(ended.out, "run r7 is done: 9/9 in 1 min\n");
    EXPECT_EQ(ended.err, "3/9 agent 3\n9/9 agent 9\n");
    const Ended json = ctl({"--json", "runs", "follow", "r7"}, pipe_to(daemon));
    ASSERT_EQ(lines_of(json.out).size(), 2U);
    EXPECT_TRUE(same_json(lines_of(json.out)[1], progress("done", 9, 2)));
    EXPECT_EQ(json.err, "");
}

TEST(Follow, ARunThatFailedIsNotDone) {
    for (const auto& [state, words] :
         std::vector<std::pair<std::string, std::string>>{{"failed", "failed"}, {"cancelled", "was cancelled"}, {"interrupted", "was interrupted"}}) {
        FakeDaemon daemon;
        daemon.pages(kFollow, {progress(state, 3, 1, "\"no space\"")});
        const Ended ended = ctl({"runs", "follow", "r7"}, pipe_to(daemon));
        EXPECT_EQ(ended.code, 1);
        EXPECT_NE(ended.err.find("run r7 " + words + ": no space"), std::string::npos) << ended.err;
    }
}

TEST(Follow, TheErrorOfARunIsMadeFitForTheTerminal) {
    FakeDaemon daemon;
    daemon.pages(kFollow, {progress("failed", 3, 1, R"("\u001b[2J\nroot: all is well")")});
    EXPECT_EQ(ctl({"runs", "follow", "r7"}, pipe_to(daemon)).err.find('\x1b'), std::string::npos);
}

TEST(Follow, ResumesBySequenceNumber) {
    FakeDaemon daemon;
    daemon.pages(kFollow, {progress("running", 3, 17)}, Then::close);
    daemon.pages(kFollow, {progress("done", 9, 18)});
    EXPECT_EQ(ctl({"runs", "follow", "r7"}, pipe_to(daemon)).code, 0);
    EXPECT_TRUE(same_json(daemon.parameters(kFollow), R"({"id":"r7","after":17})")) << daemon.parameters(kFollow);
}

TEST(Follow, CtrlCDetachesAndSaysHowToComeBack) {
    FakeDaemon daemon;
    daemon.pages(kFollow, {progress("running", 3, 1)}, Then::hang);
    const CtrlC later(daemon, kFollow, 1);
    const Ended ended = ctl({"runs", "follow", "r7"}, on_terminal(daemon.socket(), 80, 24));
    EXPECT_EQ(ended.code, 1);
    EXPECT_NE(ended.err.find("bkmonctl runs follow r7\n"), std::string::npos) << ended.err;
    for (const auto& call : daemon.received()) EXPECT_NE(call.method, "io.bkmon.Runs.Cancel");
}

TEST(Rescan, DrawsABarOnATerminalOnly) {
    FakeDaemon daemon;
    daemon.pages(kRescan, {scan(3), scan(9)});
    daemon.reply("io.bkmon.Runs.Show", R"({"run":)" + run("done", 9) + "}");
    const Ended seen = ctl({"deposits", "rescan", "A"}, on_terminal(daemon.socket(), 80, 24));
    EXPECT_EQ(seen.code, 0);
    EXPECT_NE(seen.err.find("\r\033[K[######.............]  33 %  3/9  agent 3"), std::string::npos) << seen.err;
    EXPECT_EQ(seen.err.substr(seen.err.size() - 4), "\r\033[K");  // nothing is left of it
    EXPECT_EQ(seen.out, "run r7 is done: 9/9 in 1 min\n");
    EXPECT_TRUE(same_json(daemon.parameters(kRescan), R"({"agent":"A"})"));
    const Ended piped = ctl({"deposits", "rescan"}, pipe_to(daemon));
    EXPECT_EQ(piped.err, "3/9 agent 3\n9/9 agent 9\n");
    const Ended json = ctl({"deposits", "rescan", "--json"}, pipe_to(daemon));
    EXPECT_TRUE(same_json(json.out, R"({"run":"r7","done":9,"total":9,"state":"done","error":null})")) << json.out;
    EXPECT_EQ(json.err, "");
}

TEST(Rescan, AFailedRunIsNotDone) {
    FakeDaemon daemon;
    daemon.pages(kRescan, {scan(3)});
    daemon.reply("io.bkmon.Runs.Show", R"({"run":)" + run("failed", 3, "\"the deposit root is gone\"") + "}");
    const Ended ended = ctl({"deposits", "rescan"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 1);
    EXPECT_NE(ended.err.find("the deposit root is gone"), std::string::npos);
    EXPECT_EQ(ctl({"deposits", "rescan", "--json"}, pipe_to(daemon)).code, 1);
}

TEST(Rescan, ADropIsFollowedByRun) {
    FakeDaemon daemon;
    daemon.pages(kRescan, {scan(3)}, Then::close);
    daemon.pages(kFollow, {progress("done", 9, 5)});
    const Ended ended = ctl({"deposits", "rescan"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_TRUE(same_json(daemon.parameters(kFollow), R"({"id":"r7"})"));
}

TEST(Rescan, DetachesByCtrlCAndByOption) {
    FakeDaemon daemon;
    daemon.pages(kRescan, {scan(3)}, Then::hang);
    {
        const CtrlC later(daemon, kRescan, 1);
        const Ended ended = ctl({"deposits", "rescan"}, pipe_to(daemon));
        EXPECT_EQ(ended.code, 1);
        EXPECT_NE(ended.err.find("detached; the run goes on, follow it again: bkmonctl runs follow r7"), std::string::npos) << ended.err;
    }
    const Ended detached = ctl({"deposits", "rescan", "--detach"}, pipe_to(daemon));
    EXPECT_EQ(detached.code, 0);
    EXPECT_EQ(detached.out, "run r7 goes on; follow it: bkmonctl runs follow r7\n");
}

}  // namespace
}  // namespace bkmon::test
