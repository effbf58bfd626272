// From a verdict to a mail: rules, reminders, starts and restarts.
#include "tests/unit/daemon/alerts/fixture.h"

namespace bkmon::alerts {
namespace {

TEST_F(AlertsTest, AVerdictBecomesAMailWithinTheGroupingWindow) {
    define({"deposit/SHOP/db"});
    start();
    publish("deposit/SHOP/db", Status::failed);
    loop.advance(20s);
    EXPECT_THAT(take(), IsEmpty()) << "others may fail for the same cause";
    loop.advance(11s);
    const auto mails = take();
    ASSERT_THAT(mails, SizeIs(1));
    EXPECT_EQ(mails[0].to, "ops@example.org");
    EXPECT_THAT(mails[0].subject, HasSubstr("CRITICAL"));
    EXPECT_THAT(mails[0].subject, HasSubstr("deposit/SHOP/db"));
    EXPECT_THAT(mails[0].text, HasSubstr("because of the test"));
    const auto i = incident("deposit/SHOP/db");
    EXPECT_EQ(i.status, Status::failed);
    EXPECT_EQ(i.said, Status::failed);
    EXPECT_EQ(i.thread, mails[0].id);
    EXPECT_THAT(i.told, ElementsAre("ops@example.org"));
    publish("deposit/SHOP/db", Status::ok);
    loop.advance(1min);
    const auto end = take();
    ASSERT_THAT(end, SizeIs(1));
    EXPECT_THAT(end[0].subject, HasSubstr("recovered"));
    EXPECT_EQ(end[0].answers, mails[0].id) << "one thread";
    EXPECT_TRUE(incident("deposit/SHOP/db").closed_at);
    EXPECT_EQ(notices(), 0u);
}

TEST_F(AlertsTest, WithoutAWindowItIsUnderASecond) {
    options.alerts.group = 0ms;
    define({"deposit/SHOP/db"});
    start();
    publish("deposit/SHOP/db", Status::failed);
    loop.advance(900ms);
    EXPECT_THAT(take(), SizeIs(1));
}

TEST_F(AlertsTest, WhatCameAndWentWithinTheWindowIsStillSaid) {
    define({"deposit/SHOP/db"});
    start();
    publish("deposit/SHOP/db", Status::failed);
    loop.advance(5s);
    publish("deposit/SHOP/db", Status::ok);
    loop.advance(1min);
    const auto mails = take();
    ASSERT_THAT(mails, SizeIs(1));
    EXPECT_THAT(mails[0].subject, HasSubstr("recovered"));
    EXPECT_THAT(mails[0].text, HasSubstr("failed")) << "what it was";
    EXPECT_THAT(mails[0].text, Not(HasSubstr("unknown")));
}

TEST_F(AlertsTest, WhatGotWorseWithinTheWindowIsSaidAsItIs) {
    define({"deposit/SHOP/db"});
    start();
    publish("deposit/SHOP/db", Status::held);
    loop.advance(5s);
    publish("deposit/SHOP/db", Status::missing);
    loop.advance(1min);
    const auto mails = take();
    ASSERT_THAT(mails, SizeIs(1));
    EXPECT_THAT(mails[0].subject, HasSubstr("missing"));
    EXPECT_THAT(mails[0].subject, Not(HasSubstr("worse"))) << "nobody knows of what was before";
}

TEST_F(AlertsTest, WorseAndBetterAnswerTheFirst) {
    define({"deposit/SHOP/db"});
    start();
    for (const auto status : {Status::held, Status::missing, Status::held, Status::ok}) publish("deposit/SHOP/db", status), loop.advance(2min);
    const auto mails = take();
    ASSERT_THAT(mails, SizeIs(4));
    for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(mails[i].answers, mails[0].id);
    EXPECT_THAT(mails[1].subject, HasSubstr("worse"));
    EXPECT_THAT(mails[2].subject, HasSubstr("better"));
    EXPECT_THAT(mails[3].subject, HasSubstr("recovered"));
}

TEST_F(AlertsTest, TheDefaultIsSensible) {
    define({"deposit/A/critical", "deposit/A/held", "deposit/A/warning", "deposit/A/late", "deposit/A/ok", "deposit/A/unchanged"});
    options.alerts.reminders = 0;
    start();
    publish("deposit/A/critical", Status::missing);
    publish("deposit/A/held", Status::held);
    publish("deposit/A/warning", Status::warning);
    publish("deposit/A/late", Status::late);
    publish("deposit/A/ok", Status::ok);
    publish("deposit/A/unchanged", Status::unchanged, Severity::ok);
    loop.advance(5min);
    const auto at_once = subjects();
    EXPECT_THAT(at_once, UnorderedElementsAre(HasSubstr("deposit/A/critical"), HasSubstr("deposit/A/held")));
    EXPECT_THAT(incidents(), SizeIs(3)) << "late and good ones are none";
    loop.advance(24h);
    const auto digest = take();
    ASSERT_THAT(digest, SizeIs(1));
    EXPECT_THAT(digest[0].text, HasSubstr("deposit/A/warning"));
}

TEST_F(AlertsTest, WithoutADigestWarningsComeAtOnce) {
    options.mail.digest.reset();
    define({"deposit/A/db"});
    start();
    fail_and_wait("deposit/A/db", Status::warning);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("deposit/A/db")));
    const auto e = wait_for<Explanation>([&](auto done) { part->explain(id_of("deposit/A/db"), std::move(done)); });
    ASSERT_TRUE(e);
    EXPECT_EQ(e->mail, Mode::at_once) << "explain says what is done";
    loop.advance(30h);
    EXPECT_THAT(notices(), 0u);
}

