#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/unit/daemon/platform/inspect/worker/making.h"

namespace bkmon::inspect::test {
namespace {

std::string data(const std::string& name) {
    std::ifstream in(std::string(BKMON_SOURCE_DIR) + "/tests/unit/daemon/platform/inspect/worker/data/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// The header of a database of `pages` pages of 4096 bytes, with `cells` in its schema table.
std::string sqlite_file(unsigned pages, char cells) {
    std::string s(std::size_t{pages} * 4096, '\0');
    s.replace(0, 16, std::string("SQLite format 3\0", 16));
    s[16] = 0x10;
    s[18] = s[19] = 1;
    s[27] = 7;
    s[31] = static_cast<char>(pages);
    s[95] = 7;
    s.replace(96, 4, std::string("\x00\x2e\x7c\xa9", 4));  // 3046569 = 3.46.569
    s[100] = 0x0d;
    s[104] = cells;
    return s;
}

TEST(SqliteFile, LengthAndHeader) {
    const std::string whole = sqlite_file(3, 2);
    const auto f = look("shop.db", whole);
    EXPECT_EQ(verdict(f), "whole") << testing::PrintToString(f);
    EXPECT_EQ(f.format, "sqlite database");
    EXPECT_EQ(f.server, "SQLite 3.46.569");
    EXPECT_EQ(verdict(look("shop.db", sqlite_file(1, 0))), "whole empty");
    for (std::size_t cut : {std::size_t{20}, std::size_t{111}, std::size_t{4096}, whole.size() - 1})
        EXPECT_EQ(verdict(look("shop.db", whole.substr(0, cut))), "damaged truncated") << cut;
    EXPECT_EQ(verdict(look("shop.db", whole + "x")), "damaged broken_archive");
    std::string odd_page = whole;
    odd_page[16] = 3;
    EXPECT_EQ(verdict(look("shop.db", odd_page)), "damaged broken_archive");
    EXPECT_EQ(look("shop.db.zst", zstd(whole)).format, "zstd+sqlite database");
}

TEST(SqliteFile, APageCountThatAnOlderProgramLeftStaleIsNotBelieved) {
    std::string s = sqlite_file(3, 2);
    s[31] = 2;
    EXPECT_EQ(verdict(look("shop.db", s)), "damaged broken_archive");
    s[95] = 6;  // the counters differ: the length counts
    EXPECT_EQ(verdict(look("shop.db", s)), "whole");
}

TEST(PgCustom, ARealArchiveIsWalkedToItsEnd) {
    for (const char* name : {"pg_dump_15_custom.dump", "pg_dump_15_custom_piped.dump"}) {
        const std::string archive = data(name);
        ASSERT_GT(archive.size(), 1000U);
        for (std::size_t portion : {std::size_t{1} << 20, std::size_t{1}}) {
            const auto f = look("shop.dump", archive, {.portion = portion});
            EXPECT_EQ(verdict(f), "whole") << testing::PrintToString(f);
            EXPECT_EQ(f.database, "shop");
            EXPECT_EQ(f.server.substr(0, 13), "PostgreSQL 15");
        }
        for (std::size_t at = 5; at < archive.size(); ++at)
            EXPECT_EQ(look("shop.dump", archive.substr(0, at)).code, "truncated") << name << " cut at " << at;
        EXPECT_EQ(verdict(look("shop.dump", archive + "x")), "damaged broken_archive");
        EXPECT_EQ(verdict(look("shop.dump", archive + std::string("\1\0\1\0\0\0\0\0\0\0\0", 11))), "damaged broken_archive")
            << "one table more than its contents say";
    }
}

TEST(PgCustom, UnknownVersionsAreNotCalledProven) {
    std::string archive = data("pg_dump_15_custom.dump");
    archive[6] = 99;
    EXPECT_EQ(verdict(look("shop.dump", archive)), "not_applicable");
    archive[6] = 14;
    archive[10] = 3;  // the toc of a tar archive
    EXPECT_EQ(verdict(look("shop.dump", archive)), "not_applicable");
}

TEST(PgCustom, LyingLengthsNeitherCrashNorPass) {
    const std::string archive = data("pg_dump_15_custom.dump");
    for (std::size_t at = 5; at < archive.size(); ++at) {
        std::string s = archive;
        s[at] = static_cast<char>(s[at] ^ 0xff);
        static_cast<void>(look("shop.dump", s));
    }
}

TEST(Tar, StructureToItsTwoZeroBlocks) {
    const std::string t = tar({{"./dump.sql", mysql_dump(), false}, {"./filestore/a", noise(5000), false}, {"big", noise(700), true}});
    const auto f = look("x.tar.gz", gzip(t));
    EXPECT_EQ(verdict(f), "whole") << testing::PrintToString(f);
    EXPECT_EQ(f.format, "gzip+tar");
    EXPECT_EQ(look("x.tgz", gzip(t)).format, "gzip+tar");
    EXPECT_EQ(verdict(look("x.tar", t + std::string(8192, '\0'), {.portion = 100})), "whole");
    for (std::size_t at = 512; at < t.size() - 512; at += 333) EXPECT_EQ(verdict(look("x.tar", t.substr(0, at))), "damaged truncated") << at;
    std::string flipped = t;
    flipped[t.find("./filestore/a") + 3] ^= 1;
    EXPECT_EQ(verdict(look("x.tar", flipped)), "damaged broken_archive");
    std::string moved = t;
    moved.erase(600, 10);
    EXPECT_EQ(verdict(look("x.tar", moved)), "damaged broken_archive");
}

TEST(Tar, WithoutMembersItIsEmpty) {
    EXPECT_EQ(verdict(look("x.tar", std::string(10240, '\0'))), "whole empty");
    EXPECT_EQ(verdict(look("x.tar.gz", gzip(std::string(10240, '\0')))), "whole empty");
    EXPECT_EQ(verdict(look("x.tgz", gzip(mysql_dump()))), "damaged wrong_type");
}

TEST(Zip, IsOneHoweverFewBytesAReadGives) {
    const std::string z = zip({{"a.sql", mysql_dump(), true, -1, 0}});
    for (std::size_t portion = 1; portion < 6; ++portion) EXPECT_EQ(verdict(look("a.zip", z, {.portion = portion})), "whole") << portion;
}

}  // namespace
}  // namespace bkmon::inspect::test
