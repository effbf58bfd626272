#include "tests/support/fake_store.h"

#include <algorithm>
#include <limits>
#include <set>

#include "common/base/text.h"
#include "daemon/history/days.h"

namespace bkmon::test {

using namespace history;

void FakeTables::roll_back() {
    for (auto i = undo_.rbegin(); i != undo_.rend(); ++i) (*i)();
    undo_.clear();
}

std::int64_t FakeTables::next(std::int64_t& counter) {
    undo_.push_back([&counter, old = counter] { counter = old; });
    return ++counter;
}

namespace {

bool wanted(const TargetId& target, const std::string& glob, const std::string& kind) {
    return (kind.empty() || target.kind() == kind) && (glob.empty() || glob_match(glob, target.str()));
}

template <class Map>
auto values(const Map& map) {
    std::vector<typename Map::mapped_type> out;
    for (const auto& [key, value] : map) out.push_back(value);
    return out;
}

template <class Map>
auto newest(const Map& map, int limit) {
    std::vector<typename Map::mapped_type> out;
    for (auto i = map.rbegin(); i != map.rend() && static_cast<int>(out.size()) < limit; ++i) out.push_back(i->second);
    return out;
}

template <class T>
void cut(std::vector<T>& rows, int limit) {
    if (static_cast<int>(rows.size()) > limit) rows.resize(static_cast<std::size_t>(std::max(limit, 0)));
}

}  // namespace

Result<std::vector<CurrentRow>> FakeTables::currents(Evidence evidence) {
    auto rows = values(currents_);
    if (evidence == Evidence::without)
        for (auto& row : rows) row.verdict.evidence.clear();
    return rows;
}

Result<std::optional<CurrentRow>> FakeTables::current(const TargetId& target) {
    const auto found = currents_.find(target.key());
    return found == currents_.end() ? std::nullopt : std::optional(found->second);
}

Result<std::vector<VerdictRow>> FakeTables::verdicts(const VerdictQuery& q) {
    const auto order = [](const VerdictRow& r) { return std::pair(r.verdict.at, r.id); };
    std::vector<VerdictRow> out;
    const auto bound = verdicts_.find(q.before_id);
    for (const auto& [id, row] : verdicts_) {
        if (q.before_id != 0 && (bound == verdicts_.end() ? id >= q.before_id : order(row) >= order(bound->second))) continue;
        if (!wanted(row.target, q.target_glob, q.kind) || (q.status && row.verdict.status != *q.status)) continue;
        if ((q.since && row.verdict.at < *q.since) || (q.until && row.verdict.at > *q.until)) continue;
        out.push_back(row);
    }
    std::sort(out.begin(), out.end(), [&](const auto& a, const auto& b) { return order(a) > order(b); });
    cut(out, q.limit);
    return out;
}

Result<std::vector<DailyRow>> FakeTables::daily(const DailyQuery& q) {
    std::vector<DailyRow> out;
    for (const auto& [key, row] : daily_) {
        if (!wanted(row.target, q.target_glob, q.kind) || (q.status && row.verdict.status != *q.status)) continue;
        if ((!q.from.empty() && row.date < q.from) || (!q.to.empty() && row.date > q.to)) continue;
        out.push_back(row);
        if (!q.evidence) out.back().verdict.evidence.clear();
    }
    cut(out, q.limit);
    return out;
}

Result<std::vector<EventRow>> FakeTables::events_after(std::int64_t seq, int limit) {
    std::vector<EventRow> out;
    for (auto i = events_.upper_bound(seq); i != events_.end() && static_cast<int>(out.size()) < limit; ++i) out.push_back(i->second);
    return out;
}

Result<std::vector<RunRow>> FakeTables::runs(int limit) { return newest(runs_, limit); }
Result<std::optional<RunRow>> FakeTables::run_of(const std::string& id) {
    const auto number = run_numbers_.find(id);
    return number == run_numbers_.end() ? std::optional<RunRow>() : std::optional(runs_.at(number->second));
}
Result<std::vector<ScheduleStateRow>> FakeTables::schedule_states() { return values(schedule_); }
Result<std::vector<PauseRow>> FakeTables::pauses() { return values(pauses_); }
Result<std::vector<AuditRow>> FakeTables::audits(int limit) { return newest(audits_, limit); }

Result<std::vector<HealthyRow>> FakeTables::healthy(const TargetId& target, int limit) {
    std::vector<HealthyRow> out;
    for (const auto& [id, row] : healthy_)
        if (row.target == target) out.push_back(row);
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return std::pair(a.promoted_at, a.id) > std::pair(b.promoted_at, b.id); });
    cut(out, limit);
    return out;
}

Result<bool> FakeTables::was_healthy(const TargetId& target, const std::string& sha256) {
    return std::any_of(healthy_.begin(), healthy_.end(),
                       [&](const auto& e) { return e.second.target == target && e.second.sha256 == sha256 && !e.second.damaged_at; });
}