TEST_F(AlertsTest, TheFirstRuleThatFitsCounts) {
    rule(Mode::never).targets = {"deposit/TEST_*"};
    auto& north = rule(Mode::at_once);
    north.labels = {{"region", "north"}};
    north.to = {"north@example.org", "boss@example.org"};
    rule(Mode::digest).statuses = {Status::failed};
    define({{"deposit/TEST_1/db", {{"region", "north"}}, {}},
            {"deposit/SHOP/db", {{"region", "north"}}, {"shop@example.org"}},
            {"deposit/OTHER/db", {}, {"other@example.org"}},
            {"deposit/PLAIN/db", {}, {}}});
    start();
    for (const auto* t : {"deposit/TEST_1/db", "deposit/SHOP/db", "deposit/OTHER/db"}) publish(t, Status::failed);
    publish("deposit/PLAIN/db", Status::corrupt);
    loop.advance(2min);
    std::map<std::string, std::string> got;
    for (const auto& m : take()) got[m.to] += m.subject;
    EXPECT_EQ(got.size(), 3u);
    EXPECT_THAT(got["north@example.org"], HasSubstr("deposit/SHOP/db"));
    EXPECT_THAT(got["boss@example.org"], HasSubstr("deposit/SHOP/db"));
    EXPECT_THAT(got["ops@example.org"], HasSubstr("deposit/PLAIN/db"));
    EXPECT_THAT(incident("deposit/TEST_1/db").status, Status::failed) << "an incident is there also when nobody is told";
}

TEST_F(AlertsTest, TargetsHaveRecipientsOfTheirOwnAndRulesSeverities) {
    auto& r = rule(Mode::at_once);
    r.statuses = {Status::warning};
    r.severity = Severity::critical;
    define({{"deposit/SHOP/db", {}, {"Shop <shop@example.org>"}}});
    start();
    fail_and_wait("deposit/SHOP/db", Status::warning);
    const auto mails = take();
    ASSERT_THAT(mails, SizeIs(1));
    EXPECT_EQ(mails[0].to, "shop@example.org");
    EXPECT_THAT(mails[0].subject, HasSubstr("CRITICAL"));
    EXPECT_EQ(incident("deposit/SHOP/db").severity, Severity::critical);
}

TEST_F(AlertsTest, AfterSoManyFailuresButAtOnceWhenNothingCame) {
    auto& r = rule(Mode::at_once);
    r.after = 3;
    define({"deposit/A/db", "deposit/B/db"});
    start();
    publish("deposit/B/db", Status::missing);
    publish("deposit/A/db", Status::failed);
    loop.advance(1h);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("deposit/B/db")));
    publish("deposit/A/db", Status::failed);
    loop.advance(1h);
    EXPECT_THAT(subjects(), IsEmpty());
    restart();
    reconfigure();
    loop.advance(1h);
    EXPECT_THAT(subjects(), IsEmpty()) << "neither a restart nor a reload is a failure";
    publish("deposit/A/db", Status::failed);
    loop.advance(1h);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("deposit/A/db")));
    publish("deposit/A/db", Status::ok);
    publish("deposit/A/db", Status::failed);
    publish("deposit/A/db", Status::ok);
    loop.advance(1h);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("recovered"))) << "one failure is not three";
}

