// What clients send, and when: frames that are none, deadlines, strangers, rights that change.
#include "daemon/control/server.h"

#include <sys/socket.h>

#include "daemon/control/socket.h"
#include "tests/unit/daemon/control/server_fixture.h"

namespace bkmon::control {
namespace {

using namespace std::string_view_literals;
using std::chrono::minutes;
using test::roles_of;
using test::SocketClient;

class ServerInput : public test::ServerFixture {};

std::int64_t n_of(const std::optional<protocol::ReplyFrame>& reply) { return reply ? reply->parameters.integer("n").value().value_or(-1) : -2; }

TEST_F(ServerInput, UpgradeIsRefused) {
    start();
    auto client = connect();
    client.send("{\"method\":\"io.bkmon.Daemon.Version\",\"upgrade\":true}\0"sv);
    loop.spin();
    EXPECT_EQ(client.reply()->error, "io.bkmon.Invalid");
}

TEST_F(ServerInput, AStrangerGetsOneRefusalAndNoData) {
    start(roles_of({"4294967290"}));
    auto client = connect();
    client.call(kVersion);
    client.call(kVersion);
    client.call(kStatus, "{}", true);
    loop.spin();
    const auto refusal = client.reply();
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->error, "io.bkmon.NotAllowed");
    EXPECT_FALSE(client.reply());
    EXPECT_TRUE(client.at_end());
    EXPECT_EQ(answered, 0);
    EXPECT_TRUE(held.empty());
    EXPECT_EQ(server->connections(), 0U);

    auto babbler = connect();
    babbler.send("not JSON at all\0"sv);
    loop.spin();
    EXPECT_EQ(babbler.reply()->error, "io.bkmon.NotAllowed");
    EXPECT_TRUE(babbler.at_end());

    auto silent = connect();
    loop.advance(limits.stranger_idle);
    EXPECT_TRUE(silent.at_end());
}

TEST_F(ServerInput, BeforeRolesAreKnownNobodyMayDoAnything) {
    start(Roles());
    auto client = connect();
    client.call(kVersion);
    loop.spin();
    EXPECT_EQ(client.reply()->error, "io.bkmon.NotAllowed");
}

TEST_F(ServerInput, WhatIsNoCallIsRefusedAndHarmsNobodyElse) {
    start();
    auto other = connect();
    std::string deep = R"({"method":")";
    deep += kVersion;
    deep += R"(","parameters":)" + std::string(100000, '[');
    const std::string frames[] = {"",
                                  "{}",
                                  "[]",
                                  "null",
                                  "{\"method\":1}",
                                  "\xff\xfe",
                                  R"({"method":"a.b.C","parameters":{"x":)" + std::string(500, '{'),
                                  "garbage",
                                  "\x01",
                                  "{\"a\":",
                                  std::move(deep),
                                  R"({"method":"a.b.C","method":"a.b.C"})",
                                  std::string("\xef\xbb\xbf{\"method\":\"\xc3\x28\"}")};
    for (const auto& frame : frames) {
        auto client = connect();
        client.send(frame + '\0');
        loop.spin();
        const auto refusal = client.reply();
        ASSERT_TRUE(refusal) << frame;
        EXPECT_EQ(refusal->error, "io.bkmon.Invalid") << frame;
        EXPECT_TRUE(client.at_end()) << frame;
    }
    other.call(kVersion);
    loop.spin();
    EXPECT_EQ(n_of(other.reply()), 1);
    EXPECT_EQ(server->connections(), 1U);
    EXPECT_TRUE(journal.says(journal::msg::client_refused, "sent what is no call"));
}

TEST_F(ServerInput, AFrameBeyondTheLimitIsRefusedWithoutBeingKept) {
    start();
    auto client = connect();
    const std::string chunk(1 << 16, 'x');
    for (int i = 0; i < 17; ++i) {
        client.send(chunk);
        loop.spin();
    }
    EXPECT_EQ(client.reply()->error, "io.bkmon.Invalid");
    EXPECT_TRUE(client.at_end());
    EXPECT_EQ(server->connections(), 0U);
}

TEST_F(ServerInput, AFrameOfExactlyTheLimitIsRead) {
    start();
    auto client = connect();
    std::string frame = protocol::call_frame(kRuns, R"({"limit":1})");
    frame.pop_back();
    frame.resize(limits.frame, ' ');
    frame += '\0';
    for (std::size_t at = 0; at < frame.size();) {
        at += client.send(std::string_view(frame).substr(at));
        loop.spin();
    }
    ASSERT_EQ(held.size(), 1U);
    EXPECT_EQ(held[0]->params().integer("limit").value(), 1);
}

TEST_F(ServerInput, AStrangersFramesAreShorter) {
    start(roles_of({"4294967290"}));
    auto client = connect();
    client.send(std::string(limits.stranger_frame + 1, 'x'));
    loop.spin();
    EXPECT_EQ(client.reply()->error, "io.bkmon.NotAllowed");
    EXPECT_TRUE(client.at_end());
}

