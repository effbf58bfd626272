// `alerts.rules`: the conditions, what is done, and rules that no verdict would ever reach.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/text.h"
#include "daemon/config/alert_parts.h"

namespace bkmon::config {
namespace {

using core::AlertRule;

constexpr double kMinute = 60.0 * 1000, kYear = 366.0 * 24 * 60 * kMinute;
constexpr std::string_view kStatusWords = "unchanged warning held missing failed corrupt unreachable unknown ok late paused";
constexpr std::string_view kKinds = "deposit outlet client instance consolidation bkmon";

/// As written; which of them are there the keys tell.
struct RuleText {
    std::vector<std::string> kinds, targets, statuses, to;
    core::Labels labels;
    std::string mail, severity, text;
    int after = 1, reminders = 0;
    milliseconds remind{0};
};

const std::array<Setting<RuleText>, 11> kRule{{
    {{"kind", Kind::patterns, "pattern or list", "kinds of targets: deposit, outlet, client, instance, consolidation, bkmon"},
     [](RuleText& r) -> Slot { return &r.kinds; }},
    {{"target", Kind::patterns, "pattern or list", "targets, as `bkmonctl status` names them, with * and ?"},
     [](RuleText& r) -> Slot { return &r.targets; }},
    {{"status", Kind::choices, "status or list", "unchanged, warning, held, missing, failed, corrupt, unreachable, unknown", 0, 0, kStatusWords},
     [](RuleText& r) -> Slot { return &r.statuses; }},
    {{"labels", Kind::labels, "map of patterns", "each must be there and fit"}, [](RuleText& r) -> Slot { return &r.labels; }},
    {{"mail", Kind::choice, "at_once, digest, never", "when it is said; default: as without a rule", 0, 0, "at_once digest never"},
     [](RuleText& r) -> Slot { return &r.mail; }},
    {{"to", Kind::addresses, "list of mail addresses", "who is told; default: the target's recipients, else mail.to"},
     [](RuleText& r) -> Slot { return &r.to; }},
    {{"after", Kind::whole, "1..1000", "bad verdicts in a row until it is said; a run that did not happen at all is said at the first", 1, 1000},
     [](RuleText& r) -> Slot { return &r.after; }},
    {{"remind", Kind::duration, "1min..366d, never", "default: alerts.remind", kMinute, kYear, "never"},
     [](RuleText& r) -> Slot { return &r.remind; }},
    {{"reminders", Kind::whole, "0..1000", "default: alerts.reminders", 0, 1000}, [](RuleText& r) -> Slot { return &r.reminders; }},
    {{"severity", Kind::choice, "critical, warning, unknown", "instead of the status's own", 0, 0, "critical warning unknown"},
     [](RuleText& r) -> Slot { return &r.severity; }},
    {{"text", Kind::name, "name", "the template in mail.templates; default: `default`, else the built-in one"},
     [](RuleText& r) -> Slot { return &r.text; }},
}};

const Mark& mark_of(const Node& node, std::size_t item) { return node.kind == Node::Kind::list ? node.items[item].mark : node.mark; }

/// True when some target of this kind could fit: what stands before the first wildcard decides.
bool could_name(const std::string& pattern, const std::string& kind) {
    const auto begin = kind + "/";
    const auto wild = pattern.find_first_of("*?[");
    const auto fixed = lower(std::string_view(pattern).substr(0, wild));
    if (wild == std::string::npos) return fixed.starts_with(begin) && fixed.size() > begin.size();
    return fixed.starts_with(begin) || begin.starts_with(fixed);
}

/// Ids spell every other byte as %XX.
bool could_be_spelled(const std::string& pattern) {
    return std::all_of(pattern.begin(), pattern.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("._-%/*?[]!").find(c) != std::string_view::npos;
    });
}

core::AlertRule rule_of(RuleText&& text, const KeyMarks& keys) {
    core::AlertRule rule;
    rule.kinds = std::move(text.kinds);
    rule.targets = std::move(text.targets);
    for (const auto& word : text.statuses)
        if (const auto status = core::status_of(word)) rule.statuses.push_back(*status);
    rule.labels = std::move(text.labels);
    if (keys.contains("mail"))
        rule.mail = text.mail == "at_once" ? AlertRule::Mail::at_once : text.mail == "digest" ? AlertRule::Mail::digest : AlertRule::Mail::never;
    rule.to = std::move(text.to);
    rule.after = text.after;
    if (keys.contains("remind")) rule.remind = text.remind;
    if (keys.contains("reminders")) rule.reminders = text.reminders;
    if (keys.contains("severity"))
        rule.severity = text.severity == "critical"  ? core::Severity::critical
                        : text.severity == "warning" ? core::Severity::warning
                                                     : core::Severity::unknown;
    rule.text = std::move(text.text);
    return rule;
}

/// Everything that fits one of `narrow` fits one of `wide`. Of patterns that differ only `*` is known to fit all.
bool wider(const std::vector<std::string>& wide, const std::vector<std::string>& narrow) {
    if (wide.empty() || std::find(wide.begin(), wide.end(), "*") != wide.end()) return true;
    return !narrow.empty() && std::all_of(narrow.begin(), narrow.end(), [&](const std::string& glob) {
        return std::any_of(wide.begin(), wide.end(), [&](const std::string& other) {
            const bool plain = glob.find_first_of("*?[") == std::string::npos;
            return equal_ignoring_case(glob, other) || (plain && glob_match(other, glob));
        });
    });
}

bool fits_all_of(const AlertRule& first, const AlertRule& later) {
    const auto status = [&](core::Status s) { return std::find(first.statuses.begin(), first.statuses.end(), s) != first.statuses.end(); };
    if (!first.statuses.empty() && (later.statuses.empty() || !std::all_of(later.statuses.begin(), later.statuses.end(), status))) return false;
    for (const auto& [name, value] : first.labels) {
        const auto same = later.labels.find(name);
        if (same == later.labels.end() || !wider({value}, {same->second})) return false;
    }
    return wider(first.kinds, later.kinds) && wider(first.targets, later.targets);
}

/// Statuses about which nothing is ever mailed.
bool check_statuses(Context& context, const Node& node, const std::vector<std::string>& statuses) {
    bool good = true;
    for (std::size_t i = 0; i < statuses.size(); ++i) {
        if (statuses[i] != "ok" && statuses[i] != "late" && statuses[i] != "paused") continue;
        context.problem(mark_of(node, i), fmt::format("status: no mail is about '{}': it is shown only", statuses[i]));
        good = false;
    }
    return good;
}

}  // namespace

