// The rules of a scan, with servers that answer as told.
#include "daemon/outlets/judgement/judge.h"
#include "daemon/outlets/tally.h"
#include "tests/unit/daemon/outlets/bench.h"

namespace bkmon::test {
namespace {

using std::chrono::hours;

class Scan : public OutletsTest {};

TEST_F(Scan, EveryOutletGetsItsVerdictAndTheRunItsSummary) {
    start();
    EXPECT_EQ(status(1), "unknown first_due");
    shop(2).answer = [this](const smb::Order&, int) { return found("old.bak", 4096, loop.clock().now() - hours(72)); };
    shop(3).door = smb::Outcome::refused;
    const auto view = scan();
    EXPECT_EQ(status(1), "ok fresh");
    EXPECT_EQ(status(2), "missing too_old");
    EXPECT_EQ(status(3), "unreachable refused");
    EXPECT_EQ(view.done, 3);
    EXPECT_EQ(view.total, 3);
    EXPECT_EQ(view.counts[static_cast<std::size_t>(core::Status::ok)], 1U);
    EXPECT_EQ(view.date, "2026-11-22");
    ASSERT_EQ(view.worst.size(), 2U);
    EXPECT_EQ(view.worst[0].status, core::Status::missing);
    EXPECT_EQ(view.worst[1].status, core::Status::unreachable);
    EXPECT_EQ(shown(1).run, view.run);
    EXPECT_EQ(shown(1).duration, milliseconds(40));
    EXPECT_EQ(days(1), std::vector<std::string>{"2026-11-22 ok shop.bak"});
    const auto row = run_row(view.run);
    EXPECT_EQ(row.state, "done");
    EXPECT_EQ(row.kind, "scan");
    EXPECT_EQ(row.done, 3);
    EXPECT_EQ(servers.probing + servers.visiting, 0U) << "nothing is left open";
    EXPECT_TRUE(journal.says(journal::msg::run_ended, "3 of 3 outlets"));
}

TEST_F(Scan, TheOrderAsksForWhatTheModeSays) {
    auto& mode = settings.modes[0];
    mode.shares = {"e$", "f$"};
    mode.port = 1445;
    mode.signing = false;
    mode.verify = core::OutletVerify::header;
    start();
    scan();
    ASSERT_EQ(servers.orders.size(), 3U);
    const auto& order = servers.orders[0];
    EXPECT_EQ(order.shares, (std::vector<std::string>{"e$", "f$"}));
    EXPECT_EQ(order.folder, "BackupFull");
    EXPECT_EQ(order.port, 1445);
    EXPECT_FALSE(order.signing);
    EXPECT_TRUE(order.look_inside);
    EXPECT_FALSE(order.until);
    EXPECT_EQ(order.credential.user, "svc_backup");
    EXPECT_EQ(order.credential.domain, "CORP");
    EXPECT_EQ(order.credential.password, "Passw0rd!");
    EXPECT_GE(order.latest, loop.clock().now() - seconds(60) + hours(1));
    EXPECT_EQ(secrets_read, 1) << "once a scan";
}

TEST_F(Scan, OneOfAModeAtATimeAndASecondRequestJoins) {
    start();
    const auto first = part->scan({"d-drive", {}, false, false, "", {}});
    const auto second = part->scan({"D-Drive", {}, false, false, "", {}});
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(first->joined);
    EXPECT_TRUE(second->joined);
    EXPECT_EQ(first->run, second->run);
    const auto some = part->scan({"d-drive", {code(2)}, false, false, "", {}});
    ASSERT_TRUE(some);
    EXPECT_TRUE(some->joined) << "the whole scan looks at it too";
    finish(first->run);
    EXPECT_EQ(servers.orders.size(), 3U);
}

TEST_F(Scan, WhatTheOneUnderWayDoesNotCoverWaitsForItsTurn) {
    start();
    const auto some = part->scan({"d-drive", {code(2)}, false, false, "", {}});
    const auto all = part->scan({"d-drive", {}, false, false, "", {}});
    const auto more = part->scan({"d-drive", {}, false, false, "", {}});
    ASSERT_TRUE(some && all && more);
    EXPECT_FALSE(all->joined);
    EXPECT_EQ(more->run, all->run);
    EXPECT_EQ(run_row(all->run).state, "queued");
    EXPECT_EQ(finish(some->run).total, 1);
    EXPECT_EQ(finish(all->run).total, 3);
    EXPECT_LE(servers.most_visiting, 3U);
    EXPECT_EQ(shop(2).visits, 2);
}

TEST_F(Scan, TwoModesAtTheSameTime) {
    settings.modes.push_back(settings.modes[0]);
    settings.modes[1].name = "ibstorage";
    start();
    const auto a = begin(), b = begin({"ibstorage", {}, false, false, "", {}});
    EXPECT_NE(a, b);
    finish(a);
    finish(b);
    EXPECT_EQ(status(1, "ibstorage"), "ok fresh");
}

TEST_F(Scan, NoSuchModeNoSuchOutletNoDay) {
    start();
    EXPECT_EQ(part->scan({"x", {}, false, false, "", {}}).error().code, Errc::not_found);
    EXPECT_EQ(part->scan({"d-drive", {"nobody*"}, false, false, "", {}}).error().code, Errc::not_found);
    for (const char* day : {"2026-11-23", "2026-11-22", "2026-02-30", "yesterday", "2026-1-01", "1969-12-31", "2026-11-21x"})
        EXPECT_EQ(part->scan({"d-drive", {}, false, false, day, {}}).error().code, Errc::invalid) << day;
    EXPECT_TRUE(part->scan({"d-drive", {}, false, false, "2026-11-21", {}}));
}

TEST_F(Scan, OnlyWhatWasAskedForAndMayBeSeen) {
    start();
    EXPECT_EQ(scan({"d-drive", {"s1000[12]"}, false, false, "", {}}).total, 2);
    EXPECT_EQ(shop(3).visits, 0);
    const auto view = scan({"d-drive", {}, false, false, "", [](const TargetId& id) { return id.key() == "outlet/s10003/d-drive"; }});
    EXPECT_EQ(view.total, 1);
    EXPECT_EQ(shop(3).visits, 1);
}

TEST_F(Scan, ProblemsAndPending) {
    start();
    shop(2).answer = [](const smb::Order&, int nth) {
        return nth == 0 ? refused(smb::Outcome::no_folder) : found("b.bak", 4096, *parse_rfc3339("2026-11-22T11:00:00Z"));
    };
    EXPECT_EQ(scan({"d-drive", {code(1), code(2)}, false, false, "", {}}).total, 2);
    EXPECT_EQ(scan({"d-drive", {}, false, true, "", {}}).total, 1) << "only the third has no result today";
    EXPECT_EQ(scan({"d-drive", {}, true, false, "", {}}).total, 1);
    EXPECT_EQ(status(2), "ok fresh");
    EXPECT_EQ(scan({"d-drive", {}, true, true, "", {}}).total, 0);
    pass(hours(13), hours(1));
    EXPECT_EQ(scan({"d-drive", {}, false, true, "", {}}).total, 3) << "a new day";
}

TEST_F(Scan, PausedOnesAreLeftAlone) {
    start();
    registry->pause({TargetId::of("outlet", {code(1), "d-drive"}), "alice", "moving", loop.clock().now(), {}},
                    [](Result<void> r) { EXPECT_TRUE(r); });
    loop.run_posted();
    EXPECT_EQ(scan().total, 2);
    EXPECT_EQ(shop(1).probes, 0);
}

TEST_F(Scan, InactiveOnesAreNoTargets) {
    settings.inventory.list[0].active = false;
    start();
    EXPECT_EQ(registry->find(TargetId::of("outlet", {code(1), "d-drive"})), nullptr);
    EXPECT_EQ(scan().total, 2);
}

// --- second tries

TEST_F(Scan, TimeoutsCutsAndDeadWorkersAreTriedOnceMoreAndLate) {
    start();
    int n = 0;
    for (const auto outcome : {smb::Outcome::timeout, smb::Outcome::reset, smb::Outcome::worker_crashed})
        shop(++n).answer = [this, outcome](const smb::Order&, int nth) {
            return nth == 0 ? refused(outcome) : found("late.bak", 4096, loop.clock().now() - hours(2));
        };
    const auto view = scan();
    EXPECT_EQ(view.retried, 3U);
    for (int i = 1; i <= 3; ++i) EXPECT_EQ(status(i), "ok fresh");
    EXPECT_EQ(shop(1).visits, 2);
    EXPECT_GE(view.took, milliseconds(1000)) << "not at once";
}

TEST_F(Scan, TheSecondTryCountsAndThereIsNoThird) {
    start();
    shop(1).answer = [](const smb::Order&, int) { return refused(smb::Outcome::reset); };
    shop(2).door = smb::Outcome::timeout;
    const auto view = scan();
    EXPECT_EQ(status(1), "unreachable reset");
    EXPECT_EQ(status(2), "unreachable timeout");
    EXPECT_EQ(shop(1).visits, 2);
    EXPECT_EQ(shop(2).probes, 2);
    EXPECT_NE(shown(1).reason.find("tried 2 times"), std::string::npos) << shown(1).reason;
    EXPECT_LE(view.took, milliseconds(5000)) << "twice the deadline of the door";
}

TEST_F(Scan, SecondTriesComeAfterEverybodysFirst) {
    settings.workers = 1;
    for (int i = 4; i <= 60; ++i) add_outlet(i);
    start();
    shop(1).answer = [](const smb::Order&, int) { return refused(smb::Outcome::reset); };
    shop(1).visit_takes = milliseconds(1);
    shop(2).door = smb::Outcome::timeout;
    for (int i = 3; i <= 60; ++i) shop(i).visit_takes = milliseconds(200);
    scan();
    ASSERT_EQ(servers.orders.size(), 60U);
    EXPECT_EQ(servers.orders.back().address, address(1));
    EXPECT_EQ(shop(1).probed_after, 59U);
    EXPECT_EQ(shop(2).probed_after, 59U);
}

TEST_F(Scan, ARefusedLoginIsNeverTriedAgain) {
    start();
    shop(2).answer = [](const smb::Order&, int) { return refused(); };
    const auto view = scan();
    EXPECT_EQ(shop(2).visits, 1);
    EXPECT_EQ(view.retried, 0U);
    EXPECT_EQ(status(2), "unreachable login_refused");
}

// --- the credential

TEST_F(Scan, AfterThreeRefusalsInARowNobodyElseIsAskedWithIt) {
    settings.workers = 32;
    for (int i = 4; i <= 300; ++i) add_outlet(i);
    start();
    for (int i = 1; i <= 300; ++i) shop(i).answer = [](const smb::Order&, int) { return refused(); };
    const auto view = scan();
    EXPECT_EQ(servers.orders.size(), 3U) << "an account is locked after a few";
    EXPECT_EQ(view.done, 300);
    EXPECT_EQ(view.counts[static_cast<std::size_t>(core::Status::unreachable)], 300U);
    EXPECT_EQ(status(1), "unreachable login_refused");
    EXPECT_EQ(status(300), "unreachable login_refused");
    EXPECT_NE(shown(300).reason.find("CORP\\svc_backup"), std::string::npos) << shown(300).reason;
    const auto stored = store.tables().current(TargetId::of("outlet", {code(300), "d-drive"}));
    ASSERT_TRUE(stored && *stored);
    EXPECT_NE((*stored)->verdict.evidence.find("not_tried"), std::string::npos) << (*stored)->verdict.evidence;
    EXPECT_EQ(run_row(view.run).state, "done");
    servers.orders.clear();
    scan();
    EXPECT_EQ(servers.orders.size(), 3U) << "the next scan tries again";
}

TEST_F(Scan, AnotherModeWithTheSameCredentialStopsToo) {
    settings.modes.push_back(settings.modes[0]);
    settings.modes[1].name = "ibstorage";
    settings.modes.push_back(settings.modes[0]);
    settings.modes[2].name = "other";
    settings.modes[2].credential.user = "somebody";
    for (int i = 4; i <= 20; ++i) add_outlet(i);
    start();
    for (int i = 1; i <= 20; ++i)
        shop(i).answer = [this](const smb::Order& o, int) {
            return o.credential.user == "somebody" ? found("a.bak", 4096, loop.clock().now() - hours(1)) : refused();
        };
    const auto a = begin(), b = begin({"ibstorage", {}, false, false, "", {}}), c = begin({"other", {}, false, false, "", {}});
    finish(a);
    finish(b);
    EXPECT_EQ(std::count_if(servers.orders.begin(), servers.orders.end(), [](const auto& o) { return o.credential.user == "svc_backup"; }), 3);
    EXPECT_EQ(finish(c).counts[0], 20U);
    EXPECT_EQ(status(20, "ibstorage"), "unreachable login_refused");
}

TEST_F(Scan, ASingleWrongServerAmongManyStopsNobody) {
    settings.workers = 8;
    for (int i = 4; i <= 60; ++i) add_outlet(i);
    start();
    for (int i = 5; i <= 60; i += 5) shop(i).answer = [](const smb::Order&, int) { return refused(); };
    const auto view = scan();
    EXPECT_EQ(view.counts[0], 48U);
    EXPECT_EQ(view.counts[static_cast<std::size_t>(core::Status::unreachable)], 12U);
    EXPECT_EQ(servers.orders.size(), 60U);
}

TEST_F(Scan, WhatFailedBeforeTheCredentialDidKeepsItsOwnReason) {
    settings.workers = 1;
    for (int i = 4; i <= 10; ++i) add_outlet(i);
    start();
    shop(1).answer = [](const smb::Order&, int) { return refused(smb::Outcome::reset); };
    for (int i = 2; i <= 10; ++i) shop(i).answer = [](const smb::Order&, int) { return refused(); };
    scan();
    EXPECT_EQ(status(1), "unreachable reset");
    EXPECT_EQ(shop(1).visits, 1) << "its second try would use the credential";
    EXPECT_EQ(status(10), "unreachable login_refused");
}

TEST_F(Scan, WhatFailsAfterTheCredentialWasGivenUpHasNoSecondTry) {
    settings.workers = 8;
    for (int i = 4; i <= 10; ++i) add_outlet(i);
    start();
    shop(1).answer = [this](const smb::Order&, int) { return found("a.bak", 4096, loop.clock().now() - hours(1)); };
    shop(1).visit_takes = milliseconds(1);
    shop(2).answer = [](const smb::Order&, int) { return refused(smb::Outcome::timeout); };
    shop(2).visit_takes = seconds(5);
    for (int i = 3; i <= 10; ++i) shop(i).answer = [](const smb::Order&, int) { return refused(); };
    const auto view = scan();
    EXPECT_EQ(status(2), "unreachable timeout");
    EXPECT_EQ(shop(2).visits, 1);
    EXPECT_EQ(view.retried, 0U);
}

TEST_F(Scan, WithoutThePasswordNobodyIsAskedAndItIsSaid) {
    start();
    EXPECT_EQ(own("outlets"), "ok: the outlets are scanned");
    no_secret = true;
    const auto run = begin();
    EXPECT_EQ(run_row(run).state, "failed");
    EXPECT_NE(run_row(run).error.find("/etc/bkmon/smb.password"), std::string::npos);
    EXPECT_TRUE(servers.orders.empty());
    EXPECT_EQ(own("outlets").find("failed: not scanned: d-drive: "), 0U) << own("outlets");
    start();
    EXPECT_EQ(own("outlets").find("failed: not scanned: d-drive: "), 0U) << "a restart mends nothing";
    no_secret = false;
    scan();
    EXPECT_EQ(own("outlets"), "ok: the outlets are scanned");
}

// --- files that grow, drives that move

TEST_F(Scan, AGrowingFileKeepsWhatWasKnown) {
    start();
    scan();
    ASSERT_EQ(status(1), "ok fresh");
    shop(1).answer = [this](const smb::Order&, int nth) { return found("new.bak", 4096U * static_cast<unsigned>(nth), loop.clock().now()); };
    const auto before = shown(1).file;
    const auto view = scan();
    EXPECT_EQ(view.growing, 1U);
    EXPECT_EQ(view.done, 3);
    EXPECT_EQ(view.counts[0], 3U) << "counted under what was known";
    EXPECT_EQ(status(1), "ok fresh");
    EXPECT_EQ(shown(1).file, before);
    EXPECT_GE(view.took, outlets::kQuiet);
    EXPECT_EQ(shop(1).visits, 3) << "looked at twice";
}

TEST_F(Scan, AYoungFileThatStaysIsTaken) {
    start();
    const auto made = loop.clock().now();
    shop(1).answer = [made](const smb::Order&, int) { return found("new.bak", 4096, made); };
    const auto view = scan();
    EXPECT_EQ(view.growing, 0U);
    EXPECT_EQ(status(1), "ok fresh");
    EXPECT_EQ(shown(1).file, "new.bak");
}

TEST_F(Scan, TheDriveFoundIsTriedFirstTheNextTimeAlsoAfterARestart) {
    settings.modes[0].shares = {"e$", "f$", "g$"};
    start();
    for (int i = 1; i <= 3; ++i)
        shop(i).answer = [this](const smb::Order&, int) { return found("u.bak", 4096, loop.clock().now() - hours(1), "g$"); };
    scan();
    EXPECT_EQ(servers.orders[0].shares, (std::vector<std::string>{"e$", "f$", "g$"}));
    EXPECT_EQ(part->list()[0].modes[0].drive, "G:");
    start();
    servers.orders.clear();
    scan();
    EXPECT_EQ(servers.orders[0].shares, (std::vector<std::string>{"g$", "e$", "f$"}));
    EXPECT_EQ(shown(1).place, "G:");
}

TEST_F(Scan, AnotherDriveIsSaidAndRemembered) {
    settings.modes[0].shares = {"e$", "f$"};
    start();
    shop(1).answer = [this](const smb::Order&, int nth) { return found("u.bak", 4096, loop.clock().now() - hours(1), nth == 0 ? "e$" : "f$"); };
    scan();
    pass(seconds(60));
    scan();
    EXPECT_NE(shown(1).reason.find("before, it was on drive E"), std::string::npos) << shown(1).reason;
    const auto shares = store.tables().remembered_shares();
    ASSERT_TRUE(shares);
    EXPECT_EQ((*shares)[0].share, "f$");
    EXPECT_EQ(part->list()[0].modes[0].drive, "F:");
}

TEST_F(Scan, ADriveThatCouldNotBeRecordedIsNotRemembered) {
    settings.modes[0].shares = {"e$", "f$"};
    start();
    for (int i = 1; i <= 3; ++i)
        shop(i).answer = [this](const smb::Order&, int) { return found("u.bak", 4096, loop.clock().now() - hours(1), "f$"); };
    const auto run = begin({"d-drive", {code(1)}, false, false, "", {}});
    store.fail_next_writes(1000, Error{Errc::no_space, "disk full"});
    EXPECT_TRUE(finish(run).final);
    EXPECT_EQ(part->list()[0].modes[0].drive, "");
}

// --- days

TEST_F(Scan, ADayHasOneRowOfTheNewestLook) {
    start();
    const auto first = loop.clock().now() - hours(1);
    shop(1).answer = [first](const smb::Order&, int) { return found("a.bak", 4096, first); };
    const outlets::ScanRequest one{"d-drive", {code(1)}, false, false, "", {}};
    scan(one);
    scan(one);
    EXPECT_EQ(days(1), std::vector<std::string>{"2026-11-22 ok a.bak"});
    shop(1).answer = [first](const smb::Order&, int) { return found("b.bak", 4096, first + milliseconds(1000)); };
    scan(one);
    EXPECT_EQ(days(1), std::vector<std::string>{"2026-11-22 ok b.bak"});
    pass(hours(24), hours(1));
    scan(one);
    EXPECT_EQ(days(1), (std::vector<std::string>{"2026-11-22 ok b.bak", "2026-11-23 ok b.bak"}));
}

TEST_F(Scan, ABackDateFillsItsDayAndLeavesTheCurrentVerdictAlone) {
    start();
    scan();
    const auto before = shown(1);
    const auto events_before = events();
    shop(1).answer = [](const smb::Order& o, int) {
        EXPECT_EQ(o.until, parse_rfc3339("2026-11-20T23:59:59.999Z").value());
        return refused(smb::Outcome::no_folder);
    };
    const auto view = scan({"d-drive", {}, false, false, "2026-11-20", {}});
    EXPECT_TRUE(view.back_dated);
    EXPECT_EQ(view.date, "2026-11-20");
    EXPECT_EQ(view.counts[static_cast<std::size_t>(core::Status::missing)], 1U);
    EXPECT_EQ(status(1), "ok fresh");
    EXPECT_EQ(shown(1).run, before.run);
    EXPECT_EQ(shown(1).at, before.at);
    EXPECT_EQ(days(1), (std::vector<std::string>{"2026-11-20 missing ", "2026-11-22 ok shop.bak"}));
    EXPECT_EQ(events(), events_before) << "no incident";
}

TEST_F(Scan, ABackDateMayLookForThatDaysPendingOnes) {
    start();
    EXPECT_EQ(scan({"d-drive", {code(1)}, false, false, "2026-11-20", {}}).total, 1);
    EXPECT_EQ(scan({"d-drive", {}, false, true, "2026-11-20", {}}).total, 2);
    EXPECT_EQ(scan({"d-drive", {}, false, true, "2026-11-20", {}}).total, 0);
    EXPECT_EQ(scan({"d-drive", {}, false, true, "2026-11-21", {}}).total, 3);
}

// --- the history

TEST_F(Scan, NothingBeginsWhileNothingCanBeRecorded) {
    start();
    hold_off = "the disk of bkmond's own records is full";
    const auto refused_now = part->scan({"d-drive", {}, false, false, "", {}});
    ASSERT_FALSE(refused_now);
    EXPECT_EQ(refused_now.error().code, Errc::unavailable);
    EXPECT_NE(refused_now.error().what.find("disk of bkmond"), std::string::npos);
    hold_off.clear();
    for (int i = 4; i <= 400; ++i) add_outlet(i);
    reconfigure();
    const auto run = begin();
    pass(milliseconds(20), milliseconds(1));
    hold_off = "full";
    pass(milliseconds(500));
    const auto looked = servers.orders.size();
    EXPECT_LT(looked, 400U);
    pass(seconds(30));
    EXPECT_EQ(servers.orders.size(), looked) << "not in the middle either";
    hold_off.clear();
    EXPECT_EQ(finish(run).done, 400);
}

TEST_F(Scan, ASlowHistoryIsNotFloodedWithVerdicts) {
    settings.workers = 32;
    for (int i = 4; i <= 1000; ++i) add_outlet(i);
    start();
    const auto run = begin();
    store.hold();
    pass(seconds(20), milliseconds(5));
    EXPECT_LT(store.waiting(), 320U);
    EXPECT_LT(servers.orders.size(), 400U);
    store.release();
    EXPECT_EQ(finish(run).done, 1000);
}

TEST_F(Scan, AHistoryThatRefusesEndsTheScanAndSaysWhy) {
    for (int i = 4; i <= 100; ++i) add_outlet(i);
    start();
    const auto run = begin();
    pass(milliseconds(30), milliseconds(1));
    store.fail_next_writes(3, Error{Errc::no_space, "no space left on device"});
    const auto view = finish(run);
    EXPECT_LT(view.done, 100);
    pass(seconds(10));
    EXPECT_EQ(run_row(run).state, "failed");
    EXPECT_NE(run_row(run).error.find("no space left"), std::string::npos) << run_row(run).error;
    EXPECT_EQ(servers.visiting, 0U);
}

// --- cancel, stop, restart

TEST_F(Scan, CancelKeepsWhatWasRecorded) {
    for (int i = 4; i <= 200; ++i) add_outlet(i);
    start();
    for (int i = 1; i <= 200; ++i) shop(i).visit_takes = milliseconds(50);
    const auto run = begin();
    pass(milliseconds(300), milliseconds(10));
    const auto done = part->view(run)->done;
    ASSERT_GT(done, 0);
    ASSERT_LT(done, 200);
    EXPECT_TRUE(runs_engine->cancel(run));
    loop.run_posted();
    const auto view = part->view(run);
    ASSERT_TRUE(view);
    EXPECT_TRUE(view->final);
    EXPECT_EQ(servers.probing + servers.visiting, 0U);
    EXPECT_EQ(run_row(run).state, "cancelled");
    EXPECT_EQ(status(1), "ok fresh");
    std::size_t running = 0, known = 0;
    for (const auto* t : registry->match({}, "outlet")) {
        running += t->running_since ? 1 : 0;
        known += t->current.verdict.reason_code == "first_due" ? 0 : 1;
    }
    EXPECT_EQ(running, 0U);
    EXPECT_GE(known, static_cast<std::size_t>(done));
    scan();
    EXPECT_EQ(status(200), "ok fresh");
}

TEST_F(Scan, AQueuedOneCanBeCancelled) {
    start();
    const auto first = begin({"d-drive", {code(1)}, false, false, "", {}});
    const auto second = begin();
    EXPECT_TRUE(runs_engine->cancel(second));
    loop.run_posted();
    EXPECT_EQ(run_row(second).state, "cancelled");
    EXPECT_EQ(finish(first).done, 1);
    EXPECT_EQ(shop(2).visits, 0);
}

TEST_F(Scan, AfterARestartTheRunIsInterruptedAndTheNextOneIsRight) {
    for (int i = 4; i <= 100; ++i) add_outlet(i);
    start();
    for (int i = 1; i <= 100; ++i) shop(i).visit_takes = milliseconds(50);
    const auto run = begin();
    pass(milliseconds(300), milliseconds(10));
    runs_engine->interrupt_all();
    loop.run_posted();
    start();
    EXPECT_EQ(run_row(run).state, "interrupted");
    EXPECT_EQ(status(1), "ok fresh");
    EXPECT_EQ(servers.visiting + servers.probing, 0U);
    EXPECT_FALSE(part->view(run));
    EXPECT_LT(scan({"d-drive", {}, false, true, "", {}}).total, 100) << "what was recorded is not looked at again";
    EXPECT_EQ(status(100), "ok fresh");
}

TEST_F(Scan, ProgressHasRateAndTimeLeft) {
    for (int i = 4; i <= 200; ++i) add_outlet(i);
    start();
    for (int i = 1; i <= 200; ++i) shop(i).visit_takes = milliseconds(50);
    const auto run = begin();
    EXPECT_FALSE(part->view(run)->left);
    pass(milliseconds(1000), milliseconds(5));
    const auto view = part->view(run);
    ASSERT_TRUE(view && view->left);
    EXPECT_GT(view->rate, 50);
    const auto expected = static_cast<double>(200 - view->done) / view->rate * 1000;
    EXPECT_NEAR(static_cast<double>(view->left->count()), expected, 2);
    EXPECT_FALSE(view->last.empty());
    std::vector<std::int64_t> seen;
    const auto token = runs_engine->follow(run, [&](const runs::Progress& p) { seen.push_back(p.row.done); });
    ASSERT_TRUE(token);
    finish(run);
    pass(seconds(1));
    ASSERT_GT(seen.size(), 2U);
    EXPECT_EQ(seen.back(), 200);
    EXPECT_TRUE(part->view(run)) << "the summary stays a while";
    pass(hours(1), seconds(60));
    EXPECT_FALSE(part->view(run));
}

TEST_F(Scan, AServerThatHangsHoldsNobodyUp) {
    for (int i = 4; i <= 50; ++i) add_outlet(i);
    start();
    for (int i = 1; i <= 5; ++i) shop(i).door = smb::Outcome::timeout;
    const auto run = begin();
    pass(milliseconds(500), milliseconds(5));
    EXPECT_EQ(part->view(run)->done, 45) << "all that answer are done before the first deadline";
    EXPECT_EQ(finish(run).done, 50);
}

TEST_F(Scan, TheWorstComeFirstAndFewOfEachKind) {
    for (int i = 4; i <= 60; ++i) add_outlet(i);
    start();
    for (int i = 1; i <= 60; ++i)
        shop(i).answer = [i](const smb::Order&, int) { return refused(i % 2 == 0 ? smb::Outcome::no_folder : smb::Outcome::protocol); };
    const auto view = scan();
    ASSERT_EQ(view.worst.size(), 6U) << "three of each kind";
    for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(view.worst[i].reason_code, i < 3 ? "no_folder" : "protocol");
        EXPECT_EQ(view.worst[i].alike, i % 3 == 2 ? 27U : 0U);
    }
}

TEST(ScanTally, TheWorstAreTwentyAtMost) {
    outlets::Tally tally{BootTime{}};
    tally.begin(100, BootTime{});
    for (int i = 0; i < 50; ++i)
        tally.add(TargetId::of("outlet", {std::to_string(i), "d-drive"}),
                  core::plain_verdict(i % 2 == 0 ? core::Status::missing : core::Status::held, "code" + std::to_string(i), "why", Time{}), "x",
                  BootTime{});
    ASSERT_EQ(tally.view.worst.size(), 20U);
    for (const auto& w : tally.view.worst) EXPECT_EQ(w.status, core::Status::missing);
}

}  // namespace
}  // namespace bkmon::test
