#include "daemon/alerts/text/digest.h"

#include <algorithm>

#include "common/base/text.h"
#include "daemon/alerts/text/view.h"
#include "daemon/core/schedule.h"

namespace bkmon::alerts {
namespace {

using namespace view;
using core::Severity;
using core::Status;

constexpr std::size_t kMostItems = 50, kMostProofs = 10, kMostSilences = 20, kMostDays = 31;
constexpr std::size_t kBar = 24;            ///< characters of a day's bar
constexpr std::size_t kNamesInSubject = 2;  ///< further ones are there by their number

std::size_t count_of(const DigestStory& s, Status status) { return s.counts[static_cast<std::size_t>(status)]; }

bool is_bad(Status s) {
    switch (s) {
        case Status::warning:
        case Status::held:
        case Status::missing:
        case Status::failed:
        case Status::corrupt:
        case Status::unreachable: return true;
        case Status::ok:
        case Status::unchanged:
        case Status::late:
        case Status::unknown:
        case Status::paused: return false;
    }
    return false;
}

struct Sums {
    std::size_t total = 0, good = 0, bad = 0;
};

Sums sums(const DigestStory& s) {
    Sums out;
    for (const auto status : core::kStatuses) {
        const auto n = count_of(s, status);
        out.total += n;
        if (core::is_good(status)) out.good += n;
        if (is_bad(status)) out.bad += n;
    }
    return out;
}

/// Of the lists, for a rule may have said how bad something is; of the statuses where the lists don't hold all that is bad.
Severity severity_of(const DigestStory& s, const Sums& n) {
    auto worst = s.failed_mails > 0 || n.total == 0 ? Severity::warning : Severity::ok;
    if (count_of(s, Status::unknown) > 0) worst = std::max(worst, Severity::unknown);
    for (const auto* list : {&s.fresh, &s.open, &s.held})
        for (const auto& item : *list) worst = std::max(worst, item.severity);
    if (n.bad > s.fresh.size() + s.open.size() + s.held.size())
        for (const auto status : core::kStatuses)
            if (is_bad(status) && count_of(s, status) > 0) worst = std::max(worst, core::severity_of(status));
    return worst;
}

std::string headline(const DigestStory& s, const Sums& n, const std::string& date) {
    const auto l = s.language;
    if (n.total == 0) return fmt::format("{}, {}", phrase(l, Phrase::no_targets), date);
    if (n.bad == 0) return fmt::format("{}, {}", filled(l, Phrase::all_good, n.good, n.total), date);
    return fmt::format("{}, {}", filled(l, Phrase::some_bad, n.bad, n.total), date);
}

/// "deposit/a/b, deposit/a/c, …"
std::string names_of(const DigestStory& s) {
    std::string words;
    std::size_t named = 0;
    for (const auto* list : {&s.fresh, &s.open, &s.held})
        for (const auto& item : *list) {
            if (named == kNamesInSubject) return words + ", …";
            words += (named++ == 0 ? "" : ", ") + id_of(item.target, 60);
        }
    return words;
}

data item_of(const DigestStory& s, const DigestItem& i) {
    const auto l = s.language;
    const bool over = i.lasted.has_value();
    const std::string status(status_word(l, i.status));
    auto time = fmt::format("{} {}", phrase(l, Phrase::since), when(s.timezone, i.since));
    if (over) time += fmt::format(", {} {}", phrase(l, Phrase::lasted), duration_words(l, *i.lasted));
    const auto severity = over ? Severity::ok : i.severity;
    const std::string means(meaning(l, i.reason_code));
    object o{{"id", id_of(i.target)}, {"tone", tone(severity)}, {"color", color(severity)}};
    o.emplace("status", over ? std::string(status_word(l, Status::ok)) : status);
    o.emplace("when", over ? status + " " + time : time);
    o.emplace("summary", status + " " + time);
    // Verdicts speak English.
    o.emplace("reason", optional(over ? std::string() : l == Language::en || means.empty() ? sentence(i.reason, 300) : means));
    o.emplace("meaning", means);
    o.emplace("acknowledged", optional(acknowledged_words(l, i.acked_by, i.note)));
    data commands{data::type::list};
    if (i.status == Status::held && !over) add_held(commands, l, i.target, i.sha256);
    o.emplace("commands", std::move(commands));
    return data{o};
}

void add_section(data& sections, const DigestStory& s, Phrase title, const std::vector<DigestItem>& list) {
    if (list.empty()) return;
    data items{data::type::list};
    const auto listed = std::min(list.size(), kMostItems);
    for (std::size_t i = 0; i < listed; ++i) items << item_of(s, list[i]);
    object o{{"title", std::string(phrase(s.language, title))}, {"count", std::to_string(list.size())}};
    o.emplace("items", std::move(items));
    o.emplace("more", optional(list.size() > listed ? filled(s.language, Phrase::and_more, list.size() - listed) : std::string()));
    sections << data{o};
}

struct Shares {
    std::size_t good = 0, bad = 0, other = 0;
};

/// `units` shared out. What there is has one at least: a single bad target of thousands is seen.
Shares shares(const DigestDay& day, std::size_t units) {
    const auto total = std::max(day.total, day.good + day.bad);
    if (total == 0) return {};
    const auto part = [&](std::size_t n) { return n == 0 ? 0 : std::max<std::size_t>(1, n * units / total); };
    Shares out{0, part(day.bad), part(total - day.good - day.bad)};
    if (day.good > 0)
        out.good = std::max<std::size_t>(1, units - std::min(units - 1, out.bad + out.other));
    else
        (out.bad > out.other ? out.bad : out.other) += units - out.bad - out.other;
    auto& largest = out.bad > out.other ? out.bad : out.other;
    largest -= std::min(largest, out.good + out.bad + out.other - units);
    return out;
}

std::string unless_none(std::size_t n) { return n == 0 ? std::string() : std::to_string(n); }

data days_of(const DigestStory& s) {
    const auto l = s.language;
    data days{data::type::list};
    std::size_t widest = 0;
    const auto from = s.days.size() - std::min(s.days.size(), kMostDays);
    for (std::size_t i = from; i < s.days.size(); ++i) widest = std::max(widest, display_width(day_words(l, safe(s.days[i].date, 40))));
    for (std::size_t i = from; i < s.days.size(); ++i) {
        const auto& d = s.days[i];
        auto name = day_words(l, safe(d.date, 40));
        name += std::string(widest - std::min(widest, display_width(name)), ' ');
        const auto bar = shares(d, kBar), page = shares(d, 100);
        auto figures = d.total == 0 ? std::string(phrase(l, Phrase::no_figures)) : fmt::format("{}/{}", d.good, d.total);
        if (d.bad > 0) figures += fmt::format(", {} {}", d.bad, phrase(l, Phrase::bad));
        object o{{"day", name}, {"figures", figures}};
        o.emplace("share", fmt::format("{}/{}", d.good, d.total));
        o.emplace("bad", optional(unless_none(d.bad)));
        o.emplace("bar", std::string(bar.good, '#') + std::string(bar.bad, '!') + std::string(bar.other, '.') +
                             std::string(kBar - std::min(kBar, bar.good + bar.bad + bar.other), ' '));
        o.emplace("good_width", optional(unless_none(page.good)));
        o.emplace("bad_width", optional(unless_none(page.bad)));
        o.emplace("other_width", optional(unless_none(page.other)));
        days << data{o};
    }
    return days;
}

data counts_of(const DigestStory& s) {
    data counts{data::type::list};
    for (const auto status : core::kStatuses) {
        const auto n = count_of(s, status);
        if (n == 0) continue;
        counts << data{object{{"number", std::to_string(n)},
                              {"padded", fmt::format("{:>7}", n)},
                              {"status", std::string(n == 1 ? status_word(s.language, status) : status_words(s.language, status))}}};
    }
    return counts;
}

data oldest_of(const DigestStory& s) {
    data list{data::type::list};
    for (std::size_t i = 0; i < std::min(s.oldest.size(), kMostProofs); ++i) {
        const auto& p = s.oldest[i];
        const auto proof = p.at ? fmt::format("{} ({})", when(s.timezone, *p.at), duration_words(s.language, s.now - *p.at))
                                : std::string(phrase(s.language, Phrase::never));
        list << data{object{{"id", id_of(p.target)}, {"proof", proof}}};
    }
    return list;
}

void add_silences(object& o, const DigestStory& s) {
    const auto l = s.language;
    data list{data::type::list};
    const auto listed = std::min(s.silences.size(), kMostSilences);
    for (std::size_t i = 0; i < listed; ++i) {
        const auto& silence = s.silences[i];
        list << data{object{{"silence", silence_words(l, s.timezone, silence)},
                            {"hides", optional(silence.hides > 0 ? filled(l, Phrase::silence_hides, silence.hides) : std::string())}}};
    }
    o.emplace("has_silences", listed > 0);
    o.emplace("silences_label", std::string(phrase(l, Phrase::silences)));
    o.emplace("silences", std::move(list));
    o.emplace("more_silences", optional(s.silences.size() > listed ? filled(l, Phrase::and_more, s.silences.size() - listed) : std::string()));
}

void add_figures(object& o, const DigestStory& s, const Sums& n) {
    const auto named = [&](const char* name, Phrase p) { o.emplace(name, std::string(phrase(s.language, p))); };
    named("trend_label", Phrase::last_seven_days);
    named("good_label", Phrase::good);
    named("bad_label", Phrase::bad);
    named("other_label", Phrase::other);
    named("fleet_label", Phrase::fleet);
    named("oldest_label", Phrase::oldest_proofs);
    o.emplace("total", std::to_string(n.total));
    o.emplace("has_days", !s.days.empty());
    o.emplace("days", days_of(s));
    o.emplace("counts", counts_of(s));
    o.emplace("has_oldest", !s.oldest.empty());
    o.emplace("oldest", oldest_of(s));
}

}  // namespace

Result<Composed> compose_digest(const DigestStory& s, const Templates& templates) {
    const auto l = s.language;
    const auto n = sums(s);
    const auto severity = severity_of(s, n);
    const auto date = date_words(l, core::local_date(s.now, s.timezone));
    object o;
    common(o, l, s.site, s.version, severity, headline(s, n, date));
    o.emplace("date", date);
    o.emplace("names", optional(names_of(s)));
    o.emplace("all_well", optional(severity == Severity::ok ? std::string(phrase(l, Phrase::all_well)) : std::string()));
    o.emplace("watches_nothing", optional(n.total == 0 ? std::string(phrase(l, Phrase::watches_nothing)) : std::string()));
    o.emplace("failed_mails", optional(s.failed_mails > 0 ? filled(l, Phrase::failed_mails, s.failed_mails) : std::string()));
    o.emplace("next", optional(s.next ? filled(l, Phrase::next_digest, when(s.timezone, *s.next)) : std::string()));
    data sections{data::type::list}, commands{data::type::list};
    add_section(sections, s, Phrase::new_problems, s.fresh);
    add_section(sections, s, Phrase::held_files, s.held);
    add_section(sections, s, Phrase::still_open, s.open);
    add_section(sections, s, Phrase::recovered_since, s.recovered);
    o.emplace("sections", std::move(sections));
    add_figures(o, s, n);
    add_silences(o, s);
    add_command(commands, {}, severity == Severity::ok ? "bkmonctl status" : "bkmonctl status --problems");
    if (severity != Severity::ok) add_command(commands, {}, "bkmonctl alerts list");
    o.emplace("commands", std::move(commands));
    return view::render(TemplateKind::digest, templates, std::move(o));
}

}  // namespace bkmon::alerts
