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

class ServerTest : public test::ServerFixture {};

std::int64_t n_of(const std::optional<protocol::ReplyFrame>& reply) { return reply ? reply->parameters.integer("n").value().value_or(-1) : -2; }

TEST_F(ServerTest, AnswersPipelinedCallsInTheirOrder) {
    start();
    auto client = connect();
    client.call(kRuns);
    client.call(kVersion);
    client.call(kVersion);
    loop.spin();
    ASSERT_EQ(held.size(), 1U);
    EXPECT_EQ(answered, 0);  // the later ones wait for the first
    EXPECT_FALSE(client.reply());
    held[0]->reply(R"({"n":100})");
    loop.spin();
    EXPECT_EQ(n_of(client.reply()), 100);
    EXPECT_EQ(n_of(client.reply()), 1);
    EXPECT_EQ(n_of(client.reply()), 2);
    EXPECT_FALSE(client.at_end());
}

TEST_F(ServerTest, WhileAStreamRunsLaterCallsWait) {
    start();
    auto client = connect();
    client.call(kStatus, "{}", true);
    client.call(kVersion);
    loop.spin();
    EXPECT_EQ(server->streams(), 1U);
    held[0]->stream(R"({"n":10})");
    loop.spin();
    const auto first = client.reply();
    EXPECT_TRUE(first->continues);
    EXPECT_EQ(answered, 0);
    held[0]->reply(R"({"n":11})");
    loop.spin();
    EXPECT_EQ(n_of(client.reply()), 11);
    EXPECT_EQ(n_of(client.reply()), 1);
    EXPECT_EQ(server->streams(), 0U);
}

TEST_F(ServerTest, AHandlerThatForgetsToAnswerIsAnsweredFor) {
    start();
    auto client = connect();
    client.call(kRuns);
    loop.spin();
    held.clear();
    loop.spin();
    EXPECT_EQ(client.reply()->error, "io.bkmon.Failed");
    client.call(kVersion);
    loop.spin();
    EXPECT_EQ(n_of(client.reply()), 1);
}

TEST_F(ServerTest, OnewayCallsAreNotAnswered) {
    start();
    auto client = connect();
    client.send(protocol::call_frame(kVersion, "{}", false, true));
    client.call(kVersion);
    loop.spin();
    EXPECT_EQ(n_of(client.reply()), 2);
    EXPECT_FALSE(client.reply());
}

TEST_F(ServerTest, ASlowReaderLosesProgressLinesNeverTheLastOne) {
    start();
    auto client = connect();
    client.call(kStatus, "{}", true);
    loop.spin();
    const std::string padding(1000, 'x');
    constexpr int kLines = 100000;  // 100 MB, were they all kept
    for (int i = 0; i < kLines; ++i) held[0]->stream(R"({"n":)" + std::to_string(i) + R"(,"x":")" + padding + "\"}", true);
    held[0]->reply(R"({"n":-7})");
    std::int64_t seen = 0, last = -1;
    bool ended = false;
    for (int i = 0; i < 10000 && !ended; ++i) {
        loop.spin();
        while (const auto reply = client.reply()) {
            if (reply->continues) {
                EXPECT_GT(n_of(reply), last);
                last = n_of(reply);
                ++seen;
            } else {
                EXPECT_EQ(n_of(reply), -7);
                ended = true;
            }
        }
    }
    EXPECT_TRUE(ended);
    EXPECT_LT(seen, 5000);
    EXPECT_EQ(last, kLines - 1);  // and the newest progress is among what is kept
}

TEST_F(ServerTest, AReaderThatNeverReadsIsClosedAtTheOutputLimit) {
    start();
    auto client = connect();
    client.call(kStatus, "{}", true);
    loop.spin();
    bool hung_up = false;
    held[0]->on_hangup([&] { hung_up = true; });
    const std::string line = R"({"x":")" + std::string(100000, 'x') + "\"}";
    int sent = 0;
    for (; sent < 1000 && !hung_up; ++sent) {
        held[0]->stream(line);
        loop.spin();
    }
    EXPECT_TRUE(hung_up);
    EXPECT_LT(static_cast<std::size_t>(sent) * line.size(), limits.output + (std::size_t{1} << 20));
    EXPECT_EQ(server->connections(), 0U);
    EXPECT_TRUE(journal.says(journal::msg::client_refused, "does not read"));
    held[0]->stream(line);  // nobody there: nothing happens
    held[0]->reply("{}");
}

TEST_F(ServerTest, ClosingForOutputNeverHappensInsideTheHandler) {
    start();
    auto client = connect();
    client.call(kStatus, "{}", true);
    loop.spin();
    bool hung_up = false;
    held[0]->on_hangup([&] { hung_up = true; });
    const std::string line = R"({"x":")" + std::string(100000, 'x') + "\"}";
    for (int i = 0; i < 100; ++i) held[0]->stream(line);
    EXPECT_FALSE(hung_up);
    loop.spin();
    EXPECT_TRUE(hung_up);
}

TEST_F(ServerTest, AReaderThatStopsReadingIsClosedInTheEnd) {
    start();
    auto client = connect();
    client.call(kRuns);
    loop.spin();
    held[0]->reply(R"({"x":")" + std::string(3 << 20, 'x') + "\"}");
    loop.advance(limits.idle - seconds(1));
    EXPECT_EQ(server->connections(), 1U);
    loop.advance(seconds(1));
    EXPECT_EQ(server->connections(), 0U);
}

