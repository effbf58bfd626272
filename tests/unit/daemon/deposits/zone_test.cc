// Whole hours between the end of a report and its arrival: a wrong zone only where the report named none.
#include "tests/unit/daemon/deposits/bench.h"

namespace bkmon::test {
namespace {

constexpr std::chrono::hours kThree(3);

class ZoneTest : public DepositsTest {
protected:
    /// A whole push made `by` from now as its agent says, with its zone or without.
    void push_dated(milliseconds by, bool zone) {
        const Time end = loop.clock().now() + by;
        auto text = report("MAIN", "data", end);
        const auto at = rfc3339(end);
        if (!zone) text.replace(text.find(at), at.size(), at.substr(0, at.size() - 1));
        put_file("MAIN", "data");
        put_report(text);
        look();
    }
};

TEST_F(ZoneTest, AStatedEndAheadByWholeHoursIsHeld) {
    start();
    until("2026-11-22T13:10:00Z");
    push_dated(kThree, true);
    EXPECT_EQ(status(), "held") << shown().reason;
    EXPECT_EQ(shown().reason_code, "future");
    EXPECT_EQ(in_vault(), "<none>");
}

TEST_F(ZoneTest, AnEndWithoutAZoneAheadByWholeHoursIsAWrongZone) {
    start();
    until("2026-11-22T13:10:00Z");
    push_dated(kThree, false);
    EXPECT_EQ(status(), "ok") << shown().reason;
    EXPECT_NE(shown().reason.find("agent clock or zone"), std::string::npos) << shown().reason;
    EXPECT_EQ(days(), std::vector<std::string>({"2026-11-22 ok"}));
}

// The backup of yesterday, 3 h on its way, must not stand for today's.
TEST_F(ZoneTest, AStatedEndWholeHoursAgoCountsForItsOwnDay) {
    start();
    until("2026-11-22T13:10:00Z");
    push_dated(-kThree, true);
    EXPECT_EQ(days(), std::vector<std::string>({"2026-11-21 ok", "2026-11-22 late"}));
    until("2026-11-22T15:00:10Z");
    EXPECT_EQ(status(), "missing");
}

}  // namespace
}  // namespace bkmon::test
