#include <gtest/gtest.h>

#include <random>

#include "tests/support/mtf_file.h"

namespace bkmon::mtf {
namespace {

using test::mtf_bytes;
using test::MtfFile;
using test::MtfLayout;
using test::read_ends;
using test::verdict;

std::string random_bytes(std::size_t n, unsigned seed = 1) {
    std::mt19937 next(seed);
    std::string s(n, '\0');
    for (auto& c : s) c = static_cast<char>(next());
    return s;
}
std::string text(std::size_t n) {
    std::string s;
    while (s.size() < n) s += "INSERT INTO t VALUES (1, 'one');\n";
    return s.substr(0, n);
}

TEST(Other, ZerosAreSaidToBeZeros) {
    for (const std::size_t n : {1U, 512U, 4096U, 65536U, 400000U}) {
        const auto r = read_ends(std::string(n, '\0'));
        EXPECT_EQ(verdict(r), "zeros damaged proven") << n;
        EXPECT_EQ(r.first_bytes, n == 1 ? "00" : "00000000000000000000000000000000");
    }
    EXPECT_EQ(verdict(read_ends(std::string(100000, '\0') + text(100000))), "other damaged likely");
}

TEST(Other, RandomBytesAreLikelyThat) {
    for (unsigned seed = 1; seed <= 200; ++seed)
        for (const std::size_t n : {4096U, 70000U}) EXPECT_EQ(read_ends(random_bytes(n, seed)).form, Form::random) << seed;
}

TEST(Other, FormatsThatArePackedAreNotCalledRandom) {
    const std::string body = random_bytes(200000);
    for (const std::string& start :
         {std::string("\x1f\x8b\x08"), std::string("PK\3\4"), std::string("7z\xbc\xaf\x27\x1c"), std::string("Rar!\x1a\x07"),
          std::string("\x28\xb5\x2f\xfd"), std::string("SQLBACKUP of another maker\0\0\0\0", 30), std::string("Salted__")}) {
        const auto r = read_ends(start + body);
        EXPECT_EQ(verdict(r), "other unknown unknown") << start << testing::PrintToString(r);
        EXPECT_FALSE(r.why.empty());
    }
    std::string tar = text(257) + "ustar" + body;
    EXPECT_EQ(read_ends(tar).form, Form::other);
    // A header with a few fields, as every maker's has.
    EXPECT_EQ(read_ends(std::string("\x01\x9a\0\0\0\0\x10\0", 8) + body).form, Form::other);
}

TEST(Other, TextIsText) {
    for (const std::string& s : {text(100000), "TAPE library inventory\n" + text(100000), text(3000)}) {
        const auto r = read_ends(s);
        EXPECT_EQ(verdict(r), "other unknown unknown") << testing::PrintToString(r);
        EXPECT_EQ(r.why, "no SQL Server backup: text");
    }
}

TEST(Other, NothingIsTooShort) {
    EXPECT_EQ(verdict(read_ends("")), "nothing incomplete proven");
    EXPECT_EQ(read_ends("hello").form, Form::nothing);
    EXPECT_EQ(read_ends(text(1000)).form, Form::nothing);
    EXPECT_EQ(verdict(read_ends("TAPE")), "plain incomplete likely");
    EXPECT_EQ(verdict(read_ends(mtf_bytes(MtfFile{}).substr(0, 60))), "plain incomplete proven");
}

TEST(Other, ABackupWithoutItsBeginningIsOne) {
    MtfFile file;
    file.sets[0].data = 300 * 1024;
    for (const std::size_t block : {512U, 4096U, 65536U}) {
        file.block = block;
        const auto whole = mtf_bytes(file);
        for (const std::size_t n : {1U, 511U, 512U, 5000U, 200000U})
            EXPECT_EQ(verdict(read_ends(whole.substr(n))), "plain damaged proven") << block << " " << n;
        for (const char fill : {'\0', 'x'}) {
            auto lost = whole;
            lost.replace(0, 512, 512, fill);
            EXPECT_EQ(verdict(read_ends(lost)), "plain damaged proven") << block;
            EXPECT_EQ(read_ends(lost).why, "a SQL Server backup that lost its beginning");
        }
    }
    // Both ends lost, the first set still there.
    file.block = 4096;
    auto lost = mtf_bytes(file);
    lost.replace(0, 4096, 4096, '\0');
    EXPECT_EQ(verdict(read_ends(lost.substr(0, 100000))), "plain damaged proven");
}

TEST(Other, ABackupInsideOfAnotherFormatIsNoLostOne) {
    const auto inside = mtf_bytes(MtfFile{});
    std::string tar(512, '\0');
    tar.replace(257, 5, "ustar");
    EXPECT_EQ(verdict(read_ends(tar + inside)), "other unknown unknown");
    EXPECT_EQ(verdict(read_ends(text(512) + inside + text(4096))), "other unknown unknown");
}

}  // namespace
}  // namespace bkmon::mtf
