#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "daemon/history/store.h"
#include "daemon/platform/sql/statement.h"

namespace bkmon::history {

/// Rows of the history in SQLite, inside whatever transaction the connection is in. On a read-only connection it serves as a Reader:
/// writes fail. Used by the thread that uses the connection.
class SqliteSession final : public Session {
public:
    explicit SqliteSession(sql::Connection& connection) : connection_(connection) {}

    Result<std::vector<CurrentRow>> currents(Evidence evidence) override;
    Result<std::optional<CurrentRow>> current(const TargetId& target) override;
    Result<std::vector<VerdictRow>> verdicts(const VerdictQuery& query) override;
    Result<std::vector<DailyRow>> daily(const DailyQuery& query) override;
    Result<std::vector<EventRow>> events_after(std::int64_t seq, int limit) override;
    Result<std::int64_t> last_event() override;
    Result<std::vector<RunRow>> runs(int limit) override;
    Result<std::optional<RunRow>> run_of(const std::string& id) override;
    Result<std::vector<ScheduleStateRow>> schedule_states() override;
    Result<std::vector<PauseRow>> pauses() override;
    Result<std::vector<AuditRow>> audits(int limit) override;
    Result<std::vector<HealthyRow>> healthy(const TargetId& target, int limit) override;
    Result<bool> was_healthy(const TargetId& target, const std::string& sha256) override;
    Result<std::vector<HealthyRow>> vault_files() override;
    Result<std::vector<DepositStateRow>> deposit_states() override;
    Result<std::vector<JudgedRow>> judged(const std::string& agent, int limit) override;
    Result<std::vector<JudgedRow>> judged_report(const std::string& agent, const std::string& report_sha256) override;
    Result<std::vector<HeldRow>> held() override;
    Result<std::optional<std::string>> setting(const std::string& name) override;

    Result<std::vector<OutletRow>> outlets() override;
    Result<std::vector<RememberedShareRow>> remembered_shares() override;

    Result<std::vector<core::Incident>> incidents(const IncidentQuery& query) override;
    Result<std::optional<core::Incident>> incident(std::int64_t id) override;
    Result<std::optional<core::Incident>> last_incident(const TargetId& target) override;
    Result<std::vector<core::Incident>> incidents_due(Time now, int limit) override;
    Result<std::optional<Time>> next_incident_at() override;
    Result<std::vector<NoticeRow>> notices(bool at_once, int limit) override;
    Result<std::vector<MailRow>> mails(const MailQuery& query) override;
    Result<std::optional<MailRow>> mail(std::int64_t id) override;
    Result<std::vector<MailRow>> mails_due(Time now, int limit) override;
    Result<std::optional<Time>> next_mail_at() override;
    Result<int> mails_since(const std::string& recipient, const std::string& kind, Time since) override;
    Result<int> mails_in(const std::string& state) override;
    Result<std::vector<core::Silence>> silences() override;
    Result<std::optional<ExpectationRow>> expectation(const TargetId& target) override;

    Result<std::int64_t> add_verdict(const VerdictRow& row) override;
    Result<void> put_current(const CurrentRow& row) override;
    Result<void> remove_current(const TargetId& target) override;
    Result<std::int64_t> add_event(const EventRow& row) override;
    Result<void> put_daily(const DailyRow& row) override;
    Result<void> put_run(const RunRow& row) override;
    Result<int> interrupt_runs(Time at) override;
    Result<void> put_schedule_state(const ScheduleStateRow& row) override;
    Result<void> put_pause(const PauseRow& row) override;
    Result<void> remove_pause(const TargetId& target) override;
    Result<void> add_audit(const AuditRow& row) override;
    Result<std::int64_t> put_healthy(const HealthyRow& row) override;
    Result<void> put_deposit_state(const DepositStateRow& row) override;
    Result<void> remove_deposit_state(const std::string& tx) override;
    Result<void> put_judged(const JudgedRow& row) override;
    Result<void> put_held(const HeldRow& row) override;
    Result<void> remove_held(const TargetId& target) override;
    Result<void> add_report(const ReportRow& row) override;
    Result<void> put_setting(const std::string& name, const std::string& value) override;
    Result<void> put_outlets(const std::vector<OutletRow>& rows, Time at) override;
    Result<void> put_remembered_share(const RememberedShareRow& row) override;
    Result<int> expire(Time before, int batch) override;

