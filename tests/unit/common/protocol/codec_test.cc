#include "common/protocol/codec.h"

#include <gtest/gtest.h>

namespace bkmon::protocol {
namespace {
using namespace std::string_view_literals;

TEST(FrameBuffer, CutsAtEachNulHoweverTheBytesArrive) {
    const auto stream = "{}\0{\"a\":1}\0\0tail"sv;
    for (std::size_t step = 1; step <= stream.size(); ++step) {
        FrameBuffer buffer(100);
        std::vector<std::string> frames;
        for (std::size_t at = 0; at < stream.size(); at += step) {
            ASSERT_TRUE(buffer.append(stream.substr(at, step)));
            while (auto frame = buffer.next()) frames.push_back(*frame);
            EXPECT_FALSE(buffer.has_frame());
        }
        EXPECT_EQ(frames, (std::vector<std::string>{"{}", R"({"a":1})", ""}));
        EXPECT_TRUE(buffer.half());
        EXPECT_EQ(buffer.size(), 4U);
    }
}

TEST(FrameBuffer, IsNotHalfBetweenFrames) {
    FrameBuffer buffer(100);
    EXPECT_FALSE(buffer.half());
    ASSERT_TRUE(buffer.append("ab"));
    EXPECT_TRUE(buffer.half());
    ASSERT_TRUE(buffer.append("c\0"sv));
    EXPECT_FALSE(buffer.half());
    EXPECT_TRUE(buffer.has_frame());
    EXPECT_EQ(buffer.next(), "abc");
    EXPECT_EQ(buffer.next(), std::nullopt);
}

TEST(FrameBuffer, RefusesAFrameBeyondTheLimitWhereverItStands) {
    const std::string fits(10, 'x'), over(11, 'x');
    const std::string nul(1, '\0');
    EXPECT_TRUE(FrameBuffer(10).append(fits));
    EXPECT_TRUE(FrameBuffer(10).append(fits + nul + fits));
    EXPECT_FALSE(FrameBuffer(10).append(over));
    EXPECT_FALSE(FrameBuffer(10).append(over + nul));
    EXPECT_FALSE(FrameBuffer(10).append("a" + nul + over + nul + "b"));
    EXPECT_FALSE(FrameBuffer(10).append("a" + nul + over));
    FrameBuffer trickled(10);
    ASSERT_TRUE(trickled.append(fits));
    EXPECT_FALSE(trickled.append("x"));
}

TEST(FrameBuffer, ManyPipelinedFramesStayWhole) {
    FrameBuffer buffer(1000);
    std::string all;
    for (int i = 0; i < 50000; ++i) all += std::to_string(i) + '\0';
    ASSERT_TRUE(buffer.append(all));
    for (int i = 0; i < 50000; ++i) ASSERT_EQ(buffer.next(), std::to_string(i));
    EXPECT_EQ(buffer.size(), 0U);
}

TEST(Codec, CallsRoundTrip) {
    auto frame = call_frame("io.bkmon.Targets.Watch", R"({"kind":"deposit"})", true, true);
    ASSERT_EQ(frame.back(), '\0');
    frame.pop_back();
    const auto call = parse_call(frame);
    ASSERT_TRUE(call);
    EXPECT_EQ(call->method, "io.bkmon.Targets.Watch");
    EXPECT_EQ(**call->parameters.string("kind"), "deposit");
    EXPECT_TRUE(call->more);
    EXPECT_TRUE(call->oneway);
    EXPECT_FALSE(call->upgrade);
    const auto bare = parse_call(R"({"method":"a.b.C"})");
    ASSERT_TRUE(bare);
    EXPECT_TRUE(bare->parameters.names().empty());
    EXPECT_TRUE(parse_call(R"({"method":"a.b.C","parameters":null,"more":null})"));
}

TEST(Codec, RefusesWhatIsNoCall) {
    for (const char* bad : {"", "{}", "[]", R"({"method":1})", R"({"method":""})", R"({"method":"a.b.C","parameters":[]})",
                            R"({"method":"a.b.C","more":1})", R"({"method":"a.b.C","extra":1})", R"({"method":"a.b.C","method":"a.b.D"})"})
        EXPECT_FALSE(parse_call(bad)) << bad;
    EXPECT_FALSE(parse_call(R"({"method":")" + std::string(256, 'a') + R"("})"));
}

TEST(Codec, AMegabyteOfTinyValuesIsRefusedEarly) {
    std::string frame = R"({"method":"a.b.C","parameters":{"l":[)";
    while (frame.size() < kMaxCallBytes - 10) frame += "0,";
    frame += "0]}}";
    const auto call = parse_call(frame);
    ASSERT_FALSE(call);
    EXPECT_EQ(call.error().what, "too many values");
}

TEST(Codec, RepliesAndErrorsRoundTrip) {
    auto frame = reply_frame(R"({"x":1})", true);
    frame.pop_back();
    auto reply = parse_reply(frame);
    ASSERT_TRUE(reply);
    EXPECT_TRUE(reply->continues);
    EXPECT_TRUE(reply->error.empty());
    EXPECT_EQ(**reply->parameters.integer("x"), 1);
    frame = error_frame("io.bkmon.Busy", R"({"message":"later"})");
    frame.pop_back();
    reply = parse_reply(frame);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->error, "io.bkmon.Busy");
    EXPECT_EQ(**reply->parameters.string("message"), "later");
    EXPECT_EQ(parse_reply("nonsense").error().code, Errc::corrupt);
    EXPECT_FALSE(parse_reply(R"({"continues":"yes"})"));
}

}  // namespace
}  // namespace bkmon::protocol
