#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/fake_store.h"
#include "tests/support/sim_files.h"
#include "tests/support/sim_sqlite.h"
#include "tests/support/temp_tree.h"
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

/// What the history says of the one target that these tests have.
struct Known {
    std::vector<history::HealthyRow> healthy;  ///< newest promotion first
    std::vector<history::HeldRow> held;
    std::vector<history::DepositStateRow> states;
    std::vector<history::VerdictRow> verdicts;
};

/// The whole machine: a simulated disk and a history that outlive the daemon, and the daemon on them.
class SimVault {
public:
    /// `memory`: each commit is durable at once. `sqlite`: the real one, its files on the simulated disk too.
    enum class History { memory, sqlite };
    explicit SimVault(History kind = History::memory);
    ~SimVault();

    const History kind;
    int keep = 1;  ///< of what is promoted by the daemons to come
    SimFiles disk;
    ManualLoop loop;
    FakeStore history{loop};
    std::unique_ptr<VaultWorld> world;  ///< none when the history could not be opened: bkmond ended at once

    void start();  ///< a new daemon: opens the history and the vault
    void stop();   ///< it is gone, with everything in its memory
    void kill();   ///< the same, without another call to the disk
    void crash(SimFiles::Loss loss, std::uint64_t seed);
    bool usable() const { return world && world->vault->state().usable; }
    std::string problem() const { return world ? world->vault->state().problem : no_history_; }
    Result<std::string> promote(const std::string& bytes, const std::string& path = "ACME/DB/db.gz");
    deposits::Taken take(const std::string& bytes);
    void deposit(const std::string& bytes);
    /// Takes the deposit away, as is done with what was promoted.
    bool consume();
    Result<Known> known();

    /// Everything that outlives the daemon.
    struct Snapshot;
    std::shared_ptr<const Snapshot> snapshot();
    void restore(const Snapshot& snapshot);  ///< no daemon runs

    /// What is wrong with what the vault and the history say together, after recovery; empty when nothing is.
    /// R1: each recorded file hashes to its record and is sealed. R2: a target that had a healthy one has one. R4: nothing half done, nothing stray.
    std::string wrong();
    /// Right after the crash, before anybody repaired anything: does a whole healthy file exist (R2), and the replaced one (keep_replaced)?
    std::string wrong_at_once(const std::vector<std::string>& healthy_bytes);

private:
    std::unique_ptr<TempTree> folder_;  ///< where SQLite believes that its file lies
    std::unique_ptr<SimSqlite> sqlite_;
    std::unique_ptr<SimStore> database_;
    std::unique_ptr<MortalStore> store_;
    std::string no_history_;
};

/// One thing that a vault does, to be interrupted everywhere.
struct Scenario {
    std::string name;
    std::function<void(SimVault&)> before;    ///< undisturbed
    std::function<bool(SimVault&)> act;       ///< interrupted; true: it was acknowledged
    std::vector<std::string> healthy_before;  ///< bytes of which one must always be there whole
    std::function<bool(SimVault&)> happened;  ///< the effect is there, as the history says
    bool clones = false;                      ///< on a file system with FICLONE
    int keep = 1;
    bool birth = false;  ///< the first start of a new vault is interrupted as well
};
const std::vector<Scenario>& scenarios();
/// Those and more: everything that promises R2 and R3 name, for the long sweeps.
const std::vector<Scenario>& all_scenarios();

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