    Result<std::int64_t> put_incident(const core::Incident& row) override;
    Result<int> touch_incidents(const std::optional<TargetId>& target, Time at) override;
    Result<std::int64_t> put_notice(const NoticeRow& row) override;
    Result<void> remove_notice(std::int64_t id) override;
    Result<std::optional<NoticeRow>> notice_of(std::int64_t incident, const std::string& recipient, bool at_once) override;
    Result<std::int64_t> put_mail(const MailRow& row) override;
    Result<std::int64_t> put_silence(const core::Silence& row) override;
    Result<void> put_expectation(const ExpectationRow& row) override;

private:
    /// Which targets a query means. `all`: no filter; else `ids`.
    struct Chosen {
        bool all = false;
        std::vector<std::int64_t> ids;
    };
    /// Up to this many targets are asked one by one through their own index; beyond, one walk over all rows passes the others by.
    static constexpr std::size_t kFewTargets = 64;
    Result<Chosen> choose(const std::string& glob, const std::string& kind);
    struct VerdictKey {
        Time at{};
        std::int64_t id = 0;
    };
    struct Window;  // the bounds of a verdict query, as SQL takes them
    Result<Window> window_of(const VerdictQuery& query);
    Result<void> verdict_keys(const VerdictQuery& query, const Window& window, const std::int64_t* target, const std::vector<std::int64_t>* among,
                              std::vector<VerdictKey>& keys);
    Result<void> daily_rows(const DailyQuery& query, const std::int64_t* target, const std::vector<std::int64_t>* among, std::vector<DailyRow>& rows);
    Result<void> incident_rows(const IncidentQuery& query, const std::int64_t* target, bool filtered, std::vector<core::Incident>& rows);
    Result<int> expire_healthy(int batch);
    Result<void> keep_evidence(Time before, int batch);
    Result<void> write_day(std::int64_t target, const DailyRow& row);
    Result<void> write_cycle(std::int64_t target, const DailyRow& row);
    Result<std::vector<core::Verdict>> cycles_of(std::int64_t target, const std::string& date);

    /// The number of a target, stored when it is new or spelled in a new way. nullopt for an empty id.
    Result<std::optional<std::int64_t>> number_of(const TargetId& target);
    /// The number of a target that is known; nullopt when it is not.
    Result<std::optional<std::int64_t>> known(const TargetId& target);

    /// Runs a statement that returns no rows.
    template <class... T>
    Result<void> run(std::string_view sql, const T&... values);
    /// Runs a query and calls `each(statement)` (a Result<void>) per row.
    template <class Each, class... T>
    Result<void> query(std::string_view sql, Each each, const T&... values);

    /// Inserts (id 0) or updates a row of `table`, whose key is `id`: the values of `columns`, "a, b, c", in their order. Its id.
    template <class... T>
    Result<std::int64_t> put_row(const char* table, std::int64_t id, std::string_view columns, const T&... values);

    sql::Connection& connection_;
};

template <class... T>
Result<void> SqliteSession::run(std::string_view sql, const T&... values) {
    auto statement = connection_.prepare(sql);
    if (!statement) return fail(in("history", std::move(statement.error())));
    auto r = statement->bind(values...).run();
    if (!r) return fail(in("history", std::move(r.error())));
    return r;
}

template <class Each, class... T>
Result<void> SqliteSession::query(std::string_view sql, Each each, const T&... values) {
    auto statement = connection_.prepare(sql);
    if (!statement) return fail(in("history", std::move(statement.error())));
    statement->bind(values...);
    for (;;) {
        auto row = statement->step();
        if (!row) return fail(in("history", std::move(row.error())));
        if (!*row) return {};
        if (Result<void> r = each(*statement); !r) return r;
    }
}

template <class... T>
Result<std::int64_t> SqliteSession::put_row(const char* table, std::int64_t id, std::string_view columns, const T&... values) {
    std::string sql = id == 0 ? "INSERT INTO " : "UPDATE ";
    sql.append(table).append(id == 0 ? " (" : " SET (").append(columns).append(id == 0 ? ") VALUES (?" : ") = (?");
    for (std::size_t i = 1; i < sizeof...(T); ++i) sql += ", ?";
    if (id == 0) {
        if (auto r = run(sql + ")", values...); !r) return fail(std::move(r.error()));
        return connection_.last_insert_id();
    }
    if (auto r = run(sql + ") WHERE id = ?", values..., id); !r) return fail(std::move(r.error()));
    if (connection_.changes() == 0) return fail(Errc::not_found, std::string(table) + " row " + std::to_string(id) + " is not there");
    return id;
}

}  // namespace bkmon::history
