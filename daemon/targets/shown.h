#pragma once
#include <optional>
#include <string>

#include "daemon/targets/registry.h"

namespace bkmon::targets {

/// True for what puts a backup into the vault with a reservation: proof of a backup as an `ok` is.
bool promoted_with_warning(const core::Verdict& verdict);

/// Which of the reasons decides how a target is seen at a moment. Pure, any thread.
/// While a job runs, the view is that of the moment it began: it neither ages nor turns green by the running alone.
enum class View { stored, paused, overruled, stale };
View view_of(const Target& target, Time now);

/// The first moment after `now` at which the view changes by itself; nullopt when only a change of the target can.
std::optional<Time> next_change(const Target& target, Time now);

core::Status status_at(const Target& target, Time now);
core::Verdict verdict_at(const Target& target, Time now);
/// When the status that is shown began.
Time since_at(const Target& target, Time now);

/// "Paused by alice (uid 1001) until 2026-11-22T08:00:00Z: moving the server."
std::string pause_sentence(const history::PauseRow& pause);

/// The type Target of io.bkmon.Targets: every field, null for what there is not. `silence` (or none) says why nobody is told of a problem.
void put_json(JsonWriter& out, const Target& target, Time now, const std::function<std::string(const Target&)>& silence);

}  // namespace bkmon::targets
