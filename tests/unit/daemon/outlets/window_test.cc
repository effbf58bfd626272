// How far a scan is ahead of its workers: one connection for each server, made little before it is used, and kept by nobody.
#include "tests/unit/daemon/outlets/bench.h"

namespace bkmon::test {
namespace {

constexpr milliseconds kStep{5};

class Window : public OutletsTest {
protected:
    Window() { servers.connecting = true; }
    void outlets_up_to(int many) {
        for (int i = 4; i <= many; ++i) add_outlet(i);
    }
    /// The most that were open at once until then.
    std::size_t most_open(milliseconds d) {
        std::size_t most = 0;
        for (milliseconds gone{0}; gone < d; gone += kStep) {
            pass(kStep, kStep);
            most = std::max(most, servers.open_connections());
        }
        return most;
    }
};

TEST_F(Window, EachServerIsVisitedOverTheConnectionThatItsDoorGave) {
    outlets_up_to(60);
    start();
    scan();
    EXPECT_EQ(servers.with_connection.size(), 60U);
    EXPECT_EQ(servers.orders.size(), 60U);
    for (int i = 1; i <= 60; ++i) EXPECT_EQ(shop(i).probes, 1) << i;
    EXPECT_EQ(servers.open_connections(), 0U);
}

TEST_F(Window, NoMoreThanTwiceTheWorkersWait) {
    outlets_up_to(200);
    start();
    for (int i = 1; i <= 200; ++i) shop(i).visit_takes = milliseconds(200);
    const auto run = begin();
    const auto most = most_open(seconds(3));
    EXPECT_LE(most, 12U) << "four at work, eight that wait";
    EXPECT_GE(most, 8U) << "nobody waits for a connection";
    EXPECT_LT(servers.with_connection.size(), 200U);
    finish(run);
    EXPECT_EQ(servers.with_connection.size(), 200U);
}

TEST_F(Window, ThoseThatAreSilentHoldNobodyUp) {
    outlets_up_to(100);
    start();
    for (int i = 1; i <= 40; ++i) shop(i).door = smb::Outcome::timeout;
    const auto run = begin();
    pass(milliseconds(1500), kStep);
    EXPECT_EQ(servers.orders.size(), 60U) << "before the first of them was given up";
    EXPECT_EQ(finish(run).counts[static_cast<std::size_t>(core::Status::unreachable)], 40U);
}

TEST_F(Window, OneThatIsSilentIsKnockedAtAgainBesideTheFirstTry) {
    start();
    shop(2).door = smb::Outcome::timeout;
    const auto view = scan();
    EXPECT_EQ(status(2), "unreachable timeout");
    EXPECT_EQ(shop(2).probes, 2);
    EXPECT_EQ(view.retried, 1U);
    EXPECT_NE(shown(2).reason.find("tried 2 times"), std::string::npos) << shown(2).reason;
    EXPECT_GE(view.took, milliseconds(3000)) << "each had its two seconds";
    EXPECT_LE(view.took, milliseconds(3200)) << "but not one after the other";
}

TEST_F(Window, WhoeverAnswersFirstOfTheTwoCounts) {
    start();
    shop(2).door = smb::Outcome::timeout;
    const auto run = begin();
    pass(milliseconds(500), kStep);
    shop(2).door = smb::Outcome::listed;
    const auto view = finish(run);
    EXPECT_EQ(status(2), "ok fresh");
    EXPECT_EQ(shop(2).probes, 2);
    EXPECT_EQ(shop(2).visits, 1);
    EXPECT_LT(view.took, milliseconds(1500));
    EXPECT_EQ(servers.probing, 0U);
    EXPECT_EQ(servers.open_connections(), 0U);
}

TEST_F(Window, TheSecondKnockWaitsUntilEverybodyHadHisTurn) {
    settings.workers = 1;
    outlets_up_to(30);
    start();
    shop(1).door = smb::Outcome::timeout;
    for (int i = 2; i <= 30; ++i) shop(i).visit_takes = milliseconds(500);
    scan();
    EXPECT_EQ(shop(1).probes, 2);
    EXPECT_GE(shop(1).probed_after, 28U);
}

TEST_F(Window, ThoseThatWereSlowAndComeAllAtOnceDoNotAllWait) {
    outlets_up_to(300);
    start();
    for (int i = 1; i <= 300; ++i) {
        shop(i).door_takes = milliseconds(1900);
        shop(i).visit_takes = seconds(5);
    }
    const auto run = begin();
    pass(milliseconds(1800), kStep);
    EXPECT_GT(servers.probing, 100U);
    EXPECT_LE(most_open(seconds(2)), 24U);
    finish(run);
    EXPECT_EQ(servers.orders.size(), 300U) << "whose connection was closed is visited all the same";
    EXPECT_EQ(servers.open_connections(), 0U);
}

TEST_F(Window, OneThatWaitedTooLongIsNotUsed) {
    start();
    const auto run = begin();
    hold_off = "the disk is full";
    pass(milliseconds(100), kStep);
    EXPECT_EQ(servers.open_connections(), 3U);
    pass(seconds(6));
    hold_off.clear();
    finish(run);
    EXPECT_EQ(servers.orders.size(), 3U);
    EXPECT_TRUE(servers.with_connection.empty());
}

TEST_F(Window, CancellingClosesThem) {
    settings.workers = 20;
    outlets_up_to(100);
    start();
    for (int i = 1; i <= 100; ++i) shop(i).visit_takes = seconds(10);
    const auto run = begin();
    pass(milliseconds(100), kStep);
    EXPECT_GT(servers.open_connections(), servers.visiting) << "the others wait until a login was accepted";
    EXPECT_TRUE(runs_engine->cancel(run));
    loop.run_posted();
    EXPECT_EQ(servers.open_connections(), 0U);
}

TEST_F(Window, ThePartThatGoesClosesThem) {
    settings.workers = 20;
    outlets_up_to(100);
    start();
    for (int i = 1; i <= 100; ++i) shop(i).visit_takes = seconds(10);
    begin();
    pass(milliseconds(100), kStep);
    ASSERT_GT(servers.open_connections(), servers.visiting);
    part.reset();
    EXPECT_EQ(servers.open_connections(), 0U);
}

TEST_F(Window, NobodyWaitsForACredentialThatIsGivenUp) {
    settings.workers = 20;
    outlets_up_to(100);
    start();
    for (int i = 1; i <= 100; ++i) {
        shop(i).visit_takes = milliseconds(300);
        shop(i).answer = [](const smb::Order&, int) { return refused(); };
    }
    shop(1).visit_takes = seconds(10);
    const auto run = begin();
    pass(milliseconds(100), kStep);
    ASSERT_GT(servers.open_connections(), 3U);
    pass(seconds(3), kStep);
    ASSERT_FALSE(part->view(run)->final);
    EXPECT_EQ(servers.open_connections(), 1U) << "that of the one which is still being visited";
    finish(run);
}

}  // namespace
}  // namespace bkmon::test