Result<std::vector<HealthyRow>> FakeTables::vault_files() {
    std::vector<HealthyRow> out;
    for (const auto& [id, row] : healthy_)
        if (!row.vault_path.empty()) out.push_back(row);
    return out;
}

Result<std::vector<DepositStateRow>> FakeTables::deposit_states() { return values(deposits_); }

Result<std::vector<JudgedRow>> FakeTables::judged_report(const std::string& agent, const std::string& report_sha256) {
    auto rows = judged(agent, std::numeric_limits<int>::max());
    if (rows) std::erase_if(*rows, [&](const JudgedRow& row) { return row.report_sha256 != report_sha256; });
    return rows;
}

Result<std::vector<JudgedRow>> FakeTables::judged(const std::string& agent, int limit) {
    std::vector<std::pair<std::int64_t, JudgedRow>> found;
    for (const auto& [key, numbered] : judged_)
        if (numbered.second.agent == agent) found.push_back(numbered);
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return std::pair(a.second.at, a.first) > std::pair(b.second.at, b.first); });
    std::vector<JudgedRow> out;
    for (auto& [number, row] : found) out.push_back(std::move(row));
    cut(out, limit);
    return out;
}

Result<std::vector<HeldRow>> FakeTables::held() { return values(held_); }

Result<std::optional<std::string>> FakeTables::setting(const std::string& name) {
    const auto found = settings_.find(name);
    return found == settings_.end() ? std::nullopt : std::optional(found->second);
}

Result<std::int64_t> FakeTables::add_verdict(const VerdictRow& row) {
    VerdictRow stored = row;
    stored.id = next(last_verdict_);
    put(verdicts_, stored.id, stored);
    return stored.id;
}

Result<void> FakeTables::put_current(const CurrentRow& row) {
    put(currents_, row.target.key(), row);
    return {};
}

Result<void> FakeTables::remove_current(const TargetId& target) {
    erase(currents_, target.key());
    return {};
}

Result<std::int64_t> FakeTables::add_event(const EventRow& row) {
    EventRow stored = row;
    stored.seq = next(last_event_);
    put(events_, stored.seq, stored);
    return stored.seq;
}

Result<void> FakeTables::put_daily(const DailyRow& row) {
    put(cycles_, {row.target.key(), row.date, history::cycle_key(row.verdict)}, row);
    DailyRow worst = row;
    for (const auto& [key, other] : cycles_)
        if (other.target == row.target && other.date == row.date && history::outweighs(other.verdict, worst.verdict)) worst = other;
    put(daily_, {row.date, row.target.key()}, worst);
    return {};
}

Result<void> FakeTables::put_run(const RunRow& row) {
    if (!run_numbers_.contains(row.id)) put(run_numbers_, row.id, next(last_run_));
    put(runs_, run_numbers_[row.id], row);
    return {};
}

Result<int> FakeTables::interrupt_runs(Time at) {
    int n = 0;
    for (auto [number, row] : std::map(runs_)) {
        if (row.state != "queued" && row.state != "running") continue;
        row.state = "interrupted";
        row.ended_at = at;
        put(runs_, number, row);
        ++n;
    }
    return n;
}

Result<void> FakeTables::put_schedule_state(const ScheduleStateRow& row) {
    put(schedule_, row.id, row);
    return {};
}

Result<void> FakeTables::put_pause(const PauseRow& row) {
    put(pauses_, row.target.key(), row);
    return {};
}

Result<void> FakeTables::remove_pause(const TargetId& target) {
    erase(pauses_, target.key());
    return {};
}

Result<void> FakeTables::add_audit(const AuditRow& row) {
    put(audits_, next(last_audit_), row);
    return {};
}

Result<std::int64_t> FakeTables::put_healthy(const HealthyRow& row) {
    HealthyRow stored = row;
    if (stored.id == 0)
        stored.id = next(last_healthy_);
    else if (!healthy_.contains(stored.id))
        return fail(Errc::not_found, "healthy row " + std::to_string(stored.id) + " is not there");
    put(healthy_, stored.id, stored);
    return stored.id;
}

Result<void> FakeTables::put_deposit_state(const DepositStateRow& row) {
    put(deposits_, row.tx, row);
    return {};
}

Result<void> FakeTables::remove_deposit_state(const std::string& tx) {
    erase(deposits_, tx);
    return {};
}

Result<void> FakeTables::put_judged(const JudgedRow& row) {
    put(judged_, {row.target.key(), row.agent, row.report_sha256, row.file_identity}, {next(last_judged_), row});
    return {};
}

Result<void> FakeTables::put_held(const HeldRow& row) {
    put(held_, row.target.key(), row);
    return {};
}

Result<void> FakeTables::remove_held(const TargetId& target) {
    erase(held_, target.key());
    return {};
}

Result<void> FakeTables::add_report(const ReportRow& row) {
    put(reports_, next(last_report_), row);
    return {};
}

Result<void> FakeTables::put_setting(const std::string& name, const std::string& value) {
    put(settings_, name, value);
    return {};
}

