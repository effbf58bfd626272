#include "daemon/alerts/rules/decide.h"

#include <algorithm>

#include "common/base/text.h"

namespace bkmon::alerts {
namespace {

using Mail = core::AlertRule::Mail;

bool any_fits(const std::vector<std::string>& globs, std::string_view text) {
    return globs.empty() || std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) { return glob_match(glob, text); });
}

Mail usual(core::Status status, core::Severity severity) {
    if (core::is_good(status) && severity == core::Severity::ok) return Mail::never;
    if (status == core::Status::late || status == core::Status::paused) return Mail::never;
    if (severity == core::Severity::critical || status == core::Status::held) return Mail::at_once;
    return severity == core::Severity::ok ? Mail::never : Mail::digest;
}

/// A run that did not happen at all is no streak to wait for.
bool did_not_happen(core::Status status) { return status == core::Status::missing; }

}  // namespace

bool selects(const std::vector<std::string>& kinds, const std::vector<std::string>& targets, const core::Labels& wanted, const TargetId& id,
             const core::Labels& labels) {
    // What is asked most cheaply comes first: thousands of targets are asked about each rule.
    const auto has = [&](const auto& label) {
        const auto own = labels.find(label.first);
        return own != labels.end() && glob_match(label.second, own->second);
    };
    return std::all_of(wanted.begin(), wanted.end(), has) && any_fits(kinds, std::string_view(id.str()).substr(0, id.str().find('/'))) &&
           any_fits(targets, id.str());
}

bool fits(const core::AlertRule& rule, const Subject& subject, core::Status status) {
    if (!rule.statuses.empty() && std::find(rule.statuses.begin(), rule.statuses.end(), status) == rule.statuses.end()) return false;
    return selects(rule.kinds, rule.targets, rule.labels, subject.id, subject.labels);
}

Decision decide(const core::AlertSettings& settings, const std::vector<std::string>& everybody, const Subject& subject,
                const core::Verdict& verdict) {
    Decision d;
    d.severity = verdict.severity;
    d.remind = settings.remind;
    d.reminders = settings.reminders;
    d.to = subject.recipients.empty() ? everybody : subject.recipients;
    const auto rule = std::find_if(settings.rules.begin(), settings.rules.end(), [&](const auto& r) { return fits(r, subject, verdict.status); });
    if (rule != settings.rules.end()) {
        d.rule = &*rule;
        d.severity = rule->severity.value_or(d.severity);
        if (!rule->to.empty()) d.to = rule->to;
        d.after = did_not_happen(verdict.status) ? 1 : std::max(1, rule->after);
        d.remind = rule->remind.value_or(d.remind);
        d.reminders = rule->reminders.value_or(d.reminders);
        d.text = rule->text;
    }
    d.mail = d.rule != nullptr && d.rule->mail ? *d.rule->mail : usual(verdict.status, d.severity);
    if (verdict.status == core::Status::late || verdict.status == core::Status::paused || d.to.empty()) d.mail = Mail::never;
    return d;
}

}  // namespace bkmon::alerts
