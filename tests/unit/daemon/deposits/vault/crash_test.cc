#include <gtest/gtest.h>

#include <set>

#include "tests/unit/daemon/deposits/vault/sim_vault.h"

namespace bkmon::test {

void PrintTo(const Scenario& s, std::ostream* out);
void PrintTo(const Scenario& s, std::ostream* out) { *out << s.name; }

namespace {

using Loss = SimFiles::Loss;

struct Cut {
    Loss loss;
    std::uint64_t seed;
};

/// Half of an exchange is more than any of the supported file systems leaves behind. It is tried nevertheless, since nothing else shows what
/// each fsync of the two directories is good for; but a held file has no other copy anywhere, so its release needs a whole exchange.
bool survives_halves(const Scenario& s) { return s.name != "release"; }

std::vector<Cut> cuts(const Scenario& s, int seeds) {
    std::vector<Cut> out{{Loss::process, 0}, {Loss::everything, 0}, {Loss::by_directory, 0}, {Loss::none, 0}};
    for (int i = 0; i < seeds; ++i) {
        const auto seed = static_cast<std::uint64_t>(i);
        out.push_back({Loss::some_whole, seed});
        if (survives_halves(s)) out.push_back({Loss::some_halves, seed});
    }
    return out;
}

std::string shown(const Scenario& s, const CrashPoint& at) {
    return s.name + " at call " + std::to_string(at.k) + ", loss " + std::to_string(static_cast<int>(at.loss)) + ", seed " + std::to_string(at.seed) +
           (at.ignored_sync == 0 ? "" : ", without sync " + std::to_string(at.ignored_sync)) +
           (at.again_at == 0 ? "" : ", recovery dies at " + std::to_string(at.again_at));
}

/// Tries every call; the first thing that is wrong, or nothing. `points` counts what was tried.
std::string sweep(const Scenario& scenario, std::size_t ignored_sync, int seeds, int& points) {
    for (std::uint64_t k = 1;; ++k) {
        bool died = false;
        for (const auto& cut : cuts(scenario, seeds)) {
            const CrashPoint at{k, cut.loss, cut.seed, ignored_sync, 0, 0};
            ++points;
            if (auto bad = run_crash(scenario, at, died); !bad.empty()) return shown(scenario, at) + ": " + bad;
        }
        if (!died) return {};  // the whole of it ran: there is no call k
    }
}

class Crash : public testing::TestWithParam<Scenario> {};

TEST_P(Crash, AtEveryCallNothingIsLost) {
    int points = 0;
    EXPECT_EQ(sweep(GetParam(), 0, 3, points), "");
    RecordProperty("points", points);
    EXPECT_GT(points, 80) << "the crash points did not fire";
}

TEST_P(Crash, RecoveryMayDieToo) {
    for (std::uint64_t k = 1;; k += 3) {
        bool died = false;
        for (const auto loss : {Loss::process, Loss::everything, Loss::by_directory, Loss::some_whole, Loss::some_halves})
            for (std::uint64_t again = survives_halves(GetParam()) || loss != Loss::some_halves ? 4 : 60; again < 60; again += 5) {
                const CrashPoint at{k, loss, k + again, 0, 0, again};
                ASSERT_EQ(run_crash(GetParam(), at, died), "") << shown(GetParam(), at);
            }
        if (!died) break;
    }
}

/// The first fsync of a copy is there for the reading back: DamagedDisk, below, is its test.
bool is_for_reading_back(const std::vector<SimFiles::Synced>& syncs, std::size_t n) {
    return syncs[n].path.find("/.tmp/") != std::string::npos && (n == 0 || syncs[n - 1].path != syncs[n].path);
}

/// Every fsync that has something to do, left out alone, must be missed by a crash somewhere. One that no crash misses protects nothing.
TEST_P(Crash, EachSyncProtectsSomething) {
    SimVault v;
    v.start();
    GetParam().before(v);
    v.crash(Loss::none, 0);
    v.start();
    v.disk.flush();
    v.disk.ignore_sync(0);
    ASSERT_TRUE(GetParam().act(v));
    const auto syncs = v.disk.syncs();
    int proven = 0;
    for (std::size_t n = 0; n < syncs.size(); ++n) {
        if (!syncs[n].needed || is_for_reading_back(syncs, n)) continue;
        int points = 0;
        EXPECT_NE(sweep(GetParam(), n + 1, 6, points), "") << GetParam().name << ": sync " << n + 1 << " of " << syncs[n].path << " protects nothing";
        ++proven;
    }
    EXPECT_GT(proven, 0);
}

/// Directories are synced though they exist: the run that made them may have died before it did so.
TEST(CrashOfParents, AreSyncedAgainByTheNextRun) {
    const auto& first = scenarios().front();
    std::set<std::string> missed;
    for (std::uint64_t k = 1;; ++k) {
        bool died = false;
        ASSERT_EQ(run_crash(first, {k, Loss::process, 0, 0, 0, 0}, died), "");
        if (!died) break;
        for (std::size_t n = 2; n <= 3; ++n)  // after the copy's: the vault's directory and the one above the final one
            if (!run_crash(first, {k, Loss::process, 0, 0, n, 0}, died).empty()) missed.insert(std::to_string(n));
    }
    EXPECT_EQ(missed, (std::set<std::string>{"2", "3"}));
}

/// A disk that keeps other bytes than were written is noticed, because the copy is synced, let go and read again.
TEST(DamagedDisk, IsNoticedByReadingBack) {
    for (const std::size_t ignored : {std::size_t{0}, std::size_t{1}}) {
        SimVault v;
        v.start();
        v.deposit("the first");
        v.disk.damage_writes(true);
        v.disk.ignore_sync(ignored);
        auto path = v.promote("the first");
        ASSERT_NE(v.disk.syncs()[0].path.find("/.tmp/"), std::string::npos) << "the first sync is that of the copy";
        EXPECT_EQ(path.has_value(), ignored != 0) << "without that sync nobody would notice";
        if (ignored == 0) {
            EXPECT_EQ(path.error().code, Errc::corrupt);
            EXPECT_EQ(v.wrong(), "");
        }
    }
}

INSTANTIATE_TEST_SUITE_P(All, Crash, testing::ValuesIn(scenarios()), [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace bkmon::test
