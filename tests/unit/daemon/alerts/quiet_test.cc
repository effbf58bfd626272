// One mail for one cause: groups, flapping, limits; and what hides problems for a while.
#include "tests/unit/daemon/alerts/fixture.h"

namespace bkmon::alerts {
namespace {

std::string number(int i) { return (i < 10 ? "000" : i < 100 ? "00" : i < 1000 ? "0" : "") + std::to_string(i); }

TEST_F(AlertsTest, AThousandForOneCauseAreFewMailsAndOthersAreNotHidden) {
    std::vector<Wanted> all;
    for (int i = 0; i < 1000; ++i) all.push_back({"deposit/SHOP_" + number(i) + "/db", {{"region", "north"}}, {}});
    for (int i = 0; i < 20; ++i) all.push_back({"deposit/WELL_" + number(i) + "/db", {{"region", "north"}}, {}});
    all.push_back({"deposit/ALONE/one", {{"region", "south"}}, {}});
    all.push_back({"deposit/ALONE/two", {{"region", "east"}}, {}});
    define(all);
    start();
    for (int i = 0; i < 1000; ++i) {
        publish("deposit/SHOP_" + number(i) + "/db", Status::failed);
        if (i % 100 == 0) loop.advance(1s);
    }
    publish("deposit/ALONE/one", Status::failed);
    publish("deposit/ALONE/two", Status::corrupt);
    loop.advance(5min);
    const auto mails = take();
    EXPECT_LE(mails.size(), 5u);
    std::string all_subjects;
    for (const auto& m : mails) all_subjects += m.subject + "\n";
    EXPECT_THAT(all_subjects, HasSubstr("1000 of 1020"));
    EXPECT_THAT(all_subjects, HasSubstr("region north"));
    EXPECT_THAT(all_subjects, HasSubstr("deposit/ALONE/one"));
    EXPECT_THAT(all_subjects, HasSubstr("deposit/ALONE/two"));
    EXPECT_THAT(incident("deposit/SHOP_0500/db").cause, HasSubstr("north"));
    for (int i = 0; i < 1000; ++i) publish("deposit/SHOP_" + number(i) + "/db", Status::ok);
    loop.advance(5min);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("1000 of 1020")));
    EXPECT_EQ(notices(), 0u);
    loop.advance(10h);
    EXPECT_THAT(subjects(), IsEmpty());
}

TEST_F(AlertsTest, OneAgentIsTheCauseOfItsDatabases) {
    define({"deposit/SHOP/a", "deposit/SHOP/b", "deposit/SHOP/c", "deposit/SHOP/d", "deposit/OTHER/a"});
    start();
    for (const auto* t : {"deposit/SHOP/a", "deposit/SHOP/b", "deposit/SHOP/c", "deposit/OTHER/a"}) publish(t, Status::failed);
    loop.advance(2min);
    EXPECT_THAT(subjects(), UnorderedElementsAre(HasSubstr("3 of 4 targets of agent SHOP"), HasSubstr("deposit/OTHER/a")));
}

TEST_F(AlertsTest, MoreThanAreReadAtOnceAllGo) {
    std::vector<Wanted> all;
    for (int i = 0; i < 6000; ++i) all.push_back({"deposit/SHOP/" + number(i), {}, {}});
    define(all);
    options.mail.digest.reset();
    start();
    part.reset();  // the events come while nobody reads
    for (int i = 0; i < 6000; ++i) publish("deposit/SHOP/" + number(i), Status::failed);
    restart();
    loop.advance(10min);
    EXPECT_EQ(notices(), 0u);
    EXPECT_LE(take().size(), 5u);
}

TEST_F(AlertsTest, FlappingEachMinuteForADayIsAFewMailsAndTheRightEnd) {
    define({"deposit/A/db"});
    start();
    for (int minute = 0; minute < 24 * 60; ++minute) {
        publish("deposit/A/db", minute % 2 == 0 ? Status::failed : Status::ok);
        loop.advance(1min);
    }
    publish("deposit/A/db", Status::corrupt);
    loop.advance(1h);
    std::vector<Got> alerts;
    for (auto& m : take())
        if (m.subject.find("deposit/A/db") != std::string::npos) alerts.push_back(m);
    EXPECT_LE(alerts.size(), 8u);
    ASSERT_GE(alerts.size(), 3u);
    EXPECT_THAT(alerts.front().subject, HasSubstr("failed")) << "the first state";
    EXPECT_THAT(alerts.back().subject, HasSubstr("corrupt")) << "and the last";
    bool said = false;
    for (const auto& m : alerts) said = said || m.subject.find("changes all the time") != std::string::npos;
    EXPECT_TRUE(said);
}

