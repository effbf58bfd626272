// A thousand servers down: what they have in common is named, and a refused credential is one problem.
#include "daemon/alerts/facts.h"
#include "daemon/alerts/plan.h"
#include "tests/unit/daemon/alerts/fixture.h"

namespace bkmon::alerts {
namespace {

std::string code(int i) { return "SHOP" + std::to_string(1000 + i); }
std::string target(int i, const std::string& mode = "d-drive") { return "outlet/" + code(i) + "/" + mode; }

class OutletAlerts : public AlertsTest {
protected:
    void define_outlets(int n) {
        std::vector<Wanted> all;
        std::vector<history::OutletRow> rows;
        for (int i = 0; i < n; ++i) {
            const std::string region = i < n / 5 ? "north" : i < n / 2 ? "south" : "west";
            all.push_back({target(i), {{"region", region}}, {}});
            rows.push_back({code(i), "", address(i), true, {{"region", region}}, {}});
        }
        ASSERT_TRUE(tables.tables().put_outlets(rows, now()));
        define(all);
        start();
    }
    static std::string address(int i) { return "10.1." + std::to_string(i / 25) + "." + std::to_string(1 + i % 25); }
    void down(int i, const std::string& reason_code, Status status = Status::unreachable, const std::string& evidence = "") {
        targets::Registry::Publication p;
        p.target = id_of(target(i));
        p.verdict = core::plain_verdict(status, reason_code, "10.1.2.3 says no", now());
        p.verdict.evidence = R"({"address":")" + address(i) + R"(","credential":"CORP\\svc_backup","share":"d$")" + evidence + "}";
        registry->publish(std::move(p), [](Result<void>) {});
        loop.run_posted();
    }
};

TEST_F(OutletAlerts, ARefusedCredentialIsOneMailWhateverElseIsDown) {
    define_outlets(1000);
    for (int i = 0; i < 300; ++i) down(i, i < 3 ? "login_refused" : i % 2 == 0 ? "login_refused" : "account_locked");
    for (int i = 300; i < 1000; ++i) down(i, "timeout");
    loop.advance(5min);
    const auto said = subjects();
    EXPECT_THAT(said, UnorderedElementsAre(HasSubstr("300 of 1000 targets of credential CORP\\svc_backup are unreachable"),
                                           HasSubstr("700 of 1000 targets of mode d-drive are unreachable")));
    EXPECT_THAT(incident(target(200)).cause, HasSubstr("credential CORP"));
    EXPECT_EQ(incident(target(200)).thread, incident(target(0)).thread);
}

TEST_F(OutletAlerts, ARefusedCredentialOfAThousandIsOneMail) {
    define_outlets(1000);
    for (int i = 0; i < 1000; ++i) {
        down(i, "login_refused");
        if (i % 100 == 0) loop.advance(1s);
    }
    loop.advance(5min);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("1000 of 1000 targets of credential")));
    loop.advance(1h);
    for (int i = 0; i < 1000; ++i) down(i, "fresh", Status::ok);
    loop.advance(5min);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("1000 of 1000 targets of mode d-drive have recovered")));
    EXPECT_EQ(notices(), 0U);
}

TEST_F(OutletAlerts, WhatTheReasonSaysAlreadyIsNoRowOfTheEvidence) {
    define_outlets(1);
    down(0, "scan_fault", Status::unreachable, R"(,"own_faults":{"d-drive":"said before"},"not_scanned":{"d-drive":"said before"},"figure":5)");
    loop.advance(5min);
    const auto mails = take();
    ASSERT_THAT(mails, SizeIs(1));
    EXPECT_THAT(mails[0].text, HasSubstr("figure"));
    EXPECT_THAT(mails[0].text, Not(HasSubstr("said before")));
}

TEST_F(OutletAlerts, TheRegionThatIsDownIsNamedBesideOthersHereAndThere) {
    define_outlets(1000);
    for (int i = 0; i < 198; ++i) down(i, "timeout");
    for (int i = 200; i < 1000; i += 32) down(i, "reset");
    loop.advance(5min);
    EXPECT_THAT(subjects(), UnorderedElementsAre(HasSubstr("198 of 200 targets of region north are unreachable"),
                                                 HasSubstr("25 of 1000 targets of mode d-drive are unreachable")));
}

TEST_F(OutletAlerts, ASubnetIsNamedWithHowManyItHas) {
    define_outlets(1000);
    for (int i = 250; i < 273; ++i) down(i, "unreachable");
    down(900, "refused");
    loop.advance(5min);
    EXPECT_THAT(subjects(), UnorderedElementsAre(HasSubstr("23 of 25 targets of subnet 10.1.10.0/24 are unreachable"), HasSubstr(target(900))));
}

