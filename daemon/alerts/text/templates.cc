#include "daemon/alerts/text/templates.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <kainjow/mustache.hpp>

#include "common/base/text.h"
#include "daemon/alerts/text/built_in.h"
#include "daemon/alerts/text/built_in_html.h"

namespace bkmon::alerts {
namespace {

const std::vector<std::string_view> kEverywhere{"subject", "severity", "tone",         "color",  "headline", "site",
                                                "sender",  "language", "look_further", "footer", "commands", "colon"};

struct Names {
    std::string_view inside;
    std::vector<std::string_view> names;
};

const std::vector<Names> kAlert{
    {"",
     {"count", "one", "many", "reason", "cause_label", "cause", "explanation", "acknowledged", "note", "silenced", "suppressed", "rows",
      "targets_label", "targets", "more", "what_to_do", "has_advice", "advice", "has_commands"}},
    {"rows", {"label", "padded", "value"}},
    {"targets", {"id", "tone", "color", "status", "reason", "meaning", "since_label", "since", "last_ok_label", "last_ok", "summary"}},
    {"advice", {"of", "meaning"}},
    {"commands", {"label", "command"}},
};

const std::vector<Names> kDigest{
    {"", {"date",        "names",        "all_well",   "watches_nothing", "failed_mails",   "next",        "sections",     "has_days",
          "trend_label", "days",         "good_label", "bad_label",       "other_label",    "fleet_label", "total",        "counts",
          "has_oldest",  "oldest_label", "oldest",     "has_silences",    "silences_label", "silences",    "more_silences"}},
    {"sections", {"title", "count", "items", "more"}},
    {"items", {"id", "tone", "color", "status", "summary", "when", "reason", "meaning", "acknowledged", "commands"}},
    {"days", {"day", "bar", "figures", "share", "bad", "good_width", "bad_width", "other_width"}},
    {"counts", {"number", "padded", "status"}},
    {"oldest", {"id", "proof"}},
    {"silences", {"silence", "hides"}},
    {"commands", {"label", "command"}},
};

std::vector<TemplateName> all_names(const std::vector<Names>& lists) {
    std::vector<TemplateName> all;
    for (const auto name : kEverywhere) all.push_back({"", name});
    for (const auto& list : lists)
        for (const auto name : list.names) all.push_back({list.inside, name});
    return all;
}

struct Tag {
    std::size_t at = 0;
    char sigil = 0;  ///< of "#^/&{!>="; 0: none
    std::string name;
};

/// The tag at `at`, and where it ends. The parser has accepted the text before.
std::pair<Tag, std::size_t> tag_at(const std::string& text, std::size_t at) {
    const auto end = text.find("}}", at);
    const auto inner = trim(std::string_view(text).substr(at + 2, end == std::string::npos ? end : end - at - 2));
    Tag tag{at, 0, inner};
    if (!inner.empty() && std::string_view("#^/&{!>=").find(inner.front()) != std::string_view::npos) {
        tag.sigil = inner.front();
        tag.name = trim(std::string_view(inner).substr(1));
    }
    return {tag, end == std::string::npos ? text.size() : end + 2};
}

std::string place(const std::string& text, std::size_t at) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    const auto begin = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
    return fmt::format("{}:{}", line, at - (begin == std::string::npos ? 0 : begin + 1) + 1);
}

/// The parser's words, which end with an offset, with the place in front as everywhere.
std::string placed(const std::string& text, const std::string& message) {
    const auto word = message.rfind(" at ");
    std::size_t offset = 0;
    if (word == std::string::npos) return message;
    const auto [stop, error] = std::from_chars(message.data() + word + 4, message.data() + message.size(), offset);
    if (error != std::errc() || stop != message.data() + message.size() || offset > text.size()) return message;
    return place(text, offset) + ": " + printable(message.substr(0, word), 200);
}

/// What is wrong with the name where it stands; empty: nothing.
std::string complaint(const std::vector<TemplateName>& known, const std::string& name, const std::vector<std::string>& open) {
    std::vector<std::string> elsewhere, all;
    for (const auto& k : known) {
        all.emplace_back(k.name);
        if (k.name != name) continue;
        if (k.inside.empty() || std::find(open.begin(), open.end(), k.inside) != open.end()) return {};
        elsewhere.emplace_back(k.inside);
    }
    if (!elsewhere.empty()) return fmt::format("'{0}' is there inside of {{{{#{1}}}}} … {{{{/{1}}}}} alone", name, elsewhere.front());
    const auto near = nearest(name, all);
    return fmt::format("there is no variable '{}'{}", printable(name, 60), near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near));
}

std::string complaint(const Tag& tag, TemplatePart part) {
    if (tag.sigil == '>') return "a template cannot take in another one";
    if (tag.sigil == '=') return "other braces than {{ and }} are not known";
    if (part == TemplatePart::html && (tag.sigil == '{' || tag.sigil == '&'))
        return fmt::format("write {{{{{}}}}}: what comes from outside would become HTML", printable(tag.name, 60));
    return {};
}

std::string_view without_first_line_end(std::string_view text) { return !text.empty() && text.front() == '\n' ? text.substr(1) : text; }

}  // namespace

const std::vector<TemplateName>& template_names(TemplateKind kind) {
    static const auto alert = all_names(kAlert), digest = all_names(kDigest);
    return kind == TemplateKind::alert ? alert : digest;
}

std::string built_in(TemplateKind kind, TemplatePart part) {
    switch (part) {
        case TemplatePart::subject: return std::string(kind == TemplateKind::alert ? kAlertSubject : kDigestSubject);
        case TemplatePart::text: return std::string(without_first_line_end(kind == TemplateKind::alert ? kAlertText : kDigestText));
        case TemplatePart::html: break;
    }
    std::string page(kHtmlHead);
    page += kind == TemplateKind::alert ? kAlertHtml : kDigestHtml;
    page += kHtmlTail;
    return page;
}

Result<void> check_template(const std::string& text, TemplateKind kind, TemplatePart part) {
    const kainjow::mustache::mustache m(text);
    if (!m.is_valid()) return fail(Errc::invalid, placed(text, m.error_message()));
    std::vector<std::string> open;
    for (auto at = text.find("{{"); at != std::string::npos;) {
        const auto [tag, end] = tag_at(text, at);
        if (tag.sigil == '/' && !open.empty()) open.pop_back();
        if (tag.sigil != '!' && tag.sigil != '/' && tag.name != ".") {
            auto wrong = complaint(tag, part);
            if (wrong.empty()) wrong = complaint(template_names(kind), tag.name, open);
            if (!wrong.empty()) return fail(Errc::invalid, place(text, at) + ": " + wrong);
        }
        if (tag.sigil == '#' || tag.sigil == '^') open.push_back(tag.name);
        at = text.find("{{", end);
    }
    return {};
}

}  // namespace bkmon::alerts
