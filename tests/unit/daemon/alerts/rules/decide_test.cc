#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/alerts/rules/decide.h"

namespace bkmon::alerts {
namespace {

using core::AlertRule;
using core::Severity;
using core::Status;
using testing::ElementsAre;
using Mail = AlertRule::Mail;

struct Case {
    TargetId id = TargetId::of("deposit", {"SHOP_CITY_NORTH", "MAIN"});
    core::Labels labels{{"region", "north"}};
    std::vector<std::string> recipients;
    core::AlertSettings settings;
    std::vector<std::string> everybody{"ops@example.org"};

    Decision decide(Status status, std::optional<Severity> severity = {}) {
        auto verdict = core::plain_verdict(status, "x", "y", Time{});
        if (severity) verdict.severity = *severity;
        return alerts::decide(settings, everybody, {id, labels, recipients}, verdict);
    }
    AlertRule& rule() { return settings.rules.emplace_back(); }
};

TEST(Decide, WithoutARuleTheDefaultIsSensible) {
    Case c;
    const std::pair<Status, Mail> expected[] = {
        {Status::ok, Mail::never},       {Status::unchanged, Mail::digest}, {Status::warning, Mail::digest},
        {Status::held, Mail::at_once},   {Status::late, Mail::never},       {Status::missing, Mail::at_once},
        {Status::failed, Mail::at_once}, {Status::corrupt, Mail::at_once},  {Status::unreachable, Mail::at_once},
        {Status::unknown, Mail::digest}, {Status::paused, Mail::never}};
    for (const auto& [status, mail] : expected) EXPECT_EQ(c.decide(status).mail, mail) << core::name_of(status);
    EXPECT_EQ(c.decide(Status::unchanged, Severity::ok).mail, Mail::never);
    EXPECT_THAT(c.decide(Status::failed).to, ElementsAre("ops@example.org"));
    EXPECT_EQ(c.decide(Status::failed).rule, nullptr);
}

TEST(Decide, TheFirstRuleThatFitsDecides) {
    Case c;
    auto& other = c.rule();
    other.kinds = {"outlet"};
    other.mail = Mail::never;
    auto& north = c.rule();
    north.targets = {"deposit/shop_city_*"};
    north.labels = {{"region", "n*"}};
    north.statuses = {Status::failed, Status::missing};
    north.to = {"north@example.org"};
    north.after = 3;
    north.reminders = 2;
    north.severity = Severity::warning;
    c.rule().mail = Mail::never;
    const auto d = c.decide(Status::failed);
    ASSERT_NE(d.rule, nullptr);
    EXPECT_THAT(d.to, ElementsAre("north@example.org"));
    EXPECT_EQ(d.after, 3);
    EXPECT_EQ(d.reminders, 2);
    EXPECT_EQ(d.severity, Severity::warning);
    EXPECT_EQ(d.mail, Mail::digest) << "the severity that the rule gives counts";
    EXPECT_EQ(c.decide(Status::missing).after, 1) << "what did not happen at all is said at once";
    EXPECT_EQ(c.decide(Status::corrupt).mail, Mail::never) << "the last rule takes the rest";
}

TEST(Decide, TheTargetsRecipientsComeBeforeEverybody) {
    Case c;
    c.recipients = {"shop@example.org"};
    EXPECT_THAT(c.decide(Status::failed).to, ElementsAre("shop@example.org"));
    c.recipients.clear();
    c.everybody.clear();
    EXPECT_EQ(c.decide(Status::failed).mail, Mail::never) << "there is nobody to tell";
}

TEST(Decide, LateIsShownOnlyWhateverARuleSays) {
    Case c;
    c.rule().mail = Mail::at_once;
    EXPECT_EQ(c.decide(Status::late).mail, Mail::never);
    EXPECT_EQ(c.decide(Status::paused).mail, Mail::never);
    EXPECT_EQ(c.decide(Status::warning).mail, Mail::at_once);
}

}  // namespace
}  // namespace bkmon::alerts
