#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "daemon/history/store.h"
#include "daemon/platform/loop/event_loop.h"

namespace bkmon::test {

/// The tables of a history in memory, with an undo log: roll_back() takes back everything since begin().
/// Held against the real engine by the conformance suite in tests/unit/daemon/history.
class FakeTables final : public history::Session {
public:
    void begin() { undo_.clear(); }
    void roll_back();

    Result<std::vector<history::CurrentRow>> currents(Evidence evidence) override;
    Result<std::vector<history::CurrentRow>> currents() { return currents(Evidence::with); }
    Result<std::optional<history::CurrentRow>> current(const TargetId& target) override;
    Result<std::vector<history::VerdictRow>> verdicts(const history::VerdictQuery& query) override;
    Result<std::vector<history::DailyRow>> daily(const history::DailyQuery& query) override;
    Result<std::vector<history::EventRow>> events_after(std::int64_t seq, int limit) override;
    Result<std::int64_t> last_event() override { return last_event_; }
    Result<std::vector<history::RunRow>> runs(int limit) override;
    Result<std::optional<history::RunRow>> run_of(const std::string& id) override;
    Result<std::vector<history::ScheduleStateRow>> schedule_states() override;
    Result<std::vector<history::PauseRow>> pauses() override;
    Result<std::vector<history::AuditRow>> audits(int limit) override;
    Result<std::vector<history::HealthyRow>> healthy(const TargetId& target, int limit) override;
    Result<bool> was_healthy(const TargetId& target, const std::string& sha256) override;
    Result<std::vector<history::HealthyRow>> vault_files() override;
    Result<std::vector<history::DepositStateRow>> deposit_states() override;
    Result<std::vector<history::JudgedRow>> judged(const std::string& agent, int limit) override;
    Result<std::vector<history::JudgedRow>> judged_report(const std::string& agent, const std::string& report_sha256) override;
    Result<std::vector<history::HeldRow>> held() override;
    Result<std::optional<std::string>> setting(const std::string& name) override;

    Result<std::vector<history::OutletRow>> outlets() override;
    Result<std::vector<history::RememberedShareRow>> remembered_shares() override;

    Result<std::vector<core::Incident>> incidents(const history::IncidentQuery& query) override;
    Result<std::optional<core::Incident>> incident(std::int64_t id) override;
    Result<std::optional<core::Incident>> last_incident(const TargetId& target) override;
    Result<std::vector<core::Incident>> incidents_due(Time now, int limit) override;
    Result<std::optional<Time>> next_incident_at() override;
    Result<std::vector<history::NoticeRow>> notices(bool at_once, int limit) override;
    Result<std::vector<history::MailRow>> mails(const history::MailQuery& query) override;
    Result<std::optional<history::MailRow>> mail(std::int64_t id) override;
    Result<std::vector<history::MailRow>> mails_due(Time now, int limit) override;
    Result<std::optional<Time>> next_mail_at() override;
    Result<int> mails_since(const std::string& recipient, const std::string& kind, Time since) override;
    Result<int> mails_in(const std::string& state) override;
    Result<std::vector<core::Silence>> silences() override;
    Result<std::optional<history::ExpectationRow>> expectation(const TargetId& target) override;

    Result<std::int64_t> add_verdict(const history::VerdictRow& row) override;
    Result<void> put_current(const history::CurrentRow& row) override;
    Result<void> remove_current(const TargetId& target) override;
    Result<std::int64_t> add_event(const history::EventRow& row) override;
    Result<void> put_daily(const history::DailyRow& row) override;
    Result<void> put_run(const history::RunRow& row) override;
    Result<int> interrupt_runs(Time at) override;
    Result<void> put_schedule_state(const history::ScheduleStateRow& row) override;
    Result<void> put_pause(const history::PauseRow& row) override;
    Result<void> remove_pause(const TargetId& target) override;
    Result<void> add_audit(const history::AuditRow& row) override;
    Result<std::int64_t> put_healthy(const history::HealthyRow& row) override;
    Result<void> put_deposit_state(const history::DepositStateRow& row) override;
    Result<void> remove_deposit_state(const std::string& tx) override;
    Result<void> put_judged(const history::JudgedRow& row) override;
    Result<void> put_held(const history::HeldRow& row) override;
    Result<void> remove_held(const TargetId& target) override;
    Result<void> add_report(const history::ReportRow& row) override;
    Result<void> put_setting(const std::string& name, const std::string& value) override;
    Result<void> put_outlets(const std::vector<history::OutletRow>& rows, Time at) override;
    Result<void> put_remembered_share(const history::RememberedShareRow& row) override;
    Result<int> expire(Time before, int batch) override;

    Result<std::int64_t> put_incident(const core::Incident& row) override;
    Result<int> touch_incidents(const std::optional<TargetId>& target, Time at) override;
    Result<std::int64_t> put_notice(const history::NoticeRow& row) override;
    Result<void> remove_notice(std::int64_t id) override;
    Result<std::optional<history::NoticeRow>> notice_of(std::int64_t incident, const std::string& recipient, bool at_once) override;
    Result<std::int64_t> put_mail(const history::MailRow& row) override;
    Result<std::int64_t> put_silence(const core::Silence& row) override;
    Result<void> put_expectation(const history::ExpectationRow& row) override;