TEST_F(AlertsTest, RemindersComeAndEnd) {
    options.alerts.remind = 6h;
    options.alerts.reminders = 3;
    options.mail.digest.reset();
    define({"deposit/A/db"});
    start();
    fail_and_wait("deposit/A/db");
    EXPECT_THAT(subjects(), SizeIs(1));
    loop.advance(6h);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("still")));
    loop.advance(7 * 24h);
    EXPECT_THAT(subjects(), SizeIs(2)) << "three in all";
    publish("deposit/A/db", Status::ok);
    loop.advance(1min);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("recovered")));
    loop.advance(48h);
    EXPECT_THAT(subjects(), IsEmpty());
}

TEST_F(AlertsTest, RemindersComeThroughARestartAndOnlyOnce) {
    options.alerts.remind = 6h;
    options.mail.digest.reset();
    define({"deposit/A/db"});
    start();
    fail_and_wait("deposit/A/db");
    take();
    loop.advance(5h);
    stop();
    loop.advance(3h);
    start();
    loop.advance(1h);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("still")));
}

TEST_F(AlertsTest, ARecoveryGoesToWhomItWasTold) {
    define({{"deposit/A/db", {}, {"old@example.org"}}});
    start();
    fail_and_wait("deposit/A/db");
    take();
    define({{"deposit/A/db", {}, {"new@example.org"}}});
    rule(Mode::never);
    reconfigure();
    publish("deposit/A/db", Status::ok);
    loop.advance(1min);
    const auto mails = take();
    ASSERT_THAT(mails, SizeIs(1));
    EXPECT_EQ(mails[0].to, "old@example.org");
    EXPECT_THAT(mails[0].subject, HasSubstr("recovered"));
}

TEST_F(AlertsTest, WhatNobodyWasToldHasNoEndToTell) {
    rule(Mode::never);
    define({"deposit/A/db"});
    start();
    fail_and_wait("deposit/A/db");
    publish("deposit/A/db", Status::ok);
    loop.advance(25h);
    EXPECT_THAT(take(), SizeIs(1)) << "the digest alone";
}

TEST_F(AlertsTest, AFirstStartTellsNothingOldButWhatIsBadNow) {
    define({"deposit/A/good", "deposit/A/bad"});
    registry = std::make_unique<targets::Registry>(loop, store);
    registry->load([](Result<void>) {});
    loop.run_posted();
    for (int i = 0; i < 600; ++i) {
        publish("deposit/A/good", i % 2 == 0 ? Status::failed : Status::ok);
        publish("deposit/A/bad", i % 2 == 0 ? Status::ok : Status::failed);
        loop.advance(1min);
    }
    registry.reset();
    start();
    loop.advance(5min);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("deposit/A/bad")));
    EXPECT_THAT(incidents(), SizeIs(1));
}

TEST_F(AlertsTest, WhatHappenedWhileItWasDownIsTold) {
    define({"deposit/A/db", "deposit/B/db"});
    start();
    fail_and_wait("deposit/B/db");
    take();
    part.reset();
    publish("deposit/A/db", Status::failed);
    publish("deposit/A/db", Status::ok);
    publish("deposit/A/db", Status::missing);
    publish("deposit/B/db", Status::ok);
    restart();
    loop.advance(5min);
    EXPECT_THAT(subjects(), UnorderedElementsAre(HasSubstr("deposit/A/db"), HasSubstr("deposit/B/db has recovered"),
                                                 testing::AllOf(HasSubstr("deposit/A/db"), HasSubstr("recovered"))))
        << "first and last";
    EXPECT_EQ(incident("deposit/A/db").status, Status::missing);
}

TEST_F(AlertsTest, WhatComesBeforeTheFirstEventWasReadIsTold) {
    define({"deposit/A/db"});
    start();
    part.reset();
    publish("deposit/A/db", Status::failed);
    publish("deposit/A/db", Status::ok);
    restart();
    loop.advance(5min);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("deposit/A/db has recovered")));
}

TEST_F(AlertsTest, ATargetThatNobodyWatchesAnyMoreEndsSilently) {
    define({"deposit/A/db", "deposit/B/db"});
    start();
    fail_and_wait("deposit/A/db");
    take();
    define({"deposit/B/db"});
    reconfigure();
    loop.advance(20h);
    EXPECT_TRUE(incident("deposit/A/db").closed_at);
    EXPECT_THAT(take(), IsEmpty());
    loop.advance(10 * 24h);
    for (const auto& m : take()) EXPECT_THAT(m.subject, Not(HasSubstr("deposit/A/db")));
}

