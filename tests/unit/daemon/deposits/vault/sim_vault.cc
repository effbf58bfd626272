#include "tests/unit/daemon/deposits/vault/sim_vault.h"

#include <algorithm>
#include <set>

namespace bkmon::test {

using deposits::Taken;
using Loss = SimFiles::Loss;

namespace {

constexpr const char* kDeposits = "/deposits";
constexpr const char* kVault = "/vault";
const TargetId kTarget = TargetId::of("deposit", {"agent1", "DB"});

std::string vault_path(const std::string& path) { return std::string(kVault) + "/" + path; }

template <class Rows>
Result<void> keep(Result<Rows> rows, Rows& to) {
    if (!rows) return fail(std::move(rows.error()));
    to = std::move(*rows);
    return {};
}

Result<void> read_all(history::Reader& r, Known& out) {
    if (auto a = keep(r.healthy(kTarget, 100), out.healthy); !a) return a;
    if (auto a = keep(r.held(), out.held); !a) return a;
    if (auto a = keep(r.deposit_states(), out.states); !a) return a;
    return keep(r.verdicts({}), out.verdicts);
}

}  // namespace

SimVault::SimVault(History k) : kind(k) {
    disk.make_dirs("/deposits/agent1/database");
    disk.make_dirs("/vault");
    if (kind == History::memory) return;
    folder_ = std::make_unique<TempTree>();
    folder_->put("history.db-wal", "");  // every start follows a crash: the history is checked
    sqlite_ = std::make_unique<SimSqlite>(disk, "/state");
}

SimVault::~SimVault() { kill(); }

void SimVault::start() {
    no_history_.clear();
    if (kind == History::sqlite) {
        auto opened = SimStore::open(loop, folder_->at("history.db"));
        if (!opened) {
            no_history_ = opened.error().what;
            return;
        }
        database_ = std::move(*opened);
    }
    store_ = std::make_unique<MortalStore>(database_ ? static_cast<history::Store&>(*database_) : history, disk);
    world = std::make_unique<VaultWorld>(disk, *store_, loop, kDeposits, kVault);
    world->keep = keep;
    world->open();
}

void SimVault::stop() {
    world.reset();
    store_.reset();
    database_.reset();
    loop.run_posted();
}

void SimVault::kill() {
    disk.kill();
    stop();
}

void SimVault::crash(Loss loss, std::uint64_t seed) {
    kill();
    disk.crash(loss, seed);
}

Result<Known> SimVault::known() {
    Known out;
    if (kind == History::sqlite && !database_) return fail(Errc::unavailable, no_history_);
    auto read = kind == History::sqlite ? database_->look([&](history::Reader& r) { return read_all(r, out); }) : read_all(history.tables(), out);
    if (!read) return fail(std::move(read.error()));
    return out;
}

struct SimVault::Snapshot {
    std::shared_ptr<const SimFiles::Image> disk;
    FakeTables tables;
    ManualClock clock;
};

std::shared_ptr<const SimVault::Snapshot> SimVault::snapshot() {
    auto out = std::make_shared<Snapshot>();
    out->disk = disk.image();
    out->tables = history.tables();
    out->tables.begin();
    out->clock = loop.manual_clock();
    return out;
}

void SimVault::restore(const Snapshot& snapshot) {
    kill();
    disk.restore(*snapshot.disk);
    history.tables() = snapshot.tables;
    loop.manual_clock() = snapshot.clock;
}

void SimVault::deposit(const std::string& bytes) { disk.put("/deposits/agent1/database/db.gz", bytes); }

bool SimVault::consume() {
    bool gone = false;
    if (!world) return false;
    world->vault->consume(world->agent, world->folder, "db.gz", world->identity("db.gz"), [&](Result<void> result) { gone = result.has_value(); });
    loop.run_posted();
    return gone;
}

Taken SimVault::take(const std::string& bytes) { return world ? world->take(world->request("db.gz", bytes)) : Taken(); }

Result<std::string> SimVault::promote(const std::string& bytes, const std::string& path) {
    loop.advance(std::chrono::minutes(1));
    auto taken = take(bytes);
    if (taken.outcome != Taken::Outcome::copied) return fail(Errc::unavailable, taken.detail);
    return world->promote(std::move(taken), path);
}

std::string SimVault::wrong() {
    std::set<std::string> known{vault_path(".bkmon-vault")};
    const auto all = this->known();
    if (!all) return "the history cannot be read: " + all.error().what;
    const auto& rows = all->healthy;
    int currents = 0;
    std::set<std::string> hashes;
    for (const auto& row : rows) {
        currents += row.current ? 1 : 0;
        if (!hashes.insert(row.sha256).second) return "two healthy rows for " + row.sha256;
        if (row.current && row.vault_path.empty()) return "the current one has no path";
        if (row.vault_path.empty()) continue;
        const auto path = vault_path(row.vault_path);
        known.insert(path);
        const auto bytes = disk.get(path);
        if (!bytes) return "R1: " + row.vault_path + " is recorded and not there";
        if (files::Sha256::of(*bytes) != row.sha256) return "R1: " + row.vault_path + " does not hash to its record";
        if (disk.mode_of(path) != 0440) return row.vault_path + " can be written";
        if (disk.attribute_of(path, "user.bkmon.sha256") != row.sha256) return row.vault_path + " has not its hash as attribute";
        if (!row.current && row.vault_path.rfind(".versions/", 0) != 0) return row.vault_path + " is not among the versions";
    }
    if (!rows.empty() && currents != 1) return "R2: " + std::to_string(currents) + " current ones";
    for (const auto& row : all->held) {
        known.insert(vault_path(row.path));
        const auto bytes = disk.get(vault_path(row.path));
        if (!bytes || files::Sha256::of(*bytes) != row.sha256) return "the held file is not what was held";
        if (disk.mode_of(vault_path(row.path)) != 0440) return "the held file can be written";
    }
    if (!all->states.empty()) return "R4: a row is left in phase " + all->states.front().phase;
    for (const auto& path : disk.all_files(kVault))
        if (known.count(path) == 0) return "R4: " + path + " is known to nobody";
    std::set<std::string> judged;
    for (const auto& row : all->verdicts)
        if (row.verdict.status == core::Status::ok && !judged.insert(row.verdict.sha256).second) return "R4: two verdicts for one backup";
    return {};
}

std::string SimVault::wrong_at_once(const std::vector<std::string>& healthy_bytes) {
    if (healthy_bytes.empty()) return {};
    const auto there = disk.all_bytes(kVault);
    for (const auto& bytes : healthy_bytes)
        if (std::find(there.begin(), there.end(), bytes) != there.end()) return {};
    return "R2: no healthy one is left on the disk";
}

std::string run_crash(const Scenario& scenario, const CrashPoint& at, bool& died) {
    SimVault v;
    v.start();
    scenario.before(v);
    if (auto bad = v.wrong(); !bad.empty()) return "before: " + bad;
    // What came before is old: it reached the disk long ago.
    v.crash(Loss::none, 0);
    v.start();
    if (at.k == 0) v.disk.live_on();
    if (at.k != 0) v.disk.die_at(at.k);
    v.disk.ignore_sync(at.ignored_sync);
    const bool acknowledged = scenario.act(v);
    died = v.disk.dead();
    const bool committed = scenario.happened(v);
    if (acknowledged && !committed) return "acknowledged, and it did not happen";
    v.crash(at.loss, at.seed);
    v.disk.ignore_sync(0);
    if (auto bad = v.wrong_at_once(scenario.healthy_before); !bad.empty()) return bad;
    if (at.again_at != 0) {
        v.disk.die_at(at.again_at);
        v.start();
        v.crash(at.loss, at.seed + 1);
    }
    v.start();
    if (!v.usable()) return "the vault is not usable: " + v.problem();
    if (auto bad = v.wrong(); !bad.empty()) return bad;
    if (committed && !scenario.happened(v)) return "R3: it was in the history, and is not any more";
    // Recovery itself must not rest on what is only in memory.
    const bool after = scenario.happened(v);
    v.crash(Loss::by_directory, 0);
    v.start();
    if (auto bad = v.wrong(); !bad.empty()) return "after a second power cut: " + bad;
    if (after != scenario.happened(v)) return "a second power cut changed the outcome";
    if (after) return {};
    v.disk.ignore_sync(at.ignored_in_retry);
    if (!scenario.act(v)) return "it cannot be done again";
    if (auto bad = v.wrong(); !bad.empty()) return "done again: " + bad;
    v.crash(Loss::by_directory, 0);
    v.disk.ignore_sync(0);
    v.start();
    if (auto bad = v.wrong(); !bad.empty()) return "done again, after a power cut: " + bad;
    return scenario.happened(v) ? "" : "done again, and lost";
}

}  // namespace bkmon::test
