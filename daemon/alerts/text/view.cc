#include "daemon/alerts/text/view.h"

#include <algorithm>

#include "common/base/html.h"
#include "common/base/shell.h"
#include "common/base/still_printable.h"
#include "common/base/text.h"
#include "daemon/alerts/text/fold.h"
#include "daemon/core/schedule.h"

namespace bkmon::alerts::view {
namespace {

constexpr std::size_t kColumns = 78, kLongestCommand = 900, kLongestSubject = 600;

Result<std::string> rendered(const std::string& own, TemplateKind kind, TemplatePart part, const data& with) {
    kainjow::mustache::mustache m(own.empty() ? built_in(kind, part) : own);
    if (!m.is_valid()) return fail(Errc::invalid, "the template cannot be read: " + m.error_message());
    if (part == TemplatePart::html)
        m.set_custom_escape(html_escaped);
    else
        m.set_custom_escape([](const std::string& s) { return s; });
    return m.render(with);
}

}  // namespace

std::string safe(std::string_view text, std::size_t limit) {
    // Spaces in front say what a line of the text is (see fold.h).
    if (!text.empty() && text.front() == ' ') return "\\x20" + printable(text.substr(1), limit);
    return printable(text, limit);
}

std::string sentence(std::string_view text, std::size_t limit) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    return still_printable(text, limit);
}

std::string id_of(const TargetId& target, std::size_t limit) { return printable(target.str(), limit); }
std::string when(const std::string& timezone, Time t) { return core::local_text(t, timezone, true); }
data optional(std::string text) { return text.empty() ? data{false} : data{std::move(text)}; }

std::string tone(core::Severity s) {
    switch (s) {
        case core::Severity::ok: return "good";
        case core::Severity::warning: return "warning";
        case core::Severity::unknown: return "unknown";
        case core::Severity::critical: return "critical";
    }
    return "unknown";
}

std::string color(core::Severity s) {
    switch (s) {
        case core::Severity::ok: return "#1d6b3a";
        case core::Severity::warning: return "#8a5a00";
        case core::Severity::unknown: return "#5b5f66";
        case core::Severity::critical: return "#b3261e";
    }
    return "#5b5f66";
}

std::string_view colon(Language language) { return language == Language::fr ? "\u00a0:" : ":"; }

std::string sender(const std::string& site) { return site.empty() ? "bkmon" : "bkmon " + safe(site, 100); }

std::string acknowledged_words(Language l, const std::string& by, const std::string& note) {
    if (by.empty()) return {};
    auto words = filled(l, Phrase::acknowledged_by, safe(by, 100));
    return note.empty() ? words : fmt::format("{}{} {}", words, colon(l), safe(note, 500));
}

std::string silence_words(Language l, const std::string& timezone, const SilenceTold& s) {
    auto words = safe(s.what, 300);
    if (s.until) words += fmt::format(" {} {}", phrase(l, Phrase::until), when(timezone, *s.until));
    if (!s.by.empty()) words += ", " + filled(l, Phrase::silence_by, safe(s.by, 100));
    if (!s.reason.empty()) words += fmt::format("{} {}", colon(l), safe(s.reason, 500));
    return words;
}

void add_command(data& commands, std::string_view label, std::string_view command, const TargetId* target, std::string_view rest) {
    std::string words(command);
    if (target != nullptr) {
        if (target->str().size() > kLongestCommand || printable(target->str(), kLongestCommand) != target->str()) return;
        words += " " + shell_word(target->str());
    }
    if (!rest.empty()) words += " " + std::string(rest);
    commands << data{object{{"label", optional(std::string(label))}, {"command", words}}};
}

void add_held(data& commands, Language language, const TargetId& target, std::string_view sha256) {
    if (!is_sha256(sha256)) return;
    const auto rest = "--sha256 " + lower(sha256);
    add_command(commands, phrase(language, Phrase::to_release), "bkmonctl deposits release", &target, rest);
    add_command(commands, phrase(language, Phrase::to_reject), "bkmonctl deposits reject", &target, rest);
}

void common(object& view, Language l, const std::string& site, const std::string& version, core::Severity severity, const std::string& headline) {
    view.emplace("severity", std::string(severity_word(l, severity)));
    view.emplace("tone", tone(severity));
    view.emplace("color", color(severity));
    view.emplace("headline", headline);
    view.emplace("colon", std::string(colon(l)));
    view.emplace("site", safe(site, 200));
    view.emplace("sender", sender(site));
    view.emplace("language", std::string(code_of(l)));
    view.emplace("look_further", std::string(phrase(l, Phrase::look_further)));
    view.emplace("footer", site.empty() ? "bkmon " + safe(version, 60) : filled(l, Phrase::made_by, safe(version, 60), safe(site, 200)));
}

Result<Composed> render(TemplateKind kind, const Templates& templates, object with) {
    Composed out;
    with.emplace("subject", std::string());
    auto subject = rendered(templates.subject, kind, TemplatePart::subject, data{with});
    if (!subject) return fail(std::move(subject.error()));
    // A template of several lines is one subject all the same; values have no line ends any more.
    std::replace(subject->begin(), subject->end(), '\n', ' ');
    out.subject = sentence(trim(*subject), kLongestSubject);
    with["subject"] = data{out.subject};
    auto text = rendered(templates.text, kind, TemplatePart::text, data{with});
    if (!text) return fail(std::move(text.error()));
    auto html = rendered(templates.html, kind, TemplatePart::html, data{with});
    if (!html) return fail(std::move(html.error()));
    out.text = fold(*text, kColumns);
    out.html = std::move(*html);
    return out;
}

}  // namespace bkmon::alerts::view