TEST_F(AlertsTest, FlappingThatEndsWellSaysSo) {
    define({"deposit/A/db"});
    start();
    for (int minute = 0; minute < 60; ++minute) publish("deposit/A/db", minute % 2 == 0 ? Status::failed : Status::ok), loop.advance(1min);
    const auto during = subjects();
    EXPECT_THAT(during.back(), HasSubstr("changes all the time"));
    loop.advance(25min);
    reconfigure();
    loop.advance(1min);
    EXPECT_THAT(subjects(), IsEmpty()) << "it must stay for half an hour, whoever looks";
    loop.advance(5min);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("recovered")));
    EXPECT_FALSE(incident("deposit/A/db").flapping);
    publish("deposit/A/db", Status::failed);
    loop.advance(2min);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("failed"))) << "it is told again";
}

TEST_F(AlertsTest, TheHourlyLimitLosesNothing) {
    options.alerts.hourly = 5;
    options.alerts.group = 0ms;
    options.alerts.reminders = 0;
    options.mail.digest.reset();
    std::vector<Wanted> all;
    for (int i = 0; i < 40; ++i) all.push_back({"deposit/S" + number(i) + "/db", {}, {}});
    define(all);
    start();
    for (int i = 0; i < 40; ++i) fail_and_wait("deposit/S" + number(i) + "/db", i % 2 == 0 ? Status::failed : Status::corrupt);
    auto mails = take();
    EXPECT_EQ(mails.size(), 5u);
    EXPECT_THAT(mails.front().subject, HasSubstr("deposit/S0000/db")) << "the first state";
    for (int i = 0; i < 20; ++i) publish("deposit/S" + number(i) + "/db", Status::ok);
    loop.advance(3h);
    auto rest = take();
    EXPECT_LE(rest.size(), 15u);
    std::string text;
    bool counted = false;
    for (const auto& m : rest) mails.push_back(m), counted = counted || m.text.find("held back") != std::string::npos;
    for (const auto& m : mails) text += m.subject + m.text;
    EXPECT_TRUE(counted) << "says how many it stands for";
    for (int i = 0; i < 40; ++i) EXPECT_THAT(text, HasSubstr("deposit/S" + number(i) + "/db"));
    EXPECT_EQ(notices(), 0u);
    for (std::size_t i = 0; i + 5 < mails.size(); ++i) EXPECT_GE(mails[i + 5].at - mails[i].at, 1h) << "never more than five an hour";
    for (int i = 0; i < 20; ++i) EXPECT_THAT(text, testing::ContainsRegex("deposit/S" + number(i) + "/db\n +ok since")) << "the last state";
}

TEST_F(AlertsTest, ALimitOfOneRecipientIsNoneOfOthers) {
    options.alerts.hourly = 2;
    options.alerts.group = 0ms;
    define({{"deposit/A/1", {}, {"a@example.org"}}, {"deposit/B/1", {}, {"b@example.org"}}});
    start();
    for (int i = 0; i < 6; ++i) publish("deposit/A/1", i % 2 == 0 ? Status::failed : Status::corrupt), loop.advance(1min);
    take();
    fail_and_wait("deposit/B/1");
    EXPECT_THAT(take(), SizeIs(1));
}

// --- silences and pauses

core::Silence silence_of(const std::string& target, Time until) {
    core::Silence s;
    s.targets = {target};
    s.until = until;
    s.reason = "datacentre move";
    s.by = "alice";
    return s;
}

TEST_F(AlertsTest, WhatStillStandsWhenASilenceEndsIsSaidThen) {
    define({"deposit/A/bad", "deposit/A/good", "deposit/B/db"});
    start();
    ASSERT_TRUE(wait_for<std::int64_t>([&](auto done) { part->silence(silence_of("deposit/A/*", now() + 2h), std::move(done)); }));
    publish("deposit/A/bad", Status::failed);
    publish("deposit/A/good", Status::failed);
    publish("deposit/B/db", Status::failed);
    loop.advance(1h);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("deposit/B/db"))) << "others are not hidden";
    EXPECT_THAT(part->silenced(id_of("deposit/A/bad")), HasSubstr("datacentre move"));
    EXPECT_EQ(part->silenced(id_of("deposit/B/db")), "");
    publish("deposit/A/good", Status::ok);
    loop.advance(70min);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("deposit/A/bad")));
    EXPECT_EQ(part->silenced(id_of("deposit/A/bad")), "");
}

