#include "daemon/core/size_stats.h"

#include <gtest/gtest.h>

#include <random>

namespace bkmon::core {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
const std::vector<std::uint64_t> kSteady{100 * kMiB, 101 * kMiB, 99 * kMiB, 100 * kMiB, 102 * kMiB, 98 * kMiB};

TEST(SizeGate, SaysNothingWithFewerThanFive) {
    const auto j = judge_size(1, {100 * kMiB, 100 * kMiB, 100 * kMiB, 100 * kMiB}, {});
    EXPECT_FALSE(j.held);
    EXPECT_EQ(j.baseline, 4U);
    EXPECT_EQ(j.median, 0);
    EXPECT_EQ(j.highest, 0);
    EXPECT_TRUE(judge_size(1, {100 * kMiB, 100 * kMiB, 100 * kMiB, 100 * kMiB, 100 * kMiB}, {}).held);
}

TEST(SizeGate, HoldsOutsideTheBand) {
    EXPECT_FALSE(judge_size(100 * kMiB, kSteady, {}).held);
    EXPECT_FALSE(judge_size(140 * kMiB, kSteady, {}).held);
    EXPECT_TRUE(judge_size(170 * kMiB, kSteady, {}).held);
    EXPECT_TRUE(judge_size(49 * kMiB, kSteady, {}).held);
    const auto j = judge_size(170 * kMiB, kSteady, {});
    EXPECT_DOUBLE_EQ(j.median, 100.0 * kMiB);
    EXPECT_DOUBLE_EQ(j.spread, 10.0 * kMiB) << "the floor of 10 %, since the sizes hardly differ";
    EXPECT_DOUBLE_EQ(j.z, 7.0);
    EXPECT_DOUBLE_EQ(j.lowest, 50.0 * kMiB);
    EXPECT_DOUBLE_EQ(j.highest, 160.0 * kMiB);
}

TEST(SizeGate, BothEndsOfTheBandAreGood) {
    EXPECT_FALSE(judge_size(160 * kMiB, kSteady, {}).held);
    EXPECT_TRUE(judge_size(160 * kMiB + 1, kSteady, {}).held);
    EXPECT_FALSE(judge_size(50 * kMiB, kSteady, {}).held);
    EXPECT_TRUE(judge_size(50 * kMiB - 1, kSteady, {}).held);
}

TEST(SizeGate, UsesTheModifiedZScoreWhereSizesDiffer) {
    // median 50, distances 40 20 0 20 40 (MAD 20): the published score is 0.6745 * (x - 50) / 20.
    SizeGate gate;
    gate.spread_floor_bytes = 0;
    gate.floor_factor = 0;
    gate.ceiling_factor = 0;
    EXPECT_NEAR(judge_size(90, {10, 30, 50, 70, 90}, gate).z, 0.6745 * 40 / 20, 1e-9);
    gate.z = 3.5;
    EXPECT_FALSE(judge_size(153, {10, 30, 50, 70, 90}, gate).held);
    EXPECT_TRUE(judge_size(154, {10, 30, 50, 70, 90}, gate).held);
}

TEST(SizeGate, SmallDatabasesMayMoveBySixtyFourKilobytes) {
    const std::vector<std::uint64_t> small(8, 40 * 1024);
    SizeGate gate;
    gate.ceiling_factor = 0;
    EXPECT_FALSE(judge_size(400 * 1024, small, gate).held);
    gate.spread_floor_bytes = 0;
    EXPECT_TRUE(judge_size(400 * 1024, small, gate).held);
}

TEST(SizeGate, FactorsSpeakWhateverTheSpread) {
    const std::vector<std::uint64_t> wild{10 * kMiB, 100 * kMiB, 200 * kMiB, 100 * kMiB, 20 * kMiB};
    EXPECT_TRUE(judge_size(49 * kMiB, wild, {}).held);
    EXPECT_TRUE(judge_size(501 * kMiB, wild, {}).held);
    SizeGate off;
    off.floor_factor = 0;
    off.ceiling_factor = 0;
    off.z = 0;
    EXPECT_FALSE(judge_size(1, wild, off).held);
}

TEST(SizeGate, OnlyTheNewestTenCount) {
    std::vector<std::uint64_t> grown(10, 1000 * kMiB);
    grown.insert(grown.end(), 50, 10 * kMiB);
    EXPECT_FALSE(judge_size(1000 * kMiB, grown, {}).held);
    EXPECT_TRUE(judge_size(10 * kMiB, grown, {}).held);
    EXPECT_EQ(judge_size(1, grown, {}).baseline, 10U);
}

TEST(SizeGate, AbsoluteFloorSpeaksAlways) {
    SizeGate gate;
    gate.min_size = 1000;
    gate.enabled = false;
    const auto j = judge_size(999, kSteady, gate);
    EXPECT_TRUE(j.held);
    EXPECT_TRUE(j.below_minimum);
    EXPECT_FALSE(judge_size(1000, kSteady, gate).held) << "switched off: no band";
    EXPECT_TRUE(judge_size(999, {}, gate).held);
}

TEST(SizeGate, AHistoryOfEmptyFilesHoldsOnlyWhatTheSpreadDoes) {
    const std::vector<std::uint64_t> empty(6, 0);
    EXPECT_FALSE(judge_size(1000, empty, {}).held);
    EXPECT_TRUE(judge_size(10 * kMiB, empty, {}).held);
}

// A step change is held, released, and soon the new usual size: the released files enter the baseline.
TEST(SizeGate, AStepDoesNotHoldForEver) {
    std::vector<std::uint64_t> history(10, 100 * kMiB);
    int held = 0;
    for (int day = 0; day < 20; ++day) {
        if (judge_size(300 * kMiB, history, {}).held) ++held;
        history.insert(history.begin(), 300 * kMiB);
    }
    EXPECT_GE(held, 1);
    EXPECT_LE(held, 5);
}

TEST(SizeGate, NormalGrowthRarelyAlarms) {
    std::mt19937 random(20261122);
    std::normal_distribution<double> noise(1.0, 0.03);
    int judged = 0;
    int held = 0;
    for (int series = 0; series < 1000; ++series) {
        const double growth = 1.0 + 0.002 * (series % 10);
        double size = 1e5 * std::uniform_real_distribution<double>(1, 1000)(random);
        std::vector<std::uint64_t> history;
        for (int day = 0; day < 30; ++day, size *= growth) {
            const auto x = static_cast<std::uint64_t>(size * noise(random));
            ++judged;
            if (judge_size(x, history, {}).held) ++held;
            history.insert(history.begin(), x);
        }
    }
    EXPECT_LT(held * 1000, judged) << held << " of " << judged;
}

}  // namespace
}  // namespace bkmon::core
