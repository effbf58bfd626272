// A crash between any two commits: what happened is told at least once, in one mail as far as anybody can tell, and the incidents are the same.
#include "tests/support/facts.h"
#include "tests/unit/daemon/alerts/fixture.h"

namespace bkmon::alerts {
namespace {

class CrashTest : public AlertsTest {
protected:
    struct Step {
        std::string target;
        Status status;
        milliseconds after;
    };
    /// A morning: some fail together, one comes and goes, one gets worse, a reminder comes, the digest too.
    const std::vector<Step> kMorning{
        {"deposit/A/1", Status::failed, 1s}, {"deposit/A/2", Status::failed, 1s},    {"deposit/A/3", Status::failed, 1min},
        {"deposit/B/1", Status::held, 2min}, {"deposit/B/1", Status::missing, 2min}, {"deposit/C/1", Status::warning, 1min},
        {"deposit/A/2", Status::ok, 5s},     {"deposit/A/3", Status::ok, 7h},        {"deposit/C/2", Status::corrupt, 10s},
        {"deposit/C/2", Status::ok, 5min},   {"deposit/B/1", Status::ok, 14h},       {"deposit/C/1", Status::ok, 25h},
    };

    /// What is left when all is over, without what depends on the moment of a restart.
    struct Left {
        std::vector<std::string> incidents;
        std::map<std::string, std::set<std::string>> subjects;  ///< by Message-ID
        std::size_t mails = 0, notices = 0;
        bool operator==(const Left& o) const { return incidents == o.incidents && subjects == o.subjects && notices == o.notices; }
    };

    void begin() {
        options.alerts.remind = 6h;
        options.alerts.reminders = 1;
        options.mail.to = {"ops@example.org", "boss@example.org"};
        define({"deposit/A/1", "deposit/A/2", "deposit/A/3", "deposit/B/1", "deposit/C/1", "deposit/C/2"});
        start();
    }
    /// All of it; where the store dies, another process goes on.
    Left run(int dies_after) {
        begin();
        const auto before = store.commits;
        store.die_after(dies_after > 0 ? dies_after : -1);
        for (const auto& step : kMorning) {
            for (int tries = 0; tries < 5; ++tries) {
                const bool stored = publish(step.target, step.status);
                look_after();
                if (stored) break;
            }
            for (milliseconds gone{0}; gone < step.after; gone += std::min<milliseconds>(step.after, 1min)) {
                loop.advance(std::min<milliseconds>(step.after, 1min));
                look_after();
            }
        }
        commits = store.commits - before;
        return left();
    }
    /// The process died: another one starts on what is there.
    void look_after() {
        if (!store.dead()) return;
        stop();
        store.revive();
        start();
        ++deaths;
    }
    Left left() {
        Left l;
        for (const auto& i : incidents())
            l.incidents.push_back(i.target.str() + " " + std::string(core::name_of(i.status)) + (i.closed_at ? " closed" : " open") + " " +
                                  std::to_string(i.bad_in_row) + " " + std::to_string(i.reminders));
        for (const auto& got : take()) l.subjects[got.id].insert(got.to + ": " + got.subject), ++l.mails;
        l.notices = notices();
        return l;
    }
    int commits = 0, deaths = 0;
};

class AlertCrashSweep : public CrashTest {};

/// Every commit of a day is followed by a crash once.
TEST_F(AlertCrashSweep, BetweenAnyTwoCommitsNothingIsLostAndNothingIsDouble) {
    const auto began = std::chrono::steady_clock::now();
    const auto whole = run(0);
    const int points = commits;
    ASSERT_GT(points, 60);
    ASSERT_GE(whole.subjects.size(), 9u);
    ASSERT_EQ(whole.notices, 0u);
    for (const auto& [mail_id, said] : whole.subjects) ASSERT_LE(said.size(), 2u) << mail_id;
    int violations = 0;
    for (int k = 1; k <= points; ++k) {
        AlertCrashSweep_BetweenAnyTwoCommitsNothingIsLostAndNothingIsDouble_Test fresh;
        const auto after = fresh.run(k);
        EXPECT_EQ(fresh.deaths, 1) << k;
        EXPECT_EQ(after.incidents, whole.incidents) << "after commit " << k;
        EXPECT_EQ(after.subjects, whole.subjects) << "after commit " << k;
        EXPECT_EQ(after.notices, 0u) << "after commit " << k;
        violations += after == whole ? 0 : 1;
        if (testing::Test::HasFailure()) break;
    }
    test::fact("alert_crash_points", {{"points", points}, {"violations", violations}},
               std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
}

/// The mark moves with the incidents: an event is read again as long as nothing came of it, and never after.
TEST_F(CrashTest, AnEventIsReadOnce) {
    define({"deposit/A/1"});
    rule(Mode::at_once).after = 2;
    start();
    for (int k = 1; k < 6; ++k) {
        part.reset();
        publish("deposit/A/1", Status::failed);
        store.die_after(k);
        part = std::make_unique<Part>(Part::Rooms{loop, lane, store, *registry, *scheduler, mail, journal}, options);
        part->start();
        loop.advance(1min);
        store.revive();
        restart();
        loop.advance(1min);
        EXPECT_THAT(take(), IsEmpty()) << "one failure is not two, however often it was read: " << k;
        EXPECT_EQ(incident("deposit/A/1").bad_in_row, 1) << k;
        publish("deposit/A/1", Status::ok);
        loop.advance(1min);
    }
}

/// The server has it, and its end was never written: it is sent again as the same mail.
TEST_F(CrashTest, AMailWhoseAnswerIsLostIsTheSameMailAgain) {
    define({"deposit/A/1"});
    start();
    publish("deposit/A/1", Status::failed);
    mail.held = true;
    loop.advance(1min);
    ASSERT_THAT(mail.attempts, SizeIs(1));
    mail.held = false;
    restart();
    loop.advance(1min);
    ASSERT_THAT(mail.attempts, SizeIs(2));
    EXPECT_EQ(mail.attempts[0].envelope.bytes, mail.attempts[1].envelope.bytes);
    loop.advance(20h);
    EXPECT_THAT(mail.attempts, SizeIs(2));
}

}  // namespace
}  // namespace bkmon::alerts
