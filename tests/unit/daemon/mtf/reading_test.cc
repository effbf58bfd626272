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

TEST(EncodedReading, ComesBackAsItWas) {
    for (const Reading& r : {sample(), Reading{}, test::read_ends("")}) {
        const auto text = encode(r);
        const auto back = decode(text);
        ASSERT_TRUE(back) << back.error().what;
        EXPECT_EQ(encode(*back), text);
        EXPECT_EQ(back->database.value, r.database.value);
        EXPECT_EQ(back->started_at, r.started_at);
        EXPECT_EQ(back->claims.size(), r.claims.size());
    }
}

TEST(EncodedReading, TheWords) {
    EXPECT_EQ(word(Sure::proven), "proven");
    EXPECT_EQ(word(Form::other_tape), "other_tape");
    EXPECT_EQ(word(Form::plain), "plain");
    EXPECT_EQ(word(Whole::incomplete), "incomplete");
    EXPECT_EQ(word(Whole::aborted), "aborted");
    EXPECT_EQ(word(Kind::copy_only), "copy_only");
    EXPECT_EQ(word(Kind::differential), "differential");
}

TEST(EncodedReading, NothingIsTrusted) {
    const auto good = encode(sample());
    ASSERT_TRUE(decode(good));
    const std::pair<const char*, const char*> bad[]{
        {"5:plain,", "7:plainer,"},
        {"5:plain,", "6:plain,"},
        {"5:plain,", "4:plain,"},
        {"5:plain,", "5:plain;"},
        {"5:plain,", "05:plain,"},
        {"5:plain,", "+5:plain,"},
        {"5:plain,", "5plain,"},
        {"5:plain,", ":plain,"},
        {"5:plain,", "-5:plain,"},
        {"5:plain,", "99999999999999999999:plain,"},
        {"5:plain,", ""},
        {"5:plain,", "5:plain,5:plain,"},
        {"1:1,1:1,1:1,", "2:-1,1:1,1:1,"},
        {"1:1,1:1,1:1,", "3:1.5,1:1,1:1,"},
        {"1:1,1:1,1:1,", "2:01,1:1,1:1,"},
        {"1:1,1:1,1:1,", "2: 1,1:1,1:1,"},
        {"1:1,1:1,1:1,", "0:,1:1,1:1,"},
        {"1:1,1:1,1:1,", "11:99999999999,1:1,1:1,"},
        {"1:1,1:1,1:1,", "1:1,2:65,1:1,"},
        {"6:proven,13:1", "7:certain,13:1"},
        {"13:1", "13:x"},
        {"13:1", "15:991"},
        {"32:5", "32:g"},
        {"32:5", "36:00005"},
    };
    for (const auto& [what, with] : bad) EXPECT_FALSE(decode(replaced(good, what, with))) << with;
    EXPECT_FALSE(decode(""));
    EXPECT_FALSE(decode(good + "x"));
    EXPECT_FALSE(decode(good + "1:x,"));
    EXPECT_FALSE(decode(good.substr(0, good.size() - 1)));
    EXPECT_FALSE(decode(replaced(good, "L\xc3\xa4", "L\xc3.")));
    EXPECT_FALSE(decode(replaced(good, "L\xc3\xa4", std::string("L\0.", 3))));
    const std::string one = "5:whole,3:yes,6:proven,4:SFMB,";
    std::string many;
    for (std::size_t i = 0; i < kMaxClaims; ++i) many += one;
    EXPECT_TRUE(decode(encode(Reading{}) + many));
    EXPECT_FALSE(decode(encode(Reading{}) + many + one));
    for (const char* question : {"5:who\x1b"
                                 "e,",
                                 "7:who\u202ee,",
                                 "5:who\xc3"
                                 "e,",
                                 "5:who\ne,"})
        EXPECT_FALSE(decode(encode(Reading{}) + question + "3:yes,6:proven,4:SFMB,")) << question;
    EXPECT_FALSE(decode(encode(Reading{}) + "101:" + std::string(kMaxQuestion + 1, 'q') + ",3:yes,6:proven,4:SFMB,"));
    EXPECT_FALSE(decode(encode(Reading{}) + "5:whole,601:" + std::string(kMaxSentence + 1, 'a') + ",6:proven,4:SFMB,"));
    EXPECT_FALSE(decode(encode(Reading{}) + std::string(kMaxEncoded, ' ')));
}

TEST(EncodedReading, WhatIsTooLongIsCutAtACharacter) {
    Reading r;
    for (int i = 0; i < 400; ++i) r.database.value += "ä";
    r.why = r.database.value + r.database.value;
    for (int i = 0; i < 50; ++i) r.claims.push_back({r.why, r.why, Sure::likely, r.why});
    const auto text = encode(r);
    EXPECT_LE(text.size(), kMaxEncoded);
    const auto back = decode(text);
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(back->database.value.size(), kMaxName);
    EXPECT_EQ(back->claims.size(), kMaxClaims);
}

}  // namespace
}  // namespace bkmon::mtf
