#include "daemon/alerts/outbox/outcome.h"

#include <gtest/gtest.h>

namespace bkmon::alerts {
namespace {

using history::MailRow;
using net::Sent;
using Kind = Sent::Kind;
using std::chrono::hours;
using std::chrono::minutes;

const Time kNow = *parse_rfc3339("2026-11-22T03:00:00Z");

MailRow leased() {
    MailRow row;
    row.id = 7;
    row.kind = "alert";
    row.message_id = "<a@b>";
    row.recipient = "ops@example.org";
    row.subject = "something failed";
    row.bytes = "all of it";
    row.state = "leased";
    row.lease_until = kNow + minutes(15);
    row.lease_by = "me";
    row.created_at = kNow - hours(1);
    row.next_at = kNow - minutes(1);
    row.give_up_at = kNow + hours(71);
    return row;
}

std::string shorter(const MailRow& row) { return "short: " + row.subject; }

struct Case {
    const char* name;
    Sent sent;
    const char* state;
    std::optional<Way::Is> way;
    bool waits_itself;  ///< it has a wait of its own
};

class EachOutcome : public testing::TestWithParam<Case> {};

TEST_P(EachOutcome, MakesTheRowAndTheWay) {
    const auto& c = GetParam();
    EXPECT_EQ(in_the_way(c.sent), c.way);
    const auto row = after(leased(), c.sent, kNow, 0.5, shorter);
    EXPECT_EQ(row.state, c.state);
    EXPECT_EQ(row.attempts, 1);
    EXPECT_EQ(row.code, c.sent.code);
    EXPECT_FALSE(row.lease_until);
    EXPECT_EQ(row.lease_by, "");
    EXPECT_EQ(row.ended_at.has_value(), row.state == "sent" || row.state == "failed");
    EXPECT_TRUE(history::check(row)) << "the history would not take it";
    if (row.state == "waiting") {
        EXPECT_EQ(row.next_at, c.waits_itself ? kNow + seconds(30) : kNow);
    }
    if (row.state == "sent") {
        EXPECT_EQ(row.last_error, "");
    } else {
        EXPECT_NE(row.last_error.find(c.sent.detail), std::string::npos);
    }
    EXPECT_EQ(row.give_up_at, leased().give_up_at) << "an attempt gives no more time";
    EXPECT_EQ(row.message_id, "<a@b>");
}

INSTANTIATE_TEST_SUITE_P(Kinds, EachOutcome,
                         testing::Values(Case{"accepted", {Kind::accepted, 250, "queued"}, "sent", std::nullopt, false},
                                         Case{"later", {Kind::later, 450, "greylisted"}, "waiting", std::nullopt, true},
                                         Case{"later_4xx", {Kind::later, 451, "try again"}, "waiting", std::nullopt, true},
                                         Case{"closing", {Kind::later, 421, "too busy"}, "waiting", Way::Is::down, false},
                                         Case{"cut", {Kind::later, 0, "the connection was cut"}, "waiting", Way::Is::down, false},
                                         Case{"refused", {Kind::refused, 550, "no such user"}, "failed", std::nullopt, false},
                                         Case{"too_large", {Kind::too_large, 552, "too much"}, "waiting", std::nullopt, false},
                                         Case{"login", {Kind::login, 535, "wrong password"}, "waiting", Way::Is::login, false},
                                         Case{"tls", {Kind::tls, 0, "not its name"}, "waiting", Way::Is::tls, false},
                                         Case{"unreachable", {Kind::unreachable, 0, "nobody listens"}, "waiting", Way::Is::down, false}),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(Outcome, TooLargeIsShortenedOnce) {
    auto row = after(leased(), {Kind::too_large, 552, "too much"}, kNow, 0.5, shorter);
    EXPECT_EQ(row.bytes, "short: something failed");
    EXPECT_EQ(row.next_at, kNow) << "at once";
    row = after(row, {Kind::too_large, 552, "still"}, kNow, 0.5, shorter);
    EXPECT_EQ(row.state, "failed");
    EXPECT_EQ(after(leased(), {Kind::too_large, 552, "too much"}, kNow, 0.5, {}).state, "failed") << "nothing shorter is there";
}

TEST(Outcome, ShortenedStaysShortThroughATryThatWasPutOff) {
    auto row = after(leased(), {Kind::too_large, 552, "too much"}, kNow, 0.5, shorter);
    row = after(row, {Kind::later, 450, "greylisted"}, kNow, 0.5, shorter);
    ASSERT_EQ(row.state, "waiting");
    row = after(row, {Kind::too_large, 552, "still"}, kNow, 0.5, shorter);
    EXPECT_EQ(row.state, "failed") << "it was tried short already";
}

TEST(Outcome, AfterItsTimeItIsGivenUpWhateverIsInTheWay) {
    for (const auto kind : {Kind::later, Kind::login, Kind::tls, Kind::unreachable}) {
        auto row = leased();
        row.give_up_at = kNow;
        row = after(row, {kind, 0, "words of the server"}, kNow, 0.5, shorter);
        EXPECT_EQ(row.state, "failed");
        EXPECT_EQ(row.last_error, "given up: words of the server");
        row = leased();
        row.give_up_at = kNow + milliseconds(1);
        EXPECT_EQ(after(row, {kind, 0, ""}, kNow, 0.5, shorter).state, "waiting");
    }
}

TEST(Outcome, BackoffDoublesUpToAnHourWithinAFifth) {
    const std::vector<seconds> steps{seconds(30), seconds(60), seconds(120), seconds(240), seconds(480), seconds(960), seconds(1920), seconds(3600)};
    for (int n = 1; n <= 200; ++n) {
        const milliseconds middle = steps[std::min<std::size_t>(static_cast<std::size_t>(n) - 1, steps.size() - 1)];
        EXPECT_EQ(backoff(n, 0.5), middle) << n;
        EXPECT_EQ(backoff(n, 0), middle * 8 / 10) << n;
        EXPECT_EQ(backoff(n, 1), middle * 12 / 10) << n;
    }
    EXPECT_EQ(backoff(0, 0.5), seconds(30));
    EXPECT_EQ(backoff(2000000000, 0.5), hours(1));
}

TEST(Outcome, AWrongPasswordHoldsLongest) {
    EXPECT_EQ(hold_for(Way::Is::login).first, minutes(15));
    EXPECT_EQ(hold_for(Way::Is::login).most, hours(4));
    EXPECT_LT(hold_for(Way::Is::tls).first, hold_for(Way::Is::login).first);
    EXPECT_LT(hold_for(Way::Is::down).first, hold_for(Way::Is::tls).first);
    for (const auto is : {Way::Is::login, Way::Is::tls, Way::Is::down}) EXPECT_LT(hold_for(is).first, hold_for(is).most);
}

}  // namespace
}  // namespace bkmon::alerts
