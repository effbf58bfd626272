// Reports and files in every order; what is judged, what waits, what is quiet.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "tests/unit/daemon/deposits/bench.h"

namespace bkmon::test {
namespace {

class Intake : public DepositsTest {
protected:
    std::size_t verdict_events() {
        const auto events = store.tables().events_after(0, 1000);
        return static_cast<std::size_t>(std::count_if(events->begin(), events->end(), [](const auto& e) { return e.type == "verdict"; }));
    }
    void SetUp() override {
        start();
        until("2026-11-22T13:10:00Z");
    }
    std::string waiting_for() {
        for (const auto& view : part->list())
            if (view.state == "waiting") return view.detail;
        return "";
    }
};

TEST_F(Intake, FileThatHasNotArrivedWaitsAndIsCorruptAtTheDeadline) {
    put_report(report("MAIN", "never comes", loop.clock().now()));
    look();
    EXPECT_EQ(waiting_for(), "'MAIN.bin' has not arrived yet");
    until("2026-11-22T14:59:00Z");
    EXPECT_EQ(verdicts("corrupt"), 0U);
    until("2026-11-22T15:00:10Z");
    EXPECT_EQ(status(), "corrupt");
    EXPECT_EQ(shown().reason_code, "no_file");
}

TEST_F(Intake, ShortFileMayGrowUntilTheDeadline) {
    put_report(report("MAIN", "0123456789", loop.clock().now()));
    put_file("MAIN", "01234");
    look();
    pass(std::chrono::minutes(20));
    EXPECT_EQ(verdicts("corrupt"), 0U);
    put_file("MAIN", "0123456789");
    look();
    EXPECT_EQ(status(), "ok") << shown().reason;
}

TEST_F(Intake, ShortFileIsCorruptAtTheDeadline) {
    put_report(report("MAIN", "0123456789", loop.clock().now()));
    put_file("MAIN", "01234");
    look();
    until("2026-11-22T15:00:10Z");
    EXPECT_EQ(shown().reason_code, "size_mismatch");
}

TEST_F(Intake, WrongBytesAreCorruptOnceTheyHoldStill) {
    put_report(report("MAIN", "the right bytes", loop.clock().now()));
    put_file("MAIN", "the wrong bytes");
    look();
    EXPECT_NE(status(), "corrupt") << "before the quiet time";
    pass(std::chrono::minutes(1));
    EXPECT_EQ(status(), "corrupt");
    EXPECT_EQ(shown().reason_code, "hash_mismatch");
    EXPECT_EQ(in_vault(), "<none>");
    // The agent sends the file again, under the same report.
    put_file("MAIN", "the right bytes");
    look();
    EXPECT_EQ(status(), "ok") << shown().reason;
    EXPECT_EQ(in_vault(), "the right bytes");
}

TEST_F(Intake, YesterdaysFileUnderTodaysReportIsNotCorruptBeforeTheDeadline) {
    settings.jobs[0].consume = false;
    start();
    push("yesterday's bytes");
    ASSERT_EQ(status(), "ok");
    until("2026-11-23T13:05:00Z");
    put_report(report("MAIN", "today's bytes here", loop.clock().now()));
    look();
    pass(std::chrono::minutes(30));
    EXPECT_EQ(verdicts("corrupt"), 0U) << shown().reason;
    put_file("MAIN", "today's bytes here");
    look();
    EXPECT_EQ(status(), "ok");
    EXPECT_EQ(in_vault(), "today's bytes here");
}

TEST_F(Intake, SamePushAgainIsNoEvent) {
    const std::string text = report("MAIN", "bytes", loop.clock().now());
    put_file("MAIN", "bytes");
    put_report(text);
    look();
    ASSERT_EQ(status(), "ok");
    EXPECT_FALSE(tree.has("deposits/SHOP_CITY_NORTH/database/MAIN.bin"));
    EXPECT_FALSE(tree.has("deposits/SHOP_CITY_NORTH/log/STATUS.json"));
    const auto events = verdict_events();
    put_file("MAIN", "bytes");
    put_report(text);
    look();
    pass(std::chrono::minutes(2));
    EXPECT_EQ(verdict_events(), events);
}

TEST_F(Intake, SamePushLongAfterItsReportWentIsNoEvent) {
    // By then nothing of it is in memory: the history knows it.
    const std::string text = report("MAIN", "bytes", loop.clock().now());
    put_file("MAIN", "bytes");
    put_report(text);
    look();
    ASSERT_EQ(status(), "ok");
    pass(std::chrono::hours(24));
    put_file("MAIN", "those of the next day");
    put_report(report("MAIN", "those of the next day", loop.clock().now()));
    look();
    ASSERT_EQ(status(), "ok");
    for (int i = 0; i < 3; ++i) pass(std::chrono::minutes(20));
    const auto events = verdict_events();
    put_file("MAIN", "bytes");
    put_report(text);
    look();
    pass(std::chrono::minutes(2));
    EXPECT_EQ(verdict_events(), events);
    EXPECT_EQ(status(), "ok");
    EXPECT_FALSE(tree.has("deposits/SHOP_CITY_NORTH/log/STATUS.json"));
}

TEST_F(Intake, CopiesOfReportsGoWhenTheHistoryForgetsThem) {
    put_file("MAIN", "bytes");
    put_report(report("MAIN", "bytes", loop.clock().now()));
    look();
    ASSERT_EQ(store.tables().reports().size(), 1U);
    const std::string copy = "state/" + store.tables().reports().begin()->second.archive_path;
    tree.put("state/reports/notes/mine", "x");
    ASSERT_TRUE(tree.has(copy));
    const timespec written{to_ms(loop.clock().now()) / 1000, 0}, times[2] = {written, written};
    ASSERT_EQ(::utimensat(AT_FDCWD, tree.at(copy).c_str(), static_cast<const timespec*>(times), 0), 0);
    part->expire(loop.clock().now() - std::chrono::hours(1));
    pass(seconds(1));
    EXPECT_TRUE(tree.has(copy));
    part->expire(Time::min());
    part->expire(loop.clock().now() + std::chrono::hours(1));
    pass(seconds(1));
    EXPECT_FALSE(tree.has(copy));
    EXPECT_FALSE(tree.has("state/reports/2026-11"));
    EXPECT_TRUE(tree.has("state/reports/notes/mine"));
}

TEST_F(Intake, WhatACrashLeftHalfTakenAwayGoesWithTheNextLook) {
    const auto leave = [&](const std::string& folder, std::size_t more) {
        const std::string path = tree.at("deposits/SHOP_CITY_NORTH/" + folder + "/x");
        tree.put("deposits/SHOP_CITY_NORTH/" + folder + "/x", "judged");
        struct stat st {};
        EXPECT_EQ(::stat(path.c_str(), &st), 0);
        const auto name = fmt::format("{}/.bkmon-judged-{:x}-{:x}-{:x}-{:x}", folder, st.st_dev, st.st_ino,
                                      static_cast<std::size_t>(st.st_size) + more, st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec);
        std::filesystem::rename(path, tree.at("deposits/SHOP_CITY_NORTH/" + name));
        return "deposits/SHOP_CITY_NORTH/" + name;
    };
    const auto file = leave("database", 0), report = leave("log", 0), others = leave("database", 1);
    look();
    EXPECT_FALSE(tree.has(file));
    EXPECT_FALSE(tree.has(report));
    EXPECT_TRUE(tree.has(others)) << "its name does not say what it is";
}

TEST_F(Intake, WhatCouldNotBeTakenAwayIsTriedAgain) {
    files.stuck = "MAIN.bin";
    push("bytes");
    ASSERT_EQ(status(), "ok");
    EXPECT_TRUE(tree.has("deposits/SHOP_CITY_NORTH/database/MAIN.bin"));
    EXPECT_TRUE(tree.has("deposits/SHOP_CITY_NORTH/log/STATUS.json")) << "the report goes last: it says that the file may go";
    files.stuck.clear();
    look();
    EXPECT_EQ(tree.names("deposits/SHOP_CITY_NORTH/database"), "");
    EXPECT_FALSE(tree.has("deposits/SHOP_CITY_NORTH/log/STATUS.json"));
}

TEST_F(Intake, WhatCouldNotBeLookedAtBeforeItGoesGoesLater) {
    files.judged_stat_errno = EIO;
    push("bytes");
    ASSERT_EQ(status(), "ok");
    files.judged_stat_errno = 0;
    look();
    look();
    EXPECT_EQ(tree.names("deposits/SHOP_CITY_NORTH/database"), "");
    EXPECT_EQ(tree.names("deposits/SHOP_CITY_NORTH/log"), "");
}

TEST_F(Intake, FolderThatWasReadOnlyIsAskedAgainAfterAWhile) {
    files.unlink_errno = EROFS;
    push("bytes");
    pass(std::chrono::minutes(30));
    ASSERT_EQ(status(), "ok");
    EXPECT_EQ(journal.count(journal::msg::deposit_read_only), 1U) << "said once";
    EXPECT_NE(tree.names("deposits/SHOP_CITY_NORTH/database"), "");
    files.unlink_errno = 0;
    pass(std::chrono::minutes(3));
    EXPECT_EQ(tree.names("deposits/SHOP_CITY_NORTH/database"), "");
    EXPECT_FALSE(tree.has("deposits/SHOP_CITY_NORTH/log/STATUS.json"));
}

TEST_F(Intake, FileOfTheNextReportIsNotTakenAwayUnderAnOldOne) {
    const std::string old_report = report("MAIN", "old bytes", loop.clock().now());
    put_file("MAIN", "old bytes");
    put_report(old_report, "OLD.json");
    look();
    ASSERT_EQ(status(), "ok");
    // The agent pushes its whole folder: the old report again, and a new file whose report is still on its way.
    put_report(old_report, "OLD.json");
    put_file("MAIN", "new bytes, sent before their report");
    look();
    pass(std::chrono::minutes(2));
    ASSERT_TRUE(tree.has("deposits/SHOP_CITY_NORTH/database/MAIN.bin"));
    put_report(report("MAIN", "new bytes, sent before their report", loop.clock().now()), "NEW.json");
    look();
    EXPECT_EQ(in_vault(), "new bytes, sent before their report");
}

TEST_F(Intake, SameBytesUnderANewerReportAreUnchanged) {
    push("bytes");
    const auto last_ok = target().current.last_ok_at;
    pass(std::chrono::minutes(10));
    push("bytes");
    EXPECT_EQ(status(), "unchanged");
    EXPECT_EQ(target().current.last_ok_at, last_ok);
    EXPECT_GT(*target().current.last_proof_at, *last_ok);
}

TEST_F(Intake, DamagedContentKeepsTheLastHealthyOne) {
    push("good");
    pass(std::chrono::minutes(10));
    inspector.findings.state = inspect::Findings::State::damaged;
    inspector.findings.code = "truncated";
    inspector.findings.detail = "the data ends in the middle of a block";
    push("bad one");
    EXPECT_EQ(status(), "corrupt");
    EXPECT_EQ(shown().reason_code, "truncated");
    EXPECT_EQ(in_vault(), "good");
}

TEST_F(Intake, HeldFileIsReleasedOnlyUnderItsOwnHash) {
    push("good one");
    pass(std::chrono::minutes(10));
    inspector.findings.empty = true;
    push("nothing in it");
    ASSERT_EQ(status(), "held") << shown().reason;
    EXPECT_EQ(in_vault(), "good one");
    const auto id = TargetId::of("deposit", {"SHOP_CITY_NORTH", "MAIN"});
    Result<std::string> released = std::string();
    part->release(id, files::Sha256::of("another"), "alice", [&](Result<std::string> r) { released = std::move(r); });
    pass(seconds(1));
    ASSERT_FALSE(released);
    EXPECT_EQ(in_vault(), "good one");
    part->release(id, files::Sha256::of("nothing in it"), "alice", [&](Result<std::string> r) { released = std::move(r); });
    pass(seconds(1));
    ASSERT_TRUE(released) << released.error().what;
    EXPECT_EQ(in_vault(), "nothing in it");
    EXPECT_EQ(status(), "ok");
    EXPECT_NE(shown().reason.find("alice"), std::string::npos);
}

TEST_F(Intake, RejectedFileIsDroppedAndTheLastHealthyOneStays) {
    push("good one");
    pass(std::chrono::minutes(10));
    inspector.findings.empty = true;
    push("nothing in it");
    ASSERT_EQ(status(), "held");
    Result<void> rejected;
    part->reject(TargetId::of("deposit", {"SHOP_CITY_NORTH", "MAIN"}), files::Sha256::of("nothing in it"), "bob",
                 [&](Result<void> r) { rejected = std::move(r); });
    pass(seconds(1));
    ASSERT_TRUE(rejected) << rejected.error().what;
    EXPECT_EQ(status(), "failed");
    EXPECT_EQ(in_vault(), "good one");
    EXPECT_FALSE(part->held_sha256(TargetId::of("deposit", {"SHOP_CITY_NORTH", "MAIN"})));
}

TEST_F(Intake, UnreadableReportFailsOnlyJobsWithoutAValidOne) {
    add_job("OTHER");
    start();
    push("main is fine");
    put_report("{\"agent_id\": \"shop_city_north\",", "BROKEN.json");
    look();
    EXPECT_EQ(verdicts("failed"), 0U) << "before the quiet time";
    pass(std::chrono::minutes(2));
    EXPECT_EQ(status("OTHER"), "failed");
    EXPECT_EQ(shown("OTHER").reason_code, "report_invalid");
    EXPECT_EQ(status("MAIN"), "ok");
}

TEST_F(Intake, AReportThatWasRefusedOnceAndIsGoneIsNoVerdict) {
    settings.jobs[0].schedule.reset();
    settings.settle = seconds(5);
    start();
    push("good one");
    ASSERT_EQ(status(), "ok");
    const auto path = tree.at("deposits/SHOP_CITY_NORTH/log/STATUS.json");
    std::filesystem::create_symlink("/nowhere", path);
    look();
    std::filesystem::remove(path);
    pass(seconds(20));
    EXPECT_EQ(verdicts("failed"), 0U) << shown().reason;
    std::filesystem::create_symlink("/nowhere", path);
    look();
    pass(seconds(20));
    EXPECT_EQ(shown().reason_code, "report_invalid") << "it stayed";
}

TEST_F(Intake, HistoryThatCannotBeWrittenChangesNothingAndIsTriedAgain) {
    push("first");
    pass(std::chrono::minutes(5));
    store.fail_next_writes(40, Error{Errc::no_space, "disk full", 28});
    push("second");
    EXPECT_EQ(in_vault(), "first");
    store.fail_next_writes(0, Error{});
    pass(std::chrono::minutes(3));
    EXPECT_EQ(status(), "ok");
    EXPECT_EQ(in_vault(), "second");
}

TEST_F(Intake, EveryProcessedReportIsArchivedRefusedOnesToo) {
    push("bytes");
    put_report("not json at all", "ODD.json");
    look();
    ASSERT_EQ(store.tables().reports().size(), 2U);
    for (const auto& [id, row] : store.tables().reports()) EXPECT_NE(tree.get("state/" + row.archive_path), "<none>");
}

TEST_F(Intake, ReportOlderThanTheLimitIsIgnoredAndSaidSo) {
    put_file("MAIN", "old");
    put_report(report("MAIN", "old", loop.clock().now() - std::chrono::hours(24 * 8)));
    look();
    EXPECT_EQ(in_vault(), "<none>");
    EXPECT_TRUE(journal.says(journal::msg::deposit_refused, "older than max_report_age"));
}

TEST_F(Intake, ClockOf1970IsHeldNotIgnored) {
    put_file("MAIN", "bytes");
    put_report(report("MAIN", "bytes", Time(std::chrono::hours(5))));
    look();
    EXPECT_EQ(status(), "held") << shown().reason;
    EXPECT_EQ(shown().reason_code, "clock");
}

TEST_F(Intake, RootThatCannotBeReadForAWhileForgetsNothing) {
    settings.jobs[0].consume = false;
    start();
    put_report(report("MAIN", "0123456789", loop.clock().now()));
    look();
    ASSERT_EQ(waiting_for(), "'MAIN.bin' has not arrived yet");
    std::filesystem::rename(tree.at("deposits"), tree.at("away"));
    pass(std::chrono::minutes(2));
    EXPECT_EQ(waiting_for(), "'MAIN.bin' has not arrived yet");
    std::filesystem::rename(tree.at("away"), tree.at("deposits"));
    put_file("MAIN", "0123456789");
    pass(std::chrono::minutes(2));
    EXPECT_EQ(status(), "ok") << shown().reason;
}

TEST_F(Intake, HeldFileWithoutRoomIsJudgedOnceAndStaysWithTheAgent) {
    settings.held_max_bytes = 3;
    start();
    inspector.findings.empty = true;
    push("nothing in it, but large");
    EXPECT_EQ(status(), "held") << shown().reason;
    EXPECT_NE(shown().reason.find("held_max_bytes"), std::string::npos) << shown().reason;
    EXPECT_TRUE(tree.has("deposits/SHOP_CITY_NORTH/database/MAIN.bin"));
    EXPECT_EQ(tree.names("vault/.tmp"), "");
    pass(std::chrono::minutes(5));
    EXPECT_EQ(verdicts("held"), 1U);
}

TEST_F(Intake, VaultThatGoesAndComesBackLosesNothing) {
    push("first");
    std::filesystem::rename(tree.at("vault"), tree.at("vault-away"));
    tree.make_dirs("vault");
    pass(std::chrono::minutes(10));
    push("second");
    EXPECT_NE(status(), "corrupt");
    EXPECT_EQ(registry->shown(*registry->find(TargetId::of("bkmon", {"vault"}))).status, core::Status::unreachable);
    EXPECT_FALSE(tree.has("vault/SHOP_CITY_NORTH")) << "nothing is written under a bare mount point";
    std::filesystem::remove_all(tree.at("vault"));
    std::filesystem::rename(tree.at("vault-away"), tree.at("vault"));
    pass(std::chrono::minutes(3));
    EXPECT_EQ(status(), "ok") << shown().reason;
    EXPECT_EQ(in_vault(), "second");
    EXPECT_EQ(registry->shown(*registry->find(TargetId::of("bkmon", {"vault"}))).status, core::Status::ok);
}

TEST_F(Intake, VaultAwayBeyondTheDeadlineTakesNothingFromTheAgent) {
    std::filesystem::rename(tree.at("vault"), tree.at("vault-away"));
    tree.make_dirs("vault");
    pass(std::chrono::minutes(10));
    until("2026-11-22T15:05:00Z");
    push("the only good one");
    pass(std::chrono::minutes(5));
    EXPECT_EQ(status(), "unreachable");
    EXPECT_TRUE(tree.has("deposits/SHOP_CITY_NORTH/database/MAIN.bin"));
    const auto commits = store.commits();
    pass(std::chrono::minutes(4));
    EXPECT_LT(store.commits() - commits, 20) << "waiting for a vault must not write all the time";
    std::filesystem::remove_all(tree.at("vault"));
    std::filesystem::rename(tree.at("vault-away"), tree.at("vault"));
    pass(std::chrono::minutes(3));
    EXPECT_EQ(status(), "ok") << shown().reason;
    EXPECT_EQ(in_vault(), "the only good one");
}

TEST_F(Intake, LateReportLeavesItsFileTimeAndABadVerdictIsMended) {
    until("2026-11-22T15:10:00Z");
    ASSERT_EQ(status(), "missing");
    put_report(report("MAIN", "0123456789", loop.clock().now()));
    look();
    EXPECT_EQ(verdicts("corrupt"), 0U) << "the quiet time is not over";
    put_file("MAIN", "01234");
    pass(std::chrono::minutes(3));
    EXPECT_EQ(status(), "corrupt");
    EXPECT_TRUE(tree.has("deposits/SHOP_CITY_NORTH/log/STATUS.json")) << "the same report may still be mended";
    put_file("MAIN", "0123456789");
    pass(std::chrono::minutes(1));
    EXPECT_EQ(status(), "ok") << shown().reason;
}

TEST_F(Intake, FileThatWasNotHashedIsNeverTakenAway) {
    put_report(report("MAIN", "0123456789", loop.clock().now()));
    put_file("MAIN", "01234");
    look();
    until("2026-11-23T12:40:00Z");
    EXPECT_EQ(status(), "corrupt");
    EXPECT_TRUE(tree.has("deposits/SHOP_CITY_NORTH/database/MAIN.bin"));
}

TEST_F(Intake, HeldBecomesCriticalWhenItsDeadlinePasses) {
    push("good one");
    until("2026-11-23T13:05:00Z");
    inspector.findings.empty = true;
    push("nothing in it");
    ASSERT_EQ(status(), "held");
    EXPECT_EQ(shown().severity, core::Severity::warning);
    until("2026-11-23T15:00:30Z");
    EXPECT_EQ(status(), "held");
    EXPECT_EQ(shown().severity, core::Severity::critical);
}

TEST_F(Intake, ReleaseFillsItsOwnCycleAndNeverReplacesANewerBackup) {
    inspector.findings.empty = true;
    push("nothing in it");
    ASSERT_EQ(status(), "held");
    const auto id = TargetId::of("deposit", {"SHOP_CITY_NORTH", "MAIN"});
    until("2026-11-23T15:01:00Z");
    ASSERT_EQ(status(), "missing");
    Result<std::string> released = std::string();
    part->release(id, files::Sha256::of("nothing in it"), "alice", [&](Result<std::string> r) { released = std::move(r); });
    pass(seconds(1));
    ASSERT_TRUE(released) << released.error().what;
    EXPECT_EQ(status(), "missing") << "the later cycle's";
    EXPECT_EQ(days(), (std::vector<std::string>{"2026-11-22 ok", "2026-11-23 missing"}));
}

TEST_F(Intake, OldHeldFileDoesNotReplaceANewerBackup) {
    inspector.findings.empty = true;
    push("nothing in it");
    ASSERT_EQ(status(), "held");
    inspector.findings.empty = false;
    pass(std::chrono::minutes(20));
    push("newer and good");
    ASSERT_EQ(status(), "ok");
    Result<std::string> released = std::string();
    part->release(TargetId::of("deposit", {"SHOP_CITY_NORTH", "MAIN"}), files::Sha256::of("nothing in it"), "alice",
                  [&](Result<std::string> r) { released = std::move(r); });
    pass(seconds(1));
    EXPECT_FALSE(released);
    EXPECT_EQ(in_vault(), "newer and good");
}

TEST_F(Intake, OlderCycleIsJudgedByEveryGate) {
    const std::string yesterday = report("MAIN", "of another database", loop.clock().now() - std::chrono::hours(24));
    push("today's");
    ASSERT_EQ(status(), "ok");
    inspector.findings.database = "PAYROLL";
    put_file("MAIN", "of another database");
    put_report(yesterday, "YESTERDAY.json");
    look();
    EXPECT_EQ(days(), (std::vector<std::string>{"2026-11-21 held", "2026-11-22 ok"}));
    EXPECT_TRUE(tree.has("deposits/SHOP_CITY_NORTH/database/MAIN.bin"));
    EXPECT_EQ(in_vault(), "today's");
}

TEST_F(Intake, WorkOfOneJobDoesNotSilenceTheDeadlinesOfOthers) {
    add_job("OTHER");
    start();
    inspector.hang = true;
    put_file("MAIN", "bytes");
    put_report(report("MAIN", "bytes", loop.clock().now()));
    start();
    until("2026-11-23T15:00:30Z");
    EXPECT_EQ(status("OTHER"), "missing");
    inspector.hang = false;
}

TEST_F(Intake, UnexpectedNamesGoWhenTheyAreReportedNoMore) {
    tree.make_dirs("deposits/STRAY_CITY_X/log");
    look();
    ASSERT_EQ(part->unexpected().size(), 1U);
    std::filesystem::remove_all(tree.at("deposits/STRAY_CITY_X"));
    look();
    EXPECT_TRUE(part->unexpected().empty());
    EXPECT_EQ(registry->shown(*registry->find(TargetId::of("bkmon", {"unexpected"}))).status, core::Status::ok);
}

TEST_F(Intake, CancelledIntakeJudgesNothingAndIsTriedAgainLater) {
    inspector.hang = true;
    push("bytes");
    const auto active = runs_engine->active();
    ASSERT_EQ(active.size(), 1U);
    ASSERT_TRUE(runs_engine->cancel(active[0].row.id));
    pass(seconds(5));
    EXPECT_TRUE(runs_engine->active().empty());
    EXPECT_EQ(tree.names("vault/.tmp"), "");
    EXPECT_EQ(in_vault(), "<none>");
    EXPECT_TRUE(tree.has("deposits/SHOP_CITY_NORTH/database/MAIN.bin"));
    inspector.hang = false;
    pass(std::chrono::minutes(6));
    EXPECT_EQ(status(), "ok") << shown().reason;
    EXPECT_EQ(in_vault(), "bytes");
}

TEST_F(Intake, ReconfiguredJobsKeepTheirStateAndNewOnesAppear) {
    push("bytes");
    auto changed = settings;
    changed.jobs.push_back(changed.jobs[0]);
    changed.jobs[1].database = "NEW";
    bool done = false;
    ASSERT_TRUE(part->reconfigure(changed, [&](Result<void> r) { done = r.has_value(); }));
    pass(seconds(2));
    EXPECT_TRUE(done);
    EXPECT_EQ(status("MAIN"), "ok");
    EXPECT_EQ(status("NEW"), "unknown");
    changed.vault = "/elsewhere";
    EXPECT_FALSE(part->reconfigure(changed, [](Result<void>) {}));
}

}  // namespace
}  // namespace bkmon::test
