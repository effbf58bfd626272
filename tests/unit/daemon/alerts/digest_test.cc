// The daily mail.
#include "daemon/core/schedule.h"
#include "tests/unit/daemon/alerts/fixture.h"

namespace bkmon::alerts {
namespace {

class DigestTest : public AlertsTest, public testing::WithParamInterface<const char*> {
protected:
    void go_to(const char* moment) { loop.jump(*parse_rfc3339(moment) - now()); }
    std::vector<Got> digests() {
        auto all = take();
        std::erase_if(all, [](const Got& m) { return m.text.find("The next of these mails") == std::string::npos; });
        return all;
    }
};

TEST_P(DigestTest, ThirtyDaysThroughAChangeOfTheClockAreOneADayAtEight) {
    go_to(GetParam());
    options.timezone = "Europe/Berlin";
    options.alerts.reminders = 0;
    define({"deposit/A/db"});
    start();
    std::set<std::string> days;
    for (int day = 0; day < 30; ++day) {
        loop.advance(24h);
        if (day == 11) restart();
        if (day == 17) reconfigure();
        for (const auto& m : digests()) {
            const auto local = core::local_text(m.at, "Europe/Berlin");
            EXPECT_THAT(local, HasSubstr(" 08:00")) << local;
            EXPECT_TRUE(days.insert(local.substr(0, 10)).second) << "twice on " << local;
        }
    }
    EXPECT_EQ(days.size(), 30u);
}
INSTANTIATE_TEST_SUITE_P(Changes, DigestTest, testing::Values("2026-03-15T12:00:00Z", "2026-10-10T12:00:00Z"));

TEST_F(DigestTest, SaysWhatIsNewWhatStandsAndWhatIsOver) {
    options.alerts.reminders = 0;
    define({"deposit/A/old", "deposit/A/new", "deposit/A/over", "deposit/A/kept", "deposit/A/good", "deposit/A/warned"});
    start();
    fail_and_wait("deposit/A/old");
    fail_and_wait("deposit/A/over");
    loop.advance(24h);
    EXPECT_THAT(digests(), SizeIs(1));
    publish("deposit/A/new", Status::corrupt);
    publish("deposit/A/kept", Status::held);
    publish("deposit/A/warned", Status::warning);
    publish("deposit/A/over", Status::ok);
    publish("deposit/A/good", Status::ok);
    ASSERT_TRUE(wait_for<core::Incident>([&](auto done) { part->ack(incident("deposit/A/old").id, "alice", "waits for a disk", std::move(done)); }));
    loop.advance(24h);
    const auto mails = digests();
    ASSERT_THAT(mails, SizeIs(1));
    const auto& t = mails[0].text;
    const auto fresh = t.find("New problems"), open = t.find("Still open"), over = t.find("Recovered"), held = t.find("Held files");
    ASSERT_NE(fresh, std::string::npos) << t;
    ASSERT_NE(open, std::string::npos) << t;
    ASSERT_NE(over, std::string::npos) << t;
    ASSERT_NE(held, std::string::npos) << t;
    const auto stands_in = [&](const char* name, std::size_t section) {
        for (auto at = t.find(name); at != std::string::npos; at = t.find(name, at + 1)) {
            std::size_t its = 0;
            for (const auto s : {fresh, open, over, held})
                if (s < at) its = std::max(its, s);
            if (its == section) return true;
        }
        return false;
    };
    EXPECT_TRUE(stands_in("deposit/A/new", fresh)) << t;
    EXPECT_TRUE(stands_in("deposit/A/warned", fresh)) << t;
    EXPECT_TRUE(stands_in("deposit/A/old", open)) << t;
    EXPECT_TRUE(stands_in("deposit/A/over", over)) << t;
    EXPECT_TRUE(stands_in("deposit/A/kept", held)) << t;
    EXPECT_THAT(t, HasSubstr("waits for a disk"));
    EXPECT_EQ(notices(), 0u) << "who read it there gets no mail of it";
}

TEST_F(DigestTest, SaysWhatASilenceHides) {
    options.alerts.reminders = 0;
    define({"deposit/A/one", "deposit/A/two", "deposit/A/good", "deposit/B/other"});
    start();
    core::Silence s;
    s.targets = {"deposit/A/*"};
    s.until = now() + 72h;
    s.reason = "the shop is being moved";
    s.by = "alice";
    ASSERT_TRUE(wait_for<std::int64_t>([&](auto done) { part->silence(s, std::move(done)); }));
    for (const char* id : {"deposit/A/one", "deposit/A/two", "deposit/B/other"}) publish(id, Status::missing);
    publish("deposit/A/good", Status::ok);
    loop.advance(24h);
    const auto mails = digests();
    ASSERT_THAT(mails, SizeIs(1));
    EXPECT_THAT(mails[0].text, AllOf(HasSubstr("deposit/A/*"), HasSubstr("asked for by alice: the shop"), HasSubstr("problems that it hides: 2")));
}

TEST_F(DigestTest, WhoDoesNotReadItGetsAMailOfHisOwn) {
    options.alerts.reminders = 0;
    define({{"deposit/A/db", {}, {"shop@example.org"}}});
    start();
    fail_and_wait("deposit/A/db", Status::warning);
    EXPECT_THAT(take(), IsEmpty());
    loop.advance(24h);
    std::map<std::string, std::string> got;
    for (const auto& m : take()) got[m.to] += m.subject;
    EXPECT_EQ(got.size(), 2u);
    EXPECT_THAT(got["shop@example.org"], HasSubstr("deposit/A/db"));
    loop.advance(24h);
    for (const auto& m : take()) EXPECT_EQ(m.to, "ops@example.org") << "once";
}

TEST_F(DigestTest, OneThatWasMissedComesOnceAtTheStart) {
    define({"deposit/A/db"});
    start();
    loop.advance(24h);
    EXPECT_THAT(digests(), SizeIs(1));
    stop();
    loop.advance(72h);
    start();
    loop.advance(10min);
    EXPECT_THAT(digests(), SizeIs(1));
}

TEST_F(DigestTest, NoneIsAskedForAndNoneComes) {
    define({"deposit/A/db"});
    start();
    options.mail.digest.reset();
    reconfigure();
    loop.advance(72h);
    EXPECT_THAT(digests(), IsEmpty());
}

TEST_F(DigestTest, AClockThatWasWrongForAnHourStopsNone) {
    constexpr milliseconds kTenYears = std::chrono::hours(24 * 3652);
    define({"deposit/A/db"});
    start();
    const auto jump = [&](milliseconds by) {
        loop.jump(by);
        scheduler->clock_changed();
        part->clock_changed(by);
        loop.advance(1h);
    };
    jump(kTenYears);
    loop.advance(24h);
    jump(-kTenYears);
    take();
    for (int day = 0; day < 3; ++day) {
        loop.advance(24h);
        EXPECT_THAT(digests(), SizeIs(1)) << day;
    }
}

/// Its mails, the end of what they told and the mark are one transaction.
TEST_F(DigestTest, ACrashAroundItLosesNothingAndDoublesNothing) {
    for (int k = 1; k <= 8; ++k) {
        DigestTest_ACrashAroundItLosesNothingAndDoublesNothing_Test one;
        one.options.mail.to = {"ops@example.org", "boss@example.org"};
        one.define({{"deposit/A/db", {}, {}}, {"deposit/B/db", {}, {"shop@example.org"}}});
        one.start();
        one.fail_and_wait("deposit/A/db", Status::warning);
        one.fail_and_wait("deposit/B/db", Status::warning);
        one.loop.advance(22h + 55min);
        EXPECT_THAT(one.take(), IsEmpty());
        one.store.die_after(k);
        one.loop.advance(10min);
        one.store.revive();
        one.restart();
        one.publish("deposit/A/db", Status::ok);
        one.loop.advance(1h);
        std::map<std::string, std::set<std::string>> ids;
        for (const auto& m : one.take()) ids[m.to].insert(m.id);
        EXPECT_THAT(ids["ops@example.org"], SizeIs(1)) << k;
        EXPECT_THAT(ids["boss@example.org"], SizeIs(1)) << k;
        EXPECT_THAT(ids["shop@example.org"], SizeIs(1)) << k;
        one.loop.advance(23h);
        std::string text;
        for (const auto& m : one.take()) text += m.text;
        EXPECT_THAT(text, HasSubstr("Recovered")) << "what ended after the first one stands in the next: " << k;
    }
}

}  // namespace
}  // namespace bkmon::alerts