TEST_F(AlertsTest, WhatGotWorseInSilenceIsSaidWhenItEnds) {
    define({"deposit/A/db"});
    start();
    fail_and_wait("deposit/A/db", Status::held);
    take();
    ASSERT_TRUE(wait_for<std::int64_t>([&](auto done) { part->silence(silence_of("deposit/A/*", now() + 2h), std::move(done)); }));
    publish("deposit/A/db", Status::missing);
    loop.advance(1h);
    EXPECT_THAT(subjects(), IsEmpty());
    loop.advance(70min);
    EXPECT_THAT(subjects(), ElementsAre(testing::AllOf(HasSubstr("worse"), HasSubstr("missing"))));
}

TEST_F(AlertsTest, ASilenceThatIsTakenAwayEndsAtOnce) {
    define({"deposit/A/db"});
    start();
    const auto id = wait_for<std::int64_t>([&](auto done) { part->silence(silence_of("deposit/A/*", now() + 48h), std::move(done)); });
    ASSERT_TRUE(id);
    fail_and_wait("deposit/A/db");
    restart();
    loop.advance(1h);
    EXPECT_THAT(subjects(), IsEmpty()) << "it holds through a restart";
    EXPECT_FALSE(wait_for<void>([&](auto done) { part->unsilence(*id + 1, "bob", std::move(done)); }));
    ASSERT_TRUE(wait_for<void>([&](auto done) { part->unsilence(*id, "bob", std::move(done)); }));
    loop.advance(2min);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("deposit/A/db")));
    const auto list = wait_for<std::vector<core::Silence>>([&](auto done) { part->silences(false, std::move(done)); });
    EXPECT_THAT(*list, IsEmpty());
    const auto all = wait_for<std::vector<core::Silence>>([&](auto done) { part->silences(true, std::move(done)); });
    ASSERT_THAT(*all, SizeIs(1));
    EXPECT_THAT(all->front().reason, HasSubstr("bob"));
}

TEST_F(AlertsTest, ASilenceThatMakesNoSenseIsRefused) {
    define({"deposit/A/db"});
    start();
    const auto tried = [&](const std::function<void(core::Silence&)>& change) {
        auto s = silence_of("*", now() + 1h);
        change(s);
        return wait_for<std::int64_t>([&](auto done) { part->silence(s, std::move(done)); }).has_value();
    };
    EXPECT_TRUE(tried([](auto&) {}));
    EXPECT_FALSE(tried([](auto& s) { s.until.reset(); }));
    EXPECT_FALSE(tried([&](auto& s) { s.until = now(); }));
    EXPECT_FALSE(tried([&](auto& s) { s.from = s.until; }));
    EXPECT_FALSE(tried([](auto& s) { s.windows = {"noday 1-2"}; }));
}

TEST_F(AlertsTest, WeeklyWindowsHideAndEndByThemselves) {
    core::Silence s;
    s.targets = {"deposit/A/*"};
    s.windows = {"sat-sun 00:00-24:00"};
    s.timezone = "Europe/Berlin";
    s.origin = "bkmon.yaml:9:5";
    options.alerts.silences.push_back(s);
    options.mail.digest.reset();
    options.alerts.remind = 0ms;
    define({"deposit/A/db"});
    start();  // it is Sunday, 22 November 2026, 09:00 UTC
    fail_and_wait("deposit/A/db");
    loop.advance(13h);
    EXPECT_THAT(subjects(), IsEmpty());
    loop.advance(2h);
    const auto mails = take();
    ASSERT_THAT(mails, SizeIs(1));
    const auto of_day = mails[0].at - std::chrono::floor<std::chrono::days>(mails[0].at);
    EXPECT_GE(of_day, 23h) << "Monday in Berlin begins";
    EXPECT_LE(of_day, 23h + 1min);
    publish("deposit/A/db", Status::ok);
    loop.advance(5 * 24h);  // Saturday
    take();
    fail_and_wait("deposit/A/db");
    loop.advance(5h);
    EXPECT_THAT(subjects(), IsEmpty());
}

TEST_F(AlertsTest, AConfiguredSilenceThatIsTakenOutEndsWithTheReload) {
    core::Silence s;
    s.kinds = {"deposit"};
    options.alerts.silences.push_back(s);
    define({"deposit/A/db"});
    start();
    fail_and_wait("deposit/A/db");
    EXPECT_THAT(subjects(), IsEmpty());
    options.alerts.silences.clear();
    reconfigure();
    loop.advance(2min);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("deposit/A/db")));
}

