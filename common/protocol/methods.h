#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bkmon::protocol {

/// Who may call. A method that forgets this is closed: admin.
enum class Role : std::uint8_t { none, viewer, oper, admin };

std::string_view name_of(Role role);  ///< "none", "viewer", "operator", "admin"
std::optional<Role> role_of(std::string_view name);

struct MethodSpec {
    std::string_view name;  ///< "io.bkmon.Targets.Status"
    Role role = Role::admin;
    bool streams = false;      ///< answers `more` with several replies
    std::string_view command;  ///< the bkmonctl command that calls it
    bool per_target = false;   ///< callers limited to some targets may call it: its handler shows and touches only those
};

/// Every method, sorted by name. The dispatcher, the roles, the tests and CONTRIBUTING read this one table.
inline constexpr std::array kMethods{
    MethodSpec{"io.bkmon.Alerts.Ack", Role::oper, false, "alerts ack", true},
    MethodSpec{"io.bkmon.Alerts.Expect", Role::oper, false, "alerts expect", true},
    MethodSpec{"io.bkmon.Alerts.Explain", Role::viewer, false, "alerts explain", true},
    MethodSpec{"io.bkmon.Alerts.List", Role::viewer, false, "alerts list", true},
    MethodSpec{"io.bkmon.Alerts.Outbox", Role::viewer, false, "alerts outbox"},
    MethodSpec{"io.bkmon.Alerts.Retry", Role::oper, false, "alerts retry"},
    MethodSpec{"io.bkmon.Alerts.Show", Role::viewer, false, "alerts show", true},
    MethodSpec{"io.bkmon.Alerts.Silence", Role::oper, false, "alerts silence", true},
    MethodSpec{"io.bkmon.Alerts.Silences", Role::viewer, false, "alerts silences", true},
    MethodSpec{"io.bkmon.Alerts.Test", Role::oper, false, "alerts test"},
    MethodSpec{"io.bkmon.Alerts.Unsilence", Role::oper, false, "alerts unsilence", true},
    MethodSpec{"io.bkmon.Daemon.Complete", Role::viewer, false, "__complete", true},
    MethodSpec{"io.bkmon.Daemon.Reload", Role::admin, false, "reload"},
    MethodSpec{"io.bkmon.Daemon.Settings", Role::admin, false, "config show"},
    MethodSpec{"io.bkmon.Daemon.Version", Role::viewer, false, "version", true},
    MethodSpec{"io.bkmon.Deposits.Adopt", Role::admin, false, "deposits adopt"},
    MethodSpec{"io.bkmon.Deposits.Init", Role::admin, false, "deposits init"},
    MethodSpec{"io.bkmon.Deposits.List", Role::viewer, false, "deposits list", true},
    MethodSpec{"io.bkmon.Deposits.Reject", Role::admin, false, "deposits reject", true},
    MethodSpec{"io.bkmon.Deposits.Release", Role::admin, false, "deposits release", true},
    MethodSpec{"io.bkmon.Deposits.Rescan", Role::oper, true, "deposits rescan"},
    MethodSpec{"io.bkmon.Deposits.Unexpected", Role::viewer, false, "deposits unexpected", true},
    MethodSpec{"io.bkmon.Deposits.Verify", Role::oper, true, "deposits verify", true},
    MethodSpec{"io.bkmon.Outlets.Follow", Role::viewer, true, "outlets follow", true},
    MethodSpec{"io.bkmon.Outlets.Import", Role::admin, false, "outlets import"},
    MethodSpec{"io.bkmon.Outlets.List", Role::viewer, true, "outlets list", true},
    MethodSpec{"io.bkmon.Outlets.Modes", Role::viewer, false, "outlets modes", true},
    MethodSpec{"io.bkmon.Outlets.Scan", Role::oper, true, "outlets scan", true},
    MethodSpec{"io.bkmon.Runs.Cancel", Role::oper, false, "runs cancel", true},
    MethodSpec{"io.bkmon.Runs.Follow", Role::viewer, true, "runs follow", true},
    MethodSpec{"io.bkmon.Runs.List", Role::viewer, false, "runs list", true},
    MethodSpec{"io.bkmon.Runs.Show", Role::viewer, false, "runs show", true},
    MethodSpec{"io.bkmon.Schedule.List", Role::viewer, false, "schedule list", true},
    MethodSpec{"io.bkmon.Targets.Explain", Role::viewer, false, "explain", true},
    MethodSpec{"io.bkmon.Targets.History", Role::viewer, true, "history", true},
    MethodSpec{"io.bkmon.Targets.Pause", Role::oper, false, "pause", true},
    MethodSpec{"io.bkmon.Targets.Report", Role::viewer, true, "report", true},
    MethodSpec{"io.bkmon.Targets.Resume", Role::oper, false, "resume", true},
    MethodSpec{"io.bkmon.Targets.Status", Role::viewer, true, "status", true},
    MethodSpec{"io.bkmon.Targets.Summary", Role::viewer, false, "summary", true},
    MethodSpec{"io.bkmon.Targets.Watch", Role::viewer, true, "watch", true},
};

const MethodSpec* find_method(std::string_view name);

}  // namespace bkmon::protocol