TEST_F(OutletAlerts, AThousandForManyReasonsAreFiveMailsAtMostAndNoneIsLost) {
    define_outlets(1000);
    const struct {
        const char* reason;
        Status status;
    } kWays[] = {{"login_refused", Status::unreachable},
                 {"timeout", Status::unreachable},
                 {"no_share", Status::unreachable},
                 {"too_old", Status::missing},
                 {"no_drive", Status::missing},
                 {"truncated", Status::corrupt},
                 {"old_copy", Status::held},
                 {"protocol", Status::unreachable},
                 {"access_denied", Status::unreachable},
                 {"zeros", Status::corrupt}};
    for (int i = 0; i < 1000; ++i) down(i, kWays[i % 10].reason, kWays[i % 10].status);
    loop.advance(5min);
    auto mails = take();
    EXPECT_LE(mails.size(), 5U);
    EXPECT_EQ(notices(), 0U);
    for (int i = 0; i < 1000; ++i) ASSERT_FALSE(incident(target(i)).thread.empty()) << i;
}

TEST_F(OutletAlerts, OddOnesBesideManyDoNotMultiplyTheMails) {
    define_outlets(1000);
    for (int i = 0; i < 990; ++i) down(i, "timeout");
    int i = 990;
    for (const auto status :
         {Status::corrupt, Status::corrupt, Status::held, Status::held, Status::missing, Status::missing, Status::failed, Status::failed})
        down(i++, "damaged", status);
    loop.advance(5min);
    const auto mails = take();
    EXPECT_LE(mails.size(), 5U);
    std::string all;
    for (const auto& m : mails) all += m.subject + m.text;
    for (i = 990; i < 998; ++i) EXPECT_THAT(all, HasSubstr(target(i)));
    EXPECT_THAT(all, HasSubstr("990 of 1000 targets of mode d-drive"));
}

TEST_F(OutletAlerts, AServerThatGoesUpAndDownEachMinuteIsAFewMails) {
    define_outlets(3);
    for (int minute = 0; minute < 24 * 60; ++minute) {
        down(1, minute % 2 == 0 ? "timeout" : "fresh", minute % 2 == 0 ? Status::unreachable : Status::ok);
        loop.advance(1min);
    }
    loop.advance(1h);
    std::size_t alerts = 0;
    for (const auto& m : take()) alerts += m.subject.find(target(1)) != std::string::npos ? 1 : 0;
    EXPECT_LE(alerts, 8U);
    EXPECT_GE(alerts, 2U);
}

// --- what a verdict has in common with others

core::Verdict verdict(const std::string& reason_code, const std::string& evidence) {
    auto v = core::plain_verdict(Status::unreachable, reason_code, "", {});
    v.evidence = evidence;
    return v;
}

TEST(OutletCauses, FollowTheReason) {
    const std::string all = R"({"credential":"C\\u","share":"d$","shares":["d$"],"address":"10.1.2.3"})";
    using T = Traits;
    for (const auto* refused : {"login_refused", "account_locked", "password_expired"})
        EXPECT_EQ(causes_of(verdict(refused, all)), (T{{"credential", "C\\u"}}));
    for (const auto* share : {"no_share", "no_folder", "access_denied"}) EXPECT_EQ(causes_of(verdict(share, all)), (T{{"share", "d$"}}));
    EXPECT_EQ(causes_of(verdict("no_drive", R"({"share":"","shares":["e$","f$"]})")), (T{{"share", "e$, f$"}}));
    for (const auto* net : {"timeout", "refused", "unreachable", "reset"}) EXPECT_EQ(causes_of(verdict(net, all)), (T{{"subnet", "10.1.2.0/24"}}));
    for (const auto* other : {"fresh", "too_old", "truncated", ""}) EXPECT_EQ(causes_of(verdict(other, all)), T{});
    for (const auto* evidence : {"", "{}", "[]", "nonsense", R"({"credential":5,"address":null})"}) {
        EXPECT_EQ(causes_of(verdict("login_refused", evidence)), T{});
        EXPECT_EQ(causes_of(verdict("timeout", evidence)), T{});
    }
}

TEST(OutletCauses, SubnetsOfBothKinds) {
    EXPECT_EQ(subnet_of("10.1.2.255"), "10.1.2.0/24");
    EXPECT_EQ(subnet_of("fd00:1:2:3:4:5:6:7"), "fd00:1:2:3::/64");
    for (const auto* none : {"", "shop7.example.org", "10.1.2", "10.1.2.3/24"}) EXPECT_EQ(subnet_of(none), "") << none;
}

TEST(OutletCauses, TheModeExplainsLeast) {
    EXPECT_EQ(traits_of(id_of("outlet/SHOP7/d-drive"), {{"region", "north"}}), (Traits{{"region", "north"}, {"mode", "d-drive"}}));
    EXPECT_EQ(traits_of(id_of("deposit/A/b"), {}), (Traits{{"agent", "A"}}));
}

}  // namespace
}  // namespace bkmon::alerts
