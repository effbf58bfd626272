#include "daemon/control/moments.h"
#include "daemon/control/selection.h"
#include "tests/unit/daemon/control/handlers_fixture.h"

namespace bkmon::control {
namespace {

using core::Status;
using protocol::Role;
using test::caller_with;
using test::Strings;

class RunsHandlers : public test::HandlersFixture {};
class DaemonHandlers : public test::HandlersFixture {};

TEST_F(RunsHandlers, ListsWhatIsUnderWayAndWhatWas) {
    auto first = runs.begin("intake", "deposit/a/b", [] {});
    first->finish("done", "");
    loop.advance(milliseconds(1000));
    const auto second = runs.begin("rescan", "all deposits", [] {});
    second->progress(3, 10, "reading");
    const auto r = reply("io.bkmon.Runs.List", "{}")["runs"];
    ASSERT_EQ(r.size(), 2U);
    EXPECT_EQ(r[0]["id"], second->id());
    EXPECT_EQ(r[0]["state"], "running");
    EXPECT_EQ(r[0]["done"], 3);
    EXPECT_EQ(r[1]["state"], "done");
    EXPECT_EQ(reply("io.bkmon.Runs.List", R"({"limit":1})")["runs"].size(), 1U);
    EXPECT_EQ(refusal("io.bkmon.Runs.List", R"({"limit":0})").substr(0, 16), "io.bkmon.Invalid");
    EXPECT_EQ(reply("io.bkmon.Runs.Show", R"({"id":")" + first->id() + "\"}")["run"]["what"], "deposit/a/b");
    EXPECT_EQ(refusal("io.bkmon.Runs.Show", R"({"id":"nope"})"), R"(io.bkmon.Runs.NoSuchRun {"id":"nope"})");
    // Limited callers: runs about their targets only.
    const auto limited = caller_with(Role::oper, {"deposit/a/*"});
    EXPECT_EQ(reply("io.bkmon.Runs.List", "{}", limited)["runs"].size(), 1U);
    EXPECT_EQ(refusal("io.bkmon.Runs.Cancel", R"({"id":")" + second->id() + "\"}", false, limited).substr(0, 23), "io.bkmon.Runs.NoSuchRun");
    EXPECT_FALSE(second->cancelled());
}

TEST_F(RunsHandlers, ShowsOneThatABusyServerHasLongLeftBehind) {
    ASSERT_TRUE(store.tables().put_run({"old", "scan", "everything", "done", {}, {}, 7, 7, ""}));
    for (int i = 0; i < 10001; ++i) ASSERT_TRUE(store.tables().put_run({"n" + std::to_string(i), "scan", "x", "done", {}, {}, 0, 0, ""}));
    EXPECT_EQ(reply("io.bkmon.Runs.Show", R"({"id":"old"})")["run"]["what"], "everything");
}

TEST_F(RunsHandlers, CancelsOnceAndOnlyWhatRuns) {
    int cancelled = 0;
    auto run = runs.begin("rescan", "all", [&] { ++cancelled; });
    const std::string params = R"({"id":")" + run->id() + "\"}";
    EXPECT_EQ(reply("io.bkmon.Runs.Cancel", params), Json::object());
    EXPECT_EQ(cancelled, 1);
    EXPECT_EQ(refusal("io.bkmon.Runs.Cancel", params).substr(0, 13), "io.bkmon.Busy");
    run->finish("cancelled", "");
    loop.run_posted();
    EXPECT_EQ(refusal("io.bkmon.Runs.Cancel", params), R"(io.bkmon.Runs.NotRunning {"id":")" + run->id() + R"(","state":"cancelled"})");
    EXPECT_EQ(refusal("io.bkmon.Runs.Cancel", R"({"id":"nope"})").substr(0, 23), "io.bkmon.Runs.NoSuchRun");
    EXPECT_EQ(refusal("io.bkmon.Runs.Cancel", "{}").substr(0, 16), "io.bkmon.Invalid");
}

TEST_F(RunsHandlers, FollowsToTheEnd) {
    auto run = runs.begin("rescan", "all", [] {});
    const std::string params = R"({"id":")" + run->id() + "\"}";
    const auto call = begin("io.bkmon.Runs.Follow", params, true);
    ASSERT_EQ(call->log->replies.size(), 1U);  // the present state first, which names the run
    run->progress(1, 2, "half");
    loop.advance(milliseconds(200));
    run->finish("done", "");
    loop.run_posted();
    EXPECT_EQ(call->log->replies.size(), 3U);
    EXPECT_EQ(call->log->finals, 1);
    check("io.bkmon.Runs.Follow", *call->log);
    EXPECT_EQ(Json::parse(call->log->replies[1])["text"], "half");
    const auto last = Json::parse(call->log->replies.back());
    EXPECT_TRUE(last["final"]);
    EXPECT_EQ(last["run"]["state"], "done");
    // Who comes late hears the end at once.
    const auto late = begin("io.bkmon.Runs.Follow", params, true);
    EXPECT_EQ(late->log->finals, 1);
    EXPECT_EQ(Json::parse(late->log->replies.at(0))["run"]["state"], "done");
    EXPECT_EQ(refusal("io.bkmon.Runs.Follow", params).substr(0, 16), "io.bkmon.Invalid");
    EXPECT_EQ(refusal("io.bkmon.Runs.Follow", R"({"id":"nope"})", true).substr(0, 23), "io.bkmon.Runs.NoSuchRun");
}

