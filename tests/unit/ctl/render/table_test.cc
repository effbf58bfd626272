#include "ctl/render/table.h"

#include <gtest/gtest.h>

#include "common/base/text.h"

namespace bkmon::ctl {
namespace {

Table sample() {
    Table table({{"STATUS"},
                 {"TARGET", false, true, true, 20},
                 {"SIZE", true, false, false, 8, 1},
                 {"FILE", false, true, true, 10, 2},
                 {"REASON", false, true, false, 12}});
    table.add({{"missing", Tone::critical},
               {"deposit/sirpacam_douala_newbell/SDMC_2023"},
               {"1.5 KiB"},
               {"sdmc_2023.sql.gz"},
               {"no report came in time for this one"}});
    table.add({{"ok", Tone::good}, {"deposit/漢字漢字漢字/データベース"}, {"-"}, {""}, {"fresh"}});
    table.add({{"", Tone::plain}, {"x\033[31m\ny"}, {"12345.6 MiB"}, {"f"}, {""}});
    return table;
}

std::vector<std::string> lines(const std::string& text) {
    auto out = split(text, '\n');
    out.pop_back();
    return out;
}

TEST(Table, FitsEveryWidth) {
    for (std::size_t width = 40; width <= 200; ++width) {
        Terminal terminal{true, width, 24, false};
        for (const std::string& line : lines(sample().text(terminal, true))) {
            EXPECT_LE(display_width(line), width) << width << line;
            EXPECT_TRUE(line.empty() || line.back() != ' ') << "'" << line << "'";
            EXPECT_TRUE(valid_utf8(line));
        }
    }
}

TEST(Table, DropsColumnsBeforeItSqueezes) {
    const auto heading = [](std::size_t width) { return lines(sample().text({true, width, 24, false}, true))[0]; };
    EXPECT_NE(heading(120).find("FILE"), std::string::npos);
    EXPECT_EQ(heading(60).find("FILE"), std::string::npos);
    EXPECT_NE(heading(60).find("SIZE"), std::string::npos);
    EXPECT_EQ(heading(45).find("SIZE"), std::string::npos);
    EXPECT_NE(heading(45).find("REASON"), std::string::npos);
}

TEST(Table, AlignsWideCharacters) {
    Table table({{"A"}, {"B"}});
    table.add({{"漢字"}, {"x"}});
    table.add({{"ab"}, {"y"}});
    EXPECT_EQ(table.text({}, true), "A     B\n漢字  x\nab    y\n");
}

TEST(Table, CutsNothingWithoutAWidth) {
    const std::string text = sample().text({}, false);
    EXPECT_NE(text.find("no report came in time for this one\n"), std::string::npos);
    EXPECT_EQ(text.find("…"), std::string::npos);
}

TEST(Table, CellsAreMadeFitForATerminal) {
    EXPECT_EQ(sample().text({}, true).find('\033'), std::string::npos);
    EXPECT_NE(sample().text({}, true).find("x\\x1b[31m\\ny"), std::string::npos);
    // The only escapes are our own colours, and they count nothing.
    const std::string coloured = sample().text({true, 80, 24, true}, true);
    EXPECT_NE(coloured.find("\033[1;31mmissing\033[0m  deposit"), std::string::npos) << coloured;
}

TEST(Tone, NothingUnknownIsGreen) {
    EXPECT_EQ(tone_of("ok", "OK"), Tone::good);
    EXPECT_EQ(tone_of("unchanged", "OK"), Tone::good);  // configured so
    for (const auto& [status, severity] :
         {std::pair("unknown", "OK"), {"ok", "UNKNOWN"}, {"ok", ""}, {"new", "OK"}, {"new", "new"}, {"paused", "UNKNOWN"}, {"", ""}}) {
        EXPECT_EQ(tone_of(status, severity), Tone::unknown) << status << severity;
    }
    EXPECT_EQ(tone_of("held", "CRITICAL"), Tone::critical);
    EXPECT_NE(tone_of("paused", "OK"), Tone::good);
    EXPECT_EQ(rank_of("CRITICAL"), 3);
    EXPECT_EQ(rank_of(""), 2);  // as bad as UNKNOWN
}

TEST(Colour, OptionThenEnvironment) {
    const auto env = [](const char* no_color, const char* term) {
        return [=](const char* name) -> std::string { return std::string(name) == "NO_COLOR" ? no_color : std::string(name) == "TERM" ? term : ""; };
    };
    EXPECT_TRUE(wants_colour(ColourMode::automatic, true, env("", "xterm")));
    EXPECT_FALSE(wants_colour(ColourMode::automatic, false, env("", "xterm")));
    EXPECT_FALSE(wants_colour(ColourMode::automatic, true, env("1", "xterm")));
    EXPECT_FALSE(wants_colour(ColourMode::automatic, true, env("", "dumb")));
    EXPECT_TRUE(wants_colour(ColourMode::always, false, env("1", "dumb")));
    EXPECT_FALSE(wants_colour(ColourMode::never, true, env("", "xterm")));
}

}  // namespace
}  // namespace bkmon::ctl
