#include "tests/unit/daemon/control/handlers_fixture.h"

namespace bkmon::control {
namespace {

using core::Status;
using protocol::Role;
using test::caller_with;
using test::Strings;

constexpr const char* kWatch = "io.bkmon.Targets.Watch";

class WatchHandler : public test::HandlersFixture {
protected:
    WatchHandler() { define({"deposit/acme/crm", "deposit/beta/crm", "bkmon/vault"}); }
    /// Each event a line: target status.
    static Strings seen(const test::FakeCall& call) {
        check(kWatch, *call.log);
        Strings lines;
        for (const auto& reply : call.log->replies) {
            const auto e = Json::parse(reply)["event"];
            const auto text = [&](const char* name) { return e[name].is_null() ? std::string("-") : e[name].get<std::string>(); };
            lines.push_back(text("target") + " " + text("status"));
        }
        return lines;
    }
    static std::int64_t last_seq(const test::FakeCall& call) { return Json::parse(call.log->replies.back())["event"]["seq"]; }
};

TEST_F(WatchHandler, SendsWhatHappensFromNowOn) {
    publish("deposit/acme/crm", Status::ok, "promoted");
    const auto call = begin(kWatch, "{}", true);
    EXPECT_TRUE(call->log->replies.empty());
    publish("deposit/acme/crm", Status::missing, "no_report");
    publish("deposit/beta/crm", Status::ok, "promoted");
    EXPECT_EQ(seen(*call), (Strings{"deposit/acme/crm missing", "deposit/beta/crm ok"}));
    const auto event = Json::parse(call->log->replies[0])["event"];
    EXPECT_EQ(event["previous"], "ok");
    EXPECT_EQ(event["type"], "verdict");
    EXPECT_EQ(event["reason_code"], "no_report");
    EXPECT_EQ(call->log->finals, 0);
}

TEST_F(WatchHandler, GoesOnAfterANumber) {
    for (int i = 0; i < 450; ++i) publish("deposit/acme/crm", i % 2 == 0 ? Status::ok : Status::failed, i % 2 == 0 ? "promoted" : "stage_failed");
    const auto all = begin(kWatch, R"({"after":0})", true);
    EXPECT_EQ(seen(*all).size(), 450U);
    const auto rest = begin(kWatch, R"({"after":448})", true);
    EXPECT_EQ(seen(*rest).size(), 2U);
    publish("deposit/acme/crm", Status::ok, "promoted");
    EXPECT_EQ(seen(*all).size(), 451U);
    EXPECT_EQ(last_seq(*rest), 451);
}

TEST_F(WatchHandler, ANumberFromAnotherHistoryMeansNow) {
    publish("deposit/acme/crm", Status::ok, "promoted");
    const auto call = begin(kWatch, R"({"after":1000000})", true);
    publish("deposit/acme/crm", Status::failed, "stage_failed");
    EXPECT_EQ(seen(*call).size(), 1U);
}

TEST_F(WatchHandler, EventsOfOthersAreFoundWithinASecond) {
    const auto call = begin(kWatch, "{}", true);
    const auto run = runs.begin("rescan", "all deposits", [] {});
    run->finish("failed", "the disk is gone");
    loop.advance(milliseconds(1000));
    EXPECT_EQ(seen(*call), (Strings{"- -"}));
    const auto event = Json::parse(call->log->replies[0])["event"];
    EXPECT_EQ(event["type"], "run");
    EXPECT_EQ(event["run"], run->id());
    EXPECT_EQ(event["text"], "rescan of all deposits: failed (the disk is gone)");
}

TEST_F(WatchHandler, ManyAtOnceDoNotWaitForSeconds) {
    const auto call = begin(kWatch, "{}", true);
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(store.tables().add_event({0, loop.clock().now(), "daemon", {}, "", "{}"}));
    loop.advance(milliseconds(1000));
    EXPECT_EQ(seen(*call).size(), 1000U);
}

TEST_F(WatchHandler, FiltersByKindAndByWhatTheCallerMaySee) {
    const auto deposits = begin(kWatch, R"({"kind":"deposit"})", true);
    const auto limited = begin(kWatch, "{}", true, caller_with(Role::viewer, {"deposit/acme/*"}));
    publish("bkmon/vault", Status::ok, "working");
    publish("deposit/beta/crm", Status::ok, "promoted");
    publish("deposit/acme/crm", Status::ok, "promoted");
    runs.begin("intake", "deposit/acme/crm", [] {})->finish("done", "");
    runs.begin("intake", "deposit/beta/crm", [] {})->finish("done", "");
    loop.advance(milliseconds(1000));
    EXPECT_EQ(seen(*deposits), (Strings{"deposit/beta/crm ok", "deposit/acme/crm ok"}));
    EXPECT_EQ(seen(*limited), (Strings{"deposit/acme/crm ok", "- -"}));
}

TEST_F(WatchHandler, ASlowReaderMissesNothing) {
    auto call = std::make_shared<test::FakeCall>(caller_with(Role::viewer), "{}", true);
    call->unlimited = false;
    dispatcher.dispatch(kWatch, call);
    loop.run_posted();
    constexpr int kEvents = 3000;  // more than is kept in memory
    for (int i = 0; i < kEvents; ++i) publish("deposit/acme/crm", i % 2 == 0 ? Status::ok : Status::failed, i % 2 == 0 ? "promoted" : "stage_failed");
    EXPECT_TRUE(call->log->replies.empty());
    call->unlimited = true;
    call->drain();
    loop.run_posted();
    ASSERT_EQ(call->log->replies.size(), static_cast<std::size_t>(kEvents));
    std::int64_t last = 0;
    for (const auto& reply : call->log->replies) {
        const std::int64_t seq = Json::parse(reply)["event"]["seq"];
        EXPECT_EQ(seq, last + 1);
        last = seq;
    }
}

TEST_F(WatchHandler, NothingIsReadWhileNobodyWatches) {
    auto call = begin(kWatch, "{}", true);
    EXPECT_EQ(loop.armed_timers(), 1U);
    const std::weak_ptr<test::FakeCall> weak = call;
    call->hang_up();
    call.reset();
    loop.advance(std::chrono::seconds(5));
    EXPECT_TRUE(weak.expired());
    EXPECT_EQ(loop.armed_timers(), 0U);
    publish("deposit/acme/crm", Status::ok, "promoted");
    const auto again = begin(kWatch, "{}", true);
    publish("deposit/acme/crm", Status::failed, "stage_failed");
    EXPECT_EQ(seen(*again).size(), 1U);
}

TEST_F(WatchHandler, AHistoryThatCannotBeReadEndsTheStreamWithAnError) {
    store.fail_next_reads(1, {Errc::unavailable, "history: gone"});
    const auto call = begin(kWatch, "{}", true);
    EXPECT_EQ(call->log->error, "io.bkmon.Unavailable");
    const auto next = begin(kWatch, "{}", true);  // and the next one works
    publish("deposit/acme/crm", Status::ok, "promoted");
    EXPECT_EQ(seen(*next).size(), 1U);
}

TEST_F(WatchHandler, NeedsMoreAndGoodParameters) {
    EXPECT_EQ(refusal(kWatch, "{}").substr(0, 16), "io.bkmon.Invalid");
    EXPECT_EQ(refusal(kWatch, R"({"after":-1})", true).substr(0, 16), "io.bkmon.Invalid");
    EXPECT_EQ(refusal(kWatch, R"({"kind":7})", true).substr(0, 16), "io.bkmon.Invalid");
}

}  // namespace
}  // namespace bkmon::control