TEST_F(RunsHandlers, AFollowerGoesOnAfterANumberAndMayLeave) {
    auto run = runs.begin("rescan", "all", [] {});
    run->progress(1, 9, "one");
    const auto call = begin("io.bkmon.Runs.Follow", R"({"after":2,"id":")" + run->id() + "\"}", true);
    EXPECT_TRUE(call->log->replies.empty());
    run->progress(2, 9, "two");
    loop.advance(milliseconds(200));
    EXPECT_EQ(call->log->replies.size(), 1U);
    const std::weak_ptr<test::FakeCall> weak = call;
    call->hang_up();
    run->progress(3, 9, "three");
    loop.advance(milliseconds(200));
    EXPECT_EQ(call->log->replies.size(), 1U);
    run->finish("done", "");  // hanging up did not cancel it
    EXPECT_EQ(reply("io.bkmon.Runs.Show", R"({"id":")" + run->id() + "\"}")["run"]["state"], "done");
}

TEST_F(DaemonHandlers, Version) {
    loop.advance(milliseconds(2500));
    degraded = {"No vault."};
    const auto r = reply("io.bkmon.Daemon.Version", "{}");
    EXPECT_EQ(r["version"], "9.9.9");
    EXPECT_EQ(r["uptime"], 2.5);
    EXPECT_EQ(r["config"], (Json{"/etc/bkmon/bkmon.yaml"}));
    EXPECT_EQ(r["degraded"], (Json{"No vault."}));
    EXPECT_EQ(r["site"], "lab");
    EXPECT_EQ(r["loop"]["turns"], 0) << "a loop that nobody measures";
    EXPECT_EQ(reply("io.bkmon.Daemon.Version", "{}", caller_with(Role::viewer, {"x/*"}))["config"], Json::array());
}

TEST_F(DaemonHandlers, ReloadAndSettings) {
    EXPECT_EQ(reply("io.bkmon.Daemon.Reload", "{}"), (Json{{"changed", true}, {"problems", Json::array()}}));
    reload_outcome = {false, {{"/etc/bkmon/bkmon.yaml:3:1", "unknown key 'schedul'"}}};
    const auto r = reply("io.bkmon.Daemon.Reload", "{}");
    EXPECT_FALSE(r["changed"]);
    EXPECT_EQ(r["problems"][0]["where"], "/etc/bkmon/bkmon.yaml:3:1");
    EXPECT_EQ(reply("io.bkmon.Daemon.Settings", "{}")["settings"][0]["origin"], "default");
}

TEST_F(DaemonHandlers, Complete) {
    define({"deposit/acme_lyon/crm", "deposit/acme_lyon/shop", "deposit/beta_oslo/crm", "bkmon/vault"});
    const auto words = [&](const char* params, Caller caller = caller_with(Role::viewer)) {
        return reply("io.bkmon.Daemon.Complete", params, std::move(caller))["words"].get<Strings>();
    };
    EXPECT_EQ(words(R"({"what":"targets","prefix":"DEPOSIT/a"})"), (Strings{"deposit/acme_lyon/crm", "deposit/acme_lyon/shop"}));
    EXPECT_EQ(words(R"({"what":"targets","limit":1})").size(), 1U);
    EXPECT_EQ(words(R"({"what":"agents"})"), (Strings{"acme_lyon", "beta_oslo"}));
    EXPECT_EQ(words(R"({"what":"agents"})", caller_with(Role::viewer, {"deposit/beta*"})), (Strings{"beta_oslo"}));
    define({"outlet/SHOP1/d-drive", "outlet/SHOP1/ibstorage", "outlet/YARD1/d-drive"});
    EXPECT_EQ(words(R"({"what":"outlets","prefix":"shop"})"), (Strings{"SHOP1"}));
    EXPECT_EQ(words(R"({"what":"modes"})"), (Strings{"d-drive", "ibstorage"}));
    EXPECT_EQ(words(R"({"what":"modes"})", caller_with(Role::viewer, {"outlet/YARD*"})), (Strings{"d-drive"}));
    const auto run = runs.begin("rescan", "all", [] {});
    EXPECT_EQ(words(R"({"what":"runs"})"), (Strings{run->id()}));
    EXPECT_TRUE(words(R"({"what":"runs"})", caller_with(Role::viewer, {"deposit/beta*"})).empty());
    history::HeldRow held;
    held.target = id("deposit/acme_lyon/crm");
    held.sha256 = std::string(64, 'a');
    ASSERT_TRUE(store.tables().put_held(held));
    EXPECT_EQ(words(R"({"what":"held"})"), (Strings{"deposit/acme_lyon/crm"}));
    EXPECT_EQ(refusal("io.bkmon.Daemon.Complete", R"({"what":"secrets"})").substr(0, 16), "io.bkmon.Invalid");
    EXPECT_EQ(refusal("io.bkmon.Daemon.Complete", "{}").substr(0, 16), "io.bkmon.Invalid");
}

