#include "daemon/platform/files/space_marks.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/forwarding_files.h"
#include "tests/support/temp_tree.h"

namespace bkmon::files {
namespace {

constexpr std::uint64_t kMiB = 1 << 20, kGiB = std::uint64_t{1} << 30;

Space space(std::uint64_t total, std::uint64_t free) { return {free, 900, true, total, 1000}; }

TEST(SpaceMarks, BothThePartAndTheFigureCount) {
    const SpaceRule rule{5, 10 * kGiB};
    EXPECT_FALSE(is_low(space(100 * kGiB, 6 * kGiB), rule, 0, false));
    EXPECT_TRUE(is_low(space(100 * kGiB, 4 * kGiB), rule, 0, false));
    EXPECT_FALSE(is_low(space(20000 * kGiB, 11 * kGiB), rule, 0, false)) << "5 % of a large one is plenty";
    EXPECT_TRUE(is_low(space(20000 * kGiB, 9 * kGiB), rule, 0, false));
    EXPECT_FALSE(is_low(space(100 * kGiB, 0), {0, 10 * kGiB}, 0, false)) << "off";
}

TEST(SpaceMarks, HealsOnlyWithAQuarterMore) {
    const SpaceRule rule{10, 100 * kGiB};
    EXPECT_TRUE(is_low(space(1000 * kMiB, 99 * kMiB), rule, 0, false));
    EXPECT_FALSE(is_low(space(1000 * kMiB, 101 * kMiB), rule, 0, false));
    EXPECT_TRUE(is_low(space(1000 * kMiB, 101 * kMiB), rule, 0, true));
    EXPECT_FALSE(is_low(space(1000 * kMiB, 126 * kMiB), rule, 0, true));
}

TEST(SpaceMarks, WhatIsNeverFilledIsWarnedOfBefore) {
    EXPECT_EQ(low_mark(space(100 * kGiB, 0), {5, kGiB}, 2 * kGiB), 4 * kGiB);
    EXPECT_EQ(low_mark(space(64 * kMiB, 0), {5, kGiB}, 256 * kMiB), 16 * kMiB) << "a small file system has no more than a quarter to warn of";
}

TEST(SpaceMarks, InodesCountWhereThereAreSome) {
    auto s = space(100 * kGiB, 90 * kGiB);
    s.free_inodes = 40;
    EXPECT_TRUE(is_low(s, {}, 0, false));
    s.inodes_known = false;
    EXPECT_FALSE(is_low(s, {}, 0, false));
}

class Reserve : public testing::Test {
protected:
    test::TempTree tree;
    std::unique_ptr<FileOps> ops = system_files();
    std::uint64_t blocks() {
        struct stat st {};
        return ::stat(tree.at(kReserveName).c_str(), &st) == 0 ? static_cast<std::uint64_t>(st.st_blocks) * 512 : 0;
    }
};

TEST_F(Reserve, ReallyHasItsBlocksAndGivesThemBack) {
    ASSERT_TRUE(make_reserve(*ops, tree.path(), kMiB));
    EXPECT_GE(blocks(), kMiB);
    ASSERT_TRUE(make_reserve(*ops, tree.path(), kMiB)) << "there already";
    ASSERT_TRUE(make_reserve(*ops, tree.path(), 2 * kMiB)) << "another size";
    EXPECT_GE(blocks(), 2 * kMiB);
    EXPECT_TRUE(*release_reserve(*ops, tree.path()));
    EXPECT_FALSE(*release_reserve(*ops, tree.path()));
}

/// A file system that cannot promise blocks.
class NoPromises final : public test::ForwardingFiles {
public:
    Result<void> allocate(int, std::uint64_t) override { return {}; }
};

TEST_F(Reserve, IsWrittenWhereBlocksCannotBePromised) {
    NoPromises files;
    ASSERT_TRUE(make_reserve(files, tree.path(), 300'000));
    EXPECT_GE(blocks(), 300'000U);
}

}  // namespace
}  // namespace bkmon::files
