// What `schedule list` shows of the deposits.
#include "tests/unit/daemon/deposits/bench.h"

namespace bkmon::test {
namespace {

TEST_F(DepositsTest, ScheduleShowsWhatTheDeadlineFound) {
    add_job("OTHER");
    start();
    until("2026-11-22T13:10:00Z");
    push("bytes");
    until("2026-11-22T15:00:30Z");
    const auto views = scheduler->list();
    ASSERT_EQ(views.size(), 2U);
    EXPECT_EQ(views[0].last_result, "ok");
    EXPECT_EQ(views[1].last_result, "missing");
    EXPECT_EQ(rfc3339(*views[1].next_at), "2026-11-23T13:00:00Z");
}

}  // namespace
}  // namespace bkmon::test
