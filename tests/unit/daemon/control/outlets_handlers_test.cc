#include "tests/unit/daemon/control/outlets_fixture.h"

namespace bkmon::control {
namespace {

using Role = protocol::Role;
using test::Strings;
using Json = nlohmann::json;

constexpr auto kList = "io.bkmon.Outlets.List";
constexpr auto kModes = "io.bkmon.Outlets.Modes";
constexpr auto kScan = "io.bkmon.Outlets.Scan";
constexpr auto kFollow = "io.bkmon.Outlets.Follow";
constexpr auto kImport = "io.bkmon.Outlets.Import";

class OutletsHandlers : public test::OutletsFixture {};

TEST_F(OutletsHandlers, WithoutTheSectionEachMethodSaysSo) {
    configured = false;
    for (const auto* method : {kList, kModes, kScan, kFollow, kImport})
        EXPECT_NE(refusal(method, "{}").find("io.bkmon.Unavailable {\"message\":\"no outlets are configured"), std::string::npos) << method;
}

TEST_F(OutletsHandlers, ListShowsTheInventoryAndHowEachOutletIs) {
    publish("outlet/SHOP1/d-drive", core::Status::ok, "promoted");
    inventory.bad = {{"line 7", "no address"}};
    const auto all = reply(kList, "{}");
    EXPECT_EQ(ids(all["outlets"], "code"), (Strings{"SHOP1", "SHOP2", "YARD1", "CLOSED"}));
    EXPECT_EQ(all["total"], 4);
    EXPECT_EQ(all["inventory"]["active"], 3);
    EXPECT_EQ(all["inventory"]["inactive"], 1);
    EXPECT_EQ(all["inventory"]["bad"][0]["where"], "line 7");
    const auto& shop = all["outlets"][0];
    EXPECT_EQ(shop["modes"][0]["status"], "ok");
    EXPECT_TRUE(shop["modes"][0]["drive"].is_null());
    EXPECT_EQ(shop["modes"][1]["status"], "unknown");
    EXPECT_EQ(shop["modes"][1]["drive"], "F:");
    EXPECT_EQ(shop["labels"]["region"], "north");
    EXPECT_TRUE(all["outlets"][3]["modes"].empty());
}

TEST_F(OutletsHandlers, ListFiltersByCodeAndLabel) {
    EXPECT_EQ(ids(reply(kList, R"({"outlets":["shop*"]})")["outlets"], "code"), (Strings{"SHOP1", "SHOP2"}));
    EXPECT_EQ(ids(reply(kList, R"({"outlets":["shop2","yard1"]})")["outlets"], "code"), (Strings{"SHOP2", "YARD1"}));
    EXPECT_EQ(ids(reply(kList, R"({"labels":["region=south"]})")["outlets"], "code"), (Strings{"YARD1"}));
    EXPECT_EQ(reply(kList, R"({"outlets":["none*"]})")["total"], 0);
    EXPECT_EQ(refusal(kList, R"({"outlets":["SHOP9"]})"), R"(io.bkmon.Outlets.NoSuchOutlet {"outlet":"SHOP9","nearest":"SHOP1"})");
    EXPECT_NE(refusal(kList, R"({"labels":["region"]})").find("key=value"), std::string::npos);
}

TEST_F(OutletsHandlers, ThousandsOfOutletsComeInPages) {
    views.clear();
    for (int i = 0; i < 1000; ++i) {
        outlets::OutletView view;
        view.outlet = {"N" + std::to_string(i), "", "10.0.0.1", true, {}};
        views.push_back(view);
    }
    const auto pages = replies(kList, "{}", true);
    ASSERT_EQ(pages.size(), 5U);
    EXPECT_TRUE(pages[0]["inventory"].is_object());
    EXPECT_TRUE(pages[1]["inventory"].is_null());
    std::size_t n = 0;
    for (const auto& page : pages) n += page["outlets"].size();
    EXPECT_EQ(n, 1000U);
}

TEST_F(OutletsHandlers, WhoIsLimitedSeesOnlyHisOutlets) {
    inventory.bad = {{"line 7", "no address for YARD2"}};
    const auto seen = reply(kList, "{}", shops(Role::viewer));
    EXPECT_EQ(ids(seen["outlets"], "code"), (Strings{"SHOP1", "SHOP2"}));
    EXPECT_EQ(seen["inventory"]["active"], 2);
    EXPECT_EQ(seen["inventory"]["inactive"], 0);
    EXPECT_TRUE(seen["inventory"]["bad"].empty());
    const auto one = reply(kList, "{}", test::caller_with(Role::viewer, {"outlet/SHOP1/ibstorage"}));
    ASSERT_EQ(one["outlets"].size(), 1U);
    EXPECT_EQ(ids(one["outlets"][0]["modes"], "mode"), (Strings{"ibstorage"}));
    EXPECT_EQ(refusal(kList, R"({"outlets":["YARD1"]})", false, shops(Role::viewer)),
              R"(io.bkmon.Outlets.NoSuchOutlet {"outlet":"YARD1","nearest":null})");
    EXPECT_EQ(reply(kModes, "{}", shops(Role::viewer))["modes"][0]["targets"], 2);
    EXPECT_NE(refusal(kImport, R"({"csv":"x"})", false, shops(Role::admin)).find("NotAllowed"), std::string::npos);
}

TEST_F(OutletsHandlers, ModesSayWhereTheyLookAndWhatScansThem) {
    auto modes = reply(kModes, "{}")["modes"];
    ASSERT_EQ(modes.size(), 2U);
    EXPECT_EQ(modes[0]["name"], "d-drive");
    EXPECT_EQ(modes[0]["schedules"], (Strings{"0 7 * * *", "0 9 * * * (only pending)"}));
    EXPECT_EQ(modes[0]["max_age"], 26 * 3600.0);
    EXPECT_EQ(modes[0]["targets"], 3);
    EXPECT_TRUE(modes[0]["scanning"].is_null());
    outlet_settings.modes[1].max_age.reset();
    const auto run = begin_scan("ibstorage");
    modes = reply(kModes, "{}")["modes"];
    EXPECT_TRUE(modes[0]["scanning"].is_null());
    EXPECT_TRUE(modes[1]["max_age"].is_null());
    EXPECT_EQ(modes[1]["scanning"], run);
    finish("done");
    EXPECT_TRUE(reply(kModes, "{}")["modes"][1]["scanning"].is_null());
}

TEST_F(OutletsHandlers, ScanPassesOnWhatIsAskedFor) {
    reply(kScan, R"({"mode":"D-Drive","outlets":["shop1","y*"],"problems":true,"pending":true,"date":"2026-11-20"})");
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0].mode, "d-drive");
    EXPECT_EQ(asked[0].outlets, (Strings{"shop1", "y*"}));
    EXPECT_TRUE(asked[0].problems && asked[0].pending);
    EXPECT_EQ(asked[0].date, "2026-11-20");
    EXPECT_FALSE(asked[0].permits);
    reply(kScan, R"({"mode":"ibstorage"})", shops());
    ASSERT_TRUE(asked[1].permits);
    EXPECT_TRUE(asked[1].permits(id("outlet/SHOP1/ibstorage")));
    EXPECT_FALSE(asked[1].permits(id("outlet/YARD1/ibstorage")));
}

