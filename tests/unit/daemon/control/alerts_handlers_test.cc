#include "tests/unit/daemon/control/alerts_fixture.h"

namespace bkmon::control {
namespace {

using core::Status;
using protocol::Role;
using std::chrono::hours;
using test::caller_with;
using test::Strings;

constexpr const char* kList = "io.bkmon.Alerts.List";
constexpr const char* kShow = "io.bkmon.Alerts.Show";
constexpr const char* kAck = "io.bkmon.Alerts.Ack";

using Ids = std::vector<std::int64_t>;

class AlertsHandlers : public test::AlertsFixture {
protected:
    Ids listed(std::string_view params, Caller caller = caller_with(Role::viewer)) {
        Ids all;
        const auto answer = reply(kList, params, std::move(caller));
        for (const auto& row : answer["incidents"]) all.push_back(row["id"]);
        return all;
    }
};

TEST_F(AlertsHandlers, ListJoinsWhatWasSaidInOneMail) {
    put("deposit/acme_lyon/crm", "<t>", Status::held);
    put("outlet/X/d-drive", "", Status::corrupt, false);
    put("deposit/acme_lyon/shop", "<t>");
    const auto rows = reply(kList, "{}")["incidents"];
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0]["id"], 2);
    EXPECT_FALSE(rows[0]["closed_at"].is_null());
    EXPECT_EQ(rows[0]["said"], false);
    EXPECT_TRUE(rows[0]["said_at"].is_null());
    EXPECT_EQ(rows[1]["id"], 1);
    EXPECT_EQ(rows[1]["targets"], (Json{"deposit/acme_lyon/shop", "deposit/acme_lyon/crm"}));  // worst first
    EXPECT_EQ(rows[1]["status"], "missing");
    EXPECT_EQ(rows[1]["severity"], "CRITICAL");
    EXPECT_EQ(rows[1]["said"], true);
    EXPECT_TRUE(rows[1]["silenced"].is_null());
}

TEST_F(AlertsHandlers, ListFilters) {
    put("deposit/acme_lyon/crm", "", Status::missing, false);
    loop.advance(hours(2));
    put("deposit/beta_oslo/crm");
    EXPECT_EQ(listed("{}"), (Ids{2, 1}));
    EXPECT_EQ(listed(R"({"open":true})"), (Ids{2}));
    EXPECT_EQ(listed(R"({"since":"1h"})"), (Ids{2}));
    EXPECT_EQ(listed(R"({"target":"deposit/acme*"})"), (Ids{1}));
    EXPECT_EQ(listed(R"({"target":"beta_oslo"})"), (Ids{2}));
    EXPECT_EQ(listed(R"({"limit":1})"), (Ids{2}));
    EXPECT_EQ(listed(R"({"limit":1,"before":2})"), (Ids{1}));
    EXPECT_EQ(listed(R"({"target":"deposit/acme_lyon/shop"})"), Ids{});  // known, but never a problem
    EXPECT_EQ(refusal(kList, R"({"target":"deposit/acme_lyon/shpo"})"),
              R"(io.bkmon.Targets.NoSuchTarget {"target":"deposit/acme_lyon/shpo","nearest":"deposit/acme_lyon/shop"})");
    for (const char* params : {R"({"limit":0})", R"({"limit":1001})", R"({"before":0})", R"({"since":"soon"})", R"({"open":"yes"})",
                               R"({"target":1})", R"({"opne":true})"})
        EXPECT_EQ(refusal(kList, params).substr(0, 16), "io.bkmon.Invalid") << params;
}

TEST_F(AlertsHandlers, WhatASilenceHidesIsSaidOnIt) {
    put("deposit/acme_lyon/crm", "<t>");
    put("deposit/acme_lyon/shop", "<t>");
    silenced["deposit/acme_lyon/shop"] = "until noon, 'moving', by alice";
    EXPECT_EQ(reply(kList, "{}")["incidents"][0]["silenced"], "1 of 2 targets: until noon, 'moving', by alice");
    silenced["deposit/acme_lyon/crm"] = "until noon, 'moving', by alice";
    EXPECT_EQ(reply(kList, "{}")["incidents"][0]["silenced"], "until noon, 'moving', by alice");
}

