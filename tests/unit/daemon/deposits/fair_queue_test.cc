#include "daemon/deposits/fair_queue.h"

#include <gtest/gtest.h>

#include <string>

namespace bkmon::deposits {
namespace {

int a, b, c;  // owners: only their addresses count

TEST(FairQueue, OwnersTakeTurns) {
    FairQueue<std::string> queue;
    for (const char* item : {"a1", "a2", "a3", "a4"}) queue.push(&a, item);
    queue.push(&b, "b1");
    queue.push(&c, "c1");
    EXPECT_EQ(queue.under_way(), 0);
    EXPECT_EQ(queue.pop(), "a1");
    EXPECT_EQ(queue.pop(), "b1") << "a has one under way";
    EXPECT_EQ(queue.pop(), "c1");
    EXPECT_EQ(queue.under_way(), 1);
    EXPECT_EQ(queue.pop(), "a2") << "everybody has one: who has waited longest";
    queue.push(&b, "b2");
    EXPECT_EQ(queue.pop(), "b2") << "a has two";
    queue.done(&a);
    queue.done(&a);
    EXPECT_EQ(queue.pop(), "a3");
    EXPECT_FALSE(queue.empty());
    EXPECT_EQ(queue.pop(), "a4");
    EXPECT_TRUE(queue.empty());
}

TEST(FairQueue, WhoWaitsLongestComesFirstAmongEquals) {
    FairQueue<int> queue;
    for (int i = 0; i < 9; ++i) queue.push(i % 3 == 0 ? &a : i % 3 == 1 ? &b : &c, i);
    for (int i = 0; i < 9; ++i) {
        EXPECT_EQ(queue.pop(), i);
        queue.done(i % 3 == 0 ? &a : i % 3 == 1 ? &b : &c);
    }
    EXPECT_TRUE(queue.empty());
}

TEST(FairQueue, AnEndOfWhatWasNeverBegunIsNone) {
    FairQueue<int> queue;
    queue.done(&a);
    queue.push(&a, 1);
    queue.done(&a);
    EXPECT_EQ(queue.pop(), 1);
    queue.clear();
    queue.done(&a);
    EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace bkmon::deposits