TEST_F(OutletsHandlers, ScanRefusesWhatCannotBeMeant) {
    EXPECT_EQ(refusal(kScan, R"({"mode":"e-drive"})"), R"(io.bkmon.Outlets.NoSuchMode {"mode":"e-drive","modes":["d-drive","ibstorage"]})");
    EXPECT_NE(refusal(kScan, "{}").find("NoSuchMode"), std::string::npos);  // which of two?
    EXPECT_NE(refusal(kScan, R"({"mode":"d-drive","outlets":["SHOP8"]})").find("NoSuchOutlet"), std::string::npos);
    EXPECT_NE(refusal(kScan, R"({"mode":"d-drive","date":"yesterday"})").find("Invalid"), std::string::npos);
    EXPECT_TRUE(asked.empty());
    outlet_settings.modes.pop_back();
    reply(kScan, "{}");
    EXPECT_EQ(asked.back().mode, "d-drive");
    error = Error{Errc::invalid, "2027-01-01 has not come yet"};
    EXPECT_EQ(refusal(kScan, "{}"), R"(io.bkmon.Outlets.CannotScan {"message":"2027-01-01 has not come yet"})");
    error = Error{Errc::unavailable, "the history cannot be written"};
    EXPECT_NE(refusal(kScan, "{}").find("io.bkmon.Unavailable"), std::string::npos);
    error = Error{Errc::not_found, "no outlet is active"};
    EXPECT_NE(refusal(kScan, "{}").find("CannotScan"), std::string::npos);
    EXPECT_NE(refusal(kScan, "{}", false, test::caller_with(Role::viewer)).find("NotAllowed"), std::string::npos);
}

TEST_F(OutletsHandlers, NothingPendingIsAnAnswer) {
    error = Error{Errc::not_found, "nothing is pending"};
    const auto nothing = reply(kScan, R"({"mode":"d-drive","pending":true})");
    EXPECT_TRUE(nothing["scan"]["run"].is_null());
    EXPECT_EQ(nothing["scan"]["total"], 0);
    EXPECT_EQ(nothing["scan"]["date"].get<std::string>().size(), 10U);
    EXPECT_EQ(nothing["final"], true);
}

