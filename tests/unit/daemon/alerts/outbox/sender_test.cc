#include "daemon/alerts/outbox/sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_mail.h"
#include "tests/support/fake_store.h"
#include "tests/support/manual_loop.h"
#include "tests/support/recording_journal.h"

namespace bkmon::alerts {
namespace {

using namespace std::chrono_literals;
using history::MailRow;
using test::FakeMail;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;
using Kind = net::Sent::Kind;

class SenderTest : public testing::Test {
protected:
    SenderTest() {
        options.mail.configured = true;
        options.mail.server = "smtp://mail.example.org:587";
        options.mail.from = "bkmon@example.org";
        options.hello = "here.example.org";
        options.shorter = [](const MailRow& row) { return "short " + row.subject; };
    }
    Time now() const { return loop.clock().now(); }
    void start() {
        sender = make();
        loop.run_posted();
    }
    std::unique_ptr<Sender> make() {
        return std::make_unique<Sender>(Sender::Rooms{loop, lane, store, mail, journal}, options, [this] { ++changes; });
    }
    std::int64_t put(const std::string& name, const std::string& to = "ops@example.org", milliseconds give_up = 72h) {
        MailRow row;
        row.kind = "alert";
        row.message_id = "<" + name + "@example.org>";
        row.recipient = to;
        row.subject = name;
        row.bytes = "Message-ID: " + row.message_id + "\r\n\r\n" + name + "\r\n";
        row.state = "waiting";
        row.created_at = row.next_at = now();
        row.give_up_at = now() + give_up;
        return *store.tables().put_mail(row);
    }
    void kick() {
        sender->kick();
        loop.advance(0ms);
    }
    MailRow row(std::int64_t id) { return **store.tables().mail(id); }
    std::vector<std::string> sent_to() const {
        std::vector<std::string> all;
        for (const auto& e : mail.accepted()) all.push_back(e.to);
        return all;
    }

