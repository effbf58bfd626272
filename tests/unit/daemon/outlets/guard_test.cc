#include "daemon/outlets/credential_guard.h"

#include <gtest/gtest.h>

namespace bkmon::test {
namespace {

using outlets::CredentialGuard;
using End = CredentialGuard::End;

struct Guard : ::testing::Test {
    CredentialGuard guard;
    BootTime now{milliseconds(5000)};

    int begin_all() {
        int n = 0;
        for (; n < 100 && guard.may_try(now); ++n) guard.begun(now);
        return n;
    }
};

TEST_F(Guard, ThreeAtATimeUntilOneWasAccepted) {
    EXPECT_EQ(begin_all(), 3);
    guard.ended(End::accepted, now);
    EXPECT_EQ(begin_all(), 100);
}

TEST_F(Guard, AWrongPasswordCostsThreeLoginsHoweverManyServersThereAre) {
    int logins = 0;
    while (guard.may_try(now) && logins < 100) {
        guard.begun(now);
        ++logins;
        if (logins % 2 == 0) continue;  // the answers come in pairs
        for (int i = 0; i < (logins == 1 ? 1 : 2); ++i) guard.ended(End::refused, now, "S" + std::to_string(logins));
    }
    EXPECT_EQ(logins, 3);
    EXPECT_TRUE(guard.given_up());
    EXPECT_EQ(guard.refused_by().size(), 3U);
    now += std::chrono::hours(1);
    EXPECT_FALSE(guard.may_try(now)) << "for the whole scan";
}

TEST_F(Guard, AnAcceptedLoginBreaksTheRow) {
    for (int round = 0; round < 5; ++round) {
        for (int i = 0; i < 2; ++i) {
            guard.begun(now);
            guard.ended(End::refused, now, "S1");
        }
        guard.begun(now);
        guard.ended(End::accepted, now);
    }
    EXPECT_FALSE(guard.given_up());
}

TEST_F(Guard, WhoSaysNothingNeitherBreaksTheRowNorBelongsToIt) {
    for (int i = 0; i < 2; ++i) {
        guard.begun(now);
        guard.ended(End::refused, now, "S1");
    }
    guard.begun(now);
    guard.ended(End::neither, now);
    EXPECT_FALSE(guard.given_up());
    guard.begun(now);
    guard.ended(End::refused, now, "S2");
    EXPECT_TRUE(guard.given_up());
}

TEST_F(Guard, ARefusalAmongMostStopsNewOnesUntilTheNextAnswer) {
    begin_all();
    guard.ended(End::accepted, now);
    EXPECT_EQ(begin_all(), 100);
    guard.ended(End::refused, now, "S1");
    EXPECT_FALSE(guard.may_try(now));
    guard.ended(End::accepted, now);
    EXPECT_TRUE(guard.may_try(now));
}

TEST_F(Guard, SilentServersHoldNobodyUpForLong) {
    EXPECT_EQ(begin_all(), 3);
    now += CredentialGuard::kPatience;
    EXPECT_EQ(begin_all(), 1);
    now += CredentialGuard::kPatience;
    EXPECT_EQ(begin_all(), 1);
}

TEST(Guards, OneForUserAndDomainAsLongAsSomebodyHasIt) {
    outlets::CredentialGuards guards;
    auto a = guards.of("CORP", "svc");
    EXPECT_EQ(a, guards.of("corp", "SVC"));
    EXPECT_NE(a, guards.of("", "svc"));
    a->begun(BootTime{});
    for (int i = 0; i < 3; ++i) a->ended(End::refused, BootTime{}, "S1");
    EXPECT_TRUE(guards.of("CORP", "svc")->given_up());
    a.reset();
    EXPECT_FALSE(guards.of("CORP", "svc")->given_up()) << "the next scan may try again";
}

}  // namespace
}  // namespace bkmon::test