Result<std::vector<OutletRow>> FakeTables::outlets() { return values(outlets_); }
Result<std::vector<RememberedShareRow>> FakeTables::remembered_shares() { return values(shares_); }

Result<void> FakeTables::put_outlets(const std::vector<OutletRow>& rows, Time at) {
    std::set<std::string> named;
    for (const auto& row : rows)
        if (!named.insert(lower(row.code)).second) return fail(Errc::invalid, "two outlets are called '" + row.code + "'");
    for (auto row : rows) {
        row.gone_at.reset();
        put(outlets_, lower(row.code), row);
    }
    for (auto [key, row] : std::map(outlets_)) {
        if (named.contains(key) || row.gone_at) continue;
        row.gone_at = at;
        put(outlets_, key, row);
    }
    return {};
}

Result<void> FakeTables::put_remembered_share(const RememberedShareRow& row) {
    put(shares_, row.target.key(), row);
    return {};
}

int FakeTables::expire_healthy(int batch) {
    std::set<std::string> targets;
    for (const auto& [id, row] : healthy_) targets.insert(row.target.key());
    int gone = 0;
    for (const auto& key : targets) {
        auto rows = *healthy(*TargetId::parse(key), 1 << 30);
        for (std::size_t i = 200; i < rows.size() && gone < batch; ++i)
            if (rows[i].vault_path.empty() && erase(healthy_, rows[i].id)) ++gone;
    }
    return gone;
}

Result<int> FakeTables::expire(Time before, int batch) {
    const std::string day = rfc3339(before).substr(0, 10);
    int gone = expire_from(verdicts_, batch, [&](const auto& r) { return r.verdict.at < before; });
    gone += expire_from(events_, batch, [&](const auto& r) { return r.at < before; });
    gone += expire_from(runs_, batch, [&](const auto& r) { return r.ended_at && *r.ended_at < before; });
    for (auto i = run_numbers_.begin(); i != run_numbers_.end();) {
        const auto entry = *i++;
        if (!runs_.contains(entry.second)) erase(run_numbers_, entry.first);
    }
    gone += expire_from(audits_, batch, [&](const auto& r) { return r.at < before; });
    gone += expire_from(reports_, batch, [&](const auto& r) { return r.seen_at < before; });
    gone += expire_from(judged_, batch, [&](const auto& r) { return r.second.at < before; });
    gone += expire_from(outlets_, batch, [&](const auto& r) { return r.gone_at && *r.gone_at < before; });
    gone += expire_alerts(before, batch);
    gone += expire_from(daily_, batch, [&](const auto& r) { return r.date < day; });
    expire_from(cycles_, batch, [&](const auto& r) { return r.date < day; });
    if (gone < batch) gone += expire_healthy(batch - gone);
    return gone;
}

void FakeStore::finish(Done done, Result<void> result) {
    static_cast<void>(loop_.post(Task([done = std::move(done), result = std::move(result)] {
        if (done) done(result);
    })));
}

void FakeStore::commit(const Work& work, Done done) {
    tables_.begin();
    Result<void> result;
    try {
        result = work(tables_);
    } catch (const std::exception& e) {
        result = fail(Errc::internal, std::string("history write: ") + e.what());
    }
    if (result && failing_writes_ > 0) {
        --failing_writes_;
        result = fail(write_error_);
    }
    if (result) {
        ++commits_;
        tables_.begin();
    } else {
        tables_.roll_back();
    }
    finish(std::move(done), std::move(result));
}

void FakeStore::write(Work work, Done done) {
    if (closed_) return finish(std::move(done), fail(Errc::cancelled, "the history is closed"));
    if (held_ || !queue_.empty()) {
        queue_.emplace_back(std::move(work), std::move(done));
        return;
    }
    commit(work, std::move(done));
}

void FakeStore::read(Look look, Done done) {
    if (closed_) return finish(std::move(done), fail(Errc::cancelled, "the history is closed"));
    if (failing_reads_ > 0) {
        --failing_reads_;
        return finish(std::move(done), fail(read_error_));
    }
    Result<void> result;
    try {
        result = look(tables_);
    } catch (const std::exception& e) {
        result = fail(Errc::internal, std::string("history read: ") + e.what());
    }
    finish(std::move(done), std::move(result));
}

void FakeStore::fail_next_writes(int n, Error error) {
    failing_writes_ = n;
    write_error_ = std::move(error);
}

void FakeStore::fail_next_reads(int n, Error error) {
    failing_reads_ = n;
    read_error_ = std::move(error);
}

bool FakeStore::step() {
    if (queue_.empty()) return false;
    auto [work, done] = std::move(queue_.front());
    queue_.pop_front();
    commit(work, std::move(done));
    return true;
}

void FakeStore::release() {
    held_ = false;
    while (step()) {
    }
}

void FakeStore::close() {
    release();
    closed_ = true;
}

}  // namespace bkmon::test