TEST_F(AlertsHandlers, ShowHasTheMails) {
    put("deposit/acme_lyon/crm", "<t>");
    put("deposit/beta_oslo/crm", "<t>");
    const auto mail = put_mail("failed", {1, 2});
    put_mail("waiting", {7});
    for (const char* params : {R"({"id":1})", R"({"id":2})"}) {
        const auto r = reply(kShow, params, caller_with(Role::viewer));
        EXPECT_EQ(r["incident"]["id"], 1);
        ASSERT_EQ(r["mails"].size(), 1U);
        EXPECT_EQ(r["mails"][0]["id"], mail);
        EXPECT_EQ(r["mails"][0]["code"], 550);
        EXPECT_TRUE(r["mails"][0]["next_at"].is_null());
        EXPECT_EQ(r["mails"][0]["incidents"], (Json{1, 2}));
    }
    EXPECT_EQ(refusal(kShow, R"({"id":9})"), R"(io.bkmon.Alerts.NoSuchIncident {"id":9})");
    for (const char* params : {"{}", R"({"id":0})", R"({"id":"1"})"}) EXPECT_EQ(refusal(kShow, params).substr(0, 16), "io.bkmon.Invalid");
}

TEST_F(AlertsHandlers, AckIsForAllThatAreOpen) {
    put("deposit/acme_lyon/crm", "<t>");
    put("deposit/acme_lyon/shop", "<t>", Status::missing, false);
    put("deposit/beta_oslo/crm", "<t>");
    const auto r = reply(kAck, R"({"id":3,"note":" on it "})", caller_with(Role::oper));
    EXPECT_EQ(done, (Strings{"ack 1 by alice (uid 1001): on it"}));
    EXPECT_EQ(r["incident"]["id"], 1);
    EXPECT_EQ(r["incident"]["acked_by"], "alice (uid 1001)");
    EXPECT_EQ(r["incident"]["note"], "on it");
    EXPECT_EQ(r["incident"]["targets"].size(), 3U);
    put("outlet/X/d-drive", "", Status::missing, false);
    EXPECT_EQ(refusal(kAck, R"({"id":4})"), R"(io.bkmon.Invalid {"parameter":"id","message":"incident 4 is over: there is nothing to acknowledge"})");
    EXPECT_EQ(refusal(kAck, R"({"id":1,"note":")" + std::string(501, 'x') + "\"}").substr(0, 16), "io.bkmon.Invalid");
    error = Error{Errc::not_found, "gone"};
    EXPECT_EQ(refusal(kAck, R"({"id":1})"), R"(io.bkmon.Alerts.NoSuchIncident {"id":1})");
    error = Error{Errc::unavailable, "the history cannot be written"};
    EXPECT_EQ(refusal(kAck, R"({"id":1})").substr(0, 20), "io.bkmon.Unavailable");
    EXPECT_EQ(refusal(kAck, R"({"id":1})", false, caller_with(Role::viewer)).substr(0, 19), "io.bkmon.NotAllowed");
}

