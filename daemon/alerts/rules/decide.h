#pragma once
#include <string>
#include <vector>

#include "common/base/target_id.h"
#include "daemon/core/settings/alerts.h"
#include "daemon/core/verdict.h"

namespace bkmon::alerts {

/// Of a target what rules look at. `recipients`: what its job says.
struct Subject {
    const TargetId& id;
    const core::Labels& labels;
    const std::vector<std::string>& recipients;
};

/// What is done about a verdict, and why.
struct Decision {
    core::AlertRule::Mail mail = core::AlertRule::Mail::never;
    std::vector<std::string> to;  ///< as configured; empty only where `mail` is never
    core::Severity severity = core::Severity::ok;
    int after = 1;
    milliseconds remind{0};  ///< 0: never
    int reminders = 0;
    std::string text;
    const core::AlertRule* rule = nullptr;  ///< the one that fitted; nullptr: none did
};

/// What rules and silences begin with: each of the three that is not empty must fit. Kinds and targets are globs, as are the labels' values.
bool selects(const std::vector<std::string>& kinds, const std::vector<std::string>& targets, const core::Labels& wanted, const TargetId& id,
             const core::Labels& labels);

/// True when every condition of the rule holds.
bool fits(const core::AlertRule& rule, const Subject& subject, core::Status status);

/// Pure. Without a rule: CRITICAL and `held` at once, other warnings and what is unknown in the digest, good ones, `late` and `paused` never.
/// `late` is shown only, whatever a rule says. `everybody`: mail.to, for targets and rules that name nobody.
Decision decide(const core::AlertSettings& settings, const std::vector<std::string>& everybody, const Subject& subject, const core::Verdict& verdict);

}  // namespace bkmon::alerts