TEST_F(OutletsHandlers, ScanStreamsItsProgressAndAlwaysItsEnd) {
    const auto call = begin(kScan, R"({"mode":"d-drive"})", true);
    ASSERT_EQ(call->log->replies.size(), 1U);
    const auto first = Json::parse(call->log->replies[0]);
    EXPECT_EQ(first["joined"], false);
    EXPECT_EQ(first["scan"]["run"], running->id());
    EXPECT_EQ(first["scan"]["state"], "running");
    scans[running->id()].worst = {{id("outlet/SHOP2/d-drive"), core::Status::unreachable, "no answer", "timeout", 7}};
    scans[running->id()].left = milliseconds(1500);
    progress(2, "SHOP2: no answer");
    ASSERT_EQ(call->log->replies.size(), 2U);
    const auto second = Json::parse(call->log->replies[1]);
    EXPECT_EQ(second["scan"]["done"], 2);
    EXPECT_EQ(second["scan"]["left"], 1.5);
    EXPECT_EQ(second["scan"]["text"], "SHOP2: no answer");
    EXPECT_EQ(second["final"], false);
    EXPECT_EQ(call->log->finals, 0);
    finish("failed", "the history cannot be written");
    ASSERT_EQ(call->log->finals, 1);
    const auto last = Json::parse(call->log->replies.back());
    EXPECT_EQ(last["final"], true);
    EXPECT_EQ(last["scan"]["state"], "failed");
    EXPECT_EQ(last["scan"]["error"], "the history cannot be written");
    EXPECT_EQ(last["scan"]["worst"][0]["target"], "outlet/SHOP2/d-drive");
    EXPECT_EQ(last["scan"]["worst"][0]["reason_code"], "timeout");
    EXPECT_EQ(last["scan"]["worst"][0]["alike"], 7);
    check(kScan, *call->log);
}

TEST_F(OutletsHandlers, WhoHangsUpStopsNothingAndMayComeBack) {
    const auto call = begin(kScan, R"({"mode":"d-drive"})", true);
    call->hang_up();
    loop.run_posted();
    progress(1, "SHOP1: ok");
    EXPECT_EQ(call->log->replies.size(), 1U);
    EXPECT_FALSE(running->cancelled());
    joins = true;
    const auto again = begin(kScan, R"({"mode":"d-drive"})", true);
    EXPECT_EQ(Json::parse(again->log->replies[0])["joined"], true);
    const auto follower = begin(kFollow, R"({"run":")" + running->id() + "\"}", true);
    EXPECT_EQ(Json::parse(follower->log->replies[0])["scan"]["done"], 1);
    finish("done");
    EXPECT_EQ(again->log->finals + follower->log->finals, 2);
    EXPECT_EQ(call->log->finals, 0);
    check(kFollow, *follower->log);
}

TEST_F(OutletsHandlers, AScanWhoseOutletsAreNotWatchedAnyMoreStillEnds) {
    const auto call = begin(kScan, R"({"mode":"d-drive"})", true);
    progress(2, "SHOP2: ok");
    configured = false;
    scans.clear();
    running->finish("interrupted", "the configuration has no outlets any more");
    loop.run_posted();
    ASSERT_EQ(call->log->finals, 1);
    const auto last = Json::parse(call->log->replies.back());
    EXPECT_EQ(last["scan"]["done"], 2);
    EXPECT_EQ(last["scan"]["state"], "interrupted");
    check(kScan, *call->log);
}

TEST_F(OutletsHandlers, AScanThatIsOverSaysHowItEnded) {
    const auto run = begin_scan("d-drive");
    progress(3, "YARD1: ok");
    finish("cancelled", "by alice");
    loop.run_posted();
    for (const bool more : {false, true}) {
        const auto seen = replies(kFollow, R"({"run":")" + run + "\"}", more);
        ASSERT_EQ(seen.size(), 1U);
        EXPECT_EQ(seen[0]["scan"]["state"], "cancelled");
        EXPECT_EQ(seen[0]["final"], true);
    }
    EXPECT_EQ(refusal(kFollow, R"({"run":"r999"})"), R"(io.bkmon.Outlets.NoSuchScan {"run":"r999"})");
    EXPECT_NE(refusal(kFollow, "{}").find("run"), std::string::npos);
}