TEST_F(AlertsHandlers, ALimitedCallerSeesAndAcknowledgesOnlyItsOwn) {
    put("deposit/acme_lyon/crm", "<t>");
    put("deposit/beta_oslo/crm", "<t>");
    put("deposit/beta_oslo/crm");
    put("deposit/acme_lyon/shop");
    put_mail("sent", {1, 2});
    put_mail("sent", {1});
    const auto rows = reply(kList, "{}", acme())["incidents"];
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[1]["targets"], (Json{"deposit/acme_lyon/crm"}));
    EXPECT_EQ(refusal(kShow, R"({"id":3})", false, acme()), R"(io.bkmon.Alerts.NoSuchIncident {"id":3})");
    EXPECT_EQ(refusal(kAck, R"({"id":3})", false, acme()), R"(io.bkmon.Alerts.NoSuchIncident {"id":3})");
    EXPECT_EQ(refusal(kAck, R"({"id":2})", false, acme()), R"(io.bkmon.Alerts.NoSuchIncident {"id":2})");
    const auto mails = reply(kShow, R"({"id":1})", acme())["mails"];  // the other one names what it may not see
    ASSERT_EQ(mails.size(), 1U);
    EXPECT_EQ(mails[0]["incidents"], (Json{1}));
    const auto refused = refusal(kAck, R"({"id":1})", false, acme());
    EXPECT_NE(refused.find("also about targets that you may not change"), std::string::npos) << refused;
    EXPECT_EQ(refused.find("beta"), std::string::npos);
    EXPECT_TRUE(done.empty());
    reply(kAck, R"({"id":4})", acme());
    EXPECT_EQ(done.size(), 1U);
    EXPECT_EQ(refusal(kList, R"({"target":"deposit/beta_oslo/crm"})", false, acme()),
              R"(io.bkmon.Targets.NoSuchTarget {"target":"deposit/beta_oslo/crm","nearest":null})");
    for (const char* method : {"io.bkmon.Alerts.Outbox", "io.bkmon.Alerts.Retry", "io.bkmon.Alerts.Test"})
        EXPECT_EQ(refusal(method, "{}", false, acme()).substr(0, 19), "io.bkmon.NotAllowed") << method;
    for (const char* method : {"io.bkmon.Alerts.Expect", "io.bkmon.Alerts.Explain"})
        EXPECT_EQ(refusal(method, R"({"target":"deposit/beta_oslo/crm"})", false, acme()).substr(0, 29), "io.bkmon.Targets.NoSuchTarget") << method;
}

TEST_F(AlertsHandlers, ExpectSaysTheSize) {
    EXPECT_EQ(reply("io.bkmon.Alerts.Expect", R"({"target":"shop","note":"moved"})")["size_bytes"], 1536);
    EXPECT_EQ(done, (Strings{"expect deposit/acme_lyon/shop by alice (uid 1001): moved"}));
    error = Error{Errc::not_found, "none"};
    EXPECT_EQ(refusal("io.bkmon.Alerts.Expect", R"({"target":"shop"})"), R"(io.bkmon.Alerts.NothingToExpect {"target":"deposit/acme_lyon/shop"})");
    EXPECT_EQ(refusal("io.bkmon.Alerts.Expect", "{}").substr(0, 16), "io.bkmon.Invalid");
}

TEST_F(AlertsHandlers, ExplainGivesAllOfIt) {
    explanation.status = Status::missing;
    explanation.severity = core::Severity::critical;
    auto r = reply("io.bkmon.Alerts.Explain", R"({"target":"shop"})", caller_with(Role::viewer));
    for (const char* member : {"rule", "remind", "template", "silenced", "incident", "subject", "text"}) EXPECT_TRUE(r[member].is_null()) << member;
    EXPECT_EQ(r["mail"], "never");
    put("deposit/acme_lyon/shop");
    explanation.rule = "bkmon.yaml:30:5";
    explanation.mail = core::AlertRule::Mail::at_once;
    explanation.to = {"a@x", "b@x"};
    explanation.after = 3;
    explanation.remind = hours(4);
    explanation.reminders = 6;
    explanation.text = "short";
    explanation.silenced = "until noon";
    explanation.incident = store.tables().incident(1).value();
    explanation.subject = "S";
    explanation.body = "T";
    r = reply("io.bkmon.Alerts.Explain", R"({"target":"shop"})");
    EXPECT_EQ(r["target"], "deposit/acme_lyon/shop");
    EXPECT_EQ(r["mail"], "at_once");
    EXPECT_EQ(r["to"], (Json{"a@x", "b@x"}));
    EXPECT_EQ(r["remind"], "4h");
    EXPECT_EQ(r["template"], "short");
    EXPECT_EQ(r["incident"]["id"], 1);
    EXPECT_EQ(r["text"], "T");
    EXPECT_EQ(refusal("io.bkmon.Alerts.Explain", R"({"target":"nothing"})").substr(0, 29), "io.bkmon.Targets.NoSuchTarget");
}

