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

bool newest_is(SimVault& v, const std::string& bytes) {
    const auto rows = v.healthy();
    return !rows.empty() && rows[0].current && rows[0].sha256 == files::Sha256::of(bytes);
}

}  // namespace

SimVault::SimVault() {
    disk.make_dirs("/deposits/agent1/database");
    disk.make_dirs("/vault");
}

SimVault::~SimVault() { stop(); }

void SimVault::start() {
    world = std::make_unique<VaultWorld>(disk, store, loop, kDeposits, kVault);
    world->open();
}

void SimVault::stop() {
    world.reset();
    loop.run_posted();
}

void SimVault::crash(Loss loss, std::uint64_t seed) {
    stop();
    disk.crash(loss, seed);
}

void SimVault::deposit(const std::string& bytes) { disk.put("/deposits/agent1/database/db.gz", bytes); }

Taken SimVault::take(const std::string& bytes) { return world->take(world->request("db.gz", bytes)); }

Result<std::string> SimVault::promote(const std::string& bytes, const std::string& path) {
    loop.advance(std::chrono::minutes(1));
    auto taken = take(bytes);
    if (taken.outcome != Taken::Outcome::copied) return fail(Errc::unavailable, taken.detail);
    return world->promote(std::move(taken), path);
}

std::string SimVault::wrong() {
    std::set<std::string> known{vault_path(".bkmon-vault")};
    auto& tables = history.tables();
    const auto rows = *tables.healthy(kTarget, 100);
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
    const auto held = *tables.held();
    for (const auto& row : held) {
        known.insert(vault_path(row.path));
        const auto bytes = disk.get(vault_path(row.path));
        if (!bytes || files::Sha256::of(*bytes) != row.sha256) return "the held file is not what was held";
        if (disk.mode_of(vault_path(row.path)) != 0440) return "the held file can be written";
    }
    const auto states = *tables.deposit_states();
    if (!states.empty()) return "R4: a row is left in phase " + states.front().phase;
    for (const auto& path : disk.all_files(kVault))
        if (known.count(path) == 0) return "R4: " + path + " is known to nobody";
    std::set<std::string> judged;
    const auto verdicts = *tables.verdicts({});
    for (const auto& row : verdicts)
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

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> all = [] {
        std::vector<Scenario> out;
        const auto first = [](SimVault& v) { static_cast<void>(v.promote("the first")); };
        const auto hold = [](SimVault& v, const std::string& bytes) {
            v.deposit(bytes);
            auto t = v.take(bytes);
            return t.outcome == Taken::Outcome::copied && v.world->hold(t, "ACME/DB/db.gz").has_value();
        };
        out.push_back({"first",
                       [](SimVault& v) { v.deposit("the first"); },
                       [](SimVault& v) { return v.promote("the first").has_value(); },
                       {},
                       [](SimVault& v) { return newest_is(v, "the first"); }});
        out.push_back({"replacing",
                       [first](SimVault& v) {
                           v.deposit("the first");
                           first(v);
                           v.deposit("the second");
                       },
                       [](SimVault& v) { return v.promote("the second").has_value(); },
                       {"the first", "the second"},
                       [](SimVault& v) { return newest_is(v, "the second"); }});
        out.push_back({"another_path",
                       [first](SimVault& v) {
                           v.deposit("the first");
                           first(v);
                           v.deposit("the second");
                       },
                       [](SimVault& v) { return v.promote("the second", "ACME/2027/db.gz").has_value(); },
                       {"the first", "the second"},
                       [](SimVault& v) { return newest_is(v, "the second"); }});
        out.push_back({"hold",
                       [first, hold](SimVault& v) {
                           v.deposit("the first");
                           first(v);
                           hold(v, "odd");
                       },
                       [hold](SimVault& v) { return hold(v, "odder"); },
                       {"the first"},
                       [](SimVault& v) {
                           const auto held = *v.history.tables().held();
                           return held.size() == 1 && held[0].sha256 == files::Sha256::of("odder");
                       }});
        out.push_back({"release",
                       [first, hold](SimVault& v) {
                           v.deposit("the first");
                           first(v);
                           hold(v, "odd");
                       },
                       [](SimVault& v) { return v.world->release(files::Sha256::of("odd")).has_value(); },
                       {"the first", "odd"},
                       [](SimVault& v) { return newest_is(v, "odd") && v.history.tables().held()->empty(); }});
        out.push_back({"reject",
                       [first, hold](SimVault& v) {
                           v.deposit("the first");
                           first(v);
                           hold(v, "odd");
                       },
                       [](SimVault& v) { return v.world->reject(files::Sha256::of("odd")).has_value(); },
                       {"the first"},
                       [](SimVault& v) { return v.history.tables().held()->empty(); }});
        out.push_back({"prune",
                       [first](SimVault& v) {
                           v.deposit("the first");
                           first(v);
                           v.deposit("the second");
                           static_cast<void>(v.promote("the second"));
                       },
                       [](SimVault& v) {
                           v.world->tidy();
                           v.loop.advance(std::chrono::hours(25));
                           v.world->tidy();
                           return v.world->done && !v.disk.dead() && v.healthy()[1].vault_path.empty();
                       },
                       {"the second"},
                       [](SimVault& v) { return v.healthy().size() == 2 && v.healthy()[1].vault_path.empty(); }});
        return out;
    }();
    return all;
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
    if (!v.world->vault->state().usable) return "the vault is not usable: " + v.world->vault->state().problem;
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
