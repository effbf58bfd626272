// Notices become mails in the outbox.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/base/text.h"
#include "daemon/alerts/letters.h"
#include "daemon/alerts/part_impl.h"
#include "daemon/alerts/plan.h"
#include "daemon/platform/loop/slices.h"

namespace bkmon::alerts {

namespace {

constexpr int kNotices = 5000, kMostCounted = 2000;
constexpr int kMostWaiting = 50;     ///< mails to one recipient that wait for the server: more would only be read together
constexpr std::size_t kSlice = 500;  ///< targets in one turn of the loop
constexpr milliseconds kLimited{std::chrono::minutes(1)};

using Totals = std::map<std::pair<std::string, std::string>, std::size_t>;

struct Written {
    Planned plan;
    history::MailRow mail;
};

struct Batch {
    std::vector<Pending> pending;
    std::map<std::string, int> allowance;
    Totals totals;
    std::vector<Written> written;
    bool left = false;  ///< a limit holds some back
    bool more = false;  ///< than are read at once
};

std::vector<history::NoticeRow>::const_iterator oldest_of(const std::vector<history::NoticeRow>& rows) {
    return std::min_element(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
}

Facts bare_facts(const history::NoticeRow& row) {
    Facts f;
    f.told.target = row.target;
    f.told.status = row.to;
    f.told.before = row.from;
    f.told.severity = row.severity;
    f.told.problem_at = row.at;
    return f;
}

/// How many mails may go to each of them now.
Result<void> read_allowances(history::Reader& r, const std::vector<history::NoticeRow>& rows, Batch& batch, int hourly, Time now) {
    std::map<std::string, int> waiting;
    auto mails = r.mails({"waiting", 0, 5000});
    if (!mails) return fail(std::move(mails.error()));
    for (const auto& mail : *mails) ++waiting[mail.recipient];
    std::map<std::string, int> sent;
    auto newest = r.mails({"", 0, kMostCounted});
    if (!newest) return fail(std::move(newest.error()));
    for (const auto& mail : *newest)  // one from the future was written before the clock was set back
        if (mail.kind == "alert" && mail.created_at > now - std::chrono::hours(1) && mail.created_at <= now) ++sent[mail.recipient];
    for (const auto& row : rows) {
        auto [at, fresh] = batch.allowance.emplace(row.recipient, 0);
        if (fresh) at->second = std::min(hourly - sent[row.recipient], kMostWaiting - waiting[row.recipient]);
    }
    return {};
}

Story story_of(const Batch& batch, const Planned& plan, const Letters& letters, Time now) {
    Story s = letters.story(now);
    const auto& first = batch.pending[plan.items.front()];
    s.word = first.row.word;
    s.trait = plan.trait;
    s.value = plan.value;
    s.of = plan.of;
    s.suppressed = plan.suppressed;
    s.severity = core::Severity::ok;
    for (const auto i : plan.items) {
        const auto& p = batch.pending[i];
        s.severity = std::max(s.severity, p.row.severity);
        s.told.push_back(p.facts.told);
        s.told.back().status = p.row.to;
        s.told.back().before = p.row.from;
    }
    return s;
}

/// What it answers, and who works on it.
Result<std::vector<std::string>> read_thread(history::Reader& r, const Batch& batch, const Planned& plan, Story& story) {
    std::vector<std::string> threads;
    for (const auto i : plan.items) {
        auto incident = r.incident(batch.pending[i].row.incident);
        if (!incident) return fail(std::move(incident.error()));
        if (!*incident) continue;
        const auto& t = (*incident)->thread;
        if (!t.empty() && threads.size() < 10 && std::find(threads.begin(), threads.end(), t) == threads.end()) threads.push_back(t);
        if (story.acked_by.empty() && (*incident)->acked_at) {
            story.acked_by = (*incident)->acked_by;
            story.note = (*incident)->note;
        }
    }
    return threads;
}

/// Adds how many might suffer from what the verdicts of outlets share, which the registry does not know: all of the modes that do for a
/// credential or a share, all outlets of a subnet in these modes.
Result<void> count_outlets(history::Reader& r, Batch& batch) {
    std::map<std::pair<std::string, std::string>, std::set<std::string>> modes;
    bool subnets = false;
    for (const auto& p : batch.pending)
        for (const auto& trait : p.facts.traits) {
            if (trait.first != "credential" && trait.first != "share" && trait.first != "subnet") continue;
            modes[trait].insert(mode_of(p.row.target));
            subnets = subnets || trait.first == "subnet";
        }
    std::map<std::string, std::size_t> in_subnet;
    if (subnets) {
        auto outlets = r.outlets();
        if (!outlets) return fail(std::move(outlets.error()));
        for (const auto& o : *outlets)
            if (o.active && !o.gone_at) ++in_subnet[subnet_of(o.address)];
    }
    for (const auto& [trait, of] : modes) {
        std::size_t count = 0;
        for (const auto& mode : of) count += batch.totals[{"mode", mode}];
        batch.totals[trait] = trait.first == "subnet" ? in_subnet[trait.second] * of.size() : count;
    }
    return {};
}

Result<void> compose_all(history::Reader& r, Batch& batch, const Letters& letters, Time now) {
    if (auto counted = count_outlets(r, batch); !counted) return counted;
    const auto total = [&](const std::string& trait, const std::string& value) {
        const auto at = batch.totals.find({trait, value});
        return at == batch.totals.end() ? std::size_t{0} : at->second;
    };
    batch.written.clear();
    std::size_t planned = 0;
    for (auto& one : plan(batch.pending, total, [&](const std::string& who) { return batch.allowance[who]; })) {
        planned += one.items.size();
        Story story = story_of(batch, one, letters, now);
        auto threads = read_thread(r, batch, one, story);
        if (!threads) return fail(std::move(threads.error()));
        std::vector<std::string> parts{"alert"};
        for (const auto i : one.items) {
            const auto& row = batch.pending[i].row;
            parts.push_back(fmt::format("{} {} {}", row.incident, name_of(row.word), to_ms(row.at)));
        }
        auto mail = letters.alert(story, one.recipient, one.text, parts, *threads);
        if (!mail) return fail(std::move(mail.error()));
        for (const auto i : one.items) mail->incidents.push_back(batch.pending[i].row.incident);
        batch.written.push_back({std::move(one), std::move(*mail)});
    }
    batch.left = batch.left || planned < batch.pending.size();
    return {};
}

/// Mails, the end of their notices, and what the incidents remember of it.
Result<void> store(history::Session& s, const Batch& batch) {
    for (const auto& [plan, mail] : batch.written) {
        if (auto r = s.put_mail(mail); !r) return fail(std::move(r.error()));
        for (const auto i : plan.items) {
            const auto& row = batch.pending[i].row;
            if (auto r = s.remove_notice(row.id); !r) return r;
            auto incident = s.incident(row.incident);
            if (!incident) return fail(std::move(incident.error()));
            if (!*incident || !(*incident)->thread.empty()) continue;
            (*incident)->thread = mail.message_id;
            if (!plan.trait.empty())
                (*incident)->cause = fmt::format("{} {}: {} of {}", plan.trait, plan.value, plan.items.size(), std::max(plan.of, plan.items.size()));
            if (auto r = s.put_incident(**incident); !r) return fail(std::move(r.error()));
        }
    }
    return {};
}

}  // namespace

void Part::Impl::write_mails() {
    if (!options.mail.configured) return over(Step::mail, {});
    auto batch = std::make_shared<Batch>();
    auto wait = std::make_shared<milliseconds>(0);
    rooms.store.read(
        [batch, wait, at = now(), window = options.alerts.group, hourly = options.alerts.hourly](history::Reader& r) -> Result<void> {
            auto rows = r.notices(true, kNotices);
            if (!rows) return fail(std::move(rows.error()));
            if (rows->empty()) return {};
            const auto oldest = oldest_of(*rows)->at;
            if (oldest <= at) *wait = oldest + window - at;  // else the clock was set back
            if (wait->count() > 0) return {};
            batch->more = rows->size() >= static_cast<std::size_t>(kNotices);
            if (auto read = read_allowances(r, *rows, *batch, hourly, at); !read) return read;
            for (auto& row : *rows) {
                if (batch->allowance[row.recipient] <= 0) {  // days may pass: nothing is read for it until then
                    batch->left = true;
                    continue;
                }
                auto facts = facts_of(row.facts);
                if (!facts) facts = bare_facts(row);  // rather few words than none
                batch->pending.push_back({std::move(row), std::move(*facts)});
            }
            return {};
        },
        [weak = weak_from_this(), batch, wait](Result<void> done) {
            const auto self = weak.lock();
            if (!self) return;
            if (done && wait->count() > 0) self->mail_timer->arm(*wait);
            if (done && batch->left && batch->pending.empty()) self->mail_timer->arm(kLimited);
            if (!done || batch->pending.empty()) return self->over(Step::mail, done);
            // How many share each trait, for "212 of 214".
            auto all = std::make_shared<std::vector<const targets::Target*>>();
            if (batch->pending.size() > 1) *all = self->rooms.registry.match({}, "");
            loop::in_slices(
                self->rooms.loop, weak, all->size(), kSlice,
                [batch, all](std::size_t i) {
                    for (auto& trait : traits_of((*all)[i]->spec.id, (*all)[i]->spec.labels)) ++batch->totals[std::move(trait)];
                },
                [weak, batch] {
                    if (const auto me = weak.lock()) me->compose_mails(batch);
                });
        });
}

void Part::Impl::compose_mails(const std::shared_ptr<void>& opaque) {
    const auto batch = std::static_pointer_cast<Batch>(opaque);
    rooms.store.read([batch, letters = letters(), at = now()](history::Reader& r) { return compose_all(r, *batch, letters, at); },
                     [weak = weak_from_this(), batch](Result<void> composed) {
                         const auto self = weak.lock();
                         if (!self) return;
                         if (!composed) return self->over(Step::mail, composed);
                         self->rooms.store.write([batch](history::Session& s) { return store(s, *batch); },
                                                 [weak, batch](Result<void> written) {
                                                     const auto me = weak.lock();
                                                     if (!me) return;
                                                     if (batch->left)
                                                         me->mail_timer->arm(kLimited);
                                                     else if (batch->more)
                                                         me->wanted.insert(Step::mail);
                                                     if (written) me->sender->kick();
                                                     me->over(Step::mail, written);
                                                 });
                     });
}

}  // namespace bkmon::alerts
