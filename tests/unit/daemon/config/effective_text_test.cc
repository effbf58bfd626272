#include "daemon/config/effective_text.h"

#include <gtest/gtest.h>

namespace bkmon::config {
namespace {

TEST(EffectiveText, GivesBackWhatWasPutIn) {
    const std::vector<EffectiveSetting> settings{{"deposits.root", "/srv/in", "b.yaml:1:2"}, {"", std::string("a\0b", 3), "default"}, {"x", "", ""}};
    const auto all = EffectiveText(settings).all();
    ASSERT_EQ(all.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(all[i].path, settings[i].path);
        EXPECT_EQ(all[i].value, settings[i].value);
        EXPECT_EQ(all[i].origin, settings[i].origin);
    }
    EXPECT_TRUE(EffectiveText().all().empty());
}

TEST(EffectiveText, PlacesAreNoValues) {
    const EffectiveText a({{"x", "1", "f:1:1"}, {"y", "2", "f:2:1"}});
    EXPECT_TRUE(a.same_values(EffectiveText({{"x", "1", "other"}, {"y", "2", "default"}})));
    EXPECT_FALSE(a.same_values(EffectiveText({{"x", "1", "f:1:1"}})));
    EXPECT_FALSE(EffectiveText({{"x", "1", "f:1:1"}}).same_values(a));
    EXPECT_FALSE(a.same_values(EffectiveText({{"x", "1", "f:1:1"}, {"y", "3", "f:2:1"}})));
    EXPECT_FALSE(a.same_values(EffectiveText({{"x", "1", "f:1:1"}, {"z", "2", "f:2:1"}})));
    EXPECT_FALSE(EffectiveText({{"ab", "c", ""}}).same_values(EffectiveText({{"a", "bc", ""}})));
}

}  // namespace
}  // namespace bkmon::config