    const std::map<std::int64_t, history::ReportRow>& reports() const { return reports_; }

private:
    using JudgedKey = std::tuple<std::string, std::string, std::string, std::string>;
    template <class Map>
    void put(Map& map, const typename Map::key_type& key, typename Map::mapped_type value);
    template <class Map>
    bool erase(Map& map, const typename Map::key_type& key);
    template <class Map, class Old>
    int expire_from(Map& map, int batch, Old old);
    template <class Map>
    Result<std::int64_t> put_numbered(const char* table, Map& map, std::int64_t& counter, typename Map::mapped_type row);
    int expire_healthy(int batch);
    int expire_alerts(Time before, int batch);
    std::int64_t next(std::int64_t& counter);

    std::vector<std::function<void()>> undo_;
    std::int64_t last_verdict_ = 0, last_event_ = 0, last_run_ = 0, last_audit_ = 0, last_healthy_ = 0, last_judged_ = 0, last_report_ = 0;
    std::int64_t last_incident_ = 0, last_notice_ = 0, last_mail_ = 0, last_silence_ = 0;
    std::map<std::int64_t, history::VerdictRow> verdicts_;
    std::map<std::string, history::CurrentRow> currents_;
    std::map<std::int64_t, history::EventRow> events_;
    std::map<std::pair<std::string, std::string>, history::DailyRow> daily_;  // date, target
    std::map<std::tuple<std::string, std::string, std::int64_t>, history::DailyRow> cycles_;  // target, date, cycle
    std::map<std::int64_t, history::RunRow> runs_;
    std::map<std::string, std::int64_t> run_numbers_;
    std::map<std::string, history::ScheduleStateRow> schedule_;
    std::map<std::string, history::PauseRow> pauses_;
    std::map<std::int64_t, history::AuditRow> audits_;
    std::map<std::int64_t, history::HealthyRow> healthy_;
    std::map<std::string, history::DepositStateRow> deposits_;
    std::map<JudgedKey, std::pair<std::int64_t, history::JudgedRow>> judged_;
    std::map<std::string, history::HeldRow> held_;
    std::map<std::int64_t, history::ReportRow> reports_;
    std::map<std::string, std::string> settings_;
    std::map<std::string, history::OutletRow> outlets_;
    std::map<std::string, history::RememberedShareRow> shares_;
    std::map<std::int64_t, core::Incident> incidents_;
    std::map<std::int64_t, history::NoticeRow> notices_;
    std::map<std::int64_t, history::MailRow> mails_;
    std::map<std::int64_t, core::Silence> silences_;
    std::map<std::string, history::ExpectationRow> expectations_;
};

template <class Map>
void FakeTables::put(Map& map, const typename Map::key_type& key, typename Map::mapped_type value) {
    auto [place, fresh] = map.try_emplace(key);
    if (fresh) {
        undo_.push_back([&map, key] { map.erase(key); });
    } else {
        undo_.push_back([&map, key, old = place->second] { map[key] = old; });
    }
    place->second = std::move(value);
}

template <class Map>
bool FakeTables::erase(Map& map, const typename Map::key_type& key) {
    const auto place = map.find(key);
    if (place == map.end()) return false;
    undo_.push_back([&map, key, old = place->second] { map[key] = old; });
    map.erase(place);
    return true;
}

template <class Map, class Old>
int FakeTables::expire_from(Map& map, int batch, Old old) {
    std::vector<typename Map::key_type> gone;
    for (const auto& [key, row] : map)
        if (old(row) && static_cast<int>(gone.size()) < batch) gone.push_back(key);
    for (const auto& key : gone) erase(map, key);
    return static_cast<int>(gone.size());
}

/// A Store in memory. Works and looks run at once inside write() and read(); done comes through the loop (ManualLoop::run_posted()).
class FakeStore final : public history::Store {
public:
    explicit FakeStore(loop::EventLoop& loop) : loop_(loop) {}

    void write(Work work, Done done) override;
    void read(Look look, Done done) override;
    bool alive(milliseconds) const override { return alive_; }
    void close() override;

    /// The next `n` commits fail with `error` after their work ran; nothing of them stays.
    void fail_next_writes(int n, Error error);
    void fail_next_reads(int n, Error error);
    /// Until release() writes only queue up: a slow disk. step() lets the oldest one through; false when there is none.
    void hold() { held_ = true; }
    void release();
    bool step();
    void set_alive(bool alive) { alive_ = alive; }

    /// The tables themselves: to seed a test and to look at what it left.
    FakeTables& tables() { return tables_; }
    int commits() const { return commits_; }
    std::size_t waiting() const { return queue_.size(); }

private:
    void commit(const Work& work, Done done);
    void finish(Done done, Result<void> result);

    loop::EventLoop& loop_;
    FakeTables tables_;
    std::deque<std::pair<Work, Done>> queue_;
    int failing_writes_ = 0, failing_reads_ = 0, commits_ = 0;
    Error write_error_, read_error_;
    bool held_ = false, closed_ = false, alive_ = true;
};

}  // namespace bkmon::test
