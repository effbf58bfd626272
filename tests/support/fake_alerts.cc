#include <algorithm>

#include "common/base/text.h"
#include "tests/support/fake_store.h"

// The tables of alerts of the history in memory.

namespace bkmon::test {

using namespace history;

namespace {

/// What `wanted` takes, by `order`, at most `limit`. Tests hold thousands of rows: only what is given out is copied.
template <class Row, class Wanted, class Order>
std::vector<Row> chosen(const std::map<std::int64_t, Row>& rows, int limit, Wanted wanted, Order order) {
    std::vector<const Row*> those;
    for (const auto& [id, row] : rows)
        if (wanted(row)) those.push_back(&row);
    const auto before = [&](const Row* a, const Row* b) { return std::pair(order(*a), a->id) < std::pair(order(*b), b->id); };
    std::sort(those.begin(), those.end(), before);
    const auto room = std::min(those.size(), static_cast<std::size_t>(std::max(limit, 0)));
    std::vector<Row> out;
    out.reserve(room);
    for (std::size_t i = 0; i < room; ++i) out.push_back(*those[i]);
    return out;
}

/// What `wanted` takes, the newest first, at most `limit`.
template <class Row, class Wanted>
std::vector<Row> newest(const std::map<std::int64_t, Row>& rows, int limit, Wanted wanted) {
    std::vector<Row> out;
    for (auto place = rows.rbegin(); place != rows.rend() && static_cast<int>(out.size()) < limit; ++place)
        if (wanted(place->second)) out.push_back(place->second);
    return out;
}

template <class Row>
std::optional<Row> found(const std::map<std::int64_t, Row>& rows, std::int64_t id) {
    const auto place = rows.find(id);
    return place == rows.end() ? std::nullopt : std::optional(place->second);
}

std::vector<MailRow> without_bytes(std::vector<MailRow> rows) {
    for (auto& row : rows) row.bytes.clear();
    return rows;
}

std::optional<Time> may_go_at(const MailRow& m) {
    if (m.state == "waiting") return m.next_at;
    return m.state == "leased" ? m.lease_until : std::nullopt;
}

bool same_notice(const NoticeRow& a, const NoticeRow& b) { return a.incident == b.incident && a.recipient == b.recipient && a.at_once == b.at_once; }

bool same_mail(const MailRow& a, const MailRow& b) { return a.message_id == b.message_id && a.recipient == b.recipient; }

/// The row, not this one itself, that is the same.
template <class Row, class Same>
const Row* another(const std::map<std::int64_t, Row>& rows, const Row& row, Same same) {
    for (const auto& [id, other] : rows)
        if (id != row.id && same(other, row)) return &other;
    return nullptr;
}

template <class Row, class At>
std::optional<Time> earliest(const std::map<std::int64_t, Row>& rows, At at) {
    std::optional<Time> first;
    for (const auto& [id, row] : rows)
        if (const std::optional<Time> its = at(row); its && (!first || *its < *first)) first = its;
    return first;
}

}  // namespace

template <class Map>
Result<std::int64_t> FakeTables::put_numbered(const char* table, Map& map, std::int64_t& counter, typename Map::mapped_type row) {
    if (row.id == 0)
        row.id = next(counter);
    else if (!map.contains(row.id))
        return fail(Errc::not_found, std::string(table) + " row " + std::to_string(row.id) + " is not there");
    put(map, row.id, row);
    return row.id;
}

Result<std::vector<core::Incident>> FakeTables::incidents(const IncidentQuery& q) {
    return newest(incidents_, q.limit, [&](const core::Incident& i) {
        return (q.target_glob.empty() || glob_match(q.target_glob, i.target.str())) && (!q.open_only || !i.closed_at) &&
               (q.thread.empty() || i.thread == q.thread) && (!q.since || i.opened_at >= *q.since || (i.closed_at && *i.closed_at >= *q.since)) &&
               (q.before_id == 0 || i.id < q.before_id);
    });
}

Result<std::optional<core::Incident>> FakeTables::incident(std::int64_t id) { return found(incidents_, id); }

Result<std::optional<core::Incident>> FakeTables::last_incident(const TargetId& target) {
    const auto rows = newest(incidents_, 1, [&](const core::Incident& i) { return i.target == target; });
    return rows.empty() ? std::nullopt : std::optional(rows.front());
}

Result<std::vector<core::Incident>> FakeTables::incidents_due(Time now, int limit) {
    return chosen(
        incidents_, limit, [&](const core::Incident& i) { return i.next_at && *i.next_at <= now; },
        [](const core::Incident& i) { return *i.next_at; });
}

Result<std::optional<Time>> FakeTables::next_incident_at() {
    return earliest(incidents_, [](const core::Incident& i) { return i.next_at; });
}

Result<std::vector<NoticeRow>> FakeTables::notices(bool at_once, int limit) {
    return chosen(
        notices_, limit, [&](const NoticeRow& n) { return n.at_once == at_once; }, [](const NoticeRow&) { return 0; });
}

Result<std::vector<MailRow>> FakeTables::mails(const MailQuery& q) {
    return without_bytes(newest(
        mails_, q.limit, [&](const MailRow& m) { return (q.state.empty() || m.state == q.state) && (q.before_id == 0 || m.id < q.before_id); }));
}

Result<std::optional<MailRow>> FakeTables::mail(std::int64_t id) { return found(mails_, id); }

Result<std::vector<MailRow>> FakeTables::mails_due(Time now, int limit) {
    return without_bytes(chosen(
        mails_, limit,
        [&](const MailRow& m) {
            const auto at = may_go_at(m);
            return at && *at <= now;
        },
        [](const MailRow& m) { return m.next_at; }));
}

Result<std::optional<Time>> FakeTables::next_mail_at() { return earliest(mails_, may_go_at); }

Result<int> FakeTables::mails_since(const std::string& recipient, const std::string& kind, Time since) {
    return static_cast<int>(std::count_if(mails_.begin(), mails_.end(), [&](const auto& e) {
        return e.second.recipient == recipient && e.second.kind == kind && e.second.created_at >= since;
    }));
}

Result<int> FakeTables::mails_in(const std::string& state) {
    return static_cast<int>(std::count_if(mails_.begin(), mails_.end(), [&](const auto& e) { return e.second.state == state; }));
}

Result<std::vector<core::Silence>> FakeTables::silences() {
    std::vector<core::Silence> out;
    for (const auto& [id, row] : silences_) out.push_back(row);
    return out;
}

Result<std::optional<ExpectationRow>> FakeTables::expectation(const TargetId& target) {
    const auto place = expectations_.find(target.key());
    return place == expectations_.end() ? std::nullopt : std::optional(place->second);
}

Result<std::int64_t> FakeTables::put_incident(const core::Incident& row) { return put_numbered("incident", incidents_, last_incident_, row); }

Result<int> FakeTables::touch_incidents(const std::optional<TargetId>& target, Time at) {
    int n = 0;
    for (auto [id, row] : std::map(incidents_)) {
        if ((target && row.target != *target) || (row.closed_at && !row.flapping)) continue;
        row.next_at = at;
        put(incidents_, id, row);
        ++n;
    }
    return n;
}

Result<std::int64_t> FakeTables::put_notice(const NoticeRow& row) {
    auto stored = row;
    const auto* waiting = another(notices_, row, same_notice);
    if (waiting != nullptr && row.id != 0) return fail(Errc::exists, "another notice of this incident, recipient and kind waits");
    if (waiting != nullptr) stored.id = waiting->id;
    return put_numbered("notice", notices_, last_notice_, stored);
}

Result<void> FakeTables::remove_notice(std::int64_t id) {
    erase(notices_, id);
    return {};
}

Result<std::optional<NoticeRow>> FakeTables::notice_of(std::int64_t incident, const std::string& recipient, bool at_once) {
    NoticeRow wanted;
    wanted.incident = incident;
    wanted.recipient = recipient;
    wanted.at_once = at_once;
    const auto* row = another(notices_, wanted, same_notice);
    return row == nullptr ? std::nullopt : std::optional(*row);
}

Result<std::int64_t> FakeTables::put_mail(const MailRow& row) {
    if (auto r = history::check(row); !r) return fail(std::move(r.error()));
    const auto* same = another(mails_, row, same_mail);
    if (same != nullptr && row.id == 0) return same->id;
    if (same != nullptr) return fail(Errc::exists, "this recipient has a mail of this Message-ID");
    auto stored = row;
    if (const auto before = found(mails_, row.id); before && stored.bytes.empty()) stored.bytes = before->bytes;
    if (stored.state == "sent") stored.bytes.clear();
    return put_numbered("mail", mails_, last_mail_, stored);
}

Result<std::int64_t> FakeTables::put_silence(const core::Silence& row) { return put_numbered("silence", silences_, last_silence_, row); }

Result<void> FakeTables::put_expectation(const ExpectationRow& row) {
    put(expectations_, row.target.key(), row);
    return {};
}

int FakeTables::expire_alerts(Time before, int batch) {
    int gone = expire_from(incidents_, batch, [&](const core::Incident& i) { return i.closed_at && *i.closed_at < before && !i.flapping; });
    gone += expire_from(mails_, batch, [&](const MailRow& m) { return m.ended_at && *m.ended_at < before; });
    gone += expire_from(silences_, batch, [&](const core::Silence& s) { return s.until && *s.until < before; });
    return gone;
}

}  // namespace bkmon::test
