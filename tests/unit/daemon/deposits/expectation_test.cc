// Somebody said that a size is the new normal: the band follows at once, and what comes after takes over.
#include "tests/unit/daemon/deposits/bench.h"

namespace bkmon::test {
namespace {

class Expectation : public DepositsTest {
protected:
    static constexpr std::size_t kUsual = 4000 * 1024, kNew = 200 * 1024, kGrown = 500 * 1024;

    void SetUp() override {
        start();
        until("2026-11-22T13:10:00Z");
        for (int i = 0; i < 10; ++i) {
            history::HealthyRow row;
            row.target = id;
            row.sha256 = std::string(63, 'a') + std::to_string(i);
            row.size_bytes = kUsual;
            row.promoted_at = loop.clock().now() - std::chrono::hours(24 * (10 - i));
            ASSERT_TRUE(store.tables().put_healthy(row));
        }
    }
    /// Each time of other bytes, ten minutes later.
    std::string sent(std::size_t size) {
        pass(std::chrono::minutes(10));
        push(std::string(size - 1, 'x') + static_cast<char>('a' + ++pushes));
        return status() + (status() == "held" ? " " + shown().reason_code : "");
    }
    std::string evidence() {
        const auto row = store.tables().current(id);
        return row && *row ? (*row)->verdict.evidence : "<none>";
    }
    void expect(std::size_t size) { ASSERT_TRUE(store.tables().put_expectation({id, size, loop.clock().now(), "eve", "tables were dropped"})); }

    const TargetId id = TargetId::of("deposit", {"SHOP_CITY_NORTH", "MAIN"});
    int pushes = 0;
};

TEST_F(Expectation, WithoutOneANewSizeIsHeldEachTime) {
    EXPECT_EQ(sent(kNew), "held size_band");
    EXPECT_EQ(sent(kNew), "held size_band");
    EXPECT_NE(evidence().find(R"("sizes":[4096000,)"), std::string::npos) << evidence();
    EXPECT_EQ(evidence().find("stand_ins"), std::string::npos);
}

TEST_F(Expectation, MakesTodaysSizeTheNewNormalAtOnce) {
    ASSERT_EQ(sent(kNew), "held size_band");
    expect(kNew);
    EXPECT_EQ(sent(kNew), "ok") << shown().reason;
    EXPECT_NE(evidence().find(R"("expected_by":"eve","stand_ins":5)"), std::string::npos) << evidence();
    EXPECT_EQ(sent(kUsual), "held size_band") << "what was usual is so no more";
    EXPECT_NE(shown().reason.find("median of 5, 4 of them as eve expects"), std::string::npos) << shown().reason;
}

TEST_F(Expectation, GivesWayToWhatCameSince) {
    expect(kNew);
    ASSERT_EQ(sent(kGrown + 300 * 1024), "held size_band") << "too far from what is expected";
    for (int i = 0; i < 5; ++i) ASSERT_EQ(sent(kGrown), "ok") << shown().reason;
    EXPECT_EQ(sent(kGrown + 300 * 1024), "ok") << shown().reason;
    EXPECT_NE(evidence().find(R"("stand_ins":0)"), std::string::npos);
}

TEST_F(Expectation, OfAnotherTargetSaysNothing) {
    ASSERT_TRUE(store.tables().put_expectation({TargetId::of("deposit", {"SHOP_CITY_NORTH", "OTHER"}), kNew, loop.clock().now(), "eve", ""}));
    EXPECT_EQ(sent(kNew), "held size_band");
}

TEST_F(Expectation, TheReplayGateAndTheOrderRememberAllTheSame) {
    ASSERT_EQ(sent(kUsual), "ok");
    ASSERT_EQ(sent(kUsual), "ok");
    expect(kUsual);
    pass(std::chrono::minutes(10));
    push(std::string(kUsual - 1, 'x') + 'b');  // the first one's bytes
    EXPECT_EQ(status() + " " + shown().reason_code, "held replay");
}

}  // namespace
}  // namespace bkmon::test
