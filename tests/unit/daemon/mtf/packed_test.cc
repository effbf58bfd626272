#include <gtest/gtest.h>

#include "tests/support/mtf_file.h"

namespace bkmon::mtf {
namespace {

using test::mtf_bytes;
using test::MtfFile;
using test::MtfLayout;
using test::MtfSet;
using test::read_ends;
using test::verdict;
using Packing = MtfFile::Packing;

constexpr Packing kPackings[]{Packing::literals, Packing::xpress, Packing::zstd};

MtfFile packed(Packing packing, std::size_t block = 4096) {
    MtfFile file;
    file.packing = packing;
    file.block = block;
    file.sets[0].data = 300 * 1024;
    return file;
}

TEST(Packed, IsLikelyWholeAndSaysItsNames) {
    for (const auto packing : kPackings)
        for (const std::size_t block : {512U, 4096U, 16384U, 32768U}) {
            const auto file = packed(packing, block);
            const auto r = read_ends(mtf_bytes(file));
            EXPECT_EQ(verdict(r), "packed whole likely") << block << testing::PrintToString(r);
            EXPECT_EQ(r.database.value, "SHOP") << block << " " << static_cast<int>(packing) << testing::PrintToString(r);
            EXPECT_EQ(r.database.sure, Sure::likely) << "nothing of this form is documented";
            EXPECT_EQ(r.server.value, "NORTH\\SQLEXPRESS");
            EXPECT_EQ(r.kind.value, Kind::full);
            EXPECT_EQ(r.kind.sure, Sure::likely);
            ASSERT_TRUE(r.started_at);
            EXPECT_EQ(*r.started_at, file.sets[0].started);
            EXPECT_EQ(r.times, Sure::likely);
            EXPECT_EQ(r.sets, 1);
            EXPECT_FALSE(r.finished_at) << "it stands at the set's end, packed";
        }
}

TEST(Packed, BlocksOf64KiBNeedOneMoreRead) {
    const auto file = packed(Packing::xpress, 65536);
    const auto s = mtf_bytes(file);
    EXPECT_EQ(verdict(read_ends(s)), "packed whole likely");
    EXPECT_EQ(verdict(read_ends(s.substr(0, s.size() - 512))), "packed incomplete likely");
}

TEST(Packed, WithoutItsEndItIsLikelyIncomplete) {
    for (const auto packing : kPackings) {
        const auto s = mtf_bytes(packed(packing));
        for (const auto n : {s.size() - 1, s.size() - 4096, s.size() / 2, std::size_t{8192}, std::size_t{5000}, std::size_t{3000}, std::size_t{600},
                             std::size_t{40}})
            EXPECT_EQ(verdict(read_ends(s.substr(0, n))), "packed incomplete likely") << n;
        EXPECT_EQ(read_ends(s.substr(0, s.size() / 2)).database.value, "SHOP");
    }
}

TEST(Packed, ZerosBehindTheEndAreLikelyPadding) {
    auto file = packed(Packing::xpress);
    file.padding = 10000;
    const auto r = read_ends(mtf_bytes(file));
    EXPECT_EQ(verdict(r), "packed whole likely");
    EXPECT_NE(r.why.find("zero bytes follow"), std::string::npos);
}

TEST(Packed, OfSeveralSetsTheLastIsNotRead) {
    auto file = packed(Packing::xpress);
    file.sets.push_back(file.sets[0]);
    file.sets[1].database = "OTHER";
    const auto r = read_ends(mtf_bytes(file));
    EXPECT_EQ(verdict(r), "packed whole likely");
    EXPECT_EQ(r.sets, 2);
    EXPECT_EQ(r.database.sure, Sure::unknown);
    EXPECT_EQ(r.database.value, "");
    EXPECT_EQ(r.kind.value, Kind::unknown);
    bool said = false;
    for (const auto& c : r.claims) said = said || (c.question == "of the first set: database" && c.answer == "SHOP");
    EXPECT_TRUE(said);
}

TEST(Packed, EncryptedSaysNothingOfItself) {
    std::string s = mtf_bytes(packed(Packing::xpress));
    s[12] = 9;
    std::uint32_t x = 1;
    for (std::size_t at = 8192; at + 4096 < s.size(); ++at) {
        if (s.compare(at, 4, "SFMB") == 0) at += 4096;
        s[at] = static_cast<char>(s[at] ^ static_cast<char>((x = x * 1664525 + 1013904223) >> 24U));
    }
    const auto r = read_ends(s);
    EXPECT_EQ(verdict(r), "packed whole likely") << testing::PrintToString(r);
    EXPECT_EQ(r.database.sure, Sure::unknown);
    EXPECT_EQ(r.kind.value, Kind::unknown);
    EXPECT_EQ(verdict(read_ends(s.substr(0, s.size() - 512))), "packed unknown unknown") << "nobody knows how an encrypted one ends";
}

TEST(Packed, NothingIsUnpackedThatItsChecksumDoesNotConfirm) {
    MtfLayout at;
    std::string s = mtf_bytes(packed(Packing::literals), &at);
    const auto type = static_cast<std::size_t>(at.blocks.front()) + 4096 + 28 + 256;  // the bytes of SSET
    for (std::size_t i = type; i < type + 12; ++i) s[i] = static_cast<char>(s[i] ^ 0x55);
    const auto r = read_ends(s);
    EXPECT_EQ(r.database.sure, Sure::unknown);
    EXPECT_EQ(verdict(r), "packed whole likely");
}

}  // namespace
}  // namespace bkmon::mtf
