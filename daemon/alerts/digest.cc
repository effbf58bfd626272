// The daily mail: how everything stands, and that somebody looks.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"
#include "daemon/alerts/part_impl.h"
#include "daemon/core/schedule.h"

namespace bkmon::alerts {

namespace {

constexpr int kMostIncidents = 20000, kMostNotices = 50000;
constexpr int kDays = 7;
constexpr std::size_t kOldest = 10;
using std::chrono::hours;

struct Digest {
    DigestStory story;
    Time due{};
    std::vector<history::NoticeRow> notices;
    std::vector<history::MailRow> mails;
    std::set<TargetId> watched;  ///< of the open incidents: what nobody watches any more is no problem
};

DigestItem item_of(const core::Incident& i) {
    DigestItem item;
    item.target = i.target;
    item.status = i.status;
    item.severity = i.severity;
    item.reason_code = i.reason_code;
    item.reason = i.reason;
    item.since = i.problem_at;
    item.acked_by = i.acked_by;
    item.note = i.note;
    return item;
}

void worst_first(std::vector<DigestItem>& items) {
    std::stable_sort(items.begin(), items.end(), [](const DigestItem& a, const DigestItem& b) {
        return a.severity != b.severity ? a.severity > b.severity : rank(a.status) > rank(b.status);
    });
}

Result<void> read_incidents(history::Reader& r, DigestStory& story, Time since) {
    history::IncidentQuery query;
    query.limit = kMostIncidents;
    query.open_only = true;
    auto open = r.incidents(query);
    if (!open) return fail(std::move(open.error()));
    std::map<TargetId, std::string> held;
    auto held_rows = r.held();
    if (!held_rows) return fail(std::move(held_rows.error()));
    for (const auto& row : *held_rows) held.emplace(row.target, row.sha256);
    for (const auto& i : *open) {
        auto item = item_of(i);
        if (i.status == core::Status::held) {
            if (const auto at = held.find(i.target); at != held.end()) item.sha256 = at->second;
            story.held.push_back(std::move(item));
        } else {
            (i.opened_at >= since ? story.fresh : story.open).push_back(std::move(item));
        }
    }
    query.open_only = false;
    query.since = since;
    auto recent = r.incidents(query);
    if (!recent) return fail(std::move(recent.error()));
    for (const auto& i : *recent) {
        if (!i.closed_at || *i.closed_at < since) continue;
        auto item = item_of(i);
        item.status = i.status;
        item.lasted = std::max(milliseconds(0), *i.closed_at - i.problem_at);
        story.recovered.push_back(std::move(item));
    }
    for (auto* list : {&story.fresh, &story.open, &story.held}) worst_first(*list);
    return {};
}

Result<void> read_days(history::Reader& r, DigestStory& story) {
    for (int back = kDays; back >= 1; --back) {
        history::DailyQuery query;
        query.from = query.to = core::local_date(story.now - hours(24 * back), story.timezone);
        query.evidence = false;
        auto rows = r.daily(query);
        if (!rows) return fail(std::move(rows.error()));
        DigestDay day;
        day.date = query.from;
        for (const auto& row : *rows) {
            const auto& v = row.verdict;
            if (row.target.kind() == "bkmon" || v.status == core::Status::paused) continue;
            ++day.total;
            day.good += core::is_good(v.status) ? 1 : 0;
            day.bad += v.severity == core::Severity::critical || v.status == core::Status::held ? 1 : 0;
        }
        story.days.push_back(std::move(day));
    }
    return {};
}

Result<void> compose_digests(Digest& d, const Letters& letters, const std::string& site) {
    d.mails.clear();
    for (const auto& who : letters.mail.to) {
        auto mail = letters.digest(d.story, who, {"digest", site, rfc3339(d.due)});
        if (!mail) return fail(std::move(mail.error()));
        d.mails.push_back(std::move(*mail));
    }
    return {};
}

/// Whoever gets the digest has read it there; the others get a mail of what concerns them.
Result<void> end_notice(history::Session& s, history::NoticeRow row, const std::vector<std::string>& readers) {
    if (std::find(readers.begin(), readers.end(), row.recipient) == readers.end()) {
        auto other = s.notice_of(row.incident, row.recipient, true);
        if (!other) return fail(std::move(other.error()));
        if (!*other) {
            row.at_once = true;
            auto r = s.put_notice(row);
            return r ? Result<void>() : Result<void>(fail(std::move(r.error())));
        }
    }
    return s.remove_notice(row.id);
}

}  // namespace

/// What is in force, and how many problems it hides.
void Part::Impl::fill_silences(DigestStory& story) const {
    std::map<const core::Silence*, SilenceTold> hiding;
    for (const auto* t : rooms.registry.match({}, "")) {
        const auto status = rooms.registry.status(*t);
        if (core::is_good(status) || status == core::Status::paused || status == core::Status::late) continue;
        const auto cover = silences.covering(t->spec.id, t->spec.labels, story.now);
        if (!cover) continue;
        auto& told = hiding[cover->silence];
        ++told.hides;
        told.what = covered_text(*cover->silence);
        told.until = cover->until;
        told.by = cover->silence->by;
        told.reason = cover->silence->reason;
    }
    for (auto& [silence, told] : hiding) story.silences.push_back(std::move(told));
    std::sort(story.silences.begin(), story.silences.end(), [](const auto& a, const auto& b) { return a.hides > b.hides; });
}

void Part::Impl::fill_fleet(DigestStory& story) const {
    story.counts = rooms.registry.counts();
    std::vector<const targets::Target*> all;
    for (const auto* t : rooms.registry.match({}, ""))
        if (t->spec.id.kind() != "bkmon" && rooms.registry.status(*t) != core::Status::paused) all.push_back(t);
    const auto older = [](const targets::Target* a, const targets::Target* b) {
        return a->current.last_proof_at.value_or(Time::min()) < b->current.last_proof_at.value_or(Time::min());
    };
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(std::min(kOldest, all.size()));
    std::partial_sort(all.begin(), middle, all.end(), older);
    for (auto at = all.begin(); at != middle; ++at) story.oldest.push_back({(*at)->spec.id, (*at)->current.last_proof_at});
    fill_silences(story);
    story.failed_mails = sender->failed();
    if (const auto schedule = core::Schedule::parse(*options.mail.digest, options.timezone)) story.next = schedule->next_after(story.now);
}

void Part::Impl::write_digest() {
    if (!digest_due || !options.mail.configured || !options.mail.digest) return over(Step::digest, {});
    auto d = std::make_shared<Digest>();
    d->due = *digest_due;
    const auto common = letters().story(now());
    d->story.language = common.language;
    d->story.site = common.site;
    d->story.timezone = common.timezone;
    d->story.version = common.version;
    d->story.now = common.now;
    fill_fleet(d->story);
    rooms.store.read(
        [d, letters = letters(), site = options.site](history::Reader& r) -> Result<void> {
            auto last = r.setting(kLastDigest);
            if (!last) return fail(std::move(last.error()));
            const auto at = *last ? parse_rfc3339(**last) : Result<Time>(fail(Errc::not_found, ""));
            if (at && *at >= d->due && *at <= d->story.now) return {};  // it is written
            auto notices = r.notices(false, kMostNotices);
            if (!notices) return fail(std::move(notices.error()));
            d->notices = std::move(*notices);
            if (auto read = read_incidents(r, d->story, at ? *at : d->story.now - hours(24)); !read) return read;
            if (auto read = read_days(r, d->story); !read) return read;
            return compose_digests(*d, letters, site);
        },
        [weak = weak_from_this(), d](Result<void> read) {
            const auto self = weak.lock();
            if (!self) return;
            if (!read) return self->over(Step::digest, read);
            self->rooms.store.write(
                [d, readers = self->options.mail.to](history::Session& s) -> Result<void> {
                    for (const auto& mail : d->mails)
                        if (auto r = s.put_mail(mail); !r) return fail(std::move(r.error()));
                    for (const auto& notice : d->notices)
                        if (auto r = end_notice(s, notice, readers); !r) return r;
                    return s.put_setting(kLastDigest, rfc3339(d->due));
                },
                [weak, d](Result<void> written) {
                    const auto me = weak.lock();
                    if (!me) return;
                    if (written && me->digest_due == d->due) me->digest_due.reset();
                    if (written) me->sender->kick();
                    me->wanted.insert(Step::mail);
                    me->over(Step::digest, written);
                });
        });
}

}  // namespace bkmon::alerts
