#include "daemon/config/likes.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "daemon/core/job_names.h"

namespace bkmon::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Likes::Forms forms(const std::string& place, const std::string& database) { return {core::pattern_form(place), core::pattern_form(database)}; }

TEST(Likes, KnownDigitsMeetThemselvesAndUnknownOnes) {
    Likes likes;
    likes.add(forms("shop/2024", "db"), 0);
    likes.add(forms("shop/{year}", "db"), 1);
    likes.add(forms("shop/2025", "db"), 2);
    likes.add(forms("shop/20241", "db"), 3);
    likes.add(forms("shop/2024", "other"), 4);
    EXPECT_THAT(likes.of(forms("shop/2024", "db")), UnorderedElementsAre(0, 1));
    EXPECT_THAT(likes.of(forms("SHOP/{YEAR}", "DB")), UnorderedElementsAre(0, 1, 2));
    EXPECT_THAT(likes.of(forms("shop/2026", "db")), ElementsAre(1));
    EXPECT_THAT(likes.of(forms("shop/abcd", "db")), IsEmpty());
    likes.add(forms("shop/2026", "db"), 5);
    EXPECT_THAT(likes.of(forms("shop/{year}", "db")), UnorderedElementsAre(0, 1, 2, 5)) << "what is added after somebody asked is found too";
}

TEST(Likes, FindsWhatComparingEachWithEachFinds) {
    std::mt19937 random(20261123);
    const auto name = [&] {
        std::string s;
        for (int parts = 1 + static_cast<int>(random() % 3); parts > 0; --parts) {
            const auto kind = random() % 4;
            if (kind == 0) s += "{year}";
            if (kind == 1) s += std::to_string(2024 + random() % 2);
            if (kind == 2) s += std::to_string(random() % 3);
            if (kind == 3) s += random() % 2 == 0 ? 'a' : 'b';
        }
        return s;
    };
    std::size_t met = 0;
    for (int round = 0; round < 600; ++round) {
        Likes likes;
        std::vector<Likes::Forms> all;
        for (std::size_t job = 0; job < 60; ++job) {
            const auto mine = forms(name(), name());
            std::vector<std::size_t> wanted;
            for (std::size_t i = 0; i < all.size(); ++i)
                if (core::forms_meet(all[i].place, mine.place) && core::forms_meet(all[i].database, mine.database)) wanted.push_back(i);
            auto found = likes.of(mine);
            std::sort(found.begin(), found.end());
            ASSERT_EQ(found, wanted) << round;
            met += found.size();
            likes.add(mine, job);
            all.push_back(mine);
        }
    }
    EXPECT_GT(met, 1000U) << "or it says nothing";
}

}  // namespace
}  // namespace bkmon::config
