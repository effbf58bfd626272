#include <gtest/gtest.h>

#include "daemon/deposits/arrival/snapshot.h"

namespace bkmon::deposits {
namespace {

TEST(Names, TemporariesOfRsync) {
    for (const char* n : {".x.sql.gz.AbC123", ".STATUS.json.0a9Zz1", "..hidden.abcdef", ".~tmp~", ".rsync-partial"})
        EXPECT_TRUE(is_rsync_temporary(n)) << n;
    for (const char* n : {"x.sql.gz.AbC123", ".x.sql.gz", ".AbC123", ".x.AbC12", ".x.AbC_12", "", ".", "x.sql.gz", ".x.sql.gz.AbC1234"})
        EXPECT_FALSE(is_rsync_temporary(n)) << n;
}

TEST(Names, AcceptableOnes) {
    for (const char* n : {"x.sql.gz", "SDMC_2023-1.zst", "a"}) EXPECT_TRUE(acceptable_name(n)) << n;
    EXPECT_TRUE(acceptable_name(std::string(128, 'a')));
    EXPECT_FALSE(acceptable_name(std::string(129, 'a')));
    for (const std::string& n : {std::string(), std::string("."), std::string(".."), std::string(".x"), std::string("a/b"), std::string("a b"),
                                 std::string("é"), std::string("a\n"), std::string("a\0b", 3), std::string("%n"), std::string("\x1b[31m")})
        EXPECT_FALSE(acceptable_name(n)) << n;
}

TEST(Identity, EachPartShows) {
    const FileIdentity id{1, 2, 3, 4, -5};
    EXPECT_EQ(id.text(), "1:2:3:4:-5");
    FileIdentity other = id;
    other.ctime_ns = 6;
    EXPECT_NE(id, other);
}

}  // namespace
}  // namespace bkmon::deposits
