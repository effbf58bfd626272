#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/daemon/deposits/vault/sim_vault.h"

namespace bkmon::test {

void PrintTo(const Scenario& s, std::ostream* out);

namespace {

class Fault : public testing::TestWithParam<Scenario> {};

/// One call fails, or all from it on; then the disk heals. Nothing may be lost, and without anybody's help everything works again.
std::string run_fault(const Scenario& scenario, std::uint64_t k, int error, bool from_then_on, bool& fired) {
    SimVault v;
    v.start();
    scenario.before(v);
    v.disk.fail_at(k, error, from_then_on);
    const bool acknowledged = scenario.act(v);
    fired = v.disk.faults() > 0;
    const bool happened = scenario.happened(v);
    if (acknowledged && !happened) return "acknowledged, and it did not happen";
    if (auto bad = v.wrong_at_once(scenario.healthy_before); !bad.empty()) return bad;
    v.disk.heal();
    for (int i = 0; i < 3; ++i) v.loop.advance(std::chrono::seconds(31));
    const auto& state = v.world->vault->state();
    if (!state.usable || !state.problem.empty()) return "not usable again: " + state.problem;
    if (auto bad = v.wrong(); !bad.empty()) return bad;
    if (happened && !scenario.happened(v)) return "it was in the history, and is not any more";
    if (!scenario.happened(v) && !scenario.act(v)) return "it cannot be done again";
    v.crash(SimFiles::Loss::by_directory, 0);
    v.start();
    return v.wrong();
}

TEST_P(Fault, OfAnyCallLosesNothingAndHeals) {
    int fired = 0;
    for (const int error : {ENOSPC, EIO, EROFS, EMFILE, EDQUOT})
        for (const bool from_then_on : {false, true})
            for (std::uint64_t k = 1;; ++k) {
                bool hit = false;
                const auto bad = run_fault(GetParam(), k, error, from_then_on, hit);
                ASSERT_EQ(bad, "") << GetParam().name << ": error " << error << (from_then_on ? " from call " : " at call ") << k;
                if (!hit) break;
                ++fired;
            }
    EXPECT_GT(fired, 40);
}

INSTANTIATE_TEST_SUITE_P(All, Fault, testing::ValuesIn(scenarios()), [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace bkmon::test
