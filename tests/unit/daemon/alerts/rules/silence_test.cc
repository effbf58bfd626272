#include "daemon/alerts/rules/silence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace bkmon::alerts {
namespace {

using core::Silence;

const TargetId kShop = TargetId::of("deposit", {"SHOP_NORTH", "MAIN"});
const core::Labels kNorth{{"region", "north"}, {"site", "s1"}};

Time at(const char* text) { return *parse_rfc3339(text); }

Silence silence(std::vector<std::string> targets = {"*"}) {
    Silence s;
    s.targets = std::move(targets);
    return s;
}

bool covered(const Silence& s, Time t, const TargetId& id = kShop, const core::Labels& labels = kNorth) {
    return Silences({s}).covering(id, labels, t).has_value();
}

TEST(SilenceCovers, WhatAllItsConditionsName) {
    const auto now = at("2026-11-22T12:00:00Z");
    EXPECT_TRUE(covered(silence({"deposit/shop_*"}), now));
    EXPECT_FALSE(covered(silence({"deposit/other*"}), now));
    auto s = silence({});
    s.kinds = {"outlet", "dep*"};
    EXPECT_TRUE(covered(s, now));
    s.labels = {{"region", "n*"}};
    EXPECT_TRUE(covered(s, now));
    EXPECT_FALSE(covered(s, now, kShop, {}));
    s.labels.emplace("till", "3");
    EXPECT_FALSE(covered(s, now));
    s.labels.clear();
    s.kinds = {"outlet"};
    EXPECT_FALSE(covered(s, now));
    EXPECT_FALSE(Silences().covering(kShop, kNorth, now));
}

TEST(SilenceCovers, FromItsBeginningUntilBeforeItsEnd) {
    auto s = silence();
    s.from = at("2026-11-22T12:00:00Z");
    s.until = at("2026-11-22T14:00:00Z");
    const Silences all({s});
    EXPECT_FALSE(covered(s, *s.from - milliseconds(1)));
    EXPECT_TRUE(covered(s, *s.from));
    EXPECT_TRUE(covered(s, *s.until - milliseconds(1)));
    EXPECT_FALSE(covered(s, *s.until));
    EXPECT_EQ(all.next_change(*s.from - milliseconds(1)), s.from);
    EXPECT_EQ(all.next_change(*s.from), s.until);
    EXPECT_FALSE(all.next_change(*s.until));
    EXPECT_EQ(all.covering(kShop, kNorth, *s.from)->until, s.until);
}

TEST(SilenceCovers, InsideOfItsWindowsInItsZone) {
    auto s = silence();
    s.timezone = "Europe/Berlin";
    s.windows = {"mon-fri 22:00-06:00", "sat,sun"};
    const Silences all({s});
    EXPECT_FALSE(covered(s, at("2026-11-23T20:59:59Z")));
    EXPECT_TRUE(covered(s, at("2026-11-23T21:00:00Z")));
    EXPECT_EQ(all.covering(kShop, kNorth, at("2026-11-23T21:00:00Z"))->until, at("2026-11-24T05:00:00Z"));
    EXPECT_EQ(all.next_change(at("2026-11-24T05:00:00Z")), at("2026-11-24T21:00:00Z"));
    s.until = at("2026-11-24T02:00:00Z");  // in the middle of a night
    EXPECT_EQ(Silences({s}).covering(kShop, kNorth, at("2026-11-23T21:00:00Z"))->until, s.until);
    s.until = at("2026-11-24T12:00:00Z");  // by day, when nothing is covered anyway
    EXPECT_EQ(Silences({s}).next_change(at("2026-11-23T21:00:00Z")), at("2026-11-24T05:00:00Z"));
    EXPECT_FALSE(Silences({s}).next_change(at("2026-11-24T05:00:00Z")));
    s.until.reset();
    s.from = at("2026-11-24T12:00:00Z");
    EXPECT_EQ(Silences({s}).next_change(at("2026-11-23T00:00:00Z")), at("2026-11-24T21:00:00Z"));
}

TEST(SilenceCovers, OfSeveralTheOneThatLastsLongestAnswers) {
    auto first = silence(), second = silence(), other = silence({"outlet/*"});
    first.until = at("2026-11-22T13:00:00Z");
    first.reason = "first";
    second.until = at("2026-11-22T15:00:00Z");
    second.reason = "second";
    const auto now = at("2026-11-22T12:00:00Z");
    other.until = at("2026-11-22T12:30:00Z");
    Silences all({other, first, second});
    EXPECT_EQ(all.covering(kShop, kNorth, now)->silence->reason, "second");
    EXPECT_EQ(all.next_change(now), other.until);
    EXPECT_EQ(all.next_change(kShop, kNorth, now), first.until);
    auto forever = silence();
    forever.reason = "forever";
    const Silences more({first, forever, second});
    EXPECT_EQ(more.covering(kShop, kNorth, now)->silence->reason, "forever");
    EXPECT_FALSE(more.covering(kShop, kNorth, now)->until);
    const auto moved = std::move(all);
    EXPECT_EQ(moved.covering(kShop, kNorth, now)->silence->reason, "second");
}

TEST(SilenceCovers, NothingWhenItCannotBeRead) {
    auto s = silence();
    s.timezone = "Mars/Olympus";
    EXPECT_FALSE(covered(s, at("2026-11-22T12:00:00Z")));
    s.timezone = "UTC";
    s.windows = {"sun", "moonday"};
    EXPECT_FALSE(covered(s, at("2026-11-22T12:00:00Z")));
    EXPECT_FALSE(Silences({s}).next_change(at("2026-11-22T12:00:00Z")));
}

TEST(SilenceCovers, ChangesOnlyWhereNextChangeSays) {
    std::mt19937 random(4);
    const std::vector<std::string> windows{"mon-fri 22:00-06:00", "sat,sun", "03:00-04:30", "sun 01:00-03:00", "wed 12:00-24:00"};
    const auto begin = at("2026-10-23T00:00:00Z");  // Europe/Berlin sets its clock back two nights later
    const auto step = std::chrono::minutes(15);
    const auto some = [&] { return begin + step * static_cast<int>(random() % 480); };
    for (int round = 0; round < 60; ++round) {
        std::vector<Silence> some_silences;
        for (unsigned i = 0; i < 1 + random() % 3; ++i) {
            auto s = silence();
            s.timezone = random() % 2 == 0 ? "UTC" : "Europe/Berlin";
            for (unsigned w = random() % 3; w > 0; --w) s.windows.push_back(windows[random() % windows.size()]);
            if (random() % 2 == 0) s.from = some();
            if (random() % 2 == 0) s.until = some();
            if (s.from && s.until && *s.until <= *s.from) std::swap(s.from, s.until);
            some_silences.push_back(s);
        }
        const Silences all(some_silences);
        bool before = all.covering(kShop, kNorth, begin).has_value();
        auto next = all.next_change(begin);
        for (auto t = begin; t < begin + step * 480; t += step) {
            const bool now = all.covering(kShop, kNorth, t).has_value();
            if (next && *next <= t)
                next = all.next_change(t);
            else
                ASSERT_EQ(now, before) << round << " " << rfc3339(t);
            // Asked in any order, and by one that was asked nothing else.
            if (random() % 8 == 0) {
                ASSERT_EQ(Silences(some_silences).covering(kShop, kNorth, t).has_value(), now) << round << " " << rfc3339(t);
                const auto other = some();
                ASSERT_EQ(all.covering(kShop, kNorth, other).has_value(), Silences(some_silences).covering(kShop, kNorth, other).has_value());
                ASSERT_EQ(all.next_change(other), Silences(some_silences).next_change(other));
            }
            const auto cover = all.covering(kShop, kNorth, t);
            if (cover && cover->until) {
                ASSERT_GT(*cover->until, t);
            }
            before = now;
        }
    }
}

TEST(SilenceText, SaysUntilWhenWhyAndByWhom) {
    const auto now = at("2026-11-22T12:00:00Z");  // a Sunday
    Silence s = silence({"deposit/SHOP_*"});
    s.reason = "datacentre move";
    s.by = "alice";
    EXPECT_EQ(silence_text(s, at("2026-11-23T05:00:00Z"), now, "Europe/Berlin"), "until Mon 06:00, 'datacentre move', by alice");
    EXPECT_EQ(silence_text(s, at("2026-11-29T05:00:00Z"), now, "UTC"), "until 2026-11-29 05:00, 'datacentre move', by alice");
    s.by.clear();
    s.origin = "/etc/bkmon/bkmon.yaml:12:5";
    EXPECT_EQ(silence_text(s, {}, now, "UTC"), "without an end, 'datacentre move', /etc/bkmon/bkmon.yaml:12:5");
    s.reason = "a\x1b[2Jb\n";
    s.origin.clear();
    EXPECT_EQ(silence_text(s, {}, now, "UTC"), "without an end, 'a\\x1b[2Jb\\n'");
}

TEST(SilenceText, NamesWhatItCovers) {
    Silence s = silence({"deposit/SHOP_*", "outlet/*"});
    EXPECT_EQ(covered_text(s), "deposit/SHOP_*, outlet/*");
    s.kinds = {"outlet"};
    s.labels = {{"region", "north"}};
    EXPECT_EQ(covered_text(s), "deposit/SHOP_*, outlet/* and kind outlet and label region=north");
    EXPECT_EQ(covered_text(Silence{}), "everything");
}

}  // namespace
}  // namespace bkmon::alerts
