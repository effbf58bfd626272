#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "daemon/platform/loop/child.h"

namespace bkmon::app {

/// What the service manager and the journal know of a unit that failed. All of it printable, all of it may be missing.
struct UnitFailure {
    std::string unit;
    std::string result;         ///< of systemd: "exit-code", "watchdog", "start-limit-hit" …; empty: not known
    std::string ended;          ///< "status 1", "signal 11"; empty: not known
    std::optional<Time> since;  ///< when it failed
    std::vector<std::string> journal;
};

/// A name of a unit (systemd.unit(5)) that no program takes for an option.
bool is_unit_name(const std::string& name);

/// What `systemctl show` printed (Name=value lines) into it; what cannot be read is left out.
void read_properties(const std::string& shown, UnitFailure& into);

/// The last lines of a journal, the newest last.
std::vector<std::string> journal_lines(const std::string& text);

/// Asks systemctl and journalctl, each found by $PATH and given ten seconds; without them nothing is missing. `done` once, on the loop, never
/// from inside; not called after the returned object is gone.
std::shared_ptr<void> look_at_unit(loop::ChildRunner& runner, loop::EventLoop& loop, const std::string& unit, std::function<void(UnitFailure)> done);

}  // namespace bkmon::app
