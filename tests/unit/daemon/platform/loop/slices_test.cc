#include "daemon/platform/loop/slices.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/manual_loop.h"

namespace bkmon::test {
namespace {

struct Slices : testing::Test {
    ManualLoop loop;
    std::shared_ptr<int> owner = std::make_shared<int>(0);
    std::vector<std::size_t> seen;
    int ended = 0;
    void run(std::size_t count, std::size_t at_once) {
        loop::in_slices(
            loop, owner, count, at_once, [this](std::size_t i) { seen.push_back(i); }, [this] { ++ended; });
    }
};

TEST_F(Slices, AFewAreOverAtOnce) {
    run(3, 3);
    EXPECT_EQ(seen, (std::vector<std::size_t>{0, 1, 2}));
    EXPECT_EQ(ended, 1);
    run(0, 3);
    EXPECT_EQ(ended, 2);
}

TEST_F(Slices, ManyTakeTurns) {
    run(7, 3);
    EXPECT_EQ(seen.size(), 3U);
    EXPECT_EQ(ended, 0);
    loop.run_posted();
    EXPECT_EQ(seen, (std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(ended, 1);
}

TEST_F(Slices, WhoDiedIsNotToldMore) {
    run(7, 3);
    owner.reset();
    loop.run_posted();
    EXPECT_EQ(seen.size(), 3U);
    EXPECT_EQ(ended, 0);
}

}  // namespace
}  // namespace bkmon::test
