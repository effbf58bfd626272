#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>

#include "tests/support/facts.h"
#include "tests/unit/daemon/deposits/vault/crash_explorer.h"

namespace bkmon::test {
namespace {

using History = SimVault::History;

struct Fault {
    std::uint64_t at = 0;
    int error = 0;
    bool from_then_on = false;
};

/// One scenario on a disk, and in a history, of which one call fails or all from one on. Comes back to the same beginning for each fault.
class Faulty {
public:
    Faulty(const Scenario& scenario, History history) : scenario_(scenario), v_(history) {
        v_.keep = scenario.keep;
        v_.disk.can_clone(scenario.clones);
        v_.start();
        scenario.before(v_);
        v_.crash(SimFiles::Loss::none, 0);
        before_ = v_.snapshot();
        // Half of the work, for recovery to finish.
        v_.start();
        v_.disk.live_on();
        static_cast<void>(scenario_.act(v_));
        const auto calls = v_.disk.calls();
        v_.restore(*before_);
        v_.start();
        v_.disk.die_at(calls * 2 / 3);
        static_cast<void>(scenario_.act(v_));
        v_.kill();
        v_.disk.process_died();
        halfway_ = v_.snapshot();
    }

    /// The fault falls into the operation.
    std::string in_operation(const Fault& fault) {
        v_.restore(*before_);
        v_.start();
        v_.disk.fail_at(fault.at, fault.error, fault.from_then_on);
        const bool acknowledged = scenario_.act(v_);
        return afterwards(acknowledged);
    }
    /// The fault falls into the start of a daemon that finds half of it done.
    std::string in_recovery(const Fault& fault) {
        v_.restore(*halfway_);
        v_.disk.fail_at(fault.at, fault.error, fault.from_then_on);
        v_.start();
        return afterwards(false);
    }
    bool fired() const { return v_.disk.faults() > last_; }
    void forget_faults() { last_ = v_.disk.faults(); }

private:
    std::string afterwards(bool acknowledged) {
        // What SQLite asks for again it has written again, or never relied upon: there the power cut below is the judge.
        for (const auto& path : v_.disk.retried_syncs())
            if (path.rfind("/state/", 0) != 0) return "an fsync that failed was asked for again: " + path;
        if (auto bad = v_.wrong_at_once(scenario_.healthy_before); !bad.empty()) return bad;
        // Whoever fails says so: to the caller, in the state that `status` shows, and in the journal.
        const bool said = v_.world && v_.world->journal.entries().size() > 0;
        if (fired() && !acknowledged && v_.world && !v_.usable() && (v_.problem().empty() || !said)) return "nobody was told";
        v_.disk.heal();
        if (!v_.world) v_.start();  // the history could not be opened: bkmond ended, and is started again
        for (int i = 0; i < 3; ++i) v_.loop.advance(std::chrono::seconds(31));
        if (!v_.usable() || !v_.problem().empty()) return "not usable again: " + v_.problem();
        if (auto bad = v_.wrong(); !bad.empty()) return bad;
        const bool happened = scenario_.happened(v_);
        if (acknowledged && !happened) return "acknowledged, and it did not happen";
        if (!happened && !scenario_.act(v_)) return "it cannot be done again: " + v_.problem();
        v_.crash(SimFiles::Loss::by_directory, 0);
        v_.start();
        if (!v_.usable()) return "not usable after a power cut: " + v_.problem();
        if (auto bad = v_.wrong(); !bad.empty()) return "after a power cut: " + bad;
        return scenario_.happened(v_) ? "" : "lost by a power cut";
    }

    const Scenario& scenario_;
    SimVault v_;
    std::shared_ptr<const SimVault::Snapshot> before_, halfway_;
    int last_ = 0;
};

struct Count {
    std::int64_t faults = 0, violations = 0;
    std::string first;
};

void sweep(const Scenario& scenario, History history, std::uint64_t every, Count& count) {
    Faulty faulty(scenario, history);
    for (const int error : {ENOSPC, EDQUOT, EIO, EROFS, EMFILE, ENOMEM})
        for (const bool from_then_on : {false, true})
            for (const bool recovery : {false, true})
                for (std::uint64_t n = 1;; n += every) {
                    faulty.forget_faults();
                    const Fault fault{n, error, from_then_on};
                    const auto bad = recovery ? faulty.in_recovery(fault) : faulty.in_operation(fault);
                    if (!bad.empty() && count.violations++ == 0)
                        count.first = scenario.name + (history == History::sqlite ? ", sqlite" : "") + ": error " + std::to_string(error) +
                                      (from_then_on ? " from call " : " at call ") + std::to_string(n) + (recovery ? " of the recovery: " : ": ") +
                                      bad;
                    if (!bad.empty() && std::getenv("BKMON_VERBOSE") != nullptr)
                        std::printf("%s error %d %s %lu %s: %s\n", scenario.name.c_str(), error, from_then_on ? "from" : "at", n,
                                    recovery ? "recovery" : "", bad.c_str());
                    if (!faulty.fired()) break;
                    ++count.faults;
                }
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSlower = 5;
#else
constexpr std::uint64_t kSlower = 1;
#endif

TEST(FaultSweep, EveryCallOfEveryOperationAndRecovery) {
    const auto begin = std::chrono::steady_clock::now();
    Count count;
    for (const auto history : {History::memory, History::sqlite})
        for (const auto& scenario : all_scenarios()) {
            if (scenario.birth) continue;
            const bool sqlite = history == History::sqlite;
            sweep(scenario, history, full_sweep() ? 1 : (sqlite ? 61 : 11) * kSlower, count);
        }
    EXPECT_EQ(count.violations, 0) << count.first;
    EXPECT_GE(count.faults, full_sweep() ? 20000 : 300);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    fact("faults_in_process", {{"faults", count.faults}, {"violations", count.violations}}, took.count());
}

}  // namespace
}  // namespace bkmon::test
