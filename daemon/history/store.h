#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/history/alert_rows.h"
#include "daemon/history/rows.h"

namespace bkmon::history {

struct VerdictQuery {
    std::string target_glob;                 ///< empty: all
    std::string kind;                        ///< empty: all
    std::optional<core::Status> status;
    std::optional<Time> since, until;        ///< both inclusive
    std::int64_t before_id = 0;              ///< 0: from the newest; else what comes after that row: paging by key
    int limit = 100;
};

struct DailyQuery {
    std::string target_glob, kind;
    std::string from, to;                    ///< dates, inclusive; empty: open
    std::optional<core::Status> status;
    int limit = 100000;
    bool evidence = true;                    ///< false: an empty text in its place, for those who read thousands
};

/// Reads inside one transaction. Store thread or reader thread only; results are values.
class Reader : public AlertReader {
public:
    enum class Evidence { with, without };
    /// Without: an empty text in its place, for those who read thousands and keep them.
    virtual Result<std::vector<CurrentRow>> currents(Evidence evidence = Evidence::with) = 0;
    virtual Result<std::optional<CurrentRow>> current(const TargetId& target) = 0;
    virtual Result<std::vector<VerdictRow>> verdicts(const VerdictQuery& query) = 0;   ///< newest `at` first, then newest id
    virtual Result<std::vector<DailyRow>> daily(const DailyQuery& query) = 0;          ///< by date, then target
    virtual Result<std::vector<EventRow>> events_after(std::int64_t seq, int limit) = 0;
    virtual Result<std::int64_t> last_event() = 0;                                       ///< the greatest seq ever given; 0: none yet
    virtual Result<std::vector<RunRow>> runs(int limit) = 0;                           ///< newest first
    virtual Result<std::optional<RunRow>> run_of(const std::string& id) = 0;           ///< nullopt: none of this id, or expired
    virtual Result<std::vector<ScheduleStateRow>> schedule_states() = 0;
    virtual Result<std::vector<PauseRow>> pauses() = 0;
    virtual Result<std::vector<AuditRow>> audits(int limit) = 0;
    virtual Result<std::vector<HealthyRow>> healthy(const TargetId& target, int limit) = 0;  ///< newest promotion first
    virtual Result<bool> was_healthy(const TargetId& target, const std::string& sha256) = 0;   ///< damaged versions do not count
    virtual Result<std::vector<HealthyRow>> vault_files() = 0;                          ///< all rows with a vault_path
    virtual Result<std::vector<DepositStateRow>> deposit_states() = 0;
    virtual Result<std::vector<JudgedRow>> judged(const std::string& agent, int limit) = 0;  ///< newest first
    /// Each target's row about this report of this agent, newest first.
    virtual Result<std::vector<JudgedRow>> judged_report(const std::string& agent, const std::string& report_sha256) = 0;
    virtual Result<std::vector<HeldRow>> held() = 0;
    virtual Result<std::optional<std::string>> setting(const std::string& name) = 0;    ///< small runtime values: vault marker id, …
    virtual Result<std::vector<OutletRow>> outlets() = 0;                                ///< by code (lower case), gone ones too
    virtual Result<std::vector<RememberedShareRow>> remembered_shares() = 0;             ///< by target
};

/// Writes inside one transaction: all of it is durable, or nothing is.
class Session : public Reader, public AlertWriter {
public:
    virtual Result<std::int64_t> add_verdict(const VerdictRow& row) = 0;
    virtual Result<void> put_current(const CurrentRow& row) = 0;
    virtual Result<void> remove_current(const TargetId& target) = 0;
    virtual Result<std::int64_t> add_event(const EventRow& row) = 0;
    /// Replaces what its cycle (verdict.due) said of that day and leaves the day's other cycles: the row becomes the worst of them.
    virtual Result<void> put_daily(const DailyRow& row) = 0;
    virtual Result<void> put_run(const RunRow& row) = 0;
    virtual Result<int> interrupt_runs(Time at) = 0;         ///< queued and running become interrupted; how many
    virtual Result<void> put_schedule_state(const ScheduleStateRow& row) = 0;
    virtual Result<void> put_pause(const PauseRow& row) = 0;
    virtual Result<void> remove_pause(const TargetId& target) = 0;
    virtual Result<void> add_audit(const AuditRow& row) = 0;
    virtual Result<std::int64_t> put_healthy(const HealthyRow& row) = 0;   ///< id 0 inserts, else updates
    virtual Result<void> put_deposit_state(const DepositStateRow& row) = 0;
    virtual Result<void> remove_deposit_state(const std::string& tx) = 0;
    virtual Result<void> put_judged(const JudgedRow& row) = 0;
    virtual Result<void> put_held(const HeldRow& row) = 0;
    virtual Result<void> remove_held(const TargetId& target) = 0;
    virtual Result<void> add_report(const ReportRow& row) = 0;
    virtual Result<void> put_setting(const std::string& name, const std::string& value) = 0;
    /// The whole inventory: rows that are as they were are not written; those not named any more stay, with gone_at (of the rows given it is
    /// not looked at). Errc::invalid for two of one code.
    virtual Result<void> put_outlets(const std::vector<OutletRow>& rows, Time at) = 0;
    virtual Result<void> put_remembered_share(const RememberedShareRow& row) = 0;
    /// Retention: verdicts, events, runs, audits, reports, judged rows older than `before`, and incidents closed (but for flapping ones), mails
    /// ended, silences over and outlets gone before it, at most `batch` rows a table; healthy rows without a file beyond the newest 200 per target.
    /// Currents and daily rows of kept days stay, and so does what is open, waits or is in force. How many went.
    virtual Result<int> expire(Time before, int batch) = 0;
};

/// The history. Loop thread only, but for what Work does. Engines: sqlite (own thread, group commit), a fake for tests.
class Store {
public:
    using Work = std::function<Result<void>(Session&)>;
    using Look = std::function<Result<void>(Reader&)>;
    using Done = std::function<void(Result<void>)>;
    virtual ~Store() = default;

    /// Runs `work` in one transaction off the loop, then `done` on the loop, ok only once the commit is durable. Work may run again
    /// after a rollback: it must have no effect but on the session and on what it captured for the result. Works run in the order given;
    /// several may share one commit, each rolled back alone when it fails.
    virtual void write(Work work, Done done) = 0;
    /// Runs `look` on a read-only connection of its own. Not ordered with writes that have not called back yet.
    virtual void read(Look look, Done done) = 0;
    /// For the watchdog: true when the store thread answered within `within`.
    virtual bool alive(milliseconds within) const = 0;
    /// Runs the writes queued so far, closes. Blocks; only at the very end.
    virtual void close() = 0;
};

}  // namespace bkmon::history