TEST_F(ServerTest, AReaderThatIsOnlySlowIsNotClosed) {
    start();
    auto client = connect();
    client.call(kRuns);
    loop.spin();
    held[0]->reply(R"({"x":")" + std::string(3 << 20, 'x') + "\"}");
    std::string some(150000, ' ');
    for (int minute = 0; minute < 15; ++minute) {
        loop.advance(minutes(1));
        ASSERT_GT(::recv(client.fd(), some.data(), some.size(), MSG_DONTWAIT), 0);
    }
    EXPECT_EQ(server->connections(), 1U);
}

TEST_F(ServerTest, ALineThatIsHalfSentIsNotReplaced) {
    start();
    auto client = connect();
    client.call(kStatus, "{}", true);
    loop.spin();
    const std::string padding(1 << 20, 'x');  // more than the socket takes at once
    for (int i = 0; i < 3; ++i) held[0]->stream(R"({"n":)" + std::to_string(i) + R"(,"x":")" + padding + "\"}", true);
    held[0]->reply(R"({"n":3})");
    std::vector<std::int64_t> seen;
    for (int i = 0; i < 1000; ++i) {
        loop.spin(1);
        while (const auto reply = client.reply()) seen.push_back(n_of(reply));
    }
    EXPECT_EQ(seen, (std::vector<std::int64_t>{0, 2, 3}));
}

TEST_F(ServerTest, OneLongReplyGoesThroughWhole) {
    start();
    auto client = connect();
    client.call(kRuns);
    loop.spin();
    const std::string text(12 << 20, 'y');
    held[0]->reply(R"({"x":")" + text + "\"}");
    std::optional<protocol::ReplyFrame> reply;
    for (int i = 0; i < 1000 && !reply; ++i) {
        loop.spin(1);
        reply = client.reply();
    }
    ASSERT_TRUE(reply);
    EXPECT_EQ(**reply->parameters.string("x"), text);
}

TEST_F(ServerTest, BackPressureStopsAndGoesOn) {
    start();
    auto client = connect();
    client.call(kStatus, "{}", true);
    loop.spin();
    const std::string line = R"({"x":")" + std::string(50000, 'x') + "\"}";
    int sent = 0, received = 0;
    std::function<void()> pump = [&] {
        while (sent < 500) {
            if (!held[0]->ready()) return held[0]->on_drain(pump);
            held[0]->stream(line);
            ++sent;
        }
    };
    pump();
    EXPECT_LT(sent, 20);
    EXPECT_FALSE(held[0]->ready());
    for (int i = 0; i < 100000 && received < 500; ++i) {
        loop.spin();
        while (client.reply()) ++received;
    }
    EXPECT_EQ(received, 500);
}

TEST_F(ServerTest, HangingUpIsSeenAtOnce) {
    start();
    auto client = connect();
    client.call(kStatus, "{}", true);
    loop.spin();
    bool hung_up = false;
    held[0]->on_hangup([&] { hung_up = true; });
    client.hang_up();
    loop.spin();
    EXPECT_TRUE(hung_up);
    EXPECT_EQ(server->connections(), 0U);
    EXPECT_EQ(server->streams(), 0U);
    EXPECT_FALSE(held[0]->ready());
    held[0]->on_drain([] { FAIL() << "nobody is there to drain"; });
    bool late = false;
    held[0]->on_hangup([&] { late = true; });
    loop.spin();
    EXPECT_TRUE(late);  // who asks after it happened hears it too
}

TEST_F(ServerTest, AClientThatOnlyEndsItsSideStillGetsItsAnswers) {
    start();
    auto client = connect();
    client.call(kRuns);
    client.call(kVersion);
    client.end_sending();
    loop.advance(seconds(10));
    ASSERT_EQ(held.size(), 1U);
    held[0]->reply(R"({"n":5})");
    loop.spin();
    EXPECT_EQ(n_of(client.reply()), 5);
    EXPECT_EQ(n_of(client.reply()), 1);
    EXPECT_TRUE(client.at_end());

    auto gone = connect();
    gone.call(kRuns);
    gone.end_sending();
    loop.spin();
    bool hung_up = false;
    held[1]->on_hangup([&] { hung_up = true; });
    gone.hang_up();
    loop.advance(seconds(2));
    EXPECT_TRUE(hung_up);
}

TEST_F(ServerTest, EndingTheServerEndsCallsWithoutHarm) {
    start();
    auto client = connect();
    client.call(kStatus, "{}", true);
    loop.spin();
    bool hung_up = false;
    held[0]->on_hangup([&] { hung_up = true; });
    server.reset();
    EXPECT_TRUE(hung_up);
    held[0]->stream("{}");
    held[0]->reply("{}");
    held.clear();
    EXPECT_TRUE(client.at_end());
    EXPECT_EQ(loop.watched(), 0U);
    EXPECT_EQ(loop.manual().armed_timers(), 0U);
}

TEST_F(ServerTest, APassedSocketServesToo) {
    const auto bound = ListeningSocket::bind(path());
    ASSERT_TRUE(bound);
    auto s = Server::create(loop, dispatcher, journal, {"", UniqueFd(::dup(bound->fd())), limits});
    ASSERT_TRUE(s);
    server = std::move(*s);
    server->set_roles(roles_of({std::to_string(::geteuid())}));
    auto client = connect();
    client.call(kVersion);
    loop.spin();
    EXPECT_EQ(n_of(client.reply()), 1);
    EXPECT_FALSE(Server::create(loop, dispatcher, journal, {"", UniqueFd(::open("/dev/null", O_RDONLY)), limits}));
}

}  // namespace
}  // namespace bkmon::control