TEST_F(OutletsHandlers, OfAScanOfOthersALimitedCallerHearsHisOwn) {
    publish("outlet/SHOP1/d-drive", core::Status::ok, "promoted");
    const auto run = begin_scan("d-drive");
    auto& view = scans[run];
    view.added = 2;
    view.counts[static_cast<std::size_t>(core::Status::unreachable)] = 7;
    view.worst = {{id("outlet/YARD1/d-drive"), core::Status::unreachable, "no answer", "timeout", 7},
                  {id("outlet/SHOP2/d-drive"), core::Status::missing, "old", "too_old", 9}};
    view.total = 300;
    progress(150, "YARD1: no answer");
    joins = true;
    for (const auto* method : {kScan, kFollow}) {
        const auto seen = reply(method, method == kScan ? R"({"mode":"d-drive"})" : R"({"run":")" + run + "\"}", shops())["scan"];
        EXPECT_EQ(seen["total"], 2);
        EXPECT_EQ(seen["done"], 1);
        EXPECT_EQ(seen["counts"]["ok"], 1);
        EXPECT_EQ(seen["counts"]["unknown"], 1);
        EXPECT_EQ(seen["counts"]["unreachable"], 0);
        EXPECT_EQ(ids(seen["worst"], "target"), (Strings{"outlet/SHOP2/d-drive"}));
        EXPECT_EQ(seen["worst"][0]["alike"], 0) << "those may be others'";
        EXPECT_TRUE(seen["text"].is_null());
        EXPECT_EQ(seen["added"], 0);
    }
}

TEST_F(OutletsHandlers, OfHisOwnScanALimitedCallerHearsAll) {
    reply(kScan, R"({"mode":"d-drive"})", shops());
    progress(2, "SHOP2: no answer");
    const auto follow = R"({"run":")" + running->id() + "\"}";
    EXPECT_EQ(reply(kFollow, follow, shops())["scan"]["text"], "SHOP2: no answer");
    EXPECT_TRUE(reply(kFollow, follow, test::caller_with(Role::viewer, {"outlet/YARD*"}))["scan"]["text"].is_null());
    finish("done");
    scans.clear();
    reply(kScan, R"({"mode":"ibstorage"})", shops());
    EXPECT_EQ(door.begun_by.size(), 1U);  // what nobody can ask for any more is forgotten
}

TEST_F(OutletsHandlers, HisOwnScanALimitedCallerSeesAmongTheRunsAndEnds) {
    const auto others = begin_scan("d-drive");
    const auto cancel = [](const std::string& run) { return R"({"id":")" + run + "\"}"; };
    EXPECT_EQ(refusal("io.bkmon.Runs.Cancel", cancel(others), false, shops()).substr(0, 23), "io.bkmon.Runs.NoSuchRun");
    finish("done");
    reply(kScan, R"({"mode":"d-drive"})", shops());
    const auto own = running->id();
    const auto listed = reply("io.bkmon.Runs.List", "{}", shops())["runs"];
    ASSERT_EQ(listed.size(), 1U);
    EXPECT_EQ(listed[0]["id"], own);
    EXPECT_EQ(refusal("io.bkmon.Runs.Cancel", cancel(own), false, test::caller_with(Role::oper, {"outlet/YARD*"})).substr(0, 23),
              "io.bkmon.Runs.NoSuchRun");
    EXPECT_EQ(reply("io.bkmon.Runs.Cancel", cancel(own), shops()), Json::object());
}

TEST_F(OutletsHandlers, ImportShowsTheDifferenceAndWritesOnlyWhenTold) {
    import.file = "/etc/bkmon/outlets.csv";
    import.inventory.outlets.resize(3);
    import.inventory.bad = {{ "line 4", "no address" }};
    import.difference = {{"NEW1"}, {"SHOP1"}, {"YARD1"}, {}};
    auto seen = reply(kImport, R"({"csv":"code,address\n"})");
    EXPECT_EQ(imported, (std::vector<std::pair<std::string, bool>>{{"code,address\n", false}}));
    EXPECT_EQ(seen["outlets"], 3);
    EXPECT_EQ(seen["added"], (Strings{"NEW1"}));
    EXPECT_EQ(seen["deactivated"], (Strings{"YARD1"}));
    EXPECT_EQ(seen["bad"][0]["problem"], "no address");
    EXPECT_EQ(seen["written"], false);
    EXPECT_EQ(reply(kImport, R"({"csv":"x","write":true})")["written"], true);
    error = Error{Errc::invalid, "the header names no column 'address'"};
    EXPECT_EQ(refusal(kImport, R"({"csv":"x"})"), R"(io.bkmon.Outlets.BadInventory {"message":"the header names no column 'address'"})");
    EXPECT_NE(refusal(kImport, "{}").find("io.bkmon.Invalid"), std::string::npos);
    EXPECT_NE(refusal(kImport, R"({"csv":"x"})", false, test::caller_with(Role::oper)).find("NotAllowed"), std::string::npos);
}

}  // namespace
}  // namespace bkmon::control
