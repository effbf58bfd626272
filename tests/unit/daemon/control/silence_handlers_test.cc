#include "tests/unit/daemon/control/alerts_fixture.h"

namespace bkmon::control {
namespace {

using protocol::Role;
using std::chrono::hours;
using test::caller_with;
using test::Strings;

constexpr const char* kSilence = "io.bkmon.Alerts.Silence";
constexpr const char* kSilences = "io.bkmon.Alerts.Silences";
constexpr const char* kUnsilence = "io.bkmon.Alerts.Unsilence";

class SilenceHandlers : public test::AlertsFixture {
protected:
    core::Silence silence(std::int64_t number, Strings targets, core::Labels labels = {}) const {
        core::Silence s;
        s.id = number;
        s.targets = std::move(targets);
        s.labels = std::move(labels);
        s.from = loop.clock().now() - hours(1);
        s.until = loop.clock().now() + hours(1);
        s.reason = "moving";
        s.by = number != 0 ? "bob" : "";
        s.origin = number != 0 ? "" : "bkmon.yaml:9:3";
        return s;
    }
};

TEST_F(SilenceHandlers, SilenceIsReadWhole) {
    const auto r = reply(kSilence, R"({"targets":["SHOP","outlet/*"],"kinds":["deposit","outlet"],"labels":["city=L*"],"from":"2026-11-22T02:00:00Z",
        "until":"2026-11-23T02:00:00Z","windows":["mon-fri 22:00-06:00"],"timezone":"America/Lima","reason":" lines "})",
                         caller_with(Role::oper));
    EXPECT_EQ(r["id"], 4);
    ASSERT_EQ(asked.size(), 1U);
    const auto& s = asked[0];
    EXPECT_EQ(s.id, 0);
    EXPECT_EQ(s.targets, (Strings{"deposit/acme_lyon/shop", "outlet/*"}));
    EXPECT_EQ(s.kinds, (Strings{"deposit", "outlet"}));
    EXPECT_EQ(s.labels, (core::Labels{{"city", "L*"}}));
    EXPECT_EQ(rfc3339(*s.from), "2026-11-22T02:00:00Z");
    EXPECT_EQ(rfc3339(*s.until), "2026-11-23T02:00:00Z");
    EXPECT_EQ(s.windows, (Strings{"mon-fri 22:00-06:00"}));
    EXPECT_EQ(s.timezone, "America/Lima");
    EXPECT_EQ(s.reason, "lines");
    EXPECT_EQ(s.by, "alice (uid 1001)");
    EXPECT_EQ(s.at, loop.clock().now());
}

TEST_F(SilenceHandlers, SilenceBeginsNowInTheZoneOfTheConfiguration) {
    reply(kSilence, R"({"until":"2h","reason":"x"})");
    EXPECT_EQ(asked[0].from, loop.clock().now());
    EXPECT_EQ(asked[0].until, loop.clock().now() + hours(2));
    EXPECT_EQ(asked[0].timezone, "Europe/Berlin");
    EXPECT_TRUE(asked[0].targets.empty());
}

TEST_F(SilenceHandlers, WhatIsWrongIsNamed) {
    struct Case {
        const char *params, *says;
    };
    for (const Case& c : {
             Case{R"({"until":"2h"})", "\"reason\""},
             Case{R"({"until":"2h","reason":"  "})", "\"reason\""},
             Case{R"({"reason":"x"})", "\"until\""},
             Case{R"({"until":"","reason":"x"})", "it must end by itself"},
             Case{R"({"until":"soon","reason":"x"})", "'soon' is no time"},
             Case{R"({"until":"2020-01-01","reason":"x"})", "has passed already"},
             Case{R"({"from":"3h","until":"2h","reason":"x"})", "end before it begins"},
             Case{R"({"until":"2h","reason":"x","timezone":"Mars"})", "there is no time zone 'Mars'"},
             Case{R"({"until":"2h","reason":"x","windows":["mon-fri 25:00"]})", "\"windows\""},
             Case{R"({"until":"2h","reason":"x","labels":["city"]})", "'city' is not key=value"},
             Case{R"({"until":"2h","reason":"x","labels":["city=a","city=b"]})", "'city' is there twice"},
             Case{R"({"until":"2h","reason":"x","targets":[""]})", "from 1 to 300 bytes"},
             Case{R"({"until":"2h","reason":"x","targets":"x"})", "\"targets\""},
             Case{R"({"until":"2h","reason":"x","labels":["city=Oslo"]})", "no target that fits all of this"},
             Case{R"({"until":"2h","reason":"x","kinds":["instance"]})", "no target that fits all of this"},
         }) {
        const auto refused = refusal(kSilence, c.params);
        EXPECT_EQ(refused.substr(0, 16), "io.bkmon.Invalid") << c.params;
        EXPECT_NE(refused.find(c.says), std::string::npos) << refused;
    }
    for (const char* target : {"deposit/acme_lyon/shpo", "deposit/x*", "crm"})
        EXPECT_EQ(refusal(kSilence, R"({"until":"2h","reason":"x","targets":[")" + std::string(target) + "\"]}").substr(0, 29),
                  "io.bkmon.Targets.NoSuchTarget")
            << target;
    EXPECT_TRUE(asked.empty());
    error = Error{Errc::unavailable, "the history cannot be written"};
    EXPECT_EQ(refusal(kSilence, R"({"until":"2h","reason":"x"})").substr(0, 20), "io.bkmon.Unavailable");
}

TEST_F(SilenceHandlers, ALimitedCallerSilencesOnlyWhatCannotGetOutOfItsOwn) {
    const auto refused = [&](const std::string& rest) {
        const auto text = refusal(kSilence, R"({"until":"2h","reason":"x")" + rest + "}", false, acme());
        if (rest.find("beta") == std::string::npos) {
            EXPECT_EQ(text.find("beta"), std::string::npos);
        }
        return text.substr(0, text.find(' '));
    };
    for (const char* rest : {"", R"(,"kinds":["deposit"])", R"(,"labels":["city=Lyon"])", R"(,"targets":["deposit/*"])", R"(,"targets":["*"])",
                             R"(,"targets":["deposit/acme_lyon/*","*shop"])"})
        EXPECT_EQ(refused(rest), "io.bkmon.Invalid") << rest;
    EXPECT_EQ(refused(R"(,"targets":["deposit/beta_oslo/crm"])"), "io.bkmon.Targets.NoSuchTarget");
    EXPECT_EQ(refused(R"(,"targets":["outlet/*"])"), "io.bkmon.Targets.NoSuchTarget");
    EXPECT_TRUE(asked.empty());
    reply(kSilence, R"({"until":"2h","reason":"x","targets":["deposit/acme_*/crm","shop"]})", acme());
    EXPECT_EQ(asked.size(), 1U);
}

TEST_F(SilenceHandlers, SilencesCountWhatTheyHideNow) {
    put("deposit/acme_lyon/crm");
    put("deposit/acme_lyon/shop");
    put("outlet/X/d-drive", "", core::Status::missing, false);
    known = {silence(1, {"deposit/*"}), silence(2, {}, {{"city", "Oslo"}}), silence(3, {"deposit/acme_lyon/crm"}), silence(4, {"*"}),
             silence(0, {"*/crm"})};
    known[2].from = loop.clock().now() + seconds(1);
    known[3].until = loop.clock().now();
    known[4].from = known[4].until = std::nullopt;
    known[4].windows = {"sun"};  // 2026-11-22 is one
    const auto rows = reply(kSilences, "{}", caller_with(Role::viewer))["silences"];
    ASSERT_EQ(rows.size(), 5U);
    const auto is = [&](std::size_t i, bool active, int hidden) {
        EXPECT_EQ(rows[i]["active"], active) << i;
        EXPECT_EQ(rows[i]["hidden"], hidden) << i;
    };
    is(0, true, 2);
    is(1, true, 0);
    is(2, false, 0);
    is(3, false, 0);
    is(4, true, 1);
    EXPECT_EQ(rows[1]["labels"], (Json{"city=Oslo"}));
    EXPECT_EQ(rows[0]["by"], "bob");
    EXPECT_TRUE(rows[4]["id"].is_null());
    EXPECT_TRUE(rows[4]["at"].is_null());
    EXPECT_EQ(rows[4]["origin"], "bkmon.yaml:9:3");
    known[4].windows = {"mon", "tue 01:00-02:00"};
    EXPECT_EQ(reply(kSilences, "{}")["silences"][4]["active"], false);
    known[4].windows = {"sun", "what?"};
    EXPECT_EQ(reply(kSilences, "{}")["silences"][4]["active"], false);
    EXPECT_EQ(refusal(kSilences, R"({"all":1})").substr(0, 16), "io.bkmon.Invalid");
}

TEST_F(SilenceHandlers, ALimitedCallerSeesWhatSilencesItsTargets) {
    put("deposit/acme_lyon/crm");
    put("deposit/beta_oslo/crm");
    known = {silence(1, {"deposit/*", "outlet/X/*"}), silence(2, {"outlet/*"}), silence(3, {}), silence(4, {"deposit/acme_*"}),
             silence(5, {}, {{"city", "Oslo"}})};
    const auto rows = reply(kSilences, "{}", acme())["silences"];
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(rows[0]["targets"], (Json{"deposit/*"}));
    EXPECT_EQ(rows[0]["hidden"], 1);
    EXPECT_EQ(rows[1]["id"], 3);
    EXPECT_EQ(rows[2]["id"], 4);
    EXPECT_EQ(refusal(kUnsilence, R"({"id":2})", false, acme()), R"(io.bkmon.Alerts.NoSuchSilence {"id":2})");
    EXPECT_EQ(refusal(kUnsilence, R"({"id":1})", false, acme()).substr(0, 16), "io.bkmon.Invalid");
    EXPECT_EQ(refusal(kUnsilence, R"({"id":3})", false, acme()).substr(0, 16), "io.bkmon.Invalid");
    EXPECT_TRUE(done.empty());
    reply(kUnsilence, R"({"id":4})", acme());
    EXPECT_EQ(done, (Strings{"unsilence 4 by alice (uid 1001)"}));
}

TEST_F(SilenceHandlers, UnsilenceEndsOne) {
    known = {silence(1, {"deposit/*"}), silence(0, {"*"})};
    reply(kUnsilence, R"({"id":1})", caller_with(Role::oper));
    EXPECT_EQ(done, (Strings{"unsilence 1 by alice (uid 1001)"}));
    EXPECT_EQ(refusal(kUnsilence, R"({"id":9})"), R"(io.bkmon.Alerts.NoSuchSilence {"id":9})");
    for (const char* params : {"{}", R"({"id":0})", R"({"id":-1})"}) EXPECT_EQ(refusal(kUnsilence, params).substr(0, 16), "io.bkmon.Invalid");
    EXPECT_EQ(refusal(kUnsilence, R"({"id":1})", false, caller_with(Role::viewer)).substr(0, 19), "io.bkmon.NotAllowed");
}

}  // namespace
}  // namespace bkmon::control