TEST_F(AlertsTest, ARecoveryIsSaidAlsoInSilence) {
    define({"deposit/A/db"});
    start();
    fail_and_wait("deposit/A/db");
    take();
    ASSERT_TRUE(wait_for<std::int64_t>([&](auto done) { part->silence(silence_of("*", now() + 48h), std::move(done)); }));
    publish("deposit/A/db", Status::ok);
    loop.advance(2min);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("recovered"))) << "whoever was told of the problem waits for that";
}

TEST_F(AlertsTest, NoRemindersInSilence) {
    options.alerts.remind = 1h;
    options.mail.digest.reset();
    define({"deposit/A/db"});
    start();
    fail_and_wait("deposit/A/db");
    take();
    ASSERT_TRUE(wait_for<std::int64_t>([&](auto done) { part->silence(silence_of("*", now() + 10h), std::move(done)); }));
    loop.advance(9h);
    EXPECT_THAT(subjects(), IsEmpty());
    loop.advance(2h);
    EXPECT_THAT(subjects(), Contains(HasSubstr("still")));
}

TEST_F(AlertsTest, APauseHidesAndItsEndSaysWhatStands) {
    define({"deposit/A/db", "deposit/B/db"});
    start();
    pause("deposit/A/db");
    pause("deposit/B/db", now() + 3h);
    publish("deposit/A/db", Status::failed);
    publish("deposit/B/db", Status::failed);
    loop.advance(2h);
    EXPECT_THAT(subjects(), IsEmpty());
    resume("deposit/A/db");
    loop.advance(2min);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("deposit/A/db")));
    loop.advance(1h);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("deposit/B/db"))) << "a pause ends by itself";
}

TEST_F(AlertsTest, APauseOfAnOpenProblemStopsItsReminders) {
    options.alerts.remind = 1h;
    options.mail.digest.reset();
    define({"deposit/A/db"});
    start();
    fail_and_wait("deposit/A/db");
    take();
    pause("deposit/A/db");
    loop.advance(12h);
    EXPECT_THAT(subjects(), IsEmpty());
}

TEST_F(AlertsTest, AnAcknowledgedProblemDoesNotRemindButGettingWorseDoes) {
    options.alerts.remind = 1h;
    options.alerts.reminders = 100;
    options.mail.digest.reset();
    define({"deposit/A/db"});
    start();
    fail_and_wait("deposit/A/db", Status::held);
    take();
    const auto acked = wait_for<core::Incident>([&](auto done) { part->ack(incident("deposit/A/db").id, "alice", "on it", std::move(done)); });
    ASSERT_TRUE(acked);
    EXPECT_EQ(acked->acked_by, "alice");
    loop.advance(24h);
    EXPECT_THAT(subjects(), IsEmpty());
    fail_and_wait("deposit/A/db", Status::missing);
    EXPECT_THAT(subjects(), ElementsAre(HasSubstr("missing")));
    loop.advance(90min);
    EXPECT_THAT(subjects(), SizeIs(1)) << "what was acknowledged was less than this";
    publish("deposit/A/db", Status::ok);
    loop.advance(2min);
    const auto over = wait_for<core::Incident>([&](auto done) { part->ack(incident("deposit/A/db").id, "alice", "", std::move(done)); });
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().code, Errc::invalid);
    EXPECT_EQ(wait_for<core::Incident>([&](auto done) { part->ack(4711, "alice", "", std::move(done)); }).error().code, Errc::not_found);
}

TEST_F(AlertsTest, WhatWasSaidInOneMailIsAcknowledgedTogether) {
    define({"deposit/SHOP/a", "deposit/SHOP/b", "deposit/SHOP/c", "deposit/OTHER/a"});
    start();
    for (const auto* t : {"deposit/SHOP/a", "deposit/SHOP/b", "deposit/SHOP/c", "deposit/OTHER/a"}) publish(t, Status::failed);
    loop.advance(2min);
    ASSERT_TRUE(wait_for<core::Incident>([&](auto done) { part->ack(incident("deposit/SHOP/b").id, "alice", "on it", std::move(done)); }));
    for (const auto* t : {"deposit/SHOP/a", "deposit/SHOP/b", "deposit/SHOP/c"}) EXPECT_TRUE(incident(t).acked_at) << t;
    EXPECT_FALSE(incident("deposit/OTHER/a").acked_at);
    EXPECT_EQ(incident("deposit/SHOP/c").note, "on it");
}

}  // namespace
}  // namespace bkmon::alerts