    test::ManualLoop loop;
    test::InlineLane lane;
    test::FakeStore store{loop};
    test::RecordingJournal journal;
    FakeMail mail{loop};
    Sender::Options options;
    int changes = 0;
    std::unique_ptr<Sender> sender;
};

TEST_F(SenderTest, SendsWhatWaitsAndMarksIt) {
    const auto a = put("a", "Ops Team <ops@example.org>"), b = put("b");
    start();
    loop.advance(1s);
    ASSERT_EQ(mail.attempts.size(), 2u);
    EXPECT_EQ(mail.attempts[0].envelope.from, "bkmon@example.org");
    EXPECT_EQ(mail.attempts[0].envelope.to, "ops@example.org") << "bare, whatever the name beside it";
    EXPECT_THAT(mail.attempts[0].envelope.bytes, HasSubstr("<a@example.org>"));
    EXPECT_EQ(mail.attempts[0].server.url, options.mail.server);
    EXPECT_EQ(mail.attempts[0].server.hello, "here.example.org");
    EXPECT_TRUE(mail.attempts[0].server.tls_required);
    for (const auto id : {a, b}) {
        EXPECT_EQ(row(id).state, "sent");
        EXPECT_EQ(row(id).bytes, "") << "a sent mail's bytes are not kept";
        EXPECT_TRUE(row(id).ended_at);
    }
    EXPECT_EQ(sender->way().is, Way::Is::open);
    EXPECT_TRUE(sender->way().last_accepted);
    EXPECT_EQ(sender->waiting(), 0u);
    EXPECT_EQ(journal.count(journal::msg::mail_sent), 2u);
    EXPECT_GT(changes, 0);
}

TEST_F(SenderTest, NothingIsTriedWithoutSettings) {
    options.mail.configured = false;
    put("a");
    start();
    loop.advance(2h);
    EXPECT_TRUE(mail.attempts.empty());
}

TEST_F(SenderTest, FourAtOnceOnceTheWayIsKnownToBeOpen) {
    mail.takes = 500ms;
    for (int i = 0; i < 60; ++i) put(std::to_string(i));
    start();
    loop.advance(1min);
    EXPECT_EQ(mail.attempts.size(), 60u);
    EXPECT_EQ(mail.most_at_once, 4u);
    EXPECT_LT(mail.attempts.back().up - mail.attempts.front().up, 10s) << "one after the other would take 30 s";
}

TEST_F(SenderTest, ARowIsLeasedBeforeItIsSent) {
    mail.held = true;
    const auto id = put("a");
    start();
    loop.advance(1s);
    ASSERT_EQ(mail.open(), 1u);
    EXPECT_EQ(row(id).state, "leased");
    EXPECT_NE(row(id).lease_by, "");
    ASSERT_TRUE(row(id).lease_until);
    EXPECT_GT(*row(id).lease_until, now() + 5min) << "longer than a batch may take";
    kick();
    loop.advance(14min);
    EXPECT_EQ(mail.attempts.size(), 1u);
    mail.release();
    loop.advance(1s);
    EXPECT_EQ(row(id).state, "sent");
}

TEST_F(SenderTest, TheNextOnesAreLeasedBeforeTheLastAreGone) {
    put("first");
    start();
    loop.advance(1s);
    mail.held = true;
    std::vector<std::int64_t> ids;
    for (int i = 0; i < 500; ++i) ids.push_back(put(std::to_string(i)));
    kick();
    loop.advance(100ms);
    EXPECT_EQ(mail.open(), 4u);
    const auto leased = std::count_if(ids.begin(), ids.end(), [&](auto id) { return row(id).state == "leased"; });
    EXPECT_GE(leased, 40) << "else all four would wait for the disk when the last of them is gone";
    EXPECT_LE(leased, 204) << "a server that becomes slow is not to hold them longer than their leases last";
}

TEST_F(SenderTest, EndsAreWrittenTogetherAndSoon) {
    put("first");
    start();
    loop.advance(1s);
    mail.answer = [this](const auto&, const net::Envelope& envelope) {
        mail.takes = envelope.bytes.find("slow") != std::string::npos ? milliseconds(1min) : 5ms;
        return net::Sent{Kind::accepted, 250, "ok"};
    };
    const auto slow = put("slow"), quick = put("quick");
    kick();
    loop.advance(10ms);
    EXPECT_EQ(row(quick).state, "leased") << "others are on their way";
    loop.advance(20ms);
    EXPECT_EQ(row(quick).state, "sent") << "for which it does not wait long: a crash would send it again";
    EXPECT_EQ(row(slow).state, "leased");
    loop.advance(1min);
    EXPECT_EQ(row(slow).state, "sent");
}

TEST_F(SenderTest, TwoWorkersNeverSendTheSameRow) {
    mail.takes = 700ms;
    start();
    auto other = make();
    loop.run_posted();
    std::set<std::string> put_in;
    for (int i = 0; i < 100; ++i) {
        put("m" + std::to_string(i), "r" + std::to_string(i) + "@example.org");
        put_in.insert("r" + std::to_string(i) + "@example.org");
        sender->kick();
        other->kick();
        if (i % 7 == 0) loop.advance(300ms);
    }
    loop.advance(5min);
    const auto all = sent_to();
    EXPECT_EQ(all.size(), 100u) << "one lease, one transfer";
    EXPECT_EQ(std::set(all.begin(), all.end()), put_in);
}

TEST_F(SenderTest, ARestartFreesWhatTheOneBeforeHadLeased) {
    mail.held = true;
    const auto id = put("a");
    start();
    loop.advance(1s);
    ASSERT_EQ(row(id).state, "leased");
    sender.reset();
    mail.held = false;
    start();
    loop.advance(1s);
    EXPECT_EQ(row(id).state, "sent");
    ASSERT_EQ(mail.attempts.size(), 2u) << "it may have been sent: better twice than never";
    EXPECT_EQ(mail.attempts[0].envelope.bytes, mail.attempts[1].envelope.bytes) << "with the same Message-ID";
}

TEST_F(SenderTest, AHistoryThatCannotBeWrittenStopsNoMail) {
    const auto id = put("a");
    sender = make();
    store.fail_next_writes(1000000, Error{Errc::no_space, "the disk is full", {}});
    loop.advance(10min);
    ASSERT_EQ(mail.attempts.size(), 1u) << "sent, and once";
    EXPECT_EQ(row(id).state, "waiting");
    put("b", "second@example.org");
    kick();
    loop.advance(10min);
    EXPECT_THAT(sent_to(), ElementsAre("ops@example.org", "second@example.org"));
    store.fail_next_writes(0, {});
    loop.advance(1min);
    EXPECT_EQ(row(id).state, "sent") << "its end is written when it can be";
    EXPECT_EQ(mail.attempts.size(), 2u);
    loop.advance(24h);
    EXPECT_EQ(mail.attempts.size(), 2u);
}

TEST_F(SenderTest, TheEndIsWrittenLaterWhenOnlyThatFails) {
    mail.held = true;
    const auto id = put("a");
    start();
    loop.advance(1s);
    store.fail_next_writes(20, Error{Errc::unavailable, "the disk is gone", {}});
    mail.release();
    loop.advance(10min);
    EXPECT_EQ(mail.attempts.size(), 1u);
    EXPECT_EQ(row(id).state, "sent");
}

TEST_F(SenderTest, AHistoryThatCannotBeReadIsTriedAgain) {
    store.fail_next_reads(5, Error{Errc::unavailable, "the disk is gone", {}});
    store.fail_next_writes(5, Error{Errc::unavailable, "the disk is gone", {}});
    put("a");
    start();
    loop.advance(2min);
    EXPECT_EQ(mail.accepted().size(), 1u);
}

TEST_F(SenderTest, AWrongPasswordIsTriedOnceAndThenRarely) {
    mail.answer_all(Kind::login, 535, "authentication failed");
    for (int i = 0; i < 50; ++i) put(std::to_string(i));
    start();
    loop.advance(14min + 59s);
    EXPECT_EQ(mail.attempts.size(), 1u) << "one attempt for all of them";
    loop.advance(2s);
    EXPECT_EQ(mail.attempts.size(), 2u);
    loop.advance(29min);
    EXPECT_EQ(mail.attempts.size(), 2u) << "twice as long";
    loop.advance(2min);
    EXPECT_EQ(mail.attempts.size(), 3u);
    for (int i = 0; i < 24 * 60; ++i) {
        put("more" + std::to_string(i));
        kick();
        loop.advance(1min);
    }
    EXPECT_LE(mail.attempts.size(), 12u) << "a day of alerts is no storm of logins";
    EXPECT_GE(mail.attempts.size(), 7u) << "but it is tried";
    EXPECT_EQ(sender->way().is, Way::Is::login);
    EXPECT_EQ(sender->way().code, 535);
    EXPECT_EQ(sender->way().detail, "authentication failed");
}

TEST_F(SenderTest, APasswordThatStopsToWorkCostsAtMostTheOnesOnTheirWay) {
    put("first");
    start();
    loop.advance(1s);
    ASSERT_EQ(sender->way().is, Way::Is::open);
    mail.answer_all(Kind::login, 535);
    mail.takes = 100ms;
    for (int i = 0; i < 50; ++i) put(std::to_string(i));
    kick();
    loop.advance(14min);
    EXPECT_LE(mail.count(Kind::login), 4u);
}

TEST_F(SenderTest, ANewPasswordIsTriedAtOnceAndAlone) {
    mail.answer_all(Kind::login, 535);
    for (int i = 0; i < 50; ++i) put(std::to_string(i));
    start();
    loop.advance(1h);
    const auto before = mail.attempts.size();
    sender->reconfigure(options);
    loop.advance(1min);
    EXPECT_EQ(mail.attempts.size(), before + 1);
    mail.answer_all(Kind::accepted, 250);
    sender->reconfigure(options);
    loop.advance(1min);
    EXPECT_EQ(mail.accepted().size(), 50u);
    EXPECT_EQ(sender->way().is, Way::Is::open);
    EXPECT_EQ(sender->way().detail, "");
}

TEST_F(SenderTest, WhatIsHeldBackIsNotLeased) {
    mail.answer_all(Kind::unreachable, 0, "nobody listens");
    std::vector<std::int64_t> ids;
    for (int i = 0; i < 30; ++i) ids.push_back(put(std::to_string(i)));
    start();
    loop.advance(10s);
    for (const auto id : ids) EXPECT_EQ(row(id).state, "waiting") << id;
    EXPECT_EQ(sender->waiting(), 30u);
    EXPECT_EQ(sender->way().is, Way::Is::down);
}

TEST_F(SenderTest, AServerThatIsDownIsAskedByOneAloneAndLessOften) {
    mail.answer_all(Kind::unreachable, 0, "nobody listens");
    for (int i = 0; i < 30; ++i) put(std::to_string(i));
    start();
    loop.advance(24h);
    EXPECT_GE(mail.attempts.size(), 24u * 6);
    EXPECT_LE(mail.attempts.size(), 24u * 6 + 10) << "every ten minutes at most, after the first ones";
    EXPECT_EQ(mail.most_at_once, 1u);
    mail.answer_all(Kind::accepted, 250);
    loop.advance(11min);
    EXPECT_EQ(mail.accepted().size(), 30u) << "on return they all go";
}

TEST_F(SenderTest, OneThatIsPutOffHoldsBackNobodyElse) {
    mail.answer = [](const auto&, const net::Envelope& e) {
        return e.to == "grey@example.org" ? net::Sent{Kind::later, 450, "greylisted"} : net::Sent{Kind::accepted, 250, ""};
    };
    const auto grey = put("grey", "grey@example.org");
    for (int i = 0; i < 5; ++i) put(std::to_string(i));
    start();
    loop.advance(10s);
    EXPECT_EQ(mail.accepted().size(), 5u);
    EXPECT_EQ(row(grey).state, "waiting");
    EXPECT_THAT(row(grey).last_error, HasSubstr("greylisted"));
    EXPECT_EQ(row(grey).code, 450);
    mail.answer_all(Kind::accepted, 250);
    loop.advance(1min);
    EXPECT_EQ(row(grey).state, "sent");
    EXPECT_EQ(row(grey).attempts, 2);
}

TEST_F(SenderTest, OneOfThreeThatIsRefusedIsShownAndTheOthersGetIt) {
    mail.answer = [](const auto&, const net::Envelope& e) {
        return e.to == "gone@example.org" ? net::Sent{Kind::refused, 550, "no such user"} : net::Sent{Kind::accepted, 250, ""};
    };
    const auto a = put("m", "a@example.org"), gone = put("m", "gone@example.org"), b = put("m", "b@example.org");
    start();
    loop.advance(1h);
    EXPECT_THAT(sent_to(), UnorderedElementsAre("a@example.org", "b@example.org"));
    EXPECT_EQ(row(a).state, "sent");
    EXPECT_EQ(row(b).state, "sent");
    EXPECT_EQ(row(gone).state, "failed");
    EXPECT_EQ(row(gone).attempts, 1);
    EXPECT_NE(row(gone).bytes, "") << "it can be tried again";
    EXPECT_EQ(sender->failed(), 1u);
    EXPECT_EQ(sender->way().is, Way::Is::open) << "the server is well";
    EXPECT_TRUE(journal.says(journal::msg::mail_failed, "no such user"));
    loop.advance(25h);
    put("later");
    kick();
    loop.advance(1s);
    EXPECT_EQ(sender->failed(), 0u) << "it is news for a day";
}

TEST_F(SenderTest, TooLargeGoesShortAtOnce) {
    mail.answer = [](const auto&, const net::Envelope& e) {
        return e.bytes.starts_with("short ") ? net::Sent{Kind::accepted, 250, ""} : net::Sent{Kind::too_large, 552, "message too large"};
    };
    const auto id = put("digest of everything");
    start();
    loop.advance(1s);
    EXPECT_THAT(sent_to(), ElementsAre("ops@example.org"));
    EXPECT_EQ(mail.attempts.back().envelope.bytes, "short digest of everything");
    EXPECT_EQ(row(id).state, "sent");
    mail.answer_all(Kind::too_large, 552);
    const auto never = put("another");
    kick();
    loop.advance(1h);
    EXPECT_EQ(mail.count(Kind::too_large), 3u) << "tried long, tried short, given up";
    EXPECT_EQ(row(never).state, "failed");
}

TEST_F(SenderTest, GivenUpAfterItsTimeAndShown) {
    mail.answer_all(Kind::later, 450, "not now");
    const auto id = put("a", "ops@example.org", 72h);
    start();
    loop.advance(72h - 2h);
    EXPECT_EQ(row(id).state, "waiting");
    loop.advance(4h);
    EXPECT_EQ(row(id).state, "failed");
    EXPECT_EQ(row(id).last_error, "given up: not now");
    EXPECT_EQ(sender->failed(), 1u);
    EXPECT_TRUE(journal.says(journal::msg::mail_failed, "not now"));
    const auto tries = mail.attempts.size();
    EXPECT_GT(tries, 70u);
    EXPECT_LT(tries, 110u);
    loop.advance(24h);
    EXPECT_EQ(mail.attempts.size(), tries);
}

class ClockJump : public SenderTest, public testing::WithParamInterface<milliseconds> {};

TEST_P(ClockJump, ARetryWaitsAsLongAsItWouldHave) {
    mail.answer_all(Kind::later, 450, "not now");
    const auto id = put("a");
    start();
    loop.advance(10min);
    const auto tries = row(id).attempts;
    const auto next = row(id).next_at - now();
    ASSERT_GT(next, 1s);
    const auto left = row(id).give_up_at - now();
    loop.jump(GetParam());
    sender->clock_changed(GetParam());
    loop.run_posted();
    EXPECT_EQ(row(id).attempts, tries) << "a clock that jumps is no reason to try";
    EXPECT_EQ(row(id).next_at - now(), next);
    EXPECT_EQ(row(id).give_up_at - now(), left) << "neither is it one to give up, nor to try for ever";
    loop.advance(next + 1s);
    EXPECT_EQ(row(id).attempts, tries + 1);
    loop.advance(73h);
    EXPECT_EQ(row(id).state, "failed");
}

TEST_P(ClockJump, WhatIsOnItsWayMeanwhileKeepsItsTime) {
    mail.answer_all(Kind::later, 450, "not now");
    mail.held = true;
    const auto id = put("a");
    start();
    loop.advance(1min);
    ASSERT_EQ(mail.open(), 1u);
    loop.jump(GetParam());
    sender->clock_changed(GetParam());
    loop.run_posted();
    mail.release();
    loop.advance(1s);
    ASSERT_EQ(row(id).state, "waiting");
    EXPECT_LT(row(id).give_up_at - now(), 72h);
    EXPECT_GT(row(id).give_up_at - now(), 71h);
    EXPECT_LT(row(id).next_at - now(), 40s);
    mail.answer_all(Kind::accepted, 250);
    loop.advance(1min);
    EXPECT_EQ(row(id).state, "sent");
}

TEST_P(ClockJump, WhatIsInTheWayIsWaitedForOnTheOtherClock) {
    mail.answer_all(Kind::login, 535);
    put("a");
    start();
    loop.advance(1min);
    loop.jump(GetParam());
    sender->clock_changed(GetParam());
    loop.advance(13min);
    EXPECT_EQ(mail.attempts.size(), 1u);
    mail.answer_all(Kind::accepted, 250);
    loop.advance(2min);
    EXPECT_EQ(mail.accepted().size(), 1u);
}

TEST_P(ClockJump, SeenOnlyAtTheNextStart) {
    mail.answer_all(Kind::later, 450, "not now");
    const auto id = put("a");
    start();
    loop.advance(5h);
    sender.reset();
    loop.jump(GetParam());
    start();
    loop.advance(73min);
    EXPECT_GE(mail.attempts.back().up, loop.clock().boot() - 73min) << "tried again within the longest wait";
    EXPECT_EQ(row(id).state, GetParam() > 72h ? "failed" : "waiting");
}

constexpr milliseconds kTenYears = std::chrono::hours(24 * 3652);
INSTANTIATE_TEST_SUITE_P(Jumps, ClockJump,
                         testing::Values(milliseconds(1h), milliseconds(-1h), kTenYears, -kTenYears,
                                         milliseconds(std::chrono::sys_days(std::chrono::year(1970) / 1 / 1) -
                                                      std::chrono::sys_days(std::chrono::year(2026) / 11 / 22))));

TEST_F(SenderTest, TheSecretIsReadAnewForEachBatchAndGivenOnlyToTheServer) {
    options.mail.user = "bkmon";
    int reads = 0;
    options.secret = [&reads]() -> Result<std::string> { return "secret " + std::to_string(++reads); };
    put("a");
    start();
    loop.advance(1s);
    put("b");
    kick();
    loop.advance(1s);
    ASSERT_EQ(mail.attempts.size(), 2u);
    EXPECT_EQ(mail.attempts[0].server.secret, "secret 1");
    EXPECT_EQ(mail.attempts[1].server.secret, "secret 2");
    EXPECT_EQ(mail.attempts[1].server.user, "bkmon");
}

TEST_F(SenderTest, ASecretThatCannotBeReadIsInTheWay) {
    options.mail.user = "bkmon";
    int reads = 0;
    options.secret = [&reads]() -> Result<std::string> {
        ++reads;
        return fail(Errc::unavailable, "/etc/bkmon/mail.secret: permission denied");
    };
    const auto id = put("a"), other = put("b");
    start();
    loop.advance(14min);
    EXPECT_TRUE(mail.attempts.empty()) << "no login with an empty password";
    EXPECT_EQ(reads, 1);
    EXPECT_EQ(sender->way().is, Way::Is::login);
    EXPECT_THAT(sender->way().detail, HasSubstr("mail.secret"));
    EXPECT_EQ(row(id).state, "waiting");
    EXPECT_THAT(row(id).last_error, HasSubstr("mail.secret")) << "`alerts outbox` says why it waits";
    loop.advance(80h);
    EXPECT_EQ(row(id).state, "failed") << "what is never tried is given up all the same";
    EXPECT_EQ(row(other).state, "failed");
    EXPECT_TRUE(mail.attempts.empty());
}

TEST_F(SenderTest, AnAddressThatIsNoneFailsAndSaysNothingOfTheServer) {
    const auto id = put("a", "not an address");
    start();
    loop.advance(1s);
    EXPECT_TRUE(mail.attempts.empty());
    EXPECT_EQ(row(id).state, "failed");
    EXPECT_EQ(sender->way().is, Way::Is::untried);
}

}  // namespace
}  // namespace bkmon::alerts
