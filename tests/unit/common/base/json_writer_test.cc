#include "common/base/json_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace bkmon {
namespace {

using namespace std::string_literals;

TEST(JsonWriter, PutsCommasBetweenAndNowhereElse) {
    JsonWriter w;
    w.begin_object()
        .field("a", 1)
        .key("empty")
        .begin_array()
        .end_array()
        .key("list")
        .begin_array()
        .value(1)
        .value("x")
        .begin_object()
        .end_object()
        .null();
    w.end_array().field("text", "ends with [").field("more", "{").field("flag", true).end_object();
    EXPECT_EQ(w.str(), R"({"a":1,"empty":[],"list":[1,"x",{},null],"text":"ends with [","more":"{","flag":true})");
}

TEST(JsonWriter, WritesEveryKindOfValue) {
    JsonWriter w;
    w.begin_array()
        .value(std::numeric_limits<std::int64_t>::min())
        .value(std::numeric_limits<std::uint64_t>::max())
        .value(7U)
        .value(0.5)
        .value(NAN)
        .value(-INFINITY);
    w.value(std::optional<int>()).value(std::optional<std::string>("x")).value(from_ms(250)).value("s"s).raw(R"({"k":[1]})").value(false).end_array();
    EXPECT_EQ(w.str(), R"([-9223372036854775808,18446744073709551615,7,0.5,null,null,null,"x","1970-01-01T00:00:00.250Z","s",{"k":[1]},false])");
}

TEST(JsonWriter, TakeLeavesItEmpty) {
    JsonWriter w;
    w.begin_array().end_array();
    EXPECT_EQ(w.take(), "[]");
    w.value(1);
    EXPECT_EQ(w.take(), "1");
}

TEST(JsonQuote, EscapesAndRepairs) {
    EXPECT_EQ(json_quote("a\"b\\c\n\t\r\x01\x1f"), R"("a\"b\\c\n\t\r\u0001\u001f")");
    EXPECT_EQ(json_quote("é漢😀/"), "\"é漢😀/\"");
    EXPECT_EQ(json_quote("\xFF\xFEz"), "\"\uFFFD\uFFFDz\"") << "one for each bad byte";
    EXPECT_EQ(json_quote("\xE6\xBC"), "\"\uFFFD\uFFFD\"");
    EXPECT_EQ(json_quote("\x7F"), "\"\x7F\"");
}

TEST(JsonQuote, AnyBytesGiveJsonThatAParserReads) {
    std::uint32_t seed = 99;
    for (int round = 0; round < 500; ++round) {
        std::string bytes;
        for (int i = 0; i < 30; ++i) {
            seed = seed * 1664525U + 1013904223U;
            bytes.push_back(static_cast<char>(seed >> 24U));
        }
        JsonWriter w;
        w.begin_object().field(bytes, bytes).end_object();
        ASSERT_TRUE(nlohmann::json::accept(w.str())) << w.str();
    }
}

}  // namespace
}  // namespace bkmon
