#include "common/base/target_id.h"

#include <gtest/gtest.h>

namespace bkmon {
namespace {

TEST(TargetId, EncodesNames) {
    const auto id = TargetId::of("deposit", {"sirpacam_douala_newbell", "SDMC 2023/é%"});
    EXPECT_EQ(id.str(), "deposit/sirpacam_douala_newbell/SDMC%202023%2F%C3%A9%25");
    EXPECT_EQ(id.kind(), "deposit");
    EXPECT_EQ(TargetId::parse(id.str()).value().str(), id.str());
}

TEST(TargetId, ComparesWithoutCaseAndKeepsTheSpelling) {
    const auto a = TargetId::of("deposit", {"Site", "SDMC"}), b = TargetId::parse("deposit/site/sdmc").value();
    EXPECT_EQ(a, b);
    EXPECT_FALSE(a < b || b < a);
    EXPECT_EQ(a.str(), "deposit/Site/SDMC");
    EXPECT_EQ(a.key(), "deposit/site/sdmc");
    EXPECT_NE(a, TargetId::of("deposit", {"site", "sdmd"}));
}

TEST(TargetId, OneNameHasOneSpelling) {
    EXPECT_EQ(TargetId::parse("deposit/a%2eb%2D").value().str(), "deposit/a.b-");
    EXPECT_EQ(TargetId::parse("deposit/%c3%A9").value().str(), "deposit/%C3%A9");
    EXPECT_NE(TargetId::parse("deposit/a%2Fb").value(), TargetId::parse("deposit/a/b").value());
}

TEST(TargetId, RefusesWhatIsNone) {
    for (const char* text : {"", "deposit", "deposit/", "/x", "deposit//x", "deposit/x/", "deposit/a b", "deposit/a%", "deposit/a%2", "deposit/a%2g",
                             "deposit/é", "deposit/a\n"}) {
        const auto id = TargetId::parse(text);
        ASSERT_FALSE(id) << text;
        EXPECT_EQ(id.error().code, Errc::invalid);
        EXPECT_EQ(id.error().what.find('\n'), std::string::npos) << "the text is from outside";
    }
    EXPECT_FALSE(TargetId::parse("deposit/" + std::string(5000, 'a')));
    EXPECT_TRUE(TargetId().empty());
}

TEST(TargetId, EncodesOneComponent) {
    EXPECT_EQ(encode_component("A-z_0.9"), "A-z_0.9");
    EXPECT_EQ(encode_component(std::string("\0\xFF ", 3)), "%00%FF%20");
}

}  // namespace
}  // namespace bkmon