TEST_F(AlertsTest, ATargetThatIsNotDefinedYetKeepsItsIncident) {
    define({"deposit/A/db"});
    start();
    fail_and_wait("deposit/A/db");
    take();
    stop();
    define(std::vector<Wanted>{});
    bool complete = false;
    options.complete = [&complete] { return complete; };
    start();
    loop.advance(10min);
    EXPECT_FALSE(incident("deposit/A/db").closed_at) << "a part that could not begin says nothing of its targets";
    define({"deposit/A/db"});
    complete = true;
    loop.advance(10min);
    EXPECT_FALSE(incident("deposit/A/db").closed_at);
    EXPECT_THAT(take(), IsEmpty());
    stop();
    define(std::vector<Wanted>{});
    start();
    loop.advance(10min);
    EXPECT_TRUE(incident("deposit/A/db").closed_at);
}

TEST_F(AlertsTest, AnEventOfATargetThatIsGoneByNowIsNotTold) {
    define({"deposit/A/db", "deposit/B/db"});
    start();
    part.reset();
    publish("deposit/A/db", Status::failed);
    stop();
    define({"deposit/B/db"});
    start();
    loop.advance(10min);
    EXPECT_THAT(subjects(), IsEmpty());
}

TEST_F(AlertsTest, AHistoryThatFailsForAWhileLosesNothing) {
    define({"deposit/A/db"});
    start();
    publish("deposit/A/db", Status::failed);
    tables.fail_next_reads(7, Error{Errc::unavailable, "the disk is gone", {}});
    tables.fail_next_writes(7, Error{Errc::unavailable, "the disk is gone", {}});
    loop.advance(5min);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("deposit/A/db")));
}

TEST_F(AlertsTest, AStartOnAHistoryThatCannotBeReadGoesOnWhenItCan) {
    define({"deposit/A/db"});
    start();
    fail_and_wait("deposit/A/db");
    take();
    part.reset();
    publish("deposit/A/db", Status::ok);
    tables.fail_next_reads(3, Error{Errc::unavailable, "the disk is gone", {}});
    part = std::make_unique<Part>(Part::Rooms{loop, lane, store, *registry, *scheduler, mail, journal}, options);
    part->start();
    loop.advance(2min);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("recovered")));
}

TEST_F(AlertsTest, AReloadFindsWhatOtherRulesSayOfWhatIsOpen) {
    rule(Mode::never);
    define({"deposit/A/db"});
    start();
    fail_and_wait("deposit/A/db");
    EXPECT_THAT(take(), IsEmpty());
    options.alerts.rules.clear();
    reconfigure();
    loop.advance(2min);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("deposit/A/db")));
}

TEST_F(AlertsTest, SettingsWithoutMailTellNobodyAndGoOnWhenThereAreSome) {
    const auto full = options;
    options.mail = {};
    define({"deposit/A/db"});
    start();
    fail_and_wait("deposit/A/db");
    EXPECT_TRUE(mail.attempts.empty());
    options = full;
    reconfigure();
    loop.advance(2min);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("deposit/A/db")));
}

class ClockSet : public AlertsTest, public testing::WithParamInterface<milliseconds> {};

TEST_P(ClockSet, NothingIsHeldForYears) {
    options.alerts.remind = 6h;
    options.mail.digest.reset();
    define({"deposit/A/db", "deposit/B/db", "deposit/C/db"});
    start();
    fail_and_wait("deposit/A/db");
    take();
    publish("deposit/B/db", Status::failed);
    loop.jump(GetParam());
    scheduler->clock_changed();
    part->clock_changed(GetParam());
    loop.advance(2min);
    EXPECT_THAT(subjects(), Contains(HasSubstr("deposit/B/db"))) << "what waited to be grouped";
    fail_and_wait("deposit/C/db");
    EXPECT_THAT(subjects(), Contains(HasSubstr("deposit/C/db")));
    loop.advance(7h);
    publish("deposit/A/db", Status::ok);
    loop.advance(2min);
    EXPECT_THAT(subjects(), Contains(HasSubstr("recovered")));
    for (int i = 0; i < 12; ++i) publish("deposit/C/db", i % 2 == 0 ? Status::ok : Status::failed), loop.advance(1min);
    publish("deposit/C/db", Status::ok);
    take();
    loop.jump(-GetParam());
    part->clock_changed(-GetParam());
    loop.advance(1h);
    EXPECT_THAT(subjects(), Contains(HasSubstr("recovered"))) << "what was flapping";
}

constexpr milliseconds kTenYears = std::chrono::hours(24 * 3652);
INSTANTIATE_TEST_SUITE_P(Jumps, ClockSet,
                         testing::Values(milliseconds(1h), milliseconds(-1h), kTenYears, -kTenYears,
                                         milliseconds(std::chrono::sys_days(std::chrono::year(1970) / 1 / 1) -
                                                      std::chrono::sys_days(std::chrono::year(2026) / 11 / 22))));

}  // namespace
}  // namespace bkmon::alerts
