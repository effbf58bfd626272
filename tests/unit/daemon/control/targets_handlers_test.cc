#include "tests/unit/daemon/control/handlers_fixture.h"

namespace bkmon::control {
namespace {

using core::Status;
using protocol::Role;
using std::chrono::hours;
using test::caller_with;
using test::Strings;

constexpr const char* kStatus = "io.bkmon.Targets.Status";
constexpr const char* kExplain = "io.bkmon.Targets.Explain";
constexpr const char* kHistory = "io.bkmon.Targets.History";

class TargetsHandlers : public test::HandlersFixture {
protected:
    void some() {
        define({"deposit/acme_lyon/crm", "deposit/acme_lyon/shop", "deposit/beta_oslo/crm", "bkmon/vault"}, {{"city", "Lyon"}});
        publish("deposit/acme_lyon/crm", Status::ok, "promoted");
        publish("deposit/acme_lyon/shop", Status::missing, "no_report");
        publish("bkmon/vault", Status::ok, "working");
    }
};

TEST_F(TargetsHandlers, StatusShowsAllWithCounts) {
    some();
    degraded = {"The vault is read-only."};
    const auto r = reply(kStatus, "{}");
    EXPECT_EQ(ids(r["targets"], "id"), (Strings{"bkmon/vault", "deposit/acme_lyon/crm", "deposit/acme_lyon/shop", "deposit/beta_oslo/crm"}));
    EXPECT_EQ(r["counts"]["ok"], 2);
    EXPECT_EQ(r["counts"]["missing"], 1);
    EXPECT_EQ(r["counts"]["unknown"], 1);
    EXPECT_EQ(r["total"], 4);
    EXPECT_EQ(r["site"], "lab");
    EXPECT_EQ(r["degraded"], (Json{"The vault is read-only."}));
}

TEST_F(TargetsHandlers, StatusFilters) {
    some();
    const auto shown = [&](const char* params) { return ids(reply(kStatus, params)["targets"], "id"); };
    EXPECT_EQ(shown(R"({"kind":"BKMON"})"), (Strings{"bkmon/vault"}));
    EXPECT_EQ(shown(R"({"targets":["deposit/*/crm"]})"), (Strings{"deposit/acme_lyon/crm", "deposit/beta_oslo/crm"}));
    EXPECT_EQ(shown(R"({"targets":["SHOP","vault"]})"), (Strings{"bkmon/vault", "deposit/acme_lyon/shop"}));
    EXPECT_EQ(shown(R"({"targets":["acme_*"]})").size(), 2U);
    EXPECT_EQ(shown(R"({"problems":true})"), (Strings{"deposit/acme_lyon/shop", "deposit/beta_oslo/crm"}));
    EXPECT_EQ(shown(R"({"status":"missing, ok"})").size(), 3U);
    EXPECT_EQ(shown(R"({"labels":["city=lyon"]})").size(), 4U);
    EXPECT_TRUE(shown(R"({"labels":["city=lyon","city=oslo"]})").empty());
    EXPECT_TRUE(shown(R"({"targets":["instance/*"]})").empty());
    // Counts are of what was chosen, not of what is left to show.
    EXPECT_EQ(reply(kStatus, R"({"kind":"deposit","problems":true})")["counts"]["ok"], 1);
}

TEST_F(TargetsHandlers, StatusRefusesWhatMeansNothing) {
    some();
    EXPECT_EQ(refusal(kStatus, R"({"targets":["deposit/acme_lyon/crn"]})"),
              R"(io.bkmon.Targets.NoSuchTarget {"target":"deposit/acme_lyon/crn","nearest":"deposit/acme_lyon/crm"})");
    EXPECT_EQ(refusal(kStatus, R"({"targets":["shpo"]})"), R"(io.bkmon.Targets.NoSuchTarget {"target":"shpo","nearest":"deposit/acme_lyon/shop"})");
    EXPECT_EQ(refusal(kStatus, R"({"status":"fine"})").substr(0, 16), "io.bkmon.Invalid");
    EXPECT_EQ(refusal(kStatus, R"({"labels":["city"]})").substr(0, 16), "io.bkmon.Invalid");
    EXPECT_EQ(refusal(kStatus, R"({"targets":"x"})").substr(0, 16), "io.bkmon.Invalid");
    EXPECT_EQ(refusal(kStatus, R"({"problems":"yes"})").substr(0, 16), "io.bkmon.Invalid");
}

TEST_F(TargetsHandlers, ManyTargetsComeInPagesThatWaitForTheReader) {
    Strings names;
    for (int i = 0; i < 1100; ++i) names.push_back("deposit/agent" + std::to_string(1000 + i) + "/db");
    define(names);
    EXPECT_EQ(reply(kStatus, "{}")["targets"].size(), 1100U);
    const auto pages = replies(kStatus, "{}", true);
    ASSERT_EQ(pages.size(), 5U);
    std::size_t sum = 0;
    for (std::size_t i = 0; i < pages.size(); ++i) {
        sum += pages[i]["targets"].size();
        EXPECT_EQ(pages[i]["counts"].is_null(), i != 0);
        EXPECT_EQ(pages[i]["total"], 1100);
    }
    EXPECT_EQ(sum, 1100U);

    auto call = std::make_shared<test::FakeCall>(caller_with(Role::viewer), "{}", true);
    call->unlimited = false;
    call->room = 2;  // one look before fetching, one before sending
    dispatcher.dispatch(kStatus, call);
    loop.run_posted();
    EXPECT_EQ(call->log->replies.size(), 1U);
    EXPECT_TRUE(call->waits());
    call->unlimited = true;
    call->drain();
    loop.run_posted();
    EXPECT_EQ(call->log->replies.size(), 5U);
    EXPECT_EQ(call->log->finals, 1);
}

TEST_F(TargetsHandlers, AReaderThatLeavesEndsThePages) {
    Strings names;
    for (int i = 0; i < 600; ++i) names.push_back("deposit/agent" + std::to_string(i) + "/db");
    define(names);
    auto call = std::make_shared<test::FakeCall>(caller_with(Role::viewer), "{}", true);
    call->unlimited = false;
    dispatcher.dispatch(kStatus, call);
    loop.run_posted();
    ASSERT_TRUE(call->waits());
    const std::weak_ptr<test::FakeCall> weak = call;
    call->hang_up();
    call.reset();
    EXPECT_TRUE(weak.expired());  // nothing keeps it
}

TEST_F(TargetsHandlers, ALimitedCallerSeesOnlyItsTargets) {
    some();
    const auto acme = caller_with(Role::oper, {"deposit/acme_*"});
    const auto r = reply(kStatus, "{}", acme);
    EXPECT_EQ(ids(r["targets"], "id"), (Strings{"deposit/acme_lyon/crm", "deposit/acme_lyon/shop"}));
    EXPECT_EQ(r["counts"]["unknown"], 0);
    EXPECT_EQ(r["total"], 2);
    // What it may not see does not exist, not even as the nearest name.
    EXPECT_EQ(refusal(kStatus, R"({"targets":["bkmon/vault"]})", false, acme),
              R"(io.bkmon.Targets.NoSuchTarget {"target":"bkmon/vault","nearest":null})");
    EXPECT_EQ(refusal(kExplain, R"({"target":"deposit/beta_oslo/crm"})", false, acme).substr(0, 29), "io.bkmon.Targets.NoSuchTarget");
    EXPECT_EQ(refusal("io.bkmon.Targets.Pause", R"({"target":"deposit/beta_oslo/crm","reason":"x"})", false, acme).substr(0, 29),
              "io.bkmon.Targets.NoSuchTarget");
    EXPECT_EQ(reply("io.bkmon.Targets.Pause", R"({"target":"*","reason":"x"})", acme)["paused"],
              (Json{"deposit/acme_lyon/crm", "deposit/acme_lyon/shop"}));
    EXPECT_FALSE(registry.find(id("bkmon/vault"))->pause);
    const auto verdicts = reply(kHistory, "{}", acme), report = reply("io.bkmon.Targets.Report", "{}", acme);
    EXPECT_EQ(ids(verdicts["verdicts"], "target"), (Strings{"deposit/acme_lyon/shop", "deposit/acme_lyon/crm"}));
    EXPECT_EQ(ids(report["rows"], "target"), (Strings{"deposit/acme_lyon/crm", "deposit/acme_lyon/shop"}));
    EXPECT_EQ(reply("io.bkmon.Targets.Summary", R"({"days":1})", acme)["days"][0]["total"], 2);
}

TEST_F(TargetsHandlers, ExplainGivesVerdictEvidenceAndAdvice) {
    some();
    const auto r = reply(kExplain, R"({"target":"DEPOSIT/acme_lyon/SHOP"})");
    EXPECT_EQ(r["target"]["id"], "deposit/acme_lyon/shop");
    EXPECT_EQ(r["verdict"]["reason_code"], "no_report");
    EXPECT_GT(r["verdict"]["id"], 0);
    EXPECT_EQ(r["evidence"]["rule"], "test");
    EXPECT_NE(std::string(r["advice"]).find("agent"), std::string::npos);
    EXPECT_EQ(reply(kExplain, R"({"target":"shop"})")["target"]["id"], "deposit/acme_lyon/shop");
    EXPECT_EQ(refusal(kExplain, R"({"target":"crm"})").substr(0, 29), "io.bkmon.Targets.NoSuchTarget");  // two have it
    EXPECT_EQ(refusal(kExplain, "{}").substr(0, 16), "io.bkmon.Invalid");
    EXPECT_EQ(refusal(kExplain, R"({"target":"../../etc"})").substr(0, 29), "io.bkmon.Targets.NoSuchTarget");
}

TEST_F(TargetsHandlers, ExplainOfAPausedTargetShowsThePauseAndWhatIsBehindIt) {
    some();
    reply("io.bkmon.Targets.Pause", R"({"target":"deposit/acme_lyon/crm","reason":"moving"})");
    const auto r = reply(kExplain, R"({"target":"deposit/acme_lyon/crm"})");
    EXPECT_EQ(r["verdict"]["status"], "paused");
    EXPECT_EQ(r["verdict"]["id"], 0);
    ASSERT_EQ(r["recent"].size(), 1U);
    EXPECT_EQ(r["recent"][0]["status"], "ok");
}

TEST_F(TargetsHandlers, ExplainLooksBack) {
    define({"deposit/a/b"});
    publish("deposit/a/b", Status::ok, "promoted");  // 2026-11-22 00:00 UTC, 01:00 in Berlin
    loop.advance(hours(24));
    publish("deposit/a/b", Status::missing, "no_report");
    loop.advance(hours(24));
    publish("deposit/a/b", Status::failed, "stage_failed");
    const auto code = [&](const std::string& as_of) {
        return std::string(reply(kExplain, R"({"target":"deposit/a/b","as_of":")" + as_of + "\"}")["verdict"]["reason_code"]);
    };
    EXPECT_EQ(code("2026-11-22"), "promoted");
    EXPECT_EQ(code("2026-11-23"), "no_report");
    EXPECT_EQ(code("2026-11-22T12:00:00Z"), "promoted");
    EXPECT_EQ(code("2026-11-23T00:00:00Z"), "no_report");
    EXPECT_EQ(code("2026-11-22 23:00"), "promoted");
    EXPECT_EQ(code("25h"), "promoted");
    EXPECT_EQ(code("1h"), "no_report");
    EXPECT_EQ(refusal(kExplain, R"({"target":"deposit/a/b","as_of":"2026-11-20"})"),
              R"(io.bkmon.Targets.NoSuchRecord {"target":"deposit/a/b","as_of":"2026-11-20"})");
    EXPECT_EQ(refusal(kExplain, R"({"target":"deposit/a/b","as_of":"yesteryear"})").substr(0, 16), "io.bkmon.Invalid");
}

TEST_F(TargetsHandlers, HistoryIsNewestFirstAndPages) {
    define({"deposit/a/b", "deposit/a/c"});
    for (int i = 0; i < 300; ++i) {
        loop.advance(hours(1));
        publish("deposit/a/b", i % 2 == 0 ? Status::ok : Status::failed, i % 2 == 0 ? "promoted" : "stage_failed");
    }
    publish("deposit/a/c", Status::missing, "no_report");
    const auto newest = reply(kHistory, "{}")["verdicts"];
    ASSERT_EQ(newest.size(), 100U);
    EXPECT_EQ(newest[0]["target"], "deposit/a/c");
    EXPECT_GT(newest[1]["at"], newest[2]["at"]);
    const std::string before = std::to_string(newest.back()["id"].get<int>());
    const auto next = reply(kHistory, R"({"before":)" + before + "}")["verdicts"];
    EXPECT_LT(next[0]["id"], newest.back()["id"]);

    EXPECT_EQ(reply(kHistory, R"({"target":"deposit/a/b","limit":5})")["verdicts"].size(), 5U);
    EXPECT_EQ(reply(kHistory, R"({"target":"c"})")["verdicts"].size(), 1U);
    EXPECT_EQ(reply(kHistory, R"({"status":"failed,missing","limit":1000})")["verdicts"].size(), 151U);
    EXPECT_EQ(reply(kHistory, R"({"since":"10h"})")["verdicts"].size(), 12U);
    EXPECT_EQ(reply(kHistory, R"({"since":"2026-11-22","until":"2026-11-22"})")["verdicts"].size(), 22U);  // a day in Berlin
    EXPECT_EQ(reply(kHistory, R"({"kind":"outlet"})")["verdicts"].size(), 0U);
    const auto pages = replies(kHistory, R"({"since":"2026-01-01"})", true);
    std::size_t sum = 0;
    for (const auto& page : pages) sum += page["verdicts"].size();
    EXPECT_EQ(sum, 301U);
    EXPECT_EQ(pages.size(), 2U);
    EXPECT_EQ(refusal(kHistory, R"({"target":"deposit/a/d"})"), R"(io.bkmon.Targets.NoSuchTarget {"target":"deposit/a/d","nearest":"deposit/a/b"})");
    for (const char* bad : {R"({"limit":0})", R"({"limit":"x"})", R"({"since":"soon"})", R"({"before":-1})"})
        EXPECT_EQ(refusal(kHistory, bad).substr(0, 16), "io.bkmon.Invalid") << bad;
}

TEST_F(TargetsHandlers, ATargetThatLeftKeepsItsHistory) {
    define({"deposit/a/b", "deposit/a/c"});
    publish("deposit/a/b", Status::ok, "promoted");
    define({"deposit/a/c"});
    EXPECT_EQ(reply(kHistory, R"({"target":"deposit/a/b"})")["verdicts"].size(), 1U);
    EXPECT_EQ(reply(kStatus, "{}")["total"], 1);
}

TEST_F(TargetsHandlers, AHistoryThatCannotBeReadIsSaid) {
    define({"deposit/a/b"});
    for (const char* method : {kExplain, kHistory, "io.bkmon.Targets.Report", "io.bkmon.Targets.Summary", "io.bkmon.Runs.List"}) {
        store.fail_next_reads(1, {Errc::unavailable, "history: disk I/O error"});
        EXPECT_EQ(refusal(method, std::string_view(method) == kExplain ? R"({"target":"deposit/a/b"})" : "{}"),
                  R"(io.bkmon.Unavailable {"message":"history: disk I/O error"})");
    }
}

TEST_F(TargetsHandlers, ReportHasOneRowATargetAndDay) {
    define({"deposit/a/b", "deposit/a/c"}, {{"team", "x"}});
    for (int day = 0; day < 3; ++day) {
        publish("deposit/a/b", Status::ok, "promoted");
        publish("deposit/a/c", day == 1 ? Status::missing : Status::ok, day == 1 ? "no_report" : "promoted");
        loop.advance(hours(24));
    }
    const auto rows = [&](const char* params) { return reply("io.bkmon.Targets.Report", params)["rows"]; };
    EXPECT_EQ(ids(rows("{}"), "date"), (Strings{"2026-11-22", "2026-11-22", "2026-11-23", "2026-11-23", "2026-11-24", "2026-11-24"}));
    EXPECT_EQ(rows(R"({"from":"2026-11-23","to":"2026-11-23"})").size(), 2U);
    EXPECT_EQ(ids(rows(R"({"status":"missing"})"), "target"), (Strings{"deposit/a/c"}));
    EXPECT_EQ(rows(R"({"targets":["b"]})").size(), 3U);
    EXPECT_EQ(rows(R"({"mode":"c"})").size(), 3U);
    EXPECT_EQ(rows(R"({"labels":["team=x"]})").size(), 6U);
    EXPECT_EQ(rows(R"({"labels":["team=y"]})").size(), 0U);
    EXPECT_EQ(rows(R"({"kind":"outlet"})").size(), 0U);
    EXPECT_EQ(rows("{}")[0]["duration"], 1.5);
    std::size_t sum = 0;
    for (const auto& page : replies("io.bkmon.Targets.Report", R"({"from":"2020-01-01"})", true)) sum += page["rows"].size();
    EXPECT_EQ(sum, 6U);
    for (const char* bad : {R"({"from":"2026-13-01"})", R"({"from":"2026-11-24","to":"2026-11-23"})", R"({"from":"1000-01-01"})"})
        EXPECT_EQ(refusal("io.bkmon.Targets.Report", bad).substr(0, 16), "io.bkmon.Invalid") << bad;
}

TEST_F(TargetsHandlers, ReportSaysWhereAnOutletIsAndItsBackupLies) {
    define({"deposit/a/b", "outlet/Shop%201/d-drive", "outlet/Gone/d-drive"});
    ASSERT_TRUE(store.tables().put_outlets({{"Gone", "", "10.0.0.8", true, {}, {}}}, loop.clock().now()));
    ASSERT_TRUE(store.tables().put_outlets({{"SHOP 1", "Main Street", "10.0.0.7", true, {}, {}}}, loop.clock().now()));
    publish("deposit/a/b", Status::ok, "promoted");
    auto v = verdict(Status::ok, "promoted");
    v.place = "E:";
    registry.publish({id("outlet/Shop%201/d-drive"), v, "", true, {}}, [](const Result<void>& r) { EXPECT_TRUE(r); });
    publish("outlet/Gone/d-drive", Status::missing, "no_report");
    const auto rows = reply("io.bkmon.Targets.Report", "{}")["rows"];
    ASSERT_EQ(ids(rows, "target"), (Strings{"deposit/a/b", "outlet/Gone/d-drive", "outlet/Shop%201/d-drive"}));
    EXPECT_TRUE(rows[0]["address"].is_null() && rows[0]["name"].is_null() && rows[0]["drive"].is_null());
    EXPECT_EQ(rows[1]["address"], "10.0.0.8");
    EXPECT_TRUE(rows[1]["name"].is_null());
    EXPECT_EQ(rows[2]["address"], "10.0.0.7");
    EXPECT_EQ(rows[2]["name"], "Main Street");
    EXPECT_EQ(rows[2]["drive"], "E:");
}

TEST_F(TargetsHandlers, SummaryCountsEachDay) {
    define({"deposit/a/ok", "deposit/a/same", "deposit/a/bad", "deposit/a/paused", "deposit/a/never"});
    reply("io.bkmon.Targets.Pause", R"({"target":"deposit/a/paused","reason":"r"})");
    publish("deposit/a/ok", Status::ok, "promoted");
    publish("deposit/a/same", Status::unchanged, "same_content");
    publish("deposit/a/bad", Status::corrupt, "hash_mismatch");
    publish("deposit/a/paused", Status::missing, "no_report");
    publish("deposit/a/never", Status::unknown, "first_due");
    const auto days = reply("io.bkmon.Targets.Summary", R"({"days":3})")["days"];
    ASSERT_EQ(days.size(), 3U);
    EXPECT_EQ(days[0]["date"], "2026-11-20");
    EXPECT_EQ(days[0]["total"], 0);
    EXPECT_EQ(days[2]["date"], "2026-11-22");
    EXPECT_EQ(days[2]["ok"], 2);
    EXPECT_EQ(days[2]["bad"], 1);
    EXPECT_EQ(days[2]["total"], 3);
    EXPECT_EQ(days[2]["by_status"]["corrupt"], 1);
    EXPECT_EQ(days[2]["by_status"]["paused"], 0);
    EXPECT_EQ(reply("io.bkmon.Targets.Summary", "{}")["days"].size(), 30U);
    EXPECT_EQ(refusal("io.bkmon.Targets.Summary", R"({"days":0})").substr(0, 16), "io.bkmon.Invalid");
}

TEST_F(TargetsHandlers, PauseAndResume) {
    some();
    EXPECT_EQ(reply("io.bkmon.Targets.Pause", R"({"target":"deposit/*","until":"26h","reason":" moving the server "})")["paused"].size(), 3U);
    const auto pause = registry.find(id("deposit/acme_lyon/crm"))->pause;
    ASSERT_TRUE(pause);
    EXPECT_EQ(pause->by, "alice (uid 1001)");
    EXPECT_EQ(pause->reason, "moving the server");
    EXPECT_EQ(pause->until, loop.clock().now() + hours(26));
    EXPECT_EQ(reply(kStatus, R"({"kind":"deposit"})")["counts"]["paused"], 3);
    EXPECT_TRUE(reply(kStatus, R"({"kind":"deposit","problems":true})")["targets"].empty());
    EXPECT_EQ(reply("io.bkmon.Targets.Resume", R"({"target":"deposit/acme_lyon/crm"})")["resumed"], (Json{"deposit/acme_lyon/crm"}));
    EXPECT_EQ(reply("io.bkmon.Targets.Resume", R"({"target":"deposit/acme_lyon/crm"})")["resumed"], Json::array());
    EXPECT_EQ(reply("io.bkmon.Targets.Resume", R"({"target":"*"})")["resumed"].size(), 2U);
    for (const char* bad : {R"({"target":"deposit/*"})", R"({"target":"deposit/*","reason":"  "})", R"({"reason":"r"})",
                            R"({"target":"deposit/*","reason":"r","until":"2020-01-01"})", R"({"target":"deposit/*","reason":"r","until":"later"})"})
        EXPECT_EQ(refusal("io.bkmon.Targets.Pause", bad).substr(0, 16), "io.bkmon.Invalid") << bad;
    EXPECT_EQ(refusal("io.bkmon.Targets.Pause", R"({"target":"instance/*","reason":"r"})").substr(0, 29), "io.bkmon.Targets.NoSuchTarget");
    EXPECT_EQ(refusal("io.bkmon.Targets.Resume", R"({"target":"deposit/acme_lyon/cmr"})").substr(0, 29), "io.bkmon.Targets.NoSuchTarget");
}

TEST_F(TargetsHandlers, APauseThatHalfFailedSaysSo) {
    some();
    store.fail_next_writes(1, {Errc::no_space, "history: no space"});
    const auto error = refusal("io.bkmon.Targets.Pause", R"({"target":"deposit/*","reason":"r"})");
    EXPECT_NE(error.find("2 of 3 targets were changed"), std::string::npos) << error;
}

}  // namespace
}  // namespace bkmon::control
