#include "daemon/platform/smb/worker/names.h"

#include <gtest/gtest.h>

#include "common/base/text.h"

namespace bkmon::smb {
namespace {

TEST(Names, EverythingBecomesText) {
    EXPECT_EQ(as_text("Ventas_ñ.bak"), "Ventas_ñ.bak");
    EXPECT_EQ(as_text(std::string("a\0b", 3)),
              "a\xef\xbf\xbd"
              "b");
    EXPECT_EQ(as_text("\xff\xc0\x80x"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx");
    EXPECT_EQ(as_text(""), "");
    for (int a = 0; a < 256; ++a)
        for (int b = 0; b < 256; ++b) {
            const char pair[]{static_cast<char>(a), static_cast<char>(b)};
            ASSERT_TRUE(valid_utf8(as_text({pair, 2})));
        }
}

TEST(Names, OnlyPlainNamesMayBeOpened) {
    for (const char* good : {"a", "a.bak", "...", ".bak", "ä ö.bak", "%2e%2e", "\x1b[0m", "-rf"}) EXPECT_TRUE(may_be_opened(good)) << good;
    for (const char* bad : {"", ".", "..", "a/b", "/", "a\\b", "\xff"}) EXPECT_FALSE(may_be_opened(bad)) << bad;
    EXPECT_FALSE(may_be_opened(std::string("a\0b", 3)));
    EXPECT_TRUE(may_be_opened(std::string(765, 'a')));
    EXPECT_FALSE(may_be_opened(std::string(766, 'a')));
}

TEST(Names, CapitalsFoldInTheAlphabetsOfBackups) {
    EXPECT_EQ(fold("ABC_xyz9.BAK"), "abc_xyz9.bak");
    EXPECT_EQ(fold("ÄÖÜÀÉÑÇØÞ×ß"), "äöüàéñçøþ×ß");
    EXPECT_EQ(fold("ŁŚŻŠČŘŐŸĲŽ"), "łśżščřőÿĳž");
    EXPECT_EQ(fold("ΑΩΆΈΉΊΌΎΏΫ"), "αωάέήίόύώϋ");
    EXPECT_EQ(fold("АЯЁЄЇЏ"), "аяёєїџ");
    EXPECT_EQ(fold("日本\xff*[A-Z]?"), "日本\xff*[a-z]?");
    for (const char* small : {"äłśżščřőÿž", "αωάέ", "аяёє", "ĸŉſıİ"}) EXPECT_EQ(fold(small), small);
}

}  // namespace
}  // namespace bkmon::smb
