#include <gtest/gtest.h>

#include "daemon/alerts/rules/incident.h"

namespace bkmon::alerts {
namespace {

using core::Severity;
using core::Status;
using Mail = core::AlertRule::Mail;
using std::chrono::hours;
using std::chrono::minutes;

class IncidentTest : public testing::Test {
protected:
    Incident incident;
    FlapRules flap;
    Decision decision;
    Time now = *parse_rfc3339("2026-11-22T03:00:00Z");
    bool silenced = false;
    std::vector<std::string> said;

    void SetUp() override {
        decision.remind = hours(24);
        decision.reminders = 2;
    }
    void note(const std::optional<Notice>& n) {
        if (n) said.push_back(std::string(name_of(n->word)) + " " + std::string(core::name_of(n->from)) + ">" + std::string(core::name_of(n->to)));
    }
    void verdict(Status status, milliseconds after = minutes(1)) {
        now += after;
        auto d = decision;
        d.severity = core::severity_of(status);
        d.mail = d.severity == Severity::critical || status == Status::held ? Mail::at_once : d.severity == Severity::ok ? Mail::never : Mail::digest;
        current = d;
        note(turn(incident, {status, now, now - minutes(5), d, silenced}, flap));
    }
    void pass(milliseconds d) {
        for (milliseconds gone{0}; gone < d; gone += minutes(1)) {
            now += minutes(1);
            note(tick(incident, current, silenced, now, flap));
        }
    }
    Decision current;
    std::vector<std::string> take() { return std::exchange(said, {}); }
    using Words = std::vector<std::string>;
};

TEST_F(IncidentTest, OpensOnceAndClosesOnce) {
    verdict(Status::failed);
    EXPECT_EQ(incident.problem_at, now - minutes(5)) << "the time of the problem, not of its discovery";
    verdict(Status::failed, hours(1));
    verdict(Status::ok, hours(1));
    verdict(Status::ok, hours(1));
    EXPECT_EQ(take(), (Words{"opened unknown>failed", "recovered failed>ok"}));
    EXPECT_TRUE(incident.closed_at);
}

TEST_F(IncidentTest, WorseAndBetterAreSaid) {
    verdict(Status::held);
    verdict(Status::missing);
    verdict(Status::held);
    verdict(Status::ok);
    EXPECT_EQ(take(), (Words{"opened unknown>held", "worse held>missing", "better missing>held", "recovered held>ok"}));
}

TEST_F(IncidentTest, LateAndPausedOpenNothingAndLateChangesNothing) {
    verdict(Status::late);
    verdict(Status::paused);
    EXPECT_EQ(incident.bad_in_row, 0);
    verdict(Status::missing);
    verdict(Status::late);
    EXPECT_EQ(incident.status, Status::missing);
    EXPECT_EQ(take(), (Words{"opened unknown>missing"}));
}

TEST_F(IncidentTest, ARuleMayWaitForMoreFailures) {
    decision.after = 3;
    verdict(Status::failed);
    verdict(Status::failed);
    verdict(Status::ok);
    verdict(Status::failed);
    verdict(Status::failed);
    EXPECT_EQ(take(), Words{}) << "three in a row, and an end of what nobody heard of is silent";
    verdict(Status::failed);
    EXPECT_EQ(take(), (Words{"opened unknown>failed"}));
}

TEST_F(IncidentTest, RemindersHaveAnIntervalAndACapAndEndWithAnAcknowledgement) {
    verdict(Status::failed);
    pass(hours(24 * 5));
    EXPECT_EQ(take(), (Words{"opened unknown>failed", "reminder failed>failed", "reminder failed>failed"}));
    verdict(Status::ok);
    verdict(Status::failed);
    incident.acked_at = now;
    take();
    pass(hours(48));
    EXPECT_EQ(take(), Words{});
    verdict(Status::missing);
    EXPECT_EQ(take(), (Words{"worse failed>missing"})) << "and worse than what was acknowledged is said";
    EXPECT_FALSE(incident.acked_at);
}

TEST_F(IncidentTest, ASilenceDelaysWhatIsStillTrueWhenItEnds) {
    silenced = true;
    verdict(Status::failed);
    pass(hours(2));
    EXPECT_EQ(take(), Words{});
    silenced = false;
    pass(minutes(1));
    EXPECT_EQ(take(), (Words{"opened unknown>failed"}));
}

TEST_F(IncidentTest, ADayOfFlappingIsFewWordsAndTheLastOneIsTrue) {
    for (const bool ends_bad : {false, true}) {
        incident = Incident();
        for (int minute = 0; minute < 24 * 60; ++minute) {
            verdict(minute % 2 == 0 ? Status::failed : Status::ok);
            note(tick(incident, current, silenced, now, flap));
        }
        if (ends_bad) verdict(Status::failed);
        pass(hours(1));
        const auto words = take();
        EXPECT_LE(words.size(), 8U);
        EXPECT_EQ(words.front(), "opened unknown>failed");
        EXPECT_EQ(words.back(), ends_bad ? "opened failed>failed" : "recovered failed>ok");
        EXPECT_FALSE(incident.flapping);
    }
}

TEST_F(IncidentTest, SomebodyWakesItInTime) {
    EXPECT_FALSE(next_tick(incident, current, flap));
    verdict(Status::failed);
    EXPECT_EQ(next_tick(incident, current, flap), now + hours(24));
    verdict(Status::ok);
    EXPECT_FALSE(next_tick(incident, current, flap));
}

}  // namespace
}  // namespace bkmon::alerts
