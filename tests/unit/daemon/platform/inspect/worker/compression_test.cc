#include <gtest/gtest.h>

#include "tests/unit/daemon/platform/inspect/worker/making.h"

namespace bkmon::inspect::test {
namespace {

std::string rows() {
    std::string r;
    for (int i = 0; i < 4000; ++i) r += "INSERT INTO `t` VALUES (" + std::to_string(i) + ",'" + std::to_string(i * 7919 % 10007) + "');\n";
    return r;
}

struct Packer {
    const char* name;
    const char* extension;
    std::string (*pack)(const std::string&);
};
const Packer kPackers[] = {
    {"gzip", ".gz", [](const std::string& s) { return gzip(s); }},
    {"zstd", ".zst", [](const std::string& s) { return zstd(s); }},
    {"xz", ".xz", [](const std::string& s) { return xz(s); }},
    {"zip", ".zip",
     [](const std::string& s) {
         return zip({{"dump.sql", s, true, -1, 0}});
     }},
    {"zip stored", ".zip",
     [](const std::string& s) {
         return zip({{"dump.sql", s, false, -1, 0}});
     }},
};

class Compression : public testing::TestWithParam<Packer> {
protected:
    const std::string dump_ = mysql_dump(rows());
    const std::string packed_ = GetParam().pack(dump_);
    const std::string name_ = std::string("SDMC_2023.sql") + GetParam().extension;
};
INSTANTIATE_TEST_SUITE_P(Formats, Compression, testing::ValuesIn(kPackers), [](const auto& i) {
    std::string n = i.param.name;
    std::replace(n.begin(), n.end(), ' ', '_');
    return n;
});

TEST_P(Compression, WholeOnesAreWholeInAnyPortions) {
    for (std::size_t portion : {std::size_t{1} << 20, std::size_t{4096}, std::size_t{7}}) {
        const auto f = look(name_, packed_, {.portion = portion});
        EXPECT_EQ(verdict(f), "whole") << testing::PrintToString(f);
        EXPECT_EQ(f.database, "SDMC_2023");
        EXPECT_EQ(f.server, "10.11.19-MariaDB-0+deb12u1");
        EXPECT_EQ(f.content_bytes, dump_.size());
        EXPECT_NE(f.format.find("+mysqldump"), std::string::npos) << f.format;
    }
}

TEST_P(Compression, EveryCutIsFound) {
    for (int i = 0; i < 50; ++i) {
        const std::size_t at = 1 + static_cast<std::size_t>(i) * (packed_.size() - 2) / 49;
        const auto f = look(name_, packed_.substr(0, at));
        EXPECT_EQ(verdict(f), "damaged truncated") << at << " of " << packed_.size() << ": " << testing::PrintToString(f);
    }
}

TEST_P(Compression, AFlippedBitInTheDataIsFound) {
    // Behind the header, whose comment-like fields nothing protects, and for zip within the member.
    const std::size_t first = 64, last = packed_.size() - (GetParam().extension == std::string(".zip") ? 90 : 1);
    for (int i = 0; i < 200; ++i) {
        std::string bytes = packed_;
        const std::size_t at = first + static_cast<std::size_t>(i) * (last - first) / 199;
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << i % 8);
        const auto f = look(name_, bytes);
        EXPECT_EQ(f.state, Findings::State::damaged) << at << " of " << packed_.size() << ": " << testing::PrintToString(f);
    }
}

TEST_P(Compression, BytesBehindTheEndAreDamage) {
    EXPECT_EQ(verdict(look(name_, packed_ + "x")), "damaged broken_archive");
    EXPECT_EQ(verdict(look(name_, packed_ + noise(60000))), "damaged broken_archive");
}

TEST_P(Compression, AnotherKindUnderTheNameIsWrong) {
    EXPECT_EQ(verdict(look(name_, dump_)), "damaged wrong_type");
    EXPECT_EQ(verdict(look(name_, noise(200000))), "damaged wrong_type");
    EXPECT_EQ(verdict(look(name_, "Salted__" + noise(1000))), "damaged wrong_type");
    EXPECT_EQ(verdict(look(name_, std::string(5000, '\0'))), "damaged wrong_type");
    for (const auto& other : kPackers) {
        if (other.extension == std::string(GetParam().extension)) continue;
        EXPECT_EQ(verdict(look(name_, other.pack(dump_))), "damaged wrong_type") << other.name;
    }
}

TEST_P(Compression, NothingInsideIsEmpty) {
    EXPECT_EQ(verdict(look(name_, GetParam().pack(""))), "whole empty");
    EXPECT_EQ(verdict(look(name_, "")), "whole empty");
}

TEST_P(Compression, ABombIsGivenUp) {
    const auto bomb = GetParam().pack(std::string(8 << 20, 'x'));
    const auto f = look(name_, bomb, {.output_limit = 4 << 20});
    EXPECT_EQ(verdict(f), "not_inspected inspection_failed") << testing::PrintToString(f);
    EXPECT_NE(look(name_, bomb, {.output_limit = 8 << 20}).code, f.code);
}

TEST_P(Compression, ADumpThatWasCutBeforeItWasPackedHasNoEnd) {
    const auto f = look(name_, GetParam().pack(dump_.substr(0, dump_.size() - 45)));
    EXPECT_EQ(verdict(f), "damaged no_end_mark") << testing::PrintToString(f);
}

TEST(Gzip, AllMembersCount) {
    const std::string a = mysql_dump(rows()), head = a.substr(0, 1000), rest = a.substr(1000);
    EXPECT_EQ(verdict(look("x.sql.gz", gzip(head) + gzip(rest))), "whole");
    EXPECT_EQ(look("x.sql.gz", gzip(head) + gzip(rest)).content_bytes, a.size());
    auto second = gzip(rest);
    second[second.size() - 6] ^= 1;  // its CRC
    EXPECT_EQ(verdict(look("x.sql.gz", gzip(head) + second)), "damaged broken_archive");
    second = gzip(rest);
    second[second.size() - 2] ^= 1;  // its length
    EXPECT_EQ(verdict(look("x.sql.gz", gzip(head) + second)), "damaged broken_archive");
    EXPECT_EQ(verdict(look("x.sql.gz", gzip(head) + gzip(rest).substr(0, 5))), "damaged truncated");
}

TEST(Gzip, ZeroPaddingIsAllowedAndNothingElse) {
    const std::string z = gzip(mysql_dump());
    EXPECT_EQ(verdict(look("x.sql.gz", z + std::string(100000, '\0'))), "whole");
    EXPECT_EQ(verdict(look("x.sql.gz", z + std::string(1000, '\0') + "x")), "damaged broken_archive");
}

TEST(Zstd, AFrameWithoutChecksumIsSaid) {
    EXPECT_EQ(verdict(look("x.sql.zst", zstd(mysql_dump(), false))), "whole unchecked");
    const std::string a = mysql_dump();
    EXPECT_EQ(verdict(look("x.sql.zst", zstd(a.substr(0, 50)) + zstd(a.substr(50), false))), "whole unchecked");
    EXPECT_EQ(verdict(look("x.sql.zst", zstd(a.substr(0, 50)) + zstd(a.substr(50)))), "whole");
}

TEST(Zstd, SkippableFramesAreSkipped) {
    const std::string skip = std::string("\x53\x2a\x4d\x18\x05\0\0\0hello", 13), none = std::string("\x50\x2a\x4d\x18\0\0\0\0", 8);
    const std::string z = zstd(mysql_dump());
    for (std::size_t portion : {std::size_t{1} << 20, std::size_t{3}})
        EXPECT_EQ(verdict(look("x.sql.zst", skip + none + z + none + skip, {.portion = portion})), "whole");
    EXPECT_EQ(verdict(look("x.sql.zst", z + skip.substr(0, 10))), "damaged truncated");
}

TEST(Zstd, WindowsThatNeedTooMuchMemoryAreGivenUp) {
    EXPECT_EQ(verdict(look("x.sql.zst", zstd(mysql_dump(), true, 27))), "whole");
    EXPECT_EQ(verdict(look("x.sql.zst", zstd(mysql_dump(), true, 30))), "not_inspected inspection_failed");
}

TEST(Xz, StreamsPaddingAndMissingChecks) {
    const std::string a = mysql_dump(), x = xz(a.substr(0, 60)) + std::string(8, '\0') + xz(a.substr(60));
    EXPECT_EQ(verdict(look("x.sql.xz", x)), "whole");
    EXPECT_EQ(verdict(look("x.sql.xz", xz(a, false))), "whole unchecked");
    EXPECT_EQ(verdict(look("x.sql.xz", xz(a) + std::string(3, '\0'))), "damaged broken_archive");
}

TEST(Nested, OneCompressionWithinAnother) {
    EXPECT_EQ(verdict(look("x.sql.gz.zst", zstd(gzip(mysql_dump())))), "whole");
    EXPECT_EQ(look("x.sql.gz.zst", zstd(gzip(mysql_dump()))).format, "zstd+gzip+mysqldump");
    EXPECT_EQ(verdict(look("x.sql.gz.zst", zstd(gzip(mysql_dump()).substr(0, 200)))), "damaged truncated");
}

TEST(Zip, ManyMembersAndTheDumpAmongThem) {
    const std::string dump = mysql_dump();
    const auto good = look("odoo.zip", zip({{"manifest.json", "{}", true, -1, 0},
                                            {"dump.sql", dump, true, -1, 0},
                                            {"filestore/", "", false, -1, 0},
                                            {"filestore/ab/abc", noise(5000), false, -1, 0}}));
    EXPECT_EQ(verdict(good), "whole") << testing::PrintToString(good);
    EXPECT_EQ(good.format, "zip+mysqldump");
    EXPECT_EQ(good.database, "SDMC_2023");
    EXPECT_EQ(good.content_bytes, 2 + dump.size() + 5000);
    const auto cut = look("odoo.zip", zip({{"manifest.json", "{}", true, -1, 0}, {"dump.sql", dump.substr(0, 300), true, -1, 0}}));
    EXPECT_EQ(verdict(cut), "damaged no_end_mark");
    EXPECT_NE(cut.detail.find("dump.sql"), std::string::npos);
}

TEST(Zip, LiesOfTheDirectoryAreFound) {
    const std::string whole = zip({{"a", std::string(500, 'a'), true, -1, 0}, {"b", noise(400), false, -1, 0}}, "a comment");
    EXPECT_EQ(verdict(look("x.zip", whole)), "whole");
    const auto second = whole.find("PK\3\4", 4);
    std::string moved = whole;
    moved.erase(second - 3, 3);  // bytes lost in the middle
    EXPECT_EQ(verdict(look("x.zip", moved)), "damaged broken_archive");
    std::string renamed = whole;
    renamed[second + 30] = 'c';
    EXPECT_EQ(verdict(look("x.zip", renamed)), "damaged broken_archive");
    std::string overlapping = whole;
    const auto entry = whole.rfind("PK\1\2");
    overlapping.replace(entry + 42, 4, std::string(4, '\0'));  // both members at byte 0
    EXPECT_EQ(verdict(look("x.zip", overlapping)), "damaged broken_archive");
}

TEST(Zip, WhatCannotBeReadIsNotCalledProven) {
    EXPECT_EQ(verdict(look("x.zip", zip({{"a", "secret", false, -1, 1}, {"b", "x", true, -1, 0}}))), "not_applicable");
    EXPECT_EQ(verdict(look("x.zip", zip({{"a", "lzma", false, 14, 0}}))), "not_applicable");
    EXPECT_EQ(verdict(look("x.zip", zip({}))), "whole empty");
    EXPECT_EQ(verdict(look("x.zip", zip({{"only/", "", false, -1, 0}}))), "whole empty");
}

}  // namespace
}  // namespace bkmon::inspect::test
