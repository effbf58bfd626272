#include "ctl/render/json.h"

#include <gtest/gtest.h>

#include <sstream>

#include <cstdlib>

#include "common/base/text.h"
#include "ctl/render/bar.h"
#include "ctl/render/csv.h"
#include "ctl/render/html.h"

namespace bkmon::ctl {
namespace {

const bool kInUtc = ::setenv("TZ", "UTC", 1) == 0;
const Time kNow = parse_rfc3339("2026-11-22T03:04:05Z").value();

TEST(Json, KeepsOrderNumbersAndMeaning) {
    const std::string text = R"({"b":1,"a":[9223372036854775807,18446744073709551615,-1,0.1,true,null],"é":"漢\"\\\n"})";
    EXPECT_EQ(json_text(text, false), text);
    EXPECT_EQ(json_text(R"({"a":[1]})", true), "{\n  \"a\": [\n    1\n  ]\n}");
    EXPECT_EQ(json_text("no json", false), "no json");
}

TEST(Json, LeavesNothingThatATerminalActsOn) {
    const std::string out = json_text("{\"a\":\"\\u001b[2J\\u007f\u009b\u202e\u200b\U000e0001\\\\x\"}", true);
    EXPECT_EQ(out, "{\n  \"a\": \"\\u001b[2J\\u007f\\u009b\\u202e\\u200b\\udb40\\udc01\\\\x\"\n}");
}

TEST(Tree, IsReadable) {
    ASSERT_TRUE(kInUtc);
    const std::string tree = json_tree(
        R"({"size_bytes":1536,"limit_bytes":12,"at":"2026-11-22T01:04:05Z","due_at":"2026-11-22T04:04:05Z","duration":90,"ok":true,"none":null,"empty":"","list":[],
        "names":["a","b\n"],"void":{"a":null,"b":[{}]},"deep":{"x":{"y":1}},"steps":[{"n":1,"m":2},3,[4]]})",
        kNow, 0);
    EXPECT_EQ(tree,
              "  size bytes   1.5 KiB (1536 bytes)\n"
              "  limit bytes  12 B\n"
              "  at           2026-11-22 01:04:05 UTC (2 h ago)\n"
              "  due at       2026-11-22 04:04:05 UTC (in 1 h)\n"
              "  duration     1 min 30 s\n"
              "  ok           yes\n"
              "  names        a, b\\n\n"
              "  deep\n"
              "    x\n"
              "      y  1\n"
              "  steps\n"
              "    - n  1\n"
              "      m  2\n"
              "    - 3\n"
              "    - [4]\n");
    EXPECT_EQ(json_tree("{}", kNow, 80), "");
    EXPECT_EQ(json_tree("[1]", kNow, 80), "");
}

TEST(Tree, FitsAndLeavesHashesWhole) {
    const std::string hash(64, 'f');
    const std::string json = R"({"report":{"stages":[{"sha256_checksum":")" + hash + R"(","logs_summary":")" + std::string(300, 'w') + " " +
                             std::string(50, 'v') + R"("}]}})";
    const std::string tree = json_tree(json, kNow, 80);
    EXPECT_NE(tree.find(hash + "\n"), std::string::npos) << tree;
    const std::string words =
        json_tree(R"({"a_long_name":"the quick brown fox jumps over the lazy dog again and again until the line is full of words"})", kNow, 60);
    for (const std::string& line : split(words, '\n')) EXPECT_LE(display_width(line), 60U);
}

TEST(Csv, IsRfc4180WithStableHeaders) {
    const auto row = protocol::Params::parse(R"({"a":"x,\"y\"\nz","b":null,"c":1.5,"d":{"k":"v","n":2},"e":["p","q"],"f":"\u001b"})").value();
    EXPECT_EQ(csv_text({"a", "b", "c", "d", "e", "gone"}, {row}, true, false), "a,b,c,d,e,gone\r\n\"x,\"\"y\"\"\nz\",,1.5,k=v;n=2,p;q,\r\n");
    EXPECT_EQ(csv_text({"f"}, {row}, false, false), "\033\r\n");
    EXPECT_EQ(csv_text({"f"}, {row}, false, true), "\\x1b\r\n");
}

TEST(Csv, NoTextIsAFormula) {
    for (const std::string text : {"=1+1", "+1", "-1", "@SUM(A1)", "\\t=1", "\\r=1", "'x", "=cmd|' /C calc'!A0"}) {
        const auto row = protocol::Params::parse(R"({"a":")" + text + R"(","n":-1.5})").value();
        const std::string first = csv_text({"a", "n"}, {row}, false, false);
        EXPECT_TRUE(first.starts_with("'") || first.starts_with("\"'")) << first;
        EXPECT_TRUE(first.ends_with(",-1.5\r\n")) << first;
    }
    const auto plain = protocol::Params::parse(R"({"a":"a=1","b":"","c":"1-1"})").value();
    EXPECT_EQ(csv_text({"a", "b", "c"}, {plain}, false, false), "a=1,,1-1\r\n");
}

TEST(Html, Escapes) { EXPECT_EQ(html_text("<a href='x'>&\"\033"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\\x1b"); }

TEST(Bar, FitsAndNeverSaysAllTooEarly) {
    EXPECT_EQ(bar_line(3, 9, "agent", 60), "[#####..........]  33 %  3/9  agent");
    EXPECT_NE(bar_line(999, 1000, "", 60).find(" 99 %"), std::string::npos);
    EXPECT_NE(bar_line(1000, 1000, "", 60).find("100 %"), std::string::npos);
    EXPECT_EQ(bar_line(5, 0, "looking", 60), "5  looking");
    for (std::size_t width = 10; width < 120; ++width)
        EXPECT_LE(display_width(bar_line(7, 9, "漢字 \033[2J a long text about what is done now", width)), width);
    EXPECT_NE(bar_line(12, 9, "", 60).find("100 %"), std::string::npos);  // more than was thought
}

TEST(Bar, HowMuchThereIsToDoIsShownAtOnce) {
    std::ostringstream out;
    Bar bar(out, {true, 60, 24, false}, system_clock());
    bar.show(0, 0, "");
    bar.show(0, 1000, "");  // nothing else may come for long
    EXPECT_NE(out.str().find("0/1000"), std::string::npos) << out.str();
    bar.show(1, 1000, "too soon after it");
    EXPECT_EQ(out.str().find("1/1000  too soon"), std::string::npos);
}

}  // namespace
}  // namespace bkmon::ctl
