#include "daemon/platform/files/copy.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "tests/support/temp_tree.h"

namespace bkmon::files {
namespace {

class CopyTest : public testing::Test {
protected:
    std::unique_ptr<FileOps> ops = system_files();
    test::TempTree tree;
    UniqueFd root, from, to;
    Side blame{};

    void SetUp() override { root = std::move(*ops->open_root(tree.path())); }
    Result<Copied> copy(const std::string& bytes, std::uint64_t claimed, const GoOn& go_on = {}) {
        tree.put("from", bytes);
        from = std::move(*ops->open_read(root.get(), "from"));
        to = std::move(*ops->create(root.get(), "to"));
        return copy_hashed(*ops, from.get(), to.get(), claimed, {}, {}, go_on, blame);
    }
};

TEST(Sha256Test, KnownAnswers) {
    EXPECT_EQ(Sha256::of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(Sha256::of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    Sha256 sha;
    const std::string part(1000, 'a');
    for (int i = 0; i < 1000; ++i) sha.update({reinterpret_cast<const unsigned char*>(part.data()), part.size()});
    EXPECT_EQ(sha.finish(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_F(CopyTest, CopiesAndHashes) {
    std::string bytes(2 * 1024 * 1024 + 17, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31);
    auto copied = copy(bytes, bytes.size());
    ASSERT_TRUE(copied);
    EXPECT_TRUE(copied->length_right);
    EXPECT_EQ(copied->sha256, Sha256::of(bytes));
    EXPECT_EQ(tree.get("to"), bytes);
    EXPECT_EQ(*hash_file(*ops, to.get(), bytes.size(), {}), copied->sha256);
    EXPECT_EQ(hash_file(*ops, to.get(), bytes.size() - 1, {}).error().code, Errc::corrupt);
    EXPECT_EQ(hash_file(*ops, to.get(), bytes.size() + 1, {}).error().code, Errc::corrupt);
}

TEST_F(CopyTest, EmptyFile) {
    auto copied = copy("", 0);
    ASSERT_TRUE(copied);
    EXPECT_TRUE(copied->length_right);
    EXPECT_EQ(copied->sha256, Sha256::of(""));
}

TEST_F(CopyTest, NeverMoreThanClaimed) {
    auto copied = copy("0123456789", 4);
    ASSERT_TRUE(copied);
    EXPECT_FALSE(copied->length_right);
    EXPECT_TRUE(copied->sha256.empty());
    if (!copied->cloned) {
        EXPECT_EQ(tree.get("to"), "0123");
    }
}

TEST_F(CopyTest, ShorterThanClaimed) {
    auto copied = copy("0123456789", 11);
    ASSERT_TRUE(copied);
    EXPECT_FALSE(copied->length_right);
    EXPECT_TRUE(copied->sha256.empty());
}

TEST_F(CopyTest, Cancels) {
    auto copied = copy(std::string(3 << 20, 'x'), 3 << 20, [](std::uint64_t done) { return done < (2 << 20); });
    ASSERT_FALSE(copied);
    EXPECT_EQ(copied.error().code, Errc::cancelled);
}

TEST_F(CopyTest, BlamesTheSideThatFailed) {
    tree.put("from", "xx");
    to = std::move(*ops->create(root.get(), "to"));
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const UniqueFd unreadable(ends[0]), other(ends[1]);  // cannot be read at an offset
    ASSERT_FALSE(copy_hashed(*ops, unreadable.get(), to.get(), 2, {}, {}, {}, blame));
    EXPECT_EQ(blame, Side::source);
    from = std::move(*ops->open_read(root.get(), "from"));
    const auto no_room = [] { return Result<void>(fail(Errc::no_space, "full")); };
    auto refused = copy_hashed(*ops, from.get(), to.get(), 2, no_room, {}, {}, blame);
    if (!refused) {
        EXPECT_EQ(refused.error().code, Errc::no_space);
        EXPECT_EQ(blame, Side::copy);
    }
}

}  // namespace
}  // namespace bkmon::files
