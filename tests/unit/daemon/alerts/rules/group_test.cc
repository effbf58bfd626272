#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/alerts/rules/group.h"

namespace bkmon::alerts {
namespace {

using core::Status;
using testing::ElementsAre;

std::vector<Waiting> some(std::size_t n, Status status, const Traits& traits, std::size_t from = 0) {
    std::vector<Waiting> out;
    for (std::size_t i = 0; i < n; ++i) out.push_back({TargetId::of("outlet", {"O" + std::to_string(from + i), "d"}), status, Word::opened, traits});
    return out;
}
void add(std::vector<Waiting>& to, std::vector<Waiting> more) { to.insert(to.end(), more.begin(), more.end()); }

std::size_t total_of(const std::string&, const std::string&) { return 214; }

TEST(Group, OneCauseIsOneMailAndTheOthersAreNotHidden) {
    auto waiting = some(212, Status::unreachable, {{"credential", "CORP\\svc"}, {"region", "north"}});
    add(waiting, some(2, Status::unreachable, {{"credential", "other"}, {"region", "south"}}, 500));
    add(waiting, some(1, Status::corrupt, {{"region", "north"}}, 600));
    const auto groups = group(waiting, total_of);
    ASSERT_EQ(groups.size(), 4U);
    EXPECT_THAT(groups[0].items, ElementsAre(214U)) << "the worst comes first";
    EXPECT_EQ(groups[1].items.size(), 212U);
    EXPECT_EQ(groups[1].trait, "credential") << "of two that all share the one that explains more";
    EXPECT_EQ(groups[1].of, 214U);
    EXPECT_THAT(groups[2].items, ElementsAre(212U));
    EXPECT_THAT(groups[3].items, ElementsAre(213U));
}

TEST(Group, ARefusedCredentialIsTheCauseWhateverIsWider) {
    auto waiting = some(10, Status::unreachable, {{"credential", "C"}, {"mode", "d"}});
    add(waiting, some(90, Status::unreachable, {{"mode", "d"}}, 100));
    const auto groups = group(waiting, [](const std::string&, const std::string&) { return std::size_t{100}; });
    ASSERT_EQ(groups.size(), 2U);
    EXPECT_EQ(groups[0].value, "C");
    EXPECT_EQ(groups[0].items.size(), 10U);
    EXPECT_EQ(groups[1].items.size(), 90U);
}

TEST(Group, WhatMostOfThoseWhoHaveItSufferFromExplainsMoreThanWhatIsWide) {
    auto waiting = some(50, Status::unreachable, {{"region", "north"}, {"mode", "d"}});
    add(waiting, some(40, Status::unreachable, {{"region", "south"}, {"mode", "d"}}, 100));
    const auto total = [](const std::string& trait, const std::string& value) {
        return trait == "mode" ? std::size_t{1000} : value == "north" ? std::size_t{100} : std::size_t{500};
    };
    const auto groups = group(waiting, total);
    ASSERT_EQ(groups.size(), 2U);
    EXPECT_EQ(groups[0].value, "north") << "one half is enough";
    EXPECT_EQ(groups[1].value, "south") << "of two that explain little the one in front";
}

TEST(Group, AThousandAtOnceAreFewMails) {
    std::vector<Waiting> waiting;
    for (std::size_t i = 0; i < 1000; ++i)
        add(waiting, some(1, Status::unreachable, {{"subnet", "10.0." + std::to_string(i) + ".0/24"}, {"scan", "s1"}}, i));
    const auto groups = group(waiting, total_of);
    ASSERT_EQ(groups.size(), 1U);
    EXPECT_EQ(groups[0].value, "s1");
    for (auto& w : waiting) w.traits.clear();
    const auto without = group(waiting, total_of);
    ASSERT_EQ(without.size(), 1U);
    EXPECT_EQ(without[0].trait, "");
}

TEST(Group, EachIsInExactlyOne) {
    std::vector<Waiting> waiting;
    for (std::size_t i = 0; i < 300; ++i)
        add(waiting, some(1, i % 3 == 0 ? Status::missing : Status::failed,
                          {{"agent", std::to_string(i % 7)}, {"site", std::to_string(i % 4)}, {"site", std::to_string(i % 4)}}, i));
    std::vector<int> seen(waiting.size(), 0);
    for (const auto& g : group(waiting, total_of))
        for (const auto i : g.items) ++seen[i];
    EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), 300);
}

TEST(Group, FewStayByThemselves) {
    const auto groups = group(some(2, Status::failed, {{"agent", "A"}}), total_of);
    EXPECT_EQ(groups.size(), 2U);
}

}  // namespace
}  // namespace bkmon::alerts
