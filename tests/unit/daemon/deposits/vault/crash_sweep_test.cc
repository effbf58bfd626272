#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

#include "tests/support/facts.h"
#include "tests/unit/daemon/deposits/vault/crash_explorer.h"

namespace bkmon::test {
namespace {

using History = SimVault::History;

std::uint64_t seed() {
    const char* given = std::getenv("BKMON_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : 20261122;
}

/// A held file has no other copy, so that half of an exchange would lose it: no supported file system leaves one.
bool survives_halves(const Scenario& s) { return s.name.rfind("release", 0) != 0; }

void add(Seen& to, const Seen& from) {
    to.points += from.points;
    to.states += from.states;
    to.violations += from.violations;
    if (to.first.empty()) to.first = from.first;
}

double since(std::chrono::steady_clock::time_point begin) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); }

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSlower = 5;
#else
constexpr std::uint64_t kSlower = 1;
#endif

Reach reach_of(History history) {
    const bool sqlite = history == History::sqlite;
    Reach reach;
    reach.history = history;
    if (full_sweep()) {
        reach.ways = sqlite ? 16 : 256;
        reach.ways_again = sqlite ? 3 : 8;
        reach.every = sqlite ? 2 : 1;
        reach.every_again = sqlite ? 31 : 2;
    } else {
        reach.ways = sqlite ? 3 : 6;
        reach.ways_again = sqlite ? 2 : 3;
        reach.every = (sqlite ? 43 : 4) * kSlower;
        reach.every_again = sqlite ? 97 : 17;
    }
    return reach;
}

/// BKMON_SCENARIO: only this one, to look at what it found.
bool chosen(const Scenario& s) {
    const char* only = std::getenv("BKMON_SCENARIO");
    return only == nullptr || s.name == only;
}

TEST(CrashSweep, EveryStateThatADeathMayLeaveIsRecoveredFrom) {
    const auto begin = std::chrono::steady_clock::now();
    Seen all;
    for (const auto history : {History::memory, History::sqlite})
        for (const auto& scenario : all_scenarios())
            for (const bool halves : {false, true}) {
                if (!chosen(scenario) || (halves && !survives_halves(scenario))) continue;
                auto reach = reach_of(history);
                reach.halves = halves;
                const auto seen = Explorer(scenario, reach, seed()).explore();
                const auto name = scenario.name + (history == History::sqlite ? ", sqlite" : "") + (halves ? ", halves" : "");
                std::printf("%-40s %7ld points %8ld states %3ld violations\n", name.c_str(), seen.points, seen.states, seen.violations);
                std::fflush(stdout);
                add(all, seen);
            }
    EXPECT_EQ(all.violations, 0) << all.first << " (BKMON_SEED=" << seed() << ")";
    EXPECT_GE(all.states, full_sweep() ? 100000 : kSlower == 1 ? 5000 : 500);
    fact("simulated_crashes", {{"crash_points", all.points}, {"states", all.states}, {"violations", all.violations}}, since(begin));
}

/// The first fsync of a copy is there for the reading back: DamagedDisk is its test.
bool is_for_reading_back(const std::vector<SimFiles::Synced>& syncs, std::size_t n) {
    return syncs[n].path.find("/.tmp/") != std::string::npos && (n == 0 || syncs[n - 1].path != syncs[n].path);
}

/// What SQLite syncs is its own business: some of it only protects what would be done again.
bool is_of_the_history(const SimFiles::Synced& sync) { return sync.path.rfind("/state/", 0) == 0; }

/// Looks for a state that goes wrong without the n-th fsync.
bool is_missed(const Scenario& scenario, std::size_t n, History history) {
    Reach reach;
    reach.history = history;
    reach.halves = survives_halves(scenario);
    reach.ways = 32;
    reach.ways_again = 4;
    reach.every_again = history == History::memory ? 3 : 0;
    reach.ignored_sync = n + 1;
    reach.stop_at_first = true;
    return Explorer(scenario, reach, seed()).explore().violations > 0;
}

TEST(CrashSweep, EveryFsyncLeftOutIsMissed) {
    const auto begin = std::chrono::steady_clock::now();
    std::int64_t tried = 0, missed = 0, of_history = 0, missed_of_history = 0;
    for (const auto history : {History::memory, History::sqlite}) {
        if (history == History::sqlite && !full_sweep()) break;
        for (std::size_t i = full_sweep() ? 0 : scenarios().size(); i < all_scenarios().size();
             ++i) {  // the short run: what crash_test.cc leaves out
            const auto& scenario = all_scenarios()[i];
            if (!chosen(scenario) || scenario.birth)
                continue;  // each fsync of a first start is done again by what comes next: only two left out would be missed
            const auto syncs = Explorer(scenario, reach_of(history), seed()).syncs();
            for (std::size_t n = 0; n < syncs.size(); ++n) {
                if (!syncs[n].needed || is_for_reading_back(syncs, n)) continue;
                const bool noticed = is_missed(scenario, n, history);
                if (is_of_the_history(syncs[n])) {
                    ++of_history;
                    missed_of_history += noticed ? 1 : 0;
                    continue;
                }
                EXPECT_TRUE(noticed) << scenario.name << (history == History::sqlite ? ", sqlite" : "") << ": sync " << n + 1 << " of "
                                     << syncs[n].path << " protects nothing (BKMON_SEED=" << seed() << ")";
                ++tried;
                missed += noticed ? 1 : 0;
            }
        }
    }
    EXPECT_GT(tried, 20);
    EXPECT_TRUE(of_history == 0 || missed_of_history > 0) << "none of the history's syncs protects anything";
    fact("fsyncs_left_out", {{"left_out", tried}, {"noticed", missed}, {"of_the_history", of_history}, {"of_the_history_noticed", missed_of_history}},
         since(begin));
}

}  // namespace
}  // namespace bkmon::test
