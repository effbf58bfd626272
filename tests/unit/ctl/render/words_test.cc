#include "ctl/render/words.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "common/base/text.h"

namespace bkmon::ctl {
namespace {

void zone(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
}

TEST(Shown, EscapesWhatATerminalActsOnAndNothingTwice) {
    EXPECT_EQ(shown("a\033[2Jb\n\r\a"), "a\\x1b[2Jb\\n\\r\\x07");
    EXPECT_EQ(shown("\u202etxt.exe\u200b\u009b"), "\\u{202e}txt.exe\\u{200b}\\u{009b}");
    EXPECT_EQ(shown("\xff\xfe"), "\\xff\\xfe");
    EXPECT_EQ(shown("C:\\Backup\\x.bak"), "C:\\Backup\\x.bak");
    EXPECT_EQ(shown("already \\x1b[2J"), "already \\x1b[2J");  // as the daemon escaped it
    EXPECT_EQ(shown("漢字 é …"), "漢字 é …");
    for (int c = 0; c < 256; ++c) {
        for (const std::string& text :
             {std::string(1, static_cast<char>(c)), "\\" + std::string(1, static_cast<char>(c)), std::string(1, static_cast<char>(c)) + "\\"}) {
            for (const char out : shown(text)) EXPECT_TRUE(out < 0 || (out >= 32 && out != 127)) << c;
            EXPECT_TRUE(valid_utf8(shown(text)));
        }
    }
}

TEST(LocalTime, NamesTheZoneOfThatMoment) {
    zone("Europe/Paris");
    const Time winter = parse_rfc3339("2026-01-10T12:00:05Z").value();
    const Time summer = parse_rfc3339("2026-07-10T12:00:05.750Z").value();
    EXPECT_EQ(local_time(winter) + " " + zone_name(winter), "2026-01-10 13:00:05 CET");
    EXPECT_EQ(local_time(summer) + " " + zone_name(summer), "2026-07-10 14:00:05 CEST");
    EXPECT_EQ(local_minute(summer), "2026-07-10 14:00");
    zone("UTC");
    EXPECT_EQ(age(winter, winter + std::chrono::minutes(190)), "3 h 10 min");
    EXPECT_EQ(age(winter + std::chrono::hours(2), winter), "in 2 h");
}

TEST(Wrap, BreaksAtSpacesAndLongWordsAnywhere) {
    EXPECT_EQ(wrap("aa bb cc", 5), (std::vector<std::string>{"aa bb", "cc"}));
    EXPECT_EQ(wrap("aaaaaaa b", 3), (std::vector<std::string>{"aaa", "aaa", "a b"}));
    EXPECT_EQ(wrap("漢字漢字", 5), (std::vector<std::string>{"漢字", "漢字"}));
    EXPECT_EQ(wrap("漢", 1), std::vector<std::string>{"漢"});  // one character at least, or it would never end
    EXPECT_EQ(wrap("", 10), std::vector<std::string>{""});
    EXPECT_EQ(wrap("a b c", 0), std::vector<std::string>{"a b c"});
}

TEST(FitMiddle, KeepsBothEnds) {
    EXPECT_EQ(fit_middle("deposit/agent/DATABASE_2026", 17), "deposit/…ASE_2026");
    EXPECT_EQ(fit_middle("short", 17), "short");
    for (std::size_t columns = 1; columns < 40; ++columns) {
        EXPECT_LE(display_width(fit_middle("deposit/漢字漢字漢字漢字/データベース", columns)), columns);
        EXPECT_TRUE(valid_utf8(fit_middle("deposit/漢字漢字漢字漢字/データベース", columns)));
    }
}

TEST(Counted, KnowsOne) {
    EXPECT_EQ(counted(1, "target"), "1 target");
    EXPECT_EQ(counted(0, "target"), "0 targets");
}

}  // namespace
}  // namespace bkmon::ctl
