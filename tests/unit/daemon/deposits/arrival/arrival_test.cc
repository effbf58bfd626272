#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemon/deposits/arrival/watcher.h"
#include "daemon/platform/loop/libevent.h"
#include "daemon/platform/loop/thread_lane.h"
#include "tests/unit/daemon/deposits/arrival/rig.h"

namespace bkmon::deposits {
namespace {

namespace fs = std::filesystem;

std::size_t watches_of_this_process() {
    std::size_t n = 0;
    for (const auto& fd : fs::directory_iterator("/proc/self/fdinfo")) {
        std::ifstream info(fd.path());
        for (std::string line; std::getline(info, line);) n += line.starts_with("inotify ");
    }
    return n;
}

class Events : public testing::Test {
protected:
    void SetUp() override {
        rig.tree.make_dirs("root/A/log");
        rig.tree.make_dirs("root/A/database");
        rig.tree.make_dirs("root/B/log");
        rig.tree.make_dirs("aside");
        rig.begin();
        rig.settle();
        ASSERT_TRUE(rig.arrival->root().watching) << rig.arrival->root().watch_problem;
        rig.looks.clear();
    }
    Rig rig;
};

TEST_F(Events, AWrittenFileIsSeen) {
    rig.put("A/database/x.gz", "bytes");
    rig.settle();
    EXPECT_EQ(Rig::names(rig.last("A").files), "database/x.gz");
    EXPECT_EQ(rig.count("B"), 0U);
}

TEST_F(Events, AFileMovedInIsSeen) {
    rig.tree.put("aside/x.gz", "bytes");
    fs::rename(rig.tree.at("aside/x.gz"), rig.at("A/database/x.gz"));
    rig.settle();
    EXPECT_EQ(Rig::names(rig.last("A").files), "database/x.gz");
}

TEST_F(Events, AHardLinkIsSeenWithItsCount) {
    rig.tree.put("aside/x.gz", "bytes");
    ASSERT_EQ(link(rig.tree.at("aside/x.gz").c_str(), rig.at("A/database/x.gz").c_str()), 0);
    rig.settle();
    ASSERT_EQ(rig.last("A").files.size(), 1U);
    EXPECT_EQ(rig.last("A").files[0].nlink, 2U);
}

TEST_F(Events, AWholeAgentMovedInIsSeenAndWatched) {
    rig.tree.put("aside/NEW/log/STATUS.json", "{}");
    rig.tree.put("aside/NEW/database/x.gz", "bytes");
    fs::rename(rig.tree.at("aside/NEW"), rig.at("NEW"));
    rig.settle();
    EXPECT_EQ(rig.last("NEW").reports.size(), 1U);
    EXPECT_EQ(Rig::names(rig.last("NEW").files), "database/x.gz");
    rig.put("NEW/database/y.gz");
    rig.settle();
    EXPECT_EQ(Rig::names(rig.last("NEW").files), "database/x.gz database/y.gz");
}

TEST_F(Events, AFolderMovedInIsSeenAndWatched) {
    rig.tree.put("aside/databases/x.gz", "bytes");
    fs::rename(rig.tree.at("aside/databases"), rig.at("A/databases"));
    rig.settle();
    EXPECT_EQ(Rig::names(rig.last("A").files), "databases/x.gz");
    rig.put("A/databases/y.gz");
    rig.settle();
    EXPECT_EQ(Rig::names(rig.last("A").files), "databases/x.gz databases/y.gz");
}

TEST_F(Events, AnAgentDeletedAndMadeAgainIsWatchedAgain) {
    fs::remove_all(rig.at("A"));
    rig.settle();
    EXPECT_TRUE(rig.last("A").gone);
    rig.tree.make_dirs("root/A/log");
    rig.settle();
    EXPECT_FALSE(rig.last("A").gone);
    rig.put("A/log/STATUS.json");
    rig.settle();
    EXPECT_EQ(rig.last("A").reports.size(), 1U);
    fs::remove_all(rig.at("A"));  // and both within one debounce
    rig.tree.make_dirs("root/A/database");
    rig.settle();
    rig.put("A/database/x.gz");
    rig.settle();
    EXPECT_EQ(Rig::names(rig.last("A").files), "database/x.gz");
}

TEST_F(Events, AFolderExchangedForAnotherIsFollowedByNameNotByInode) {
    fs::rename(rig.at("A/database"), rig.tree.at("aside/old"));
    rig.tree.make_dirs("root/A/database");
    rig.settle();
    const auto looks = rig.count("A");
    rig.tree.put("aside/old/stale.gz", "x");
    rig.settle();
    EXPECT_EQ(rig.count("A"), looks);
    EXPECT_EQ(watches_of_this_process(), 6U) << "root, A with two folders, B with one: the old folder is watched no more";
    rig.put("A/database/fresh.gz");
    rig.settle();
    EXPECT_EQ(Rig::names(rig.last("A").files), "database/fresh.gz");
}

TEST_F(Events, AnAgentReplacedByALinkIsRefused) {
    rig.tree.put("aside/evil/database/x.gz", "x");
    fs::remove_all(rig.at("A"));
    fs::create_directory_symlink(rig.tree.at("aside/evil"), rig.at("A"));
    rig.settle();
    EXPECT_TRUE(rig.last("A").files.empty());
    EXPECT_TRUE(rig.last("A").linked);
}

TEST_F(Events, AnotherOwnerOfTheFolderIsSaid) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to give a folder away";
    ASSERT_EQ(chown(rig.at("A").c_str(), 12345, 12345), 0);
    rig.settle();
    EXPECT_EQ(rig.last("A").owner, 12345U);
}

TEST_F(Events, TemporariesOfRsyncCauseNoLookUntilTheyAreRenamed) {
    rig.put("A/database/.x.gz.AbC123", "half");
    rig.put("A/database/.x.gz.AbC123", "whole");
    rig.settle();
    EXPECT_EQ(rig.count("A"), 0U);
    fs::rename(rig.at("A/database/.x.gz.AbC123"), rig.at("A/database/x.gz"));
    rig.settle();
    EXPECT_EQ(Rig::names(rig.last("A").files), "database/x.gz");
}

TEST_F(Events, ManyEventsOfOneAgentAreOneLookAndNeverPutItOff) {
    for (int i = 0; i < 50; ++i) {
        rig.put("A/database/x" + std::to_string(i), "x");
        rig.loop.spin();
        rig.loop.advance(milliseconds(10));
    }
    rig.settle();
    EXPECT_GE(rig.count("A"), 2U);
    EXPECT_LE(rig.count("A"), 8U) << "four at once, then one in each quarter of a second";
    rig.looks.clear();
    rig.put("A/database/last", "x");
    rig.settle();
    EXPECT_NE(Rig::names(rig.last("A").files).find("last"), std::string::npos);
}

TEST_F(Events, AnAgentThatWasQuietIsLookedAtAtOnce) {
    rig.put("A/database/x.gz", "bytes");
    rig.settle(milliseconds(0));
    EXPECT_EQ(Rig::names(rig.last("A").files), "database/x.gz");
    rig.put("A/log/STATUS.json");
    rig.settle(milliseconds(0));
    EXPECT_EQ(Rig::names(rig.last("A").reports), "log/STATUS.json") << "file and report follow each other at once";
    for (int i = 0; i < 10; ++i) {
        rig.put("A/log/more" + std::to_string(i));
        rig.settle(milliseconds(0));
    }
    EXPECT_LE(rig.count("A"), 4U);
    rig.settle(milliseconds(3000));
    rig.looks.clear();
    rig.put("A/database/y.gz", "bytes");
    rig.settle(milliseconds(0));
    EXPECT_EQ(rig.count("A"), 1U) << "it was quiet again";
}

TEST_F(Events, WhatIsTakenAwayIsNoNews) {
    for (const char* name : {"A/database/x.gz", "A/database/y.gz", "A/log/STATUS.json"}) rig.put(name, "{}");
    rig.settle();
    rig.looks.clear();
    for (const char* name : {"A/database/x.gz", "A/log/STATUS.json"}) {
        const std::string ours = rig.at(name).substr(0, rig.at(name).rfind('/') + 1) + std::string(kJudgedPrefix) + "1-2-3";
        fs::rename(rig.at(name), ours);
        fs::remove(ours);
    }
    rig.settle(milliseconds(1000));
    EXPECT_EQ(rig.count("A"), 0U);
    fs::rename(rig.at("A/database/y.gz"), rig.at("A/database/z.gz"));
    rig.settle(milliseconds(1));
    EXPECT_EQ(Rig::names(rig.last("A").files), "database/z.gz") << "the agent's own renaming is news, also while the other look is due";
    fs::rename(rig.at("A/database/z.gz"), rig.at("A/database/") + std::string(kJudgedPrefix) + "4");
    fs::remove(rig.at("A/database/") + std::string(kJudgedPrefix) + "4");
    rig.looks.clear();
    rig.settle(milliseconds(6000));
    EXPECT_EQ(rig.count("A"), 1U) << "but it is looked at in the end";
    EXPECT_TRUE(rig.last("A").files.empty());
}

TEST_F(Events, AnOverflowScansEverythingAndIsSaidOnce) {
    rig.put("B/log/quiet.json");
    rig.settle();
    rig.looks.clear();
    rig.rounds.clear();
    for (int i = 0; i < 10000; ++i) std::ofstream(rig.at("A/database/f" + std::to_string(i))) << "x";  // two events each
    rig.put("B/log/lost.json");                                                                        // behind the end of the queue
    rig.loop.spin(100000);
    rig.loop.advance(seconds(2));
    rig.loop.spin(100000);
    EXPECT_GE(rig.rounds.size(), 1U);
    EXPECT_EQ(rig.last("A").files.size(), 10000U);
    EXPECT_EQ(Rig::names(rig.last("B").reports), "log/lost.json log/quiet.json");
    EXPECT_EQ(rig.journal.count(journal::msg::watch_degraded), 1U);
    EXPECT_TRUE(rig.journal.says(journal::msg::watch_degraded, "flood"));
}

/// Keeps answers back while events are served.
class SlowAnswers final : public loop::EventLoop {
public:
    explicit SlowAnswers(loop::EventLoop& inner) : inner_(inner) {}
    bool post(Task task) override {
        if (!hold) return inner_.post(std::move(task));
        held.push_back(std::move(task));
        return true;
    }
    std::unique_ptr<loop::Timer> make_timer(std::function<void()> fire) override { return inner_.make_timer(std::move(fire)); }
    std::unique_ptr<loop::FdWatch> watch(int fd, bool r, bool w, std::function<void(bool, bool)> ready) override {
        return inner_.watch(fd, r, w, std::move(ready));
    }
    const Clock& clock() const override { return inner_.clock(); }
    bool on_loop_thread() const override { return true; }
    bool hold = false;
    std::vector<Task> held;

private:
    loop::EventLoop& inner_;
};

TEST(Lateness, AnEventOfAWatchWhoseLookHasNotComeBackIsNotLost) {
    Rig rig;
    rig.tree.make_dirs("root/A/database");
    bkmon::test::HeldLane lane;
    SlowAnswers slow(rig.loop);
    std::vector<AgentSnapshot> looks;
    Arrival arrival(
        slow, lane, *rig.files, rig.journal, rig.options, [&](AgentSnapshot s) { looks.push_back(std::move(s)); }, [](auto) {}, [](auto) {});
    arrival.start();
    lane.step();  // the root
    rig.loop.spin();
    slow.hold = true;
    lane.step();  // A is watched and listed; the answer is on its way
    rig.put("A/database/x.gz");
    rig.loop.spin();
    slow.hold = false;
    ASSERT_EQ(slow.held.size(), 1U);
    slow.held[0]();
    ASSERT_EQ(looks.size(), 1U);
    EXPECT_TRUE(looks[0].files.empty());
    rig.settle();
    while (lane.step()) rig.settle();
    EXPECT_EQ(Rig::names(looks.back().files), "database/x.gz");
}

TEST(Scan, WithoutAnyEventEverythingIsFoundByTheNextRound) {
    Rig rig;
    rig.options.rescan = seconds(30);
    rig.tree.make_dirs("root/A/database");
    bkmon::test::ManualLoop deaf;  // watches nothing
    std::vector<AgentSnapshot> looks;
    Arrival arrival(
        deaf, rig.lane, *rig.files, rig.journal, rig.options, [&](AgentSnapshot s) { looks.push_back(std::move(s)); }, [](auto) {}, [](auto) {});
    arrival.start();
    deaf.run_posted();
    rig.put("A/database/x.gz");
    rig.put("NEW/log/STATUS.json");
    deaf.advance(seconds(29));
    EXPECT_EQ(looks.size(), 1U);
    deaf.advance(seconds(2));
    ASSERT_EQ(looks.size(), 3U);
    EXPECT_EQ(Rig::names(looks[1].files), "database/x.gz");
    EXPECT_EQ(looks[2].reports.size(), 1U);
}

TEST(Scan, ARescanOnDemandReportsProgressAndItsEnd) {
    Rig rig;
    for (const char* a : {"A", "B", "C"}) rig.tree.make_dirs(std::string("root/") + a);
    bkmon::test::HeldLane lane;
    rig.begin(&lane);
    std::vector<std::pair<std::size_t, std::size_t>> progress;
    int done = 0;
    rig.arrival->rescan([&](std::size_t n, std::size_t of) { progress.emplace_back(n, of); }, [&] { ++done; });
    while (lane.step()) rig.loop.spin();
    EXPECT_EQ(progress, (std::vector<std::pair<std::size_t, std::size_t>>{{1, 3}, {2, 3}, {3, 3}})) << "of the round that began after the call";
    EXPECT_EQ(done, 1);
    EXPECT_EQ(rig.rounds.size(), 2U);
}

TEST(Scan, AnAgentThatNeverStopsDoesNotDelayTheOthers) {
    Rig rig;
    for (int i = 0; i < 20; ++i) rig.tree.make_dirs("root/honest" + std::to_string(i));
    rig.tree.make_dirs("root/flood/database");
    bkmon::test::HeldLane lane;
    rig.begin(&lane);
    std::size_t pieces = 0;
    while (rig.rounds.empty() && pieces < 200) {
        rig.arrival->look_at("flood");
        rig.loop.advance(milliseconds(300));
        ASSERT_LE(lane.queue.size(), 1U) << "one piece at a time";
        lane.step();
        rig.loop.spin();
        ++pieces;
    }
    EXPECT_LE(pieces, 1 + 2 * 21U) << "turn and turn about";
}

TEST(Root, MissingThenThereThenGoneIsSaidAndNothingIsCalledGone) {
    Rig rig;
    rig.options.rescan = seconds(30);
    fs::remove_all(rig.at(""));
    rig.begin();
    ASSERT_EQ(rig.states.size(), 1U);
    EXPECT_FALSE(rig.states[0].usable);
    EXPECT_NE(rig.states[0].problem.find("No such file"), std::string::npos) << rig.states[0].problem;
    rig.put("A/log/STATUS.json");
    rig.settle(seconds(31));
    ASSERT_EQ(rig.states.size(), 2U);
    EXPECT_TRUE(rig.states[1].usable && rig.states[1].watching);
    EXPECT_EQ(rig.count("A"), 1U);
    fs::rename(rig.tree.at("root"), rig.tree.at("elsewhere"));
    rig.settle(seconds(31));
    EXPECT_FALSE(rig.arrival->root().usable);
    EXPECT_FALSE(rig.last("A").gone);
    EXPECT_EQ(rig.rounds.size(), 1U);
}

TEST(Root, ALinkIsNoRoot) {
    Rig rig;
    rig.tree.make_dirs("real/A/log");
    fs::remove(rig.tree.at("root"));
    fs::create_directory_symlink(rig.tree.at("real"), rig.tree.at("root"));
    rig.begin();
    EXPECT_FALSE(rig.arrival->root().usable);
    EXPECT_TRUE(rig.looks.empty());
}

TEST(Root, AnEmptyMountPointIsNotAllFilesGone) {
    Rig rig;
    rig.options.marker_id = "5f1b";
    rig.put(".bkmon-root", "5f1b\n");
    rig.put("A/log/STATUS.json");
    rig.begin();
    EXPECT_TRUE(rig.arrival->root().usable);
    fs::rename(rig.tree.at("root"), rig.tree.at("mounted"));
    rig.tree.make_dirs("root");
    rig.arrival->look_at("A");
    rig.settle();
    EXPECT_FALSE(rig.arrival->root().usable);
    EXPECT_NE(rig.arrival->root().problem.find("empty mount point"), std::string::npos) << rig.arrival->root().problem;
    EXPECT_FALSE(rig.last("A").gone);
    rig.put(".bkmon-root", "another");
    rig.arrival->rescan({}, {});
    rig.settle();
    EXPECT_NE(rig.arrival->root().problem.find("not the deposit root that bkmon knows"), std::string::npos);
    fs::remove_all(rig.tree.at("root"));
    fs::rename(rig.tree.at("mounted"), rig.tree.at("root"));
    rig.arrival->rescan({}, {});
    rig.settle();
    EXPECT_TRUE(rig.arrival->root().usable);
}

TEST(Root, AnotherFileSystemUnderTheRootIsNoticedWithoutAMarker) {
    Rig rig;
    if (geteuid() != 0 || mount("tmpfs", rig.tree.at("root").c_str(), "tmpfs", 0, "size=1m") != 0) GTEST_SKIP() << "cannot mount";
    rig.put("A/log/STATUS.json");
    rig.begin();
    EXPECT_TRUE(rig.arrival->root().usable);
    const bool unmounted = umount(rig.tree.at("root").c_str()) == 0;
    EXPECT_TRUE(unmounted) << "no descriptor keeps it busy";
    if (!unmounted) umount2(rig.tree.at("root").c_str(), MNT_DETACH);
    rig.settle();  // the unmounting itself is an event
    EXPECT_FALSE(rig.arrival->root().usable);
    EXPECT_FALSE(rig.last("A").gone);
}

/// In a user namespace with a limit of its own. Exit code 0: as it should be; 77: no such namespace here.
int without_watches(Rig& rig) {
    if (unshare(CLONE_NEWUSER) != 0) return 77;
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << "0 " << 0 << " 1";
    std::ofstream limit("/proc/sys/user/max_inotify_watches");
    limit << 3 << std::flush;
    if (!limit) return 77;
    rig.begin();
    rig.settle();
    const auto& root = rig.arrival->root();
    if (!root.usable || root.watching || root.watch_problem.find("max_user_watches") == std::string::npos) return 1;
    if (rig.journal.count(journal::msg::watch_degraded) != 1) return 2;
    rig.put("C/database/x.gz");
    rig.settle(seconds(31));
    if (Rig::names(rig.last("C").files) != "database/x.gz") return 3;
    return rig.journal.count(journal::msg::watch_degraded) == 1 ? 0 : 4;
}

TEST(Root, WhenWatchesRunOutItWorksByScanningAndSaysSo) {
    Rig rig;
    rig.options.rescan = seconds(30);
    for (const char* a : {"A", "B", "C"}) rig.tree.make_dirs(std::string("root/") + a + "/database");
    const pid_t pid = fork();
    if (pid == 0) _exit(without_watches(rig));
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no user namespace with limits of its own";
    EXPECT_EQ(status, 0) << "step " << WEXITSTATUS(status);
}

TEST(Ending, ADestroyedArrivalTellsNothingMore) {
    Rig rig;
    rig.tree.make_dirs("root/A");
    bkmon::test::HeldLane lane;
    rig.begin(&lane);
    rig.arrival.reset();
    while (lane.step()) rig.loop.spin();
    rig.settle(seconds(100));
    EXPECT_TRUE(rig.looks.empty() && rig.rounds.empty() && rig.states.empty());
    EXPECT_EQ(rig.loop.watched(), 0U);
}

TEST(Ending, ItMayBeDestroyedFromItsOwnCallbacks) {
    Rig rig;
    rig.tree.make_dirs("root/A");
    rig.tree.make_dirs("root/B");
    int calls = 0;
    rig.arrival = std::make_unique<Arrival>(
        rig.loop, rig.lane, *rig.files, rig.journal, rig.options,
        [&](AgentSnapshot) {
            ++calls;
            rig.arrival.reset();
        },
        [](auto) {}, [](auto) {});
    rig.arrival->start();
    rig.settle(seconds(100));
    EXPECT_EQ(calls, 1);
}

TEST(RealLoop, ADepositIsSeenWithinASecond) {
    bkmon::test::TempTree tree;
    tree.make_dirs("root/A/database");
    tree.put("aside/x.gz", "x");
    auto loop = loop::LibeventLoop::create();
    ASSERT_TRUE(loop);
    const auto files = files::system_files();
    bkmon::test::RecordingJournal journal;
    auto lane = std::make_unique<loop::ThreadLane>("test", 2);
    Arrival::Options options;
    options.root = tree.at("root");
    options.rescan = std::chrono::hours(1);
    BootTime moved{};
    milliseconds took{-1};
    std::unique_ptr<Arrival> arrival;
    arrival = std::make_unique<Arrival>(
        **loop, *lane, *files, journal, options,
        [&](const AgentSnapshot& s) {
            if (s.files.empty()) return;
            took = system_clock().boot() - moved;
            (*loop)->stop();
        },
        [&](auto) {
            moved = system_clock().boot();
            fs::rename(tree.at("aside/x.gz"), tree.at("root/A/database/x.gz"));
        },
        [](auto) {});
    const auto give_up = (*loop)->make_timer([&] { (*loop)->stop(); });
    give_up->arm(seconds(10));
    arrival->start();
    (*loop)->run();
    EXPECT_GE(took, milliseconds(0));
    EXPECT_LT(took, seconds(1));
    arrival.reset();
    lane.reset();
}

}  // namespace
}  // namespace bkmon::deposits
