#include "daemon/mtf/reading.h"

#include <gtest/gtest.h>

#include "daemon/mtf/limits.h"
#include "tests/support/mtf_file.h"

namespace bkmon::mtf {
namespace {

std::string replaced(std::string s, const std::string& what, const std::string& with) {
    const auto at = s.find(what);
    EXPECT_NE(at, std::string::npos) << what << " in " << s;
    return at == std::string::npos ? s : s.replace(at, what.size(), with);
}

Reading sample() {
    test::MtfFile file;
    file.sets[0].database = "Läden \"x\"\\y";
    return test::read_ends(test::mtf_bytes(file));
}

TEST(ReadingJson, ComesBackAsItWas) {
    for (const Reading& r : {sample(), Reading{}, test::read_ends("")}) {
        const auto text = to_json(r);
        const auto back = from_json(text);
        ASSERT_TRUE(back) << back.error().what;
        EXPECT_EQ(to_json(*back), text);
        EXPECT_EQ(back->database.value, r.database.value);
        EXPECT_EQ(back->started_at, r.started_at);
        EXPECT_EQ(back->claims.size(), r.claims.size());
    }
}

TEST(ReadingJson, TheWords) {
    EXPECT_EQ(word(Sure::proven), "proven");
    EXPECT_EQ(word(Form::other_tape), "other_tape");
    EXPECT_EQ(word(Form::plain), "plain");
    EXPECT_EQ(word(Whole::incomplete), "incomplete");
    EXPECT_EQ(word(Whole::aborted), "aborted");
    EXPECT_EQ(word(Kind::copy_only), "copy_only");
    EXPECT_EQ(word(Kind::differential), "differential");
}

TEST(ReadingJson, NothingIsTrusted) {
    const auto good = to_json(sample());
    ASSERT_TRUE(from_json(good));
    const std::pair<const char*, const char*> bad[]{
        {"\"form\":\"plain\"", "\"form\":\"plainer\""},
        {"\"form\":\"plain\"", "\"form\":3"},
        {"\"sets\":1", "\"sets\":-1"},
        {"\"sets\":1", "\"sets\":1.5"},
        {"\"sets\":1", "\"sets\":99999999999"},
        {"\"sets\":1", "\"set\":1"},
        {"\"sets\":1", "\"sets\":1,\"more\":1"},
        {"\"part\":1", "\"part\":65"},
        {"\"times\":\"proven\"", "\"times\":\"certain\""},
        {"\"finished_at\":\"20", "\"finished_at\":\"x20"},
        {"\"first_bytes\":\"5", "\"first_bytes\":\"g"},
        {"\"first_bytes\":\"5", "\"first_bytes\":\"00005"},
        {"\"claims\":[{", "\"claims\":[{\"x\":1,"},
        {"\"claims\":[{", "\"claims\":[3,{"},
        {"\"question\":\"whole\"", "\"question\":\"who\\u001ble\""},
        {"\"question\":\"whole\"", "\"question\":\"who\\u202ele\""},
        {"\"whole\":{\"value\":\"whole\",\"sure\":\"proven\"}", "\"whole\":\"whole\""},
    };
    for (const auto& [what, with] : bad) EXPECT_FALSE(from_json(replaced(good, what, with))) << with;
    EXPECT_FALSE(from_json(""));
    EXPECT_FALSE(from_json("[]"));
    EXPECT_FALSE(from_json(good + "x"));
    EXPECT_FALSE(from_json(good.substr(0, good.size() - 1)));
    EXPECT_FALSE(from_json(replaced(good, "\"why\":\"", "\"why\":\"" + std::string(kMaxSentence, 'x'))));
    EXPECT_FALSE(from_json(replaced(good, "L\xc3\xa4", "L\xc3")));
    EXPECT_FALSE(from_json(replaced(good, "\"claims\":[", "\"claims\":[" + std::string(kMaxJson, ' '))));
    std::string one = good.substr(good.find("\"claims\":[") + 10);
    one = one.substr(0, one.find('}') + 1);
    std::string many;
    for (std::size_t i = 0; i < kMaxClaims; ++i) many += one + ",";
    EXPECT_FALSE(from_json(replaced(good, "\"claims\":[", "\"claims\":[" + many)));
    EXPECT_FALSE(from_json(std::string(kMaxJson - 1, '[')));
}

TEST(ReadingJson, WhatIsTooLongIsCutAtACharacter) {
    Reading r;
    for (int i = 0; i < 400; ++i) r.database.value += "ä";
    r.why = r.database.value + r.database.value;
    for (int i = 0; i < 50; ++i) r.claims.push_back({r.why, r.why, Sure::likely, r.why});
    const auto text = to_json(r);
    EXPECT_LE(text.size(), kMaxJson);
    const auto back = from_json(text);
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(back->database.value.size(), kMaxName);
    EXPECT_EQ(back->claims.size(), kMaxClaims);
}

}  // namespace
}  // namespace bkmon::mtf
