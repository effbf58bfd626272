#include "common/base/rare.h"

#include <gtest/gtest.h>

#include <string>

namespace bkmon {
namespace {

TEST(Rare, IsAnOptionalThatCopiesItsValue) {
    Rare<std::string> none, some = std::string("x");
    EXPECT_FALSE(none);
    ASSERT_TRUE(some.has_value());
    auto copy = some;
    *copy += "y";
    EXPECT_EQ(*some, "x");
    EXPECT_EQ(copy->size(), 2U);
    EXPECT_FALSE(copy == some);
    none = some;
    EXPECT_TRUE(none == some);
    const auto moved = std::move(some);
    EXPECT_EQ(*moved, "x");
    none.reset();
    EXPECT_FALSE(none);
    none = copy;
    none = std::nullopt;
    EXPECT_TRUE(none == Rare<std::string>());
    EXPECT_EQ(sizeof(none), sizeof(void*));
}

}  // namespace
}  // namespace bkmon
