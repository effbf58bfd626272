#include "daemon/control/audit.h"

#include <gtest/gtest.h>

#include "tests/support/fake_call.h"
#include "tests/support/fake_store.h"
#include "tests/support/manual_loop.h"
#include "tests/support/recording_journal.h"

namespace bkmon::control {
namespace {

using protocol::Role;
using test::caller_with;

class AuditTest : public testing::Test {
protected:
    AuditTest() {
        record_audit(dispatcher_, loop_, store_, journal_);
        dispatcher_.bind("io.bkmon.Targets.Pause", [](const std::shared_ptr<Call>& call) { call->reply("{}"); });
        dispatcher_.bind("io.bkmon.Targets.Explain", [](const std::shared_ptr<Call>& call) { call->reply("{}"); });
    }
    void call(std::string_view method, Role role, std::string_view params = R"({"target":"t"})", std::uint32_t uid = 1001) {
        auto caller = caller_with(role);
        caller.uid = uid;
        dispatcher_.dispatch(method, std::make_shared<test::FakeCall>(std::move(caller), params));
        loop_.run_posted();
    }
    std::vector<history::AuditRow> rows() { return store_.tables().audits(1000).value(); }

    test::ManualLoop loop_;
    test::FakeStore store_{loop_};
    test::RecordingJournal journal_;
    Dispatcher dispatcher_;
};

TEST_F(AuditTest, KeepsWhoDidWhatAndHowItEnded) {
    call("io.bkmon.Targets.Explain", Role::viewer);  // looking is not kept
    call("io.bkmon.Targets.Pause", Role::oper, R"({"target":"deposit/a/b","reason":"r"})");
    ASSERT_EQ(rows().size(), 1U);
    const auto row = rows()[0];
    EXPECT_EQ(row.uid, 1001U);
    EXPECT_EQ(row.pid, 42);
    EXPECT_EQ(row.user, "alice");
    EXPECT_EQ(row.method, "io.bkmon.Targets.Pause");
    EXPECT_EQ(row.parameters, R"({"reason":"r","target":"deposit/a/b"})");
    EXPECT_EQ(row.outcome, "ok");
    EXPECT_EQ(row.at, loop_.clock().now());
    EXPECT_TRUE(journal_.says(journal::msg::operator_action, "alice (uid 1001, pid 42) called io.bkmon.Targets.Pause: ok"));
}

TEST_F(AuditTest, KeepsWhatWasDenied) {
    call("io.bkmon.Targets.Pause", Role::viewer);
    call("io.bkmon.Deposits.Release\n\x1b[31m", Role::none, "{}");
    ASSERT_EQ(rows().size(), 2U);
    EXPECT_EQ(rows()[0].outcome, "denied");
    EXPECT_EQ(journal_.count(journal::msg::access_denied), 2U);
    EXPECT_TRUE(journal_.says(journal::msg::access_denied, R"(io.bkmon.Deposits.Release\n\x1b[31m: denied)"));
}

TEST_F(AuditTest, NobodyFillsTheHistoryByBeingRefused) {
    for (int i = 0; i < 1000; ++i) call("io.bkmon.Targets.Pause", Role::none);
    EXPECT_EQ(rows().size(), 10U);
    call("io.bkmon.Targets.Pause", Role::none, "{}", 1002);  // another user is not silenced by it
    EXPECT_EQ(rows().size(), 11U);
    loop_.advance(seconds(6));
    call("io.bkmon.Targets.Pause", Role::none);
    ASSERT_EQ(rows().size(), 12U);
    EXPECT_TRUE(journal_.says(journal::msg::access_denied, "denied, 990 more before it"));
    for (int i = 0; i < 1000; ++i) call("io.bkmon.Targets.Pause", Role::oper);  // what was allowed is always kept
    EXPECT_EQ(rows().size(), 1000U);                                            // as many as were asked for
    EXPECT_EQ(journal_.count(journal::msg::operator_action), 1000U);
}

TEST_F(AuditTest, LongParametersAreNotKept) {
    call("io.bkmon.Targets.Pause", Role::oper, R"({"target":"t","reason":")" + std::string(100000, 'x') + "\"}");
    ASSERT_EQ(rows().size(), 1U);
    EXPECT_EQ(rows()[0].parameters, R"({"omitted_bytes":100026})");
}

TEST_F(AuditTest, AHistoryThatCannotBeWrittenDoesNotStopTheCall) {
    store_.fail_next_writes(1, {Errc::no_space, "full"});
    call("io.bkmon.Targets.Pause", Role::oper);
    EXPECT_EQ(rows().size(), 0U);
    EXPECT_EQ(journal_.count(journal::msg::operator_action), 1U);
}

}  // namespace
}  // namespace bkmon::control