bool check_kinds(Context& context, const Node& node, const std::vector<std::string>& kinds) {
    const auto known = split(kKinds, ' ');
    bool good = true;
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        if (std::any_of(known.begin(), known.end(), [&](const std::string& kind) { return glob_match(kinds[i], kind); })) continue;
        const auto near = nearest(kinds[i], known);
        context.problem(mark_of(node, i),
                        fmt::format("kind: there is no kind '{}'{}", printable(kinds[i], 100),
                                    near.empty() ? fmt::format(" (known: {})", fmt::join(known, ", ")) : fmt::format(" (did you mean '{}'?)", near)));
        good = false;
    }
    return good;
}

bool check_targets(Context& context, const Node& node, const std::vector<std::string>& targets) {
    const auto known = split(kKinds, ' ');
    bool good = true;
    for (std::size_t i = 0; i < targets.size(); ++i) {
        const auto& target = targets[i];
        std::string why;
        if (!could_be_spelled(target))
            why =
                "no target is spelled like that: take it from `bkmonctl status`, where other characters than letters, digits, '.', '_' and '-' are "
                "%XX";
        else if (std::none_of(known.begin(), known.end(), [&](const std::string& kind) { return could_name(target, kind); }))
            why = "a target is kind and name, such as deposit/SHOP_*";
        if (why.empty()) continue;
        context.problem(mark_of(node, i), fmt::format("target: '{}': {}", printable(target, 200), why));
        good = false;
    }
    return good;
}

/// What a rule says about mails must be possible with `mail` as it is.
bool RuleReader::check_mail(const AlertRule& rule, const KeyMarks& keys) {
    const auto bad = [&](std::string_view key, std::string what) {
        context_.problem(keys.find(key)->second, std::move(what));
        return false;
    };
    const bool mails = rule.mail && *rule.mail != AlertRule::Mail::never;
    if (!mail_.configured) {
        for (const std::string_view key : {"to", "text", "mail"})
            if (keys.contains(key) && (key != "mail" || mails))
                return bad(key, fmt::format("{}: without a section 'mail' nothing can be mailed", key));
        return true;
    }
    if (mails && *rule.mail == AlertRule::Mail::digest && !mail_.digest) return bad("mail", "mail: there is no digest (mail.digest is none)");
    if (keys.contains("to") && rule.to.empty()) return bad("to", "to: the list is empty: leave it out, or write 'mail: never'");
    if (rule.text.empty()) return true;
    if (rule.text == "digest") return bad("text", "text: 'digest' is the template of the daily mail");
    if (mail_.templates.empty()) return bad("text", "text: there is no folder of templates (mail.templates)");
    if (!texts_known_ || mail_.texts.contains(rule.text)) return true;
    std::vector<std::string> names;
    for (const auto& [name, text] : mail_.texts) names.push_back(name);
    const auto near = nearest(rule.text, names);
    return bad("text", fmt::format("text: there is no template '{}' in {}{}", printable(rule.text, 100), printable(mail_.templates, 200),
                                   near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near)));
}

void RuleReader::read(const std::string& path, const Node& node, std::vector<AlertRule>& into) {
    RuleText text;
    const auto keys = read_map<RuleText>(context_, path, node, kRule, text, false);
    bool good = keys.size() == node.keys.size();
    if (const auto* kinds = node.find("kind")) good = check_kinds(context_, *kinds, text.kinds) && good;
    if (const auto* targets = node.find("target")) good = check_targets(context_, *targets, text.targets) && good;
    if (const auto* statuses = node.find("status")) good = check_statuses(context_, *statuses, text.statuses) && good;
    auto rule = rule_of(std::move(text), keys);
    if (!check_mail(rule, keys) || !good) return;
    for (const auto& first : into)
        if (fits_all_of(first, rule))
            return context_.problem(node.mark, fmt::format("this rule is never reached: whatever fits it fits the one at {}", first.origin));
    rule.origin = context_.where(node.mark);
    into.push_back(std::move(rule));
}

void list_rule_settings(std::vector<std::pair<std::string, Row>>& into) {
    for (const auto& s : kRule) into.emplace_back("alerts.rules." + std::string(s.row.name), s.row);
}

}  // namespace bkmon::config
