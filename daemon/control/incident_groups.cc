#include "daemon/control/incident_groups.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "daemon/alerts/rules/incident.h"
#include "daemon/control/selection.h"

namespace bkmon::control {

namespace {

constexpr int kPage = 500;
constexpr int kMostMembers = 20000;
constexpr int kMostMails = 20000;  // looked through for one incident

bool before(const core::Incident& a, const core::Incident& b) {
    if (a.closed_at.has_value() != b.closed_at.has_value()) return !a.closed_at;
    const auto weight = [](const core::Incident& i) { return std::tuple(i.severity, alerts::rank(i.status)); };
    if (weight(a) != weight(b)) return weight(a) > weight(b);
    return std::tie(a.problem_at, a.id) < std::tie(b.problem_at, b.id);
}

IncidentGroup made_of(std::vector<core::Incident> members) {
    std::sort(members.begin(), members.end(), before);
    IncidentGroup group;
    group.id = std::min_element(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.id < b.id; })->id;
    group.members = std::move(members);
    return group;
}

void join_acks(const std::vector<core::Incident>& members, bool open, core::Incident& sum) {
    const core::Incident* last = nullptr;
    bool all = true;
    for (const auto& m : members) {
        if (open && m.closed_at) continue;
        all = all && m.acked_at;
        if (m.acked_at && (last == nullptr || *m.acked_at > *last->acked_at)) last = &m;
    }
    sum.acked_by = all ? last->acked_by : "";
    sum.acked_at = all ? last->acked_at : std::nullopt;
    sum.note = last != nullptr ? last->note : "";
}

/// Groups on their way into an answer.
class Gathering {
public:
    Gathering(history::AlertReader& reader, const GroupQuery& query, const MayTouch& may_touch)
        : reader_(reader), query_(query), may_touch_(may_touch) {}

    Result<void> add(const core::Incident& row) {
        last_ = row.id;
        if (!may_touch_(row.target.str())) return {};
        if (!query_.pattern.empty() && !means(query_.pattern, row.target.str())) return {};
        if (row.thread.empty()) return keep(made_of({row}));
        if (!threads_.insert(row.thread).second) return {};
        history::IncidentQuery all;
        all.thread = row.thread;
        all.limit = kMostMembers;
        auto members = reader_.incidents(all);
        if (!members) return fail(std::move(members.error()));
        std::erase_if(*members, [&](const auto& m) { return !may_touch_(m.target.str()); });
        return members->empty() ? Result<void>{} : keep(made_of(std::move(*members)));
    }
    /// No group that is still to come can stand before enough of those that are here.
    bool enough() const {
        const auto final = std::distance(groups_.begin(), groups_.upper_bound(last_));
        return static_cast<std::size_t>(final) >= query_.limit;
    }
    std::vector<IncidentGroup> take() {
        std::vector<IncidentGroup> all;
        for (auto& [id, group] : groups_)
            if (all.size() < query_.limit) all.push_back(std::move(group));
        return all;
    }

private:
    Result<void> keep(IncidentGroup group) {
        if (query_.before == 0 || group.id < query_.before) groups_.emplace(group.id, std::move(group));
        return {};
    }

    history::AlertReader& reader_;
    const GroupQuery& query_;
    const MayTouch& may_touch_;
    std::int64_t last_ = 0;
    std::set<std::string> threads_;
    std::map<std::int64_t, IncidentGroup, std::greater<>> groups_;
};

}  // namespace

core::Incident IncidentGroup::sum() const {
    core::Incident sum = members.front();
    const bool still = open();
    sum.id = id;
    for (const auto& m : members) {
        sum.problem_at = std::min(sum.problem_at, m.problem_at);
        sum.opened_at = std::min(sum.opened_at, m.opened_at);
        if (!still) sum.closed_at = std::max(*sum.closed_at, *m.closed_at);
        if (m.said && (!sum.said || m.said_at > sum.said_at)) {
            sum.said = m.said;
            sum.said_at = m.said_at;
        }
        sum.reminders = std::max(sum.reminders, m.reminders);
        sum.flapping = sum.flapping || m.flapping;
        if (sum.cause.empty()) sum.cause = m.cause;
    }
    join_acks(members, still, sum);
    return sum;
}

std::vector<IncidentGroup> group_incidents(std::vector<core::Incident> rows) {
    std::map<std::string, std::vector<core::Incident>> by_thread;
    std::vector<IncidentGroup> groups;
    for (auto& row : rows) {
        if (row.thread.empty())
            groups.push_back(made_of({std::move(row)}));
        else
            by_thread[row.thread].push_back(std::move(row));
    }
    for (auto& [thread, members] : by_thread) groups.push_back(made_of(std::move(members)));
    std::sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) { return a.id > b.id; });
    return groups;
}

Result<std::vector<IncidentGroup>> read_groups(history::AlertReader& reader, const GroupQuery& query, const MayTouch& may_touch) {
    Gathering gathering(reader, query, may_touch);
    history::IncidentQuery page;
    if (query.pattern.find('/') != std::string::npos) page.target_glob = query.pattern;
    page.open_only = query.open_only;
    page.since = query.since;
    page.limit = kPage;
    while (true) {
        const auto rows = reader.incidents(page);
        if (!rows) return fail(rows.error());
        for (const auto& row : *rows)
            if (auto r = gathering.add(row); !r) return fail(std::move(r.error()));
        if (static_cast<int>(rows->size()) < kPage || gathering.enough()) return gathering.take();
        page.before_id = rows->back().id;
    }
}

Result<std::optional<FoundGroup>> read_group(history::AlertReader& reader, std::int64_t id, const MayTouch& may_touch) {
    auto one = reader.incident(id);
    if (!one) return fail(std::move(one.error()));
    if (!*one || !may_touch((*one)->target.str())) return std::optional<FoundGroup>();
    if ((*one)->thread.empty()) return FoundGroup{made_of({std::move(**one)}), 0};
    history::IncidentQuery query;
    query.thread = (*one)->thread;
    query.limit = kMostMembers;
    auto members = reader.incidents(query);
    if (!members) return fail(std::move(members.error()));
    const auto hidden = std::erase_if(*members, [&](const auto& m) { return !may_touch(m.target.str()); });
    return FoundGroup{made_of(std::move(*members)), hidden};
}

Result<std::vector<history::MailRow>> read_mails_about(history::AlertReader& reader, const IncidentGroup& group, bool only) {
    std::set<std::int64_t> ids;
    for (const auto& m : group.members) ids.insert(m.id);
    const auto ours = [&](std::int64_t id) { return ids.count(id) != 0; };
    const Time opened = group.sum().opened_at;
    std::vector<history::MailRow> found;
    history::MailQuery page;
    page.limit = kPage;
    for (int seen = 0; seen < kMostMails; seen += kPage) {
        auto rows = reader.mails(page);
        if (!rows) return fail(std::move(rows.error()));
        for (auto& row : *rows) {
            page.before_id = row.id;
            const auto& about = row.incidents;
            if (!std::any_of(about.begin(), about.end(), ours) || (only && !std::all_of(about.begin(), about.end(), ours))) continue;
            found.push_back(std::move(row));
        }
        // Nothing was written about it before it was there.
        if (static_cast<int>(rows->size()) < kPage || rows->back().created_at < opened) break;
    }
    return found;
}

}  // namespace bkmon::control
