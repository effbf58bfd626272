#include "daemon/alerts/text/compose.h"

#include <algorithm>
#include <map>

#include "common/base/text.h"
#include "daemon/alerts/text/view.h"

namespace bkmon::alerts {
namespace {

using namespace view;

constexpr std::size_t kMostListed = 200, kMostEvidence = 40, kMostAdvice = 5;
constexpr std::size_t kFew = 10, kExamples = 3;  ///< of few each one's reason is told, of more that of some
constexpr std::size_t kLabel = 26;               ///< columns of a label in the text
constexpr std::size_t kShortId = 200;            ///< in a subject

std::string shared_headline(const Story& s, Phrase shared, Phrase plain, const std::string& statuses) {
    const auto count = s.told.size();
    if (s.trait.empty()) return filled(s.language, plain, count, statuses);
    return filled(s.language, shared, count, std::max(s.of, count), safe(trait_word(s.language, s.trait), 60), sentence(s.value, 120), statuses);
}

/// "missing", or "missing, failed" where they differ.
std::string statuses_of(const Story& s) {
    std::string words;
    std::vector<core::Status> seen;
    for (const auto& t : s.told) {
        if (std::find(seen.begin(), seen.end(), t.status) != seen.end()) continue;
        seen.push_back(t.status);
        words += (words.empty() ? "" : ", ") + std::string(status_words(s.language, t.status));
    }
    return words;
}

Time oldest(const Story& s) {
    auto at = s.now;
    for (const auto& t : s.told) at = std::min(at, t.problem_at);
    return at;
}

std::string headline_of_many(const Story& s) {
    const auto l = s.language;
    const auto count = s.told.size();
    const auto statuses = statuses_of(s);
    switch (s.word) {
        case Word::opened: return shared_headline(s, Phrase::shared_are, Phrase::many_are, statuses);
        case Word::worse: return filled(l, Phrase::worse_many, count, statuses);
        case Word::better: return filled(l, Phrase::better_many, count, statuses);
        case Word::reminder: return filled(l, Phrase::reminder_many, count, statuses, duration_words(l, s.now - oldest(s)));
        case Word::recovered: return shared_headline(s, Phrase::recovered_shared, Phrase::recovered_many, {});
        case Word::flapping: return filled(l, Phrase::flapping_many, count);
    }
    return statuses;
}

std::string headline(const Story& s) {
    if (s.told.size() != 1) return headline_of_many(s);
    const auto l = s.language;
    const auto& t = s.told.front();
    const auto id = id_of(t.target, kShortId);
    const auto now = status_word(l, t.status), before = status_word(l, t.before);
    switch (s.word) {
        case Word::opened: return t.status == core::Status::warning ? filled(l, Phrase::has_warning, id) : filled(l, Phrase::is, id, now);
        case Word::worse: return filled(l, Phrase::worse, id, before, now);
        case Word::better: return filled(l, Phrase::better, id, before, now);
        case Word::reminder: return filled(l, Phrase::reminder, id, now, duration_words(l, s.now - t.problem_at));
        case Word::recovered: return filled(l, Phrase::recovered, id);
        case Word::flapping: return filled(l, Phrase::flapping, id);
    }
    return id;
}

/// bkmon's own parts have no backups.
bool has_backups(const Told& t) { return t.target.kind() != "bkmon"; }

std::string last_ok(const Story& s, const Told& t) {
    return t.last_ok_at ? when(s.timezone, *t.last_ok_at) : std::string(phrase(s.language, Phrase::never));
}

/// Verdicts speak English. In another language what a reason means goes first, and its own words are quoted among the evidence.
bool speaks(const Story& s, const Told& t) { return s.language == Language::en || meaning(s.language, t.reason_code).empty(); }

using Rows = std::vector<std::pair<std::string, std::string>>;

Rows facts(const Story& s, const Told& t) {
    Rows rows;
    const auto add = [&](Phrase p, std::string value) { rows.emplace_back(phrase(s.language, p), std::move(value)); };
    if (s.word == Word::recovered && t.before != core::Status::unknown) add(Phrase::before, std::string(status_word(s.language, t.before)));
    add(Phrase::since, when(s.timezone, t.problem_at));
    if (t.lasted) add(Phrase::lasted, duration_words(s.language, *t.lasted));
    if (has_backups(t)) add(Phrase::last_healthy, last_ok(s, t));
    if (!speaks(s, t) && !t.reason.empty()) add(Phrase::reason, sentence(t.reason));
    if (t.due) add(Phrase::due, when(s.timezone, *t.due));
    if (t.backup_at) add(Phrase::backup_of, when(s.timezone, *t.backup_at));
    if (!t.file.empty()) add(Phrase::file, safe(t.file));
    if (t.size_bytes) add(Phrase::size, size_words(*t.size_bytes));
    for (std::size_t i = 0; i < std::min(t.evidence.size(), kMostEvidence); ++i)
        rows.emplace_back(safe(t.evidence[i].first, 100), safe(t.evidence[i].second));
    return rows;
}

data rows_of(const Story& s, const Told& t) {
    const auto all = facts(s, t);
    std::size_t widest = 0;
    for (const auto& [label, value] : all) widest = std::max(widest, display_width(label));
    widest = std::min(widest, kLabel) + display_width(colon(s.language));
    data rows{data::type::list};
    for (const auto& [label, value] : all) {
        auto padded = label + std::string(colon(s.language));
        padded += std::string(widest - std::min(widest, display_width(padded)), ' ');
        rows << data{object{{"label", label}, {"padded", std::move(padded)}, {"value", value}}};
    }
    return rows;
}

core::Status problem_of(const Story& s, const Told& t) {
    return s.word == Word::recovered && t.before != core::Status::unknown ? t.before : t.status;
}

/// "since 2026-11-22 03:00 WAT, last healthy backup: 2026-11-21 02:58 WAT", with the status before it where that is not the same of all.
std::string summary(const Story& s, const Told& t) {
    const auto l = s.language;
    std::string words;
    const auto differs = [&](const Told& other) { return problem_of(s, other) != problem_of(s, t); };
    if (s.word == Word::recovered || std::any_of(s.told.begin(), s.told.end(), differs)) words = std::string(status_word(l, problem_of(s, t))) + " ";
    words += fmt::format("{} {}", phrase(l, Phrase::since), when(s.timezone, t.problem_at));
    if (t.lasted) words += fmt::format(", {} {}", phrase(l, Phrase::lasted), duration_words(l, *t.lasted));
    if (s.word != Word::recovered && has_backups(t)) words += fmt::format(", {}{} {}", phrase(l, Phrase::last_healthy), colon(l), last_ok(s, t));
    return words;
}

/// A verdict's own words, marked where the mail speaks another language.
std::string quoted_reason(const Story& s, const Told& t) {
    if (speaks(s, t) || t.reason.empty()) return sentence(t.reason, 500);
    return fmt::format("{}{} {}", phrase(s.language, Phrase::reason), colon(s.language), sentence(t.reason, 500));
}

data one_of_many(const Story& s, const Told& t, bool with_reason) {
    const auto l = s.language;
    object o{{"id", id_of(t.target)}, {"status", std::string(status_word(l, t.status))}, {"tone", tone(t.severity)}, {"color", color(t.severity)}};
    o.emplace("reason", optional(with_reason ? quoted_reason(s, t) : std::string()));
    o.emplace("meaning", std::string(meaning(l, t.reason_code)));
    o.emplace("since_label", std::string(phrase(l, Phrase::since)));
    o.emplace("since", when(s.timezone, t.problem_at));
    o.emplace("last_ok_label", std::string(phrase(l, Phrase::last_healthy)));
    o.emplace("last_ok", last_ok(s, t));
    o.emplace("summary", summary(s, t));
    return data{o};
}

/// What the reason codes mean, those of most targets first.
data advice_of(const Story& s) {
    std::map<std::string, std::size_t> counts;
    for (const auto& t : s.told)
        if (!meaning(s.language, t.reason_code).empty()) ++counts[t.reason_code];
    std::vector<std::pair<std::string, std::size_t>> codes(counts.begin(), counts.end());
    std::stable_sort(codes.begin(), codes.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    if (codes.size() > kMostAdvice) codes.resize(kMostAdvice);
    data advice{data::type::list};
    for (const auto& [code, count] : codes)
        advice << data{object{{"of", optional(codes.size() > 1 ? filled(s.language, Phrase::of_these, count) : std::string())},
                              {"meaning", std::string(meaning(s.language, code))}}};
    return advice;
}

data commands_of(const Story& s) {
    data commands{data::type::list};
    const bool few = s.told.size() <= kExamples;
    for (std::size_t i = 0; i < (few ? s.told.size() : 1); ++i) {
        const auto& t = s.told[i];
        if (s.word != Word::recovered) add_command(commands, {}, "bkmonctl explain", &t.target);
        if (s.word == Word::recovered || s.word == Word::flapping) add_command(commands, {}, "bkmonctl history", &t.target);
        if (s.word != Word::recovered && t.status == core::Status::held) add_held(commands, s.language, t.target, t.sha256);
    }
    if (!few) add_command(commands, {}, s.word == Word::recovered ? "bkmonctl status" : "bkmonctl status --problems");
    return commands;
}

/// Further sentences, each of them only where there is something to say.
void add_remarks(object& o, const Story& s) {
    const auto l = s.language;
    const auto count = s.told.size();
    o.emplace("cause_label", std::string(phrase(l, Phrase::likely_cause)));
    o.emplace("cause", optional(s.trait.empty()
                                    ? std::string()
                                    : filled(l, Phrase::shares, safe(trait_word(l, s.trait), 60), sentence(s.value, 120), count, std::max(s.of, count))));
    o.emplace("explanation", optional(s.word == Word::flapping ? std::string(phrase(l, Phrase::flapping_note)) : std::string()));
    o.emplace("acknowledged", optional(acknowledged_words(l, s.acked_by, s.note)));
    o.emplace("note", optional(s.acked_by.empty() ? safe(s.note) : std::string()));
    o.emplace("silenced", optional(s.silenced ? filled(l, Phrase::silenced, silence_words(l, s.timezone, *s.silenced)) : std::string()));
    o.emplace("suppressed", optional(s.suppressed > 0 ? filled(l, Phrase::suppressed, s.suppressed) : std::string()));
}

object view_of(const Story& s, const std::string& said) {
    object o;
    common(o, s.language, s.site, s.version, s.word == Word::recovered ? core::Severity::ok : s.severity, said);
    add_remarks(o, s);
    const auto count = s.told.size();
    const bool one = count == 1;
    const auto listed = one ? 0 : std::min(count, kMostListed);
    data targets{data::type::list};
    for (std::size_t i = 0; i < listed; ++i) targets << one_of_many(s, s.told[i], i < (count <= kFew ? kFew : kExamples));
    o.emplace("count", std::to_string(count));
    o.emplace("one", one);
    o.emplace("many", count > 1);
    o.emplace("reason", optional(one && speaks(s, s.told.front()) ? sentence(s.told.front().reason) : std::string()));
    o.emplace("rows", one ? rows_of(s, s.told.front()) : data{data::type::list});
    o.emplace("targets_label", std::string(phrase(s.language, Phrase::targets)));
    o.emplace("targets", std::move(targets));
    o.emplace("more", optional(!one && count > listed ? filled(s.language, Phrase::and_more, count - listed) : std::string()));
    auto advice = s.word == Word::recovered ? data{data::type::list} : advice_of(s);
    auto commands = commands_of(s);
    o.emplace("what_to_do", std::string(phrase(s.language, Phrase::what_to_do)));
    o.emplace("has_advice", advice.is_non_empty_list());
    o.emplace("advice", std::move(advice));
    o.emplace("has_commands", commands.is_non_empty_list());
    o.emplace("commands", std::move(commands));
    return o;
}

}  // namespace

Result<Composed> compose(const Story& story, const Templates& templates) {
    return view::render(TemplateKind::alert, templates, view_of(story, headline(story)));
}

Result<Composed> compose_test(const TestStory& test) {
    Story s;
    s.language = test.language;
    s.site = test.site;
    s.timezone = test.timezone;
    s.version = test.version;
    s.now = test.now;
    s.severity = core::Severity::ok;
    auto o = view_of(s, std::string(phrase(s.language, Phrase::test_subject)));
    o["explanation"] = data{std::string(phrase(s.language, Phrase::test_text))};
    auto asked = when(s.timezone, s.now);
    if (!test.by.empty()) asked = filled(s.language, Phrase::test_by, safe(test.by, 100)) + ", " + asked;
    o["note"] = data{asked};
    data commands{data::type::list};
    add_command(commands, {}, "bkmonctl alerts outbox");
    o["has_commands"] = data{true};
    o["commands"] = std::move(commands);
    return view::render(TemplateKind::alert, {}, std::move(o));
}

}  // namespace bkmon::alerts
