#include "daemon/alerts/text/fold.h"

#include <gtest/gtest.h>

namespace bkmon::alerts {
namespace {

TEST(Fold, GoesOnByTheSpacesInFront) {
    EXPECT_EQ(fold("aaa bbb ccc", 7), "aaa bbb\n  ccc\n");
    EXPECT_EQ(fold(" aaa bbb ccc", 8), " aaa bbb\n ccc\n");
    EXPECT_EQ(fold("  aaa bbb ccc", 9), "  aaa bbb\n      ccc\n");
    EXPECT_EQ(fold("   aaa bbb ccc", 10), "   aaa bbb\n   ccc\n");
    EXPECT_EQ(fold("    aaa bbb ccc", 6), "    aaa bbb ccc\n");
}

TEST(Fold, SpacesWhereItIsFoldedAreGone) {
    for (std::size_t n = 1; n < 9; ++n) EXPECT_EQ(fold(" aaa" + std::string(n, ' ') + "bbb", 7), " aaa\n bbb\n") << n;
    EXPECT_EQ(fold("  a:   b", 20), "  a:   b\n");
}

TEST(Fold, CutsNoWordAndLeavesNoPunctuationAlone) {
    EXPECT_EQ(fold("a bbbbbbbbbbbbbbb c", 5), "a\n  bbbbbbbbbbbbbbb\n  c\n");
    EXPECT_EQ(fold("a aaa : bbb", 5), "a\n  aaa :\n  bbb\n");
    EXPECT_EQ(fold("漢字 漢字 漢字", 9), "漢字 漢字\n  漢字\n");
}

TEST(Fold, KeepsOneEmptyLineAndTheMarkOfASignature) {
    EXPECT_EQ(fold("\n\na\n\n \n\nb   \n-- \nc\n\n", 78), "a\n\nb\n-- \nc\n");
    EXPECT_EQ(fold("", 78), "");
}

}  // namespace
}  // namespace bkmon::alerts
