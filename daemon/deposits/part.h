#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/settings/deposits.h"
#include "daemon/deposits/vault/vault.h"
#include "daemon/history/store.h"
#include "daemon/platform/files/file_ops.h"
#include "daemon/platform/inspect/inspector.h"
#include "daemon/platform/journal/journal.h"
#include "daemon/platform/loop/lane.h"
#include "daemon/runs/run_engine.h"
#include "daemon/runs/scheduler.h"
#include "daemon/targets/registry.h"

namespace bkmon::deposits {

/// One line of `deposits list`.
struct DepositView {
    std::string agent, database, target, state;  ///< state: waiting working held judged unexpected
    std::string file, report, detail;            ///< printable
    std::optional<std::uint64_t> size_bytes;
    std::optional<Time> since;
};

struct UnexpectedView {
    std::string agent, database;  ///< database empty: the agent as a whole
    Time first_seen{};
    std::string report, detail;
};

/// An agent's folder from which nothing is taken.
struct RefusedFolder {
    std::string agent;
    std::optional<std::uint32_t> owner;  ///< its uid now, which may be accepted; absent: nothing can be, it is a link
    std::string why;                     ///< printable
};

/// The deposits of agents: from what arrives to a verdict and a backup in the vault. Loop thread only.
class Part {
public:
    struct Rooms {
        loop::EventLoop& loop;
        loop::Lane& deposit_lane;  ///< reads the deposit root
        loop::Lane& vault_lane;    ///< copies, hashes, the vault
        loop::Lane& cpu_lane;      ///< parses reports, writes their archive
        loop::Lane& scrub_lane;    ///< reads the vault's files again, when nobody else wants the disk
        files::FileOps& files;
        history::Store& store;
        targets::Registry& registry;
        runs::RunEngine& runs;
        runs::Scheduler& scheduler;
        inspect::Inspector& inspector;
        journal::Journal& journal;
    };
    struct Options {
        core::DepositSettings settings;
        std::string state_dir;
        int parallel = 2;         ///< large deposits of one agent taken in at the same time; the others have one place more
        int parallel_small = 12;  ///< the same for those that wait for fsyncs and for their inspector more than anybody works on them
        /// Why nothing may be taken in at the moment, printable; empty, or no such function: it may.
        std::function<std::string()> hold_off;
        /// Writes the jobs to conf.d and reloads (auto_adopt).
        std::function<void(std::vector<std::pair<std::string, std::string>>)> adopt;
    };
    Part(Rooms rooms, Options options);
    ~Part();

    /// Opens the vault (recovery first), defines the targets, then scans, then judges. `done` when targets are defined and the vault was tried.
    void start(std::function<void(Result<void>)> done);
    /// New jobs and settings. Errc::invalid when deposits.root or deposits.vault changed: those need a restart.
    Result<void> reconfigure(core::DepositSettings settings, std::function<void(Result<void>)> done);
    void clock_changed();
    /// Forgets copies of reports that are older.
    void expire(Time before);

    std::vector<DepositView> list() const;
    std::vector<UnexpectedView> unexpected() const;
    /// The SHA-256 of what is held for the target, if anything is.
    std::optional<std::string> held_sha256(const TargetId& target) const;
    /// Looks at every folder (or one agent's); returns the run's id.
    Result<std::string> rescan(const std::string& agent);
    /// Reads the vault's files of the targets that `picks` names again and hashes them; returns the run's id. `what` is printable().
    Result<std::string> verify(const std::string& what, std::function<bool(const TargetId&)> picks);
    void release(const TargetId& target, const std::string& sha256, const std::string& by, std::function<void(Result<std::string>)> done);
    void reject(const TargetId& target, const std::string& sha256, const std::string& by, std::function<void(Result<void>)> done);
    std::optional<RefusedFolder> refused_folder(const std::string& agent) const;
    /// An operator says that a refused folder's owner is right: from now on it is the one to be. Errc::not_found unless exactly this uid
    /// waits for it.
    void accept_owner(const std::string& agent, std::uint32_t uid, const std::string& by, std::function<void(Result<void>)> done);
    void init(std::function<void(Result<std::string>)> done);
    const core::DepositSettings& settings() const;
    /// The first full round has been judged: what is missing is known to be missing.
    bool settled() const;
    /// When the last full look at the deposit folders ended; nullopt: none has yet.
    std::optional<BootTime> looked_at() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace bkmon::deposits
