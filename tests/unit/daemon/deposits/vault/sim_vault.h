#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/fake_store.h"
#include "tests/support/sim_files.h"
#include "tests/unit/daemon/deposits/vault/vault_world.h"

namespace bkmon::test {

/// A history that dies with the disk: a call counts before the commit and after it. What was committed stays.
class MortalStore final : public history::Store {
public:
    MortalStore(history::Store& inner, SimFiles& disk) : inner_(inner), disk_(disk) {}
    void write(Work work, Done done) override {
        if (!disk_.step()) return;
        inner_.write(std::move(work), alive(std::move(done)));
        disk_.step();
    }
    void read(Look look, Done done) override {
        if (!disk_.dead()) inner_.read(std::move(look), alive(std::move(done)));
    }
    bool alive(milliseconds) const override { return true; }
    void close() override {}

private:
    Done alive(Done done) {
        return [this, done = std::move(done)](Result<void> result) {
            if (!disk_.dead()) done(std::move(result));
        };
    }
    history::Store& inner_;
    SimFiles& disk_;
};

/// The whole machine: a simulated disk and a history that outlive the daemon, and the daemon on them.
class SimVault {
public:
    SimVault();
    ~SimVault();

    SimFiles disk;
    ManualLoop loop;
    FakeStore history{loop};
    MortalStore store{history, disk};
    std::unique_ptr<VaultWorld> world;

    void start();  ///< a new daemon: opens the vault
    void stop();   ///< it is gone, with everything in its memory
    void crash(SimFiles::Loss loss, std::uint64_t seed);
    Result<std::string> promote(const std::string& bytes, const std::string& path = "ACME/DB/db.gz");
    deposits::Taken take(const std::string& bytes);
    void deposit(const std::string& bytes);
    std::vector<history::HealthyRow> healthy() {
        return *history.tables().healthy(world ? world->target : TargetId::of("deposit", {"agent1", "DB"}), 100);
    }

    /// What is wrong with what the vault and the history say together, after recovery; empty when nothing is.
    /// R1: each recorded file hashes to its record and is sealed. R2: a target that had a healthy one has one. R4: nothing half done, nothing stray.
    std::string wrong();
    /// Right after the crash, before anybody repaired anything: does a whole healthy file exist (R2), and the replaced one (keep_replaced)?
    std::string wrong_at_once(const std::vector<std::string>& healthy_bytes);
};

/// One thing that a vault does, to be interrupted everywhere.
struct Scenario {
    std::string name;
    std::function<void(SimVault&)> before;    ///< undisturbed
    std::function<bool(SimVault&)> act;       ///< interrupted; true: it was acknowledged
    std::vector<std::string> healthy_before;  ///< bytes of which one must always be there whole
    std::function<bool(SimVault&)> happened;  ///< the effect is there, as the history says
};
const std::vector<Scenario>& scenarios();

/// One crash at call `k`, of which a power cut keeps what `loss` and `seed` say. Checks everything, also a second power cut after recovery.
/// Returns what is wrong. `died` tells whether call k was reached at all.
struct CrashPoint {
    std::uint64_t k = 0;
    SimFiles::Loss loss = SimFiles::Loss::process;
    std::uint64_t seed = 0;
    std::size_t ignored_sync = 0;
    std::size_t ignored_in_retry = 0;  ///< a sync of the second try, after which the power is cut
    std::uint64_t again_at = 0;        ///< recovery dies too, at this call of it
};
std::string run_crash(const Scenario& scenario, const CrashPoint& at, bool& died);

}  // namespace bkmon::test