TEST_F(AlertsHandlers, OutboxIsNewestFirst) {
    put_mail("sent", {1});
    put_mail("waiting", {1});
    put_mail("failed", {2});
    const auto listed_mails = [&](const char* params) {
        Ids all;
        const auto answer = reply("io.bkmon.Alerts.Outbox", params, caller_with(Role::viewer));
        for (const auto& row : answer["mails"]) all.push_back(row["id"]);
        return all;
    };
    EXPECT_EQ(listed_mails("{}"), (Ids{3, 2, 1}));
    EXPECT_EQ(listed_mails(R"({"state":"waiting"})"), (Ids{2}));
    EXPECT_EQ(listed_mails(R"({"limit":1,"before":3})"), (Ids{2}));
    for (const char* params : {R"({"state":"lost"})", R"({"limit":0})", R"({"before":-1})"})
        EXPECT_EQ(refusal("io.bkmon.Alerts.Outbox", params).substr(0, 16), "io.bkmon.Invalid") << params;
}

TEST_F(AlertsHandlers, RetryAndTestNeedAMailServer) {
    EXPECT_EQ(reply("io.bkmon.Alerts.Retry", R"({"ids":[3,5]})", caller_with(Role::oper))["mails"], 3);
    reply("io.bkmon.Alerts.Retry", "{}");
    reply("io.bkmon.Alerts.Retry", R"({"ids":null})");
    tested = {{"a@x", true, 250, "OK"}, {"b@x", false, 0, "nobody\x1b[2J"}};
    const auto r = reply("io.bkmon.Alerts.Test", R"({"to":"a@example.org"})", caller_with(Role::oper))["results"];
    EXPECT_EQ(r[0]["code"], 250);
    EXPECT_TRUE(r[1]["code"].is_null());
    EXPECT_EQ(r[1]["answer"], "nobody\\x1b[2J");
    EXPECT_EQ(done, (Strings{"retry 3 5", "retry", "retry", "test a@example.org by alice (uid 1001)"}));
    for (const char* ids : {"[]", "[0]", "[-1]", "[1.5]", "[\"1\"]", "[[1]]", "1", "{}", "[1,null]", "[9223372036854775808]", "[1e3]"})
        EXPECT_EQ(refusal("io.bkmon.Alerts.Retry", std::string(R"({"ids":)") + ids + "}").substr(0, 16), "io.bkmon.Invalid") << ids;
    for (const char* to : {"", "x", "a@example.org\\r\\nBcc: b@example.org", "nobody at all"})
        EXPECT_EQ(refusal("io.bkmon.Alerts.Test", std::string(R"({"to":")") + to + "\"}").substr(0, 16), "io.bkmon.Invalid") << to;
    error = Error{Errc::unavailable, "the history cannot be written"};
    EXPECT_EQ(refusal("io.bkmon.Alerts.Test", "{}").substr(0, 20), "io.bkmon.Unavailable");
    settings.mail.configured = false;
    for (const char* method : {"io.bkmon.Alerts.Retry", "io.bkmon.Alerts.Test"})
        EXPECT_EQ(refusal(method, "{}").substr(0, 22), "io.bkmon.Alerts.NoMail") << method;
    EXPECT_EQ(done.size(), 5U);
}

TEST_F(AlertsHandlers, Completion) {
    put("deposit/acme_lyon/crm", "<t>");
    put("deposit/beta_oslo/crm", "<t>");
    put("outlet/X/d-drive");
    put("deposit/acme_lyon/shop", "", Status::missing, false);
    put_mail("sent", {1});
    put_mail("failed", {1});
    core::Silence silence;
    silence.reason = "r";
    silence.until = loop.clock().now() + hours(1);
    ASSERT_TRUE(store.tables().put_silence(silence));
    silence.until = loop.clock().now();
    ASSERT_TRUE(store.tables().put_silence(silence));
    const auto words = [&](const char* what, Caller caller = caller_with(Role::viewer)) {
        return reply("io.bkmon.Daemon.Complete", std::string(R"({"what":")") + what + "\"}", std::move(caller))["words"];
    };
    EXPECT_EQ(words("incidents"), (Json{"1", "3"}));
    EXPECT_EQ(words("mails"), (Json{"2"}));
    EXPECT_EQ(words("silences"), (Json{"1"}));
    EXPECT_EQ(words("incidents", acme()), (Json{"1"}));
    EXPECT_TRUE(words("mails", acme()).empty());
    EXPECT_TRUE(words("silences", acme()).empty());
}

}  // namespace
}  // namespace bkmon::control
