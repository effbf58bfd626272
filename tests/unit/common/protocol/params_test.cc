#include "common/protocol/params.h"

#include <gtest/gtest.h>

namespace bkmon::protocol {
namespace {

TEST(Params, GivesEachTypeAndNullForAbsent) {
    const auto p = Params::parse(R"({"s":"x","i":-7,"f":1.5,"b":true,"l":["a","b"],"n":null,"o":{"k":{"z":1}},"a":[{"x":1},3,{"x":2}]})");
    ASSERT_TRUE(p);
    EXPECT_EQ(**p->string("s"), "x");
    EXPECT_EQ(**p->integer("i"), -7);
    EXPECT_DOUBLE_EQ(**p->number("f"), 1.5);
    EXPECT_DOUBLE_EQ(**p->number("i"), -7);
    EXPECT_TRUE(**p->boolean("b"));
    EXPECT_EQ(**p->strings("l"), (std::vector<std::string>{"a", "b"}));
    EXPECT_FALSE(p->string("n")->has_value());
    EXPECT_FALSE(p->string("absent")->has_value());
    EXPECT_EQ(**p->object("o")->object("k")->integer("z"), 1);
    ASSERT_EQ(p->objects("a").size(), 2U);
    EXPECT_EQ(**p->objects("a")[1].integer("x"), 2);
    EXPECT_EQ(p->dump("l"), R"(["a","b"])");
    EXPECT_EQ(p->dump("absent"), "null");
}

TEST(Params, APartOutlivesItsDocument) {
    std::optional<Params> part;
    {
        auto whole = Params::parse(R"({"o":{"k":"value"}})");
        part = whole->object("o");
    }
    EXPECT_EQ(**part->string("k"), "value");
    EXPECT_EQ(part->dump(), R"({"k":"value"})");
}

TEST(Params, AWrongTypeNamesTheParameter) {
    const auto p = Params::parse(R"({"limit":"ten","big":18446744073709551615,"half":0.5,"l":["a",1],"s":1,"b":"yes"})");
    ASSERT_TRUE(p);
    EXPECT_EQ(p->integer("limit").error().what, "parameter 'limit' is not a whole number");
    EXPECT_EQ(p->integer("limit").error().code, Errc::invalid);
    EXPECT_FALSE(p->integer("big"));
    EXPECT_FALSE(p->integer("half"));
    EXPECT_FALSE(p->strings("l"));
    EXPECT_FALSE(p->string("s"));
    EXPECT_FALSE(p->boolean("b"));
    EXPECT_FALSE(p->number("limit"));
    EXPECT_FALSE(p->object("limit"));
    EXPECT_TRUE(p->objects("limit").empty());
}

TEST(Params, RefusesWhatIsNoPlainObject) {
    for (const char* bad : {"", "[]", "1", "null", "{", R"({"a":1}x)", R"({"a":1,"a":2})", R"({"o":{"x":1,"x":1}})", R"({"a":1e400})", R"({"a":NaN})",
                            "{\"a\":\"\xff\"}", "{\"a\":\"\xc0\x80\"}", R"({"a":"\ud800"})", "{\"a\":\"\n\"}", R"({'a':1})", "{\"a\":1}\n{\"b\":1}"})
        EXPECT_FALSE(Params::parse(bad)) << bad;
}

TEST(Params, SaysWhatIsWrong) {
    EXPECT_EQ(Params::parse("{\"a\":\"\xff\"}").error().what, "not valid UTF-8");
    EXPECT_EQ(Params::parse(R"({"a":1,"a":2})").error().what, "\"a\" stands twice");
    EXPECT_EQ(Params::parse("[]").error().what, "not a JSON object");
}

TEST(Params, DepthIsBounded) {
    const auto nested = [](std::size_t depth) {  // depth counts the outer object
        return R"({"a":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
    };
    EXPECT_TRUE(Params::parse(nested(32)));
    EXPECT_FALSE(Params::parse(nested(33)));
    EXPECT_FALSE(Params::parse(R"({"a":)" + std::string(500000, '[')));
    std::string objects;
    for (int i = 0; i < 200000; ++i) objects += R"({"a":)";
    EXPECT_FALSE(Params::parse(objects));
}

TEST(Params, TheNumberOfValuesIsBounded) {
    std::string many = R"({"a":[0)";
    for (int i = 0; i < 99; ++i) many += ",0";
    many += "]}";
    EXPECT_TRUE(Params::parse(many, 102));
    EXPECT_EQ(Params::parse(many, 101).error().what, "too many values");
}

}  // namespace
}  // namespace bkmon::protocol
