#include "daemon/mtf/xpress.h"

#include <gtest/gtest.h>

#include "tests/support/mtf_file.h"

namespace bkmon::mtf {
namespace {

std::string unpack(const std::string& packed, std::size_t most = 65536) {
    const auto out = unpack_xpress(Bytes(reinterpret_cast<const std::uint8_t*>(packed.data()), packed.size()), most);
    return {out.begin(), out.end()};
}
std::string table(std::initializer_list<std::pair<std::size_t, unsigned>> bytes, const std::string& codes) {
    std::string s(256, '\0');
    for (const auto& [at, v] : bytes) s[at] = static_cast<char>(v);
    return s + codes;
}

/// The two examples of [MS-XCA], section 3.
TEST(Xpress, TheSpecificationsExamples) {
    const auto letters = table({{0x30, 0x50},
                                {0x31, 0x55},
                                {0x32, 0x55},
                                {0x33, 0x55},
                                {0x34, 0x55},
                                {0x35, 0x55},
                                {0x36, 0x55},
                                {0x37, 0x55},
                                {0x38, 0x55},
                                {0x39, 0x55},
                                {0x3a, 0x55},
                                {0x3b, 0x45},
                                {0x3c, 0x44},
                                {0x3d, 0x04},
                                {0x80, 0x04}},
                               std::string("\xd8\x52\x3e\xd7\x94\x11\x5b\xe9\x19\x5f\xf9\xd6\x7c\xdf\x8d\x04\x00\x00\x00\x00", 20));
    EXPECT_EQ(unpack(letters, 26), "abcdefghijklmnopqrstuvwxyz");
    const auto repeated = table({{0x30, 0x30}, {0x31, 0x23}, {0x80, 0x02}, {0x8f, 0x20}}, std::string("\xa8\xdc\x00\x00\xff\x26\x01", 7));
    std::string abc;
    for (int i = 0; i < 100; ++i) abc += "abc";
    EXPECT_EQ(unpack(repeated, 300), abc);
}

TEST(Xpress, WhatIsPackedComesBack) {
    std::string mixed;
    for (unsigned i = 0; i < 30000; ++i) mixed += static_cast<char>(i % 7 == 0 ? i * i >> 3U : 'a' + i / 100 % 5);
    for (const std::string& plain : {std::string("x"), std::string("abcabcabcabcabc"), std::string(65536, '\0'), std::string(17, 'q'),
                                     std::string(18, 'q'), std::string(272, 'q'), std::string(273, 'q'), std::string(274, 'q'), mixed})
        for (const bool matches : {false, true}) EXPECT_EQ(unpack(test::pack_xpress(plain, matches), plain.size()), plain) << plain.size() << matches;
}

TEST(Xpress, NoInputMakesItLargerThanAsked) {
    const auto zeros = test::pack_xpress(std::string(65536, '\0'), true);
    EXPECT_LT(zeros.size(), 300U);
    EXPECT_EQ(unpack(zeros, 1000).size(), 1000U);
}

TEST(Xpress, CodesThatAreNoSetOfCodesAreRefused) {
    const auto good = test::pack_xpress("abcdef", false);
    auto none = good;
    none.replace(0, 256, 256, '\0');
    EXPECT_EQ(unpack(none), "");
    auto too_few = good;
    too_few[0] = 0x80 - 0x80;
    EXPECT_EQ(unpack(too_few), "");
    auto too_many = good;
    too_many[200] = 1;
    EXPECT_EQ(unpack(too_many), "");
    EXPECT_EQ(unpack(good.substr(0, 256)), "");
    EXPECT_EQ(unpack(""), "");
}

TEST(Xpress, AMatchBeforeTheBeginningEndsIt) {
    // The code of symbol 256 + 16 * 15: 2^15 back, at the very beginning.
    std::string s(256, '\x99');
    s += {'\x00', '\xf8', '\0', '\0', '\0', '\0'};
    EXPECT_EQ(unpack(s), "");
}

TEST(Xpress, BrokenInputEndsSomewhere) {
    const auto packed = test::pack_xpress(std::string(3000, 'a') + "bcdefgh" + std::string(3000, 'b'), true);
    for (std::size_t at = 0; at < packed.size(); ++at)
        for (const int flip : {1, 0x80, 0xff}) {
            auto s = packed;
            s[at] = static_cast<char>(s[at] ^ flip);
            EXPECT_LE(unpack(s).size(), 65536U);
        }
    for (std::size_t n = 0; n < packed.size(); ++n) EXPECT_LE(unpack(packed.substr(0, n)).size(), 65536U);
}

}  // namespace
}  // namespace bkmon::mtf
