// What no other test could tell from doing nothing: the kernel refuses these calls for a pipe, so a refusal shows that it was asked.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "daemon/platform/files/file_ops.h"
#include "tests/support/temp_tree.h"

namespace bkmon::files {
namespace {

TEST(Kernel, IsAskedToSyncAndToDropItsCache) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const UniqueFd reader(ends[0]), writer(ends[1]);
    const auto ops = system_files();
    const auto synced = ops->sync(writer.get());
    ASSERT_FALSE(synced);
    EXPECT_EQ(synced.error().sys_errno, EINVAL);
    const auto dropped = ops->drop_cache(reader.get());
    ASSERT_FALSE(dropped);
    EXPECT_EQ(dropped.error().sys_errno, ESPIPE);
}

TEST(Kernel, IsAskedAboutALinkItselfNotAboutWhatItMeans) {
    bkmon::test::TempTree tree;
    tree.put("target", "12345");
    ASSERT_EQ(symlink("target", tree.at("link").c_str()), 0);
    const auto ops = system_files();
    const auto root = ops->open_root(tree.at(""));
    ASSERT_TRUE(root);
    const auto st = ops->stat_at(root->get(), "link");
    ASSERT_TRUE(st);
    EXPECT_TRUE(st->is_symlink());
}

}  // namespace
}  // namespace bkmon::files