TEST_F(ServerInput, HalfAFrameHasFiveSeconds) {
    start();
    auto silent = connect(), trickling = connect(), complete = connect();
    silent.send("{\"method\":");
    loop.spin();
    const auto frame = protocol::call_frame(kVersion, "{}");
    complete.send(std::string_view(frame).substr(0, 10));
    for (int second = 0; second < 4; ++second) {
        trickling.send("{");  // does not buy time
        loop.advance(milliseconds(1000));
    }
    complete.send(std::string_view(frame).substr(10));
    loop.spin();
    EXPECT_EQ(n_of(complete.reply()), 1);
    EXPECT_FALSE(silent.at_end());
    loop.advance(milliseconds(1000));
    EXPECT_TRUE(silent.at_end());
    EXPECT_TRUE(trickling.at_end());
    loop.advance(seconds(10));
    EXPECT_FALSE(complete.at_end());
    EXPECT_TRUE(journal.says(journal::msg::client_refused, "the beginning of a call"));
}

TEST_F(ServerInput, EachPipelinedFrameHasItsOwnFiveSeconds) {
    start();
    auto client = connect();
    const auto frame = protocol::call_frame(kVersion, "{}");
    client.send(std::string_view(frame).substr(0, 5));
    for (int i = 0; i < 10; ++i) {  // always half a frame there, never one for long
        loop.advance(seconds(2));
        client.send(frame.substr(5) + frame.substr(0, 5));
    }
    loop.spin();
    EXPECT_FALSE(client.at_end());
    EXPECT_EQ(answered, 10);
}

TEST_F(ServerInput, AnIdleConnectionEndsButNotAStream) {
    start();
    auto idle = connect(), streaming = connect(), busy = connect();
    streaming.call(kStatus, "{}", true);
    for (int i = 0; i < 4; ++i) {
        busy.call(kVersion);
        loop.advance(minutes(1));
    }
    EXPECT_FALSE(idle.at_end());
    loop.advance(minutes(1));
    EXPECT_TRUE(idle.at_end());
    EXPECT_FALSE(busy.at_end());
    loop.advance(minutes(60));
    EXPECT_TRUE(busy.at_end());
    EXPECT_FALSE(streaming.at_end());
    held[0]->stream(R"({"n":1})");
    loop.spin();
    EXPECT_EQ(n_of(streaming.reply()), 1);
}

TEST_F(ServerInput, HangingUpIsSeenBehindAMegabyteOfWaitingCalls) {
    start();
    auto client = connect();
    client.call(kStatus, "{}", true);
    loop.spin();
    bool hung_up = false;
    held[0]->on_hangup([&] { hung_up = true; });
    std::string calls;
    while (calls.size() < 50000) calls += protocol::call_frame(kVersion, "{}");
    std::size_t taken = 0;
    for (int i = 0; i < 100; ++i) {
        taken += client.send(calls);
        loop.spin();
    }
    EXPECT_LT(taken, 2 * limits.frame);  // the rest stays with the client
    client.hang_up();
    loop.advance(seconds(2));
    EXPECT_TRUE(hung_up);
    EXPECT_EQ(answered, 0);
}

TEST_F(ServerInput, PassedDescriptorsAreClosedAndEndTheConnection) {
    start();
    auto warm = connect();
    warm.hang_up();
    loop.spin();
    const auto before = test::open_fds();
    for (int i = 0; i < 20; ++i) {
        auto client = connect();
        client.send_with_fd(protocol::call_frame(kVersion, "{}"), STDIN_FILENO);
        loop.spin();
        EXPECT_TRUE(client.at_end());
    }
    EXPECT_EQ(test::open_fds(), before);
    EXPECT_EQ(answered, 0);
    EXPECT_TRUE(journal.says(journal::msg::client_refused, "file descriptors"));
}

TEST_F(ServerInput, ManyCallsAtOnceDoNotKeepTheLoop) {
    start();
    auto greedy = connect();
    std::string calls;
    int count = 0;
    for (; calls.size() < 60000; ++count) calls += protocol::call_frame(kVersion, "{}");
    ASSERT_EQ(greedy.send(calls), calls.size());
    int in_one_turn = 0;
    after_first_answer = [&] { static_cast<void>(loop.post(Task([&] { in_one_turn = answered; }))); };
    loop.spin();
    EXPECT_GT(in_one_turn, 0);
    EXPECT_LE(in_one_turn, 64);  // whoever came in between was served then
    EXPECT_EQ(answered, count);
    int replies = 0;
    for (int i = 0; i < 100; ++i, loop.spin())
        while (greedy.reply()) ++replies;
    EXPECT_EQ(replies, count);
}

TEST_F(ServerInput, RightsThatChangeEndTheConnection) {
    start();
    auto idle = connect(), calling = connect(), streaming = connect();
    calling.call(kRuns);
    calling.call(kVersion);
    streaming.call(kStatus, "{}", true);
    loop.spin();
    ASSERT_EQ(held.size(), 2U);
    server->set_roles(roles_of({std::to_string(::geteuid())}));  // the same: nothing happens
    loop.spin();
    EXPECT_EQ(server->connections(), 3U);
    server->set_roles(roles_of({}, {}, {std::to_string(::geteuid())}));
    loop.spin();
    EXPECT_TRUE(idle.at_end());
    EXPECT_TRUE(streaming.at_end());
    EXPECT_FALSE(calling.at_end());
    held[0]->reply(R"({"n":3})");
    loop.spin();
    EXPECT_EQ(n_of(calling.reply()), 3);  // what was begun is answered
    EXPECT_TRUE(calling.at_end());
    EXPECT_EQ(answered, 0);  // what was not begun is not
}

}  // namespace
}  // namespace bkmon::control
