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

TEST_F(DepositsTest, TargetsSayWhoIsToldAndShareTheirLists) {
    const std::vector<std::string> night{"night@example.org"};
    add_job("A").recipients = night;
    add_job("B").recipients = night;
    start();
    const auto of = [&](const char* id) { return registry->find(*TargetId::parse(id))->spec.recipients; };
    EXPECT_EQ(of("deposit/SHOP_CITY_NORTH/MAIN"), nullptr);
    ASSERT_NE(of("deposit/SHOP_CITY_NORTH/A"), nullptr);
    EXPECT_EQ(*of("deposit/SHOP_CITY_NORTH/A"), night);
    EXPECT_EQ(of("deposit/SHOP_CITY_NORTH/A"), of("deposit/SHOP_CITY_NORTH/B"));

    settings.jobs[1].recipients = {"day@example.org"};
    ASSERT_TRUE(part->reconfigure(settings, [](Result<void> done) { ASSERT_TRUE(done); }));
    pass(seconds(3));
    EXPECT_EQ(of("deposit/SHOP_CITY_NORTH/A")->front(), "day@example.org");
    EXPECT_EQ(*of("deposit/SHOP_CITY_NORTH/B"), night);
}

}  // namespace
}  // namespace bkmon::test
