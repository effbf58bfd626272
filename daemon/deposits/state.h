#pragma once
// What the deposits part remembers: agents, their reports, and the jobs that expect something of them. Private to this room.
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/rare.h"
#include "daemon/core/cycle.h"
#include "daemon/core/report.h"
#include "daemon/core/settings/deposits.h"
#include "daemon/deposits/arrival/snapshot.h"
#include "daemon/deposits/vault/vault.h"
#include "daemon/history/rows.h"
#include "daemon/runs/run_engine.h"

namespace bkmon::deposits {

/// A report that lies in an agent's folder, read once.
struct KnownReport {
    std::string file, sha256;
    FileIdentity id;
    Time arrival{};                              ///< ctime of the file: this server's clock, whatever the agent's says
    std::shared_ptr<const core::Report> report;  ///< absent when refused
    std::string refused, refused_code;           ///< printable sentence and reason code
    bool refused_again = false;                  ///< a later look found it so too
    core::ClockCheck clock;
    bool too_old = false;
    std::shared_ptr<const std::string> bytes;  ///< until archived
    /// When the agent made it, as far as that is credible; else when it came.
    Time when() const { return clock.effective; }
    bool clock_unset = false;  ///< dated before there were such agents
    /// What later reports are compared with. Absent where the agent's clock is not credible: such a report never counts as the newest.
    std::optional<Time> order() const { return clock.future || clock_unset ? std::nullopt : std::optional(clock.effective); }
};

/// Why a job does nothing at the moment although a report is there.
struct Waiting {
    std::string what;         ///< printable: "file sdmc.sql.gz has 3 of 20 MiB"
    std::string reason_code;  ///< the verdict's if the deadline comes first
    core::Status status = core::Status::corrupt;
    std::string report_sha256, file;
    Time since{};
};

struct AgentState;

/// One job with what is known of it.
struct Job {
    core::DepositJob settings;
    TargetId id;
    std::optional<core::CycleRule> rule;
    AgentState* agent = nullptr;

    Rare<Waiting> waiting;
    std::unique_ptr<Vault::Job> take;
    std::unique_ptr<runs::Run> run;
    bool queued = false, busy = false;
    bool large = false;      ///< while `take` is there: it is one of the few large ones
    bool taking = false;     ///< the copy is being made: the only time at which a cancel stops it
    std::string saying;      ///< status that is being published while busy
    std::string working_on;  ///< file, while busy

    std::optional<Time> last_report_at;     ///< of the newest judged report
    std::string last_mismatch;              ///< file identity text whose hash did not match: not hashed again before it settled
    int retries = 0;                        ///< of changed/busy, for the backoff
    std::optional<BootTime> retry_after;    ///< not taken again before this
    Time retry_since{};                     ///< when it could not be taken
    std::string retry_report;               ///< by which report's word: the next one's file does not wait for that
    std::string retry_code, retry_detail;   ///< why: the verdict's if the deadline comes first
    std::optional<BootTime> blocked_until;  ///< a commit failed: nothing is begun before this
    std::optional<BootTime> wake;
    std::optional<Time> next_look;  ///< the next moment at which the clock alone changes something
    Time looked_at{};
    std::optional<Time> put_right;  ///< a verdict of this due time, given by a clock that ran ahead, was seen to
};

struct AgentState {
    std::string folder;                        ///< as spelled on disk, else as configured
    std::optional<std::uint32_t> owner;        ///< uid of the folder that was taken first; remembered in the history
    std::optional<std::uint32_t> found_owner;  ///< at the last look
    std::string refused;                       ///< printable: why nothing is taken from the folder; empty: it is taken from
    Time refused_since{};
    bool seen = false;                           ///< the folder is there
    bool loaded = false, loading = false;        ///< what was judged before is known
    std::optional<AgentSnapshot> newer;          ///< came while loading
    std::optional<BootTime> read_only;           ///< when judged deposits could not be taken away; said once, tried again after a while
    std::string stuck;                           ///< why the last one could not be taken away, when that may pass
    std::map<std::string, KnownReport> reports;  ///< by sha256
    std::vector<SeenFile> files, temporaries;
    bool truncated = false;  ///< more lies there than is looked at
    std::vector<std::string> oddities;
    /// (target key, report sha256). Of reports and files that lie there, of the last minutes, and the newest of each target; the others are asked
    /// of the history when their report comes again.
    std::map<std::pair<std::string, std::string>, history::JudgedRow> judged;
    std::vector<Job*> jobs;
};

/// The name of the history's setting that remembers whose folder it is, and what one says for a deposit root.
std::string owner_setting(const AgentState& agent);
std::optional<std::uint32_t> remembered_owner(const std::string& text, const std::string& root);

}  // namespace bkmon::deposits
