#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/alerts/rules/decide.h"
#include "daemon/core/incident.h"

namespace bkmon::alerts {

using core::Incident;
using core::name_of;
using core::Word;

/// What changed.
struct Turn {
    core::Status status = core::Status::unknown;
    Time at{};  ///< now
    Time problem_at{};
    Decision decision;      ///< for this verdict
    bool silenced = false;  ///< somebody asked for silence: it is remembered, and said when that ends
};

struct Notice {
    Word word{};
    core::AlertRule::Mail mail{};
    core::Status from = core::Status::unknown, to = core::Status::unknown;
    Time at{};
};

struct FlapRules {
    int openings = 3;  ///< more within `within` is flapping
    milliseconds within{std::chrono::hours(24)};
    milliseconds hold{std::chrono::minutes(30)};  ///< so long a status must stay to be said again
};

/// Worse ones are greater: the order of judgement within a severity.
int rank(core::Status status);

/// A verdict came. `incident` is changed; what is to be said, if anything. A good one closes it (closed_at), also where nothing was said.
std::optional<Notice> turn(Incident& incident, const Turn& turn, const FlapRules& flap);

/// Time passed: reminders, the end of a silence, a status that stayed after flapping. `decision` for the current verdict.
std::optional<Notice> tick(Incident& incident, const Decision& decision, bool silenced, Time now, const FlapRules& flap);

/// When tick() may have something to say next; nullopt: never by itself.
std::optional<Time> next_tick(const Incident& incident, const Decision& decision, const FlapRules& flap);

}  // namespace bkmon::alerts
