// How the mails go is itself a verdict; and the way past the history. What operators ask of the outbox.
#include "tests/unit/daemon/alerts/fixture.h"

namespace bkmon::alerts {
namespace {

TEST_F(AlertsTest, AWrongPasswordIsAVerdictAtOnce) {
    mail.answer_all(Kind::login, 535, "authentication failed");
    define({"deposit/A/db"});
    start();
    fail_and_wait("deposit/A/db");
    EXPECT_EQ(mail_verdict().status, Status::failed);
    EXPECT_EQ(mail_verdict().reason_code, "mail_login");
    EXPECT_THAT(mail_verdict().reason, HasSubstr("authentication failed"));
    EXPECT_NE(part->trouble(), "");
    mail.answer_all(Kind::accepted, 250);
    loop.advance(20min);
    EXPECT_EQ(mail_verdict().status, Status::ok);
    EXPECT_EQ(part->trouble(), "");
    std::string all;
    for (const auto& s : subjects()) all += s + "\n";
    EXPECT_THAT(all, HasSubstr("deposit/A/db"));
    EXPECT_THAT(all, HasSubstr("bkmon/mail")) << "and that mails did not go out is told when they do";
}

TEST_F(AlertsTest, ACertificateThatCannotBeTrustedIsAVerdictAtOnce) {
    mail.answer_all(Kind::tls, 0, "another name");
    define({"deposit/A/db"});
    start();
    fail_and_wait("deposit/A/db");
    EXPECT_EQ(mail_verdict().reason_code, "mail_tls");
    EXPECT_THAT(mail_verdict().reason, HasSubstr("another name"));
}

TEST_F(AlertsTest, AServerThatIsDownIsAVerdictAfterAQuarterOfAnHour) {
    mail.answer_all(Kind::unreachable, 0, "nobody listens");
    define({"deposit/A/db"});
    start();
    publish("deposit/A/db", Status::failed);
    loop.advance(15min);
    EXPECT_EQ(mail_verdict().status, Status::ok);
    loop.advance(2min);
    EXPECT_EQ(mail_verdict().status, Status::unreachable);
    EXPECT_EQ(mail_verdict().reason_code, "mail_down");
    mail.answer_all(Kind::accepted, 250);
    loop.advance(11min);
    EXPECT_EQ(mail_verdict().status, Status::ok);
}

TEST_F(AlertsTest, RefusedMailsAreAWarningForADay) {
    options.mail.digest.reset();
    mail.answer = [](const auto&, const net::Envelope& e) {
        return e.to == "gone@example.org" ? net::Sent{Kind::refused, 550, "no such user"} : net::Sent{Kind::accepted, 250, ""};
    };
    define({{"deposit/A/db", {}, {"gone@example.org"}}});
    start();
    fail_and_wait("deposit/A/db");
    loop.advance(1min);
    EXPECT_EQ(mail_verdict().reason_code, "mail_refused");
    EXPECT_EQ(mail_verdict().severity, Severity::warning);
    EXPECT_NE(part->trouble(), "");
}

// --- the server is away for days

TEST_F(AlertsTest, AServerThatWasAwayForDaysHearsEverythingAndNotTooMuch) {
    std::vector<Wanted> all;
    for (int i = 0; i < 500; ++i) all.push_back({"deposit/S" + std::to_string(1000 + i) + "/db", {}, {}});
    define(all);
    start();
    mail.answer_all(Kind::unreachable, 0, "nobody listens");
    std::size_t most = 0;
    int events = 0;
    for (int minute = 0; minute < 80 * 60; minute += 10) {
        for (int n = 0; n < 11 && events < 5000; ++n, ++events) {
            const auto target = "deposit/S" + std::to_string(1000 + events % 500) + "/db";
            publish(target, events / 500 % 2 == 0 ? Status::failed : Status::ok);
        }
        loop.advance(10min);
        most = std::max(most, rows("waiting").size() + rows("leased").size());
    }
    ASSERT_EQ(events, 5000);
    EXPECT_LE(most, 60u) << "the outbox is bounded";
    EXPECT_LE(notices(), 600u) << "and so is what waits to be written";
    mail.answer_all(Kind::accepted, 250);
    loop.advance(5h);
    auto told = take();
    ASSERT_TRUE(wait_for<int>([&](auto done) { part->retry({}, std::move(done)); }));
    loop.advance(10min);
    EXPECT_THAT(rows("failed"), IsEmpty()) << "what was given up meanwhile was kept";
    for (auto& m : take()) told.push_back(std::move(m));
    std::string text;
    for (const auto& m : told) text += m.subject + m.text;
    for (int i = 0; i < 500; ++i) EXPECT_THAT(text.find("deposit/S" + std::to_string(1000 + i) + "/db"), testing::Ne(std::string::npos)) << i;
    EXPECT_LE(told.size(), 120u) << "on return it is no flood";
    EXPECT_THAT(*tables.tables().notices(true, 1000), IsEmpty());
}

// --- the history cannot be written

TEST_F(AlertsTest, WhatCannotBeRecordedIsMailedDirectlyAndRarely) {
    options.mail.to = {"ops@example.org", "boss@example.org"};
    define({"deposit/A/db"});
    start();
    tables.fail_next_writes(1000000, Error{Errc::no_space, "the disk is full", {}});
    for (int second = 0; second < 3600 * 3; second += 30) {
        part->cannot_record("the disk of the history is full");
        loop.advance(30s);
    }
    const auto mails = take();
    EXPECT_EQ(mails.size(), 6u) << "each of them once an hour";
    EXPECT_THAT(mails[0].subject, HasSubstr("bkmon/history"));
    EXPECT_THAT(mails[0].text, HasSubstr("the disk of the history is full"));
    EXPECT_NE(mails[0].to, mails[1].to);
}

TEST_F(AlertsTest, ADirectMailThatDoesNotGoOutIsTriedAgainAMinuteLater) {
    define({"deposit/A/db"});
    start();
    mail.answer_all(Kind::unreachable, 0, "nobody listens");
    part->cannot_record("full");
    loop.advance(50s);
    part->cannot_record("full");
    EXPECT_THAT(mail.attempts, SizeIs(1));
    EXPECT_TRUE(journal.says(journal::msg::mail_unrecorded, "nobody listens"));
    mail.answer_all(Kind::accepted, 250);
    loop.advance(11s);
    part->cannot_record("full");
    loop.advance(1s);
    EXPECT_THAT(take(), SizeIs(1));
    loop.advance(58min);
    part->cannot_record("full");
    EXPECT_THAT(mail.attempts, SizeIs(2));
}

TEST_F(AlertsTest, ADirectMailNeedsItsSecretToo) {
    options.mail.user = "bkmon";
    options.secret = []() -> Result<std::string> { return std::string("the secret"); };
    define({"deposit/A/db"});
    start();
    part->cannot_record("full");
    loop.advance(1s);
    ASSERT_THAT(mail.attempts, SizeIs(1));
    EXPECT_EQ(mail.attempts[0].server.secret, "the secret");
}

// --- what operators ask

TEST_F(AlertsTest, ATestMailSaysHowItWent) {
    mail.answer = [](const auto&, const net::Envelope& e) {
        return e.to == "gone@example.org" ? net::Sent{Kind::refused, 550, "no such user"} : net::Sent{Kind::accepted, 250, "ok"};
    };
    options.mail.to = {"ops@example.org", "gone@example.org"};
    define({"deposit/A/db"});
    start();
    const auto tested = wait_for<std::vector<Tested>>([&](auto done) { part->test("", "alice", std::move(done)); }, 5s);
    ASSERT_TRUE(tested);
    ASSERT_THAT(*tested, SizeIs(2));
    EXPECT_TRUE((*tested)[0].sent);
    EXPECT_FALSE((*tested)[1].sent);
    EXPECT_EQ((*tested)[1].code, 550);
    EXPECT_THAT((*tested)[1].answer, HasSubstr("no such user"));
    const auto other = wait_for<std::vector<Tested>>([&](auto done) { part->test("other@example.org", "alice", std::move(done)); }, 5s);
    ASSERT_TRUE(other);
    ASSERT_THAT(*other, SizeIs(1));
    EXPECT_TRUE(other->front().sent);
}

TEST_F(AlertsTest, ATestMailThroughAWrongPasswordIsTriedNowAndOnce) {
    mail.answer_all(Kind::login, 535, "authentication failed");
    define({"deposit/A/db"});
    start();
    fail_and_wait("deposit/A/db");
    const auto before = mail.attempts.size();
    const auto tested = wait_for<std::vector<Tested>>([&](auto done) { part->test("", "alice", std::move(done)); }, 3min);
    ASSERT_TRUE(tested);
    ASSERT_THAT(*tested, SizeIs(1));
    EXPECT_FALSE(tested->front().sent);
    EXPECT_THAT(tested->front().answer, HasSubstr("authentication failed"));
    EXPECT_EQ(mail.attempts.size(), before + 1) << "one more wrong password, not one for each that waits";
    mail.answer_all(Kind::accepted, 250);
    loop.advance(4h);
    for (const auto& s : subjects()) EXPECT_THAT(s, Not(HasSubstr("test mail"))) << "a test is not delivered hours later";
}

TEST_F(AlertsTest, ATestMailWithASecretThatCannotBeReadSaysSoSoon) {
    options.mail.user = "bkmon";
    options.secret = []() -> Result<std::string> { return fail(Errc::denied, "mail.secret: permission denied"); };
    define({"deposit/A/db"});
    start();
    const auto tested = wait_for<std::vector<Tested>>([&](auto done) { part->test("", "alice", std::move(done)); }, 5s);
    ASSERT_TRUE(tested);
    EXPECT_THAT(tested->front().answer, HasSubstr("permission denied"));
    EXPECT_TRUE(mail.attempts.empty());
}

TEST_F(AlertsTest, ATestWithoutSettingsSaysSo) {
    options.mail.configured = false;
    define({"deposit/A/db"});
    start();
    EXPECT_FALSE(wait_for<std::vector<Tested>>([&](auto done) { part->test("", "alice", std::move(done)); }));
}

TEST_F(AlertsTest, WhatFailedCanBeTriedAgain) {
    options.mail.digest.reset();
    mail.answer_all(Kind::refused, 550, "no such user");
    define({"deposit/A/db", "deposit/B/db"});
    start();
    fail_and_wait("deposit/A/db");
    fail_and_wait("deposit/B/db");
    ASSERT_THAT(rows("failed"), Not(IsEmpty()));
    mail.answer_all(Kind::accepted, 250);
    const auto one = rows("failed").back();
    EXPECT_EQ(*wait_for<int>([&](auto done) { part->retry({one.id}, std::move(done)); }), 1);
    loop.advance(1min);
    ASSERT_THAT(mail.accepted(), Not(IsEmpty()));
    EXPECT_EQ(read_mail(mail.accepted().front()).id, one.message_id);
    EXPECT_TRUE(wait_for<int>([&](auto done) { part->retry({}, std::move(done)); }));
    loop.advance(1min);
    EXPECT_THAT(rows("failed"), IsEmpty());
    EXPECT_EQ(*wait_for<int>([&](auto done) { part->retry({4711}, std::move(done)); }), 0);
}

TEST_F(AlertsTest, ASizeIsExpectedFromNowOn) {
    define({"deposit/A/db"});
    start();
    const auto expect = [&] {
        return wait_for<std::uint64_t>([&](auto done) { part->expect(id_of("deposit/A/db"), "alice", "grew", std::move(done)); });
    };
    EXPECT_EQ(expect().error().code, Errc::not_found);
    history::HealthyRow healthy;
    healthy.target = id_of("deposit/A/db");
    healthy.sha256 = "aa";
    healthy.size_bytes = 1000;
    healthy.promoted_at = now();
    ASSERT_TRUE(tables.tables().put_healthy(healthy));
    EXPECT_EQ(*expect(), 1000u);
    history::HeldRow held;
    held.target = id_of("deposit/A/db");
    held.size_bytes = 7000;
    held.held_at = now();
    ASSERT_TRUE(tables.tables().put_held(held));
    EXPECT_EQ(*expect(), 7000u) << "what is held now is what was meant";
    const auto row = *tables.tables().expectation(id_of("deposit/A/db"));
    ASSERT_TRUE(row);
    EXPECT_EQ(row->size_bytes, 7000u);
    EXPECT_EQ(row->by, "alice");
}

TEST_F(AlertsTest, ExplainSaysWhatWouldBeDone) {
    auto& r = rule(Mode::at_once);
    r.targets = {"deposit/A/*"};
    r.after = 2;
    r.to = {"team@example.org"};
    define({"deposit/A/db", "deposit/B/db"});
    start();
    const auto explain = [&](const char* target) { return wait_for<Explanation>([&](auto done) { part->explain(id_of(target), std::move(done)); }); };
    fail_and_wait("deposit/A/db");
    const auto e = explain("deposit/A/db");
    ASSERT_TRUE(e);
    EXPECT_EQ(e->status, Status::failed);
    EXPECT_EQ(e->rule, "bkmon.yaml:1:1");
    EXPECT_EQ(e->mail, Mode::at_once);
    EXPECT_THAT(e->to, ElementsAre("team@example.org"));
    EXPECT_EQ(e->after, 2);
    EXPECT_TRUE(e->incident);
    EXPECT_THAT(e->subject, HasSubstr("deposit/A/db"));
    EXPECT_THAT(e->body, HasSubstr("because of the test"));
    EXPECT_THAT(take(), IsEmpty()) << "asking sends nothing";
    const auto good = explain("deposit/B/db");
    ASSERT_TRUE(good);
    EXPECT_EQ(good->rule, "");
    EXPECT_EQ(good->subject, "");
    EXPECT_FALSE(good->incident);
    EXPECT_FALSE(explain("deposit/C/none"));
    pause("deposit/A/db");
    EXPECT_TRUE(explain("deposit/A/db")->paused);
    core::Silence s;
    s.targets = {"deposit/B/*"};
    s.until = now() + 1h;
    s.reason = "move";
    ASSERT_TRUE(wait_for<std::int64_t>([&](auto done) { part->silence(s, std::move(done)); }));
    EXPECT_THAT(explain("deposit/B/db")->silenced, HasSubstr("move"));
}

}  // namespace
}  // namespace bkmon::alerts