TEST_F(DaemonHandlers, Schedules) {
    for (const char* name : {"deposit/a/b", "deposits/rescan"})
        scheduler.set(
            {name, "what", core::Schedule::parse("0 13 * * *", "Europe/Berlin").value(), milliseconds(0), true, [](Time) { return "fine"; }});
    auto r = reply("io.bkmon.Schedule.List", "{}")["schedules"];
    ASSERT_EQ(r.size(), 2U);
    EXPECT_EQ(r[0]["next_at"], "2026-11-22T12:00:00Z");
    EXPECT_TRUE(r[0]["last_result"].is_null());
    loop.advance(std::chrono::hours(13));
    r = reply("io.bkmon.Schedule.List", "{}", caller_with(Role::viewer, {"deposit/*"}))["schedules"];
    ASSERT_EQ(r.size(), 1U);
    EXPECT_EQ(r[0]["last_result"], "fine");
}

TEST(Moments, AllTheWaysToSayWhen) {
    const Time now = parse_rfc3339("2026-11-22T12:00:00Z").value();  // 13:00 in Berlin
    const auto said = [&](std::string_view text, Sense sense) {
        const auto t = parse_moment(text, "Europe/Berlin", now, sense);
        return t ? rfc3339(*t) : t.error().what;
    };
    EXPECT_EQ(said("2026-11-01T10:00:00+01:00", Sense::from), "2026-11-01T09:00:00Z");
    EXPECT_EQ(said("2026-11-01", Sense::from), "2026-10-31T23:00:00Z");
    EXPECT_EQ(said("2026-11-01", Sense::to), "2026-11-01T22:59:59.999Z");
    EXPECT_EQ(said("2026-10-25", Sense::to), "2026-10-25T22:59:59.999Z");  // a day of 25 hours
    EXPECT_EQ(said("2026-12-01", Sense::until), "2026-11-30T23:00:00Z");
    EXPECT_EQ(said("2026-11-01 08:30", Sense::from), "2026-11-01T07:30:00Z");
    EXPECT_EQ(said("2026-11-01T08:30:15", Sense::from), "2026-11-01T07:30:15Z");
    EXPECT_EQ(said("12:30", Sense::from), "2026-11-22T11:30:00Z");
    EXPECT_EQ(said("13:30", Sense::from), "2026-11-21T12:30:00Z");
    EXPECT_EQ(said("13:30", Sense::until), "2026-11-22T12:30:00Z");
    EXPECT_EQ(said("12:30", Sense::until), "2026-11-23T11:30:00Z");
    EXPECT_EQ(said("26h", Sense::from), "2026-11-21T10:00:00Z");
    EXPECT_EQ(said("26h", Sense::until), "2026-11-23T14:00:00Z");
    for (const char* bad : {"", "soon", "25:00", "2026-02-30", "26", "99999999999999d", "2026-11-01 8:30", "-5h"})
        EXPECT_NE(said(bad, Sense::from).find("is no time"), std::string::npos) << bad << said(bad, Sense::from);
}

TEST(SelectionWords, MeanATargetByIdOrByPart) {
    EXPECT_TRUE(means("deposit/a/b", "Deposit/A/B"));
    EXPECT_TRUE(means("deposit/*/b", "deposit/a/b"));
    EXPECT_TRUE(means("b", "deposit/a/b"));
    EXPECT_TRUE(means("A", "deposit/a/b"));
    EXPECT_TRUE(means("*", "deposit/a/b"));
    EXPECT_FALSE(means("deposit", "deposit/a/b"));
    EXPECT_FALSE(means("a/b", "deposit/a/b"));
    EXPECT_FALSE(means("", "deposit/a/b"));
    EXPECT_FALSE(means("c", "deposit/a/b"));
}

}  // namespace
}  // namespace bkmon::control
