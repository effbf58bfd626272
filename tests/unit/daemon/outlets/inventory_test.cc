// The inventory in use: read before each scan, remembered, and kept when its source fails.
#include <cstdio>
#include <fstream>

#include "daemon/outlets/judgement/judge.h"
#include "tests/support/temp_tree.h"
#include "tests/unit/daemon/outlets/bench.h"

namespace bkmon::test {
namespace {

using std::chrono::hours;

class Inventory : public OutletsTest {
protected:
    Inventory() {
        settings.inventory.list.clear();
        settings.inventory.csv = tree.at("outlets.csv");
        put("S10001,10.0.0.2\nS10002,10.0.0.3\nS10003,10.0.0.4\n");
    }
    void put(const std::string& rows) { tree.put("outlets.csv", "code,address\n" + rows); }
    void lose() { std::remove(tree.at("outlets.csv").c_str()); }
    std::vector<std::string> targets() {
        std::vector<std::string> ids;
        for (const auto* t : registry->match({}, "outlet")) ids.push_back(t->spec.id.str());
        return ids;
    }
    TempTree tree;
};

TEST_F(Inventory, IsReadAnewBeforeEachScanAndTheChangesAreCounted) {
    start();
    EXPECT_EQ(targets().size(), 3U);
    put("S10001,10.0.0.2\nS10002,10.0.0.33\nS10004,10.0.0.5\nS10005,10.0.0.6\n");
    const auto view = scan();
    EXPECT_EQ(view.added, 2U);
    EXPECT_EQ(view.changed, 1U);
    EXPECT_EQ(view.deactivated, 1U);
    EXPECT_EQ(view.total, 4);
    EXPECT_EQ(targets(),
              (std::vector<std::string>{"outlet/S10001/d-drive", "outlet/S10002/d-drive", "outlet/S10004/d-drive", "outlet/S10005/d-drive"}));
    EXPECT_EQ(servers.shops["10.0.0.33"].visits, 1);
    const auto again = scan();
    EXPECT_EQ(again.added + again.changed + again.deactivated, 0U);
}

TEST_F(Inventory, BadRowsAreSaidAndSkipped) {
    put("S10001,10.0.0.2\n,10.0.0.3\n");
    start();
    const auto view = scan();
    EXPECT_EQ(view.bad_rows, 1U);
    EXPECT_EQ(view.total, 1);
    EXPECT_EQ(part->inventory().bad.size(), 1U);
    EXPECT_EQ(own("inventory").find("warning: a row was skipped: "), 0U) << own("inventory");
    put("S10001,10.0.0.2\n");
    scan();
    EXPECT_EQ(own("inventory").find("ok: 1 outlets"), 0U) << own("inventory");
}

TEST_F(Inventory, ASourceThatCannotBeReadKeepsTheLastKnownOneAndSaysSo) {
    start();
    lose();
    const auto view = scan();
    EXPECT_EQ(view.total, 3);
    EXPECT_FALSE(view.inventory_problem.empty());
    EXPECT_EQ(status(3), "ok fresh");
    EXPECT_EQ(own("inventory").find("warning: the last known inventory of 3 outlets is used: "), 0U) << own("inventory");
    EXPECT_TRUE(journal.says(journal::msg::note, "the last known one is used"));
    EXPECT_FALSE(part->inventory().problem.empty());
    put("S10001,10.0.0.2\n");
    EXPECT_EQ(scan().total, 1);
    EXPECT_TRUE(part->inventory().problem.empty());
    EXPECT_EQ(own("inventory").find("ok: "), 0U);
}

TEST_F(Inventory, AlsoAfterARestart) {
    start();
    scan();
    lose();
    start();
    EXPECT_TRUE(started);
    EXPECT_EQ(targets().size(), 3U);
    EXPECT_EQ(status(2), "ok fresh");
    EXPECT_EQ(scan().total, 3);
    put("S10001,10.0.0.2\nS10002,10.0.0.3\nS10004,10.0.0.9\n");
    const auto view = scan();
    EXPECT_EQ(view.added, 1U) << "compared with what is remembered";
    EXPECT_EQ(view.deactivated, 1U);
}

TEST_F(Inventory, NothingKnownIsUnreachableNotEmptyAndWell) {
    lose();
    start();
    EXPECT_TRUE(started);
    EXPECT_EQ(own("inventory").find("unreachable: no outlet is known"), 0U) << own("inventory");
}

TEST_F(Inventory, OneThatVanishedStillHasItsNameForReports) {
    start();
    put("S10001,10.0.0.2\n");
    scan();
    const auto gone = TargetId::of("outlet", {"S10003", "d-drive"});
    ASSERT_NE(part->outlet_of(gone), nullptr);
    EXPECT_EQ(part->outlet_of(gone)->address, "10.0.0.4");
    start();
    ASSERT_NE(part->outlet_of(gone), nullptr);
    EXPECT_EQ(part->list().size(), 1U);
    EXPECT_EQ(part->outlet_of(TargetId::of("outlet", {"nobody", "d-drive"})), nullptr);
    EXPECT_EQ(part->outlet_of(TargetId::of("deposit", {"S10003", "d-drive"})), nullptr);
}

TEST_F(Inventory, ImportShowsTheDifferenceAndWritesOnlyWhenAsked) {
    start();
    const std::string csv = "code,address\nS10001,10.0.0.2\nS10002,10.0.0.77\nS10009,10.0.0.9\n";
    std::optional<Result<outlets::Part::Import>> got;
    const auto take = [&](Result<outlets::Part::Import> r) { got = std::move(r); };
    part->import(csv, false, take);
    loop.run_posted();
    ASSERT_TRUE(got && *got);
    EXPECT_EQ((*got)->difference.added, std::vector<std::string>{"S10009"});
    EXPECT_EQ((*got)->difference.changed, std::vector<std::string>{"S10002"});
    EXPECT_EQ((*got)->difference.deactivated, std::vector<std::string>{"S10003"});
    EXPECT_EQ((*got)->file, tree.at("outlets.csv"));
    EXPECT_EQ(targets().size(), 3U);
    EXPECT_NE(tree.get("outlets.csv"), csv);
    part->import(csv, true, take);
    loop.run_posted();
    ASSERT_TRUE(*got) << got->error().what;
    EXPECT_EQ(tree.get("outlets.csv"), csv);
    EXPECT_EQ(targets().back(), "outlet/S10009/d-drive");
    part->import("code,address\n,1\n", true, take);
    loop.run_posted();
    ASSERT_FALSE(*got);
    EXPECT_EQ(got->error().code, Errc::invalid);
    EXPECT_EQ(tree.get("outlets.csv"), csv) << "nothing was written";
    settings.inventory = {};
    reconfigure();
    part->import(csv, false, take);
    loop.run_posted();
    ASSERT_FALSE(*got);
    EXPECT_EQ(got->error().code, Errc::invalid);
}

TEST_F(Inventory, TargetsHaveTheLabelsOfOutletAndModeAndTheTermsOfTheMode) {
    tree.put("outlets.csv", "code,address,region\nS10001,10.0.0.2,north\n");
    settings.modes[0].labels = {{"tier", "1"}, {"region", "all"}};
    settings.modes[0].recipients = {"shops@example.org"};
    settings.modes[0].timezone = "America/Bogota";
    settings.modes[0].schedules = {{"0 7 * * *", ""}};
    start();
    const auto* target = registry->find(TargetId::of("outlet", {"S10001", "d-drive"}));
    ASSERT_NE(target, nullptr);
    EXPECT_EQ(target->spec.labels, (core::Labels{{"tier", "1"}, {"region", "north"}}));
    EXPECT_EQ(*target->spec.recipients, std::vector<std::string>{"shops@example.org"});
    EXPECT_EQ(target->spec.timezone, "America/Bogota");
    EXPECT_EQ(target->spec.interval, milliseconds(hours(24)));
    EXPECT_EQ(target->current.verdict.reason, "first scan due 2026-11-23 07:00 -05");
}

TEST_F(Inventory, AReloadTakesOtherModesAndReadsAnew) {
    start();
    scan();
    settings.modes[0].name = "e-drive";
    put("S10001,10.0.0.2\n");
    reconfigure();
    EXPECT_EQ(targets(), std::vector<std::string>{"outlet/S10001/e-drive"});
    EXPECT_EQ(part->scan({"d-drive", {}, false, false, "", {}}).error().code, Errc::not_found);
    EXPECT_EQ(scan({"e-drive", {}, false, false, "", {}}).total, 1);
}

TEST_F(Inventory, AReloadWithoutItsModeEndsAScan) {
    start();
    const auto run = begin();
    settings.modes[0].name = "e-drive";
    reconfigure();
    EXPECT_EQ(run_row(run).state, "cancelled");
    EXPECT_EQ(servers.visiting + servers.probing, 0U);
}

/// A source that does not come must not hold the start of the others up.
TEST_F(Inventory, ASlowSourceHoldsNoStartUp) {
    start();
    HeldLane held;
    lane = &held;
    started = false;
    start();
    for (int i = 0; i < 10 && !held.queue.empty(); ++i) {
        held.step();
        loop.run_posted();
        if (started) break;
    }
    pass(seconds(11));
    while (held.step()) loop.run_posted();
    EXPECT_TRUE(started);
    EXPECT_EQ(targets().size(), 3U);
}

}  // namespace
}  // namespace bkmon::test
