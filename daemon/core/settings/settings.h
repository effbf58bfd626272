#pragma once
#include <string>
#include <vector>

#include "common/base/time.h"
#include "daemon/core/settings/alerts.h"
#include "daemon/core/settings/deposits.h"
#include "daemon/core/settings/outlets.h"

namespace bkmon::core {

struct ControlSettings {
    std::string socket = "/run/bkmon/control.sock";
    bool roles_given = false;   ///< absent: root and the daemon's own user are admins, nobody else may do anything
    std::vector<std::string> admin, oper, viewer;   ///< users and @groups
    struct Grant {              ///< {group: "@acme", role: operator, targets: ["instance/acme-*"]}
        std::string who, role;
        std::vector<std::string> targets;   ///< globs; empty: all
    };
    std::vector<Grant> grants;
};

struct HistorySettings {
    std::string engine = "sqlite";
    std::string path;           ///< default: <state>/history.db
    milliseconds keep{std::chrono::hours(24 * 800)};
};

/// Room on the file systems that bkmond needs: a warning before one is full.
struct SpaceSettings {
    int low_percent = 5;                                 ///< less than this part free …
    std::uint64_t low_bytes = std::uint64_t{10} << 30;   ///< … and less than this: low
    std::uint64_t reserve = std::uint64_t{16} << 20;     ///< kept beside the history for the emergency; 0: none
};

/// The whole configuration, defaults filled in, as checked. A value.
struct Settings {
    std::string timezone = "UTC";
    std::string site = "main";
    std::string state = "/var/lib/bkmon";
    ControlSettings control;
    HistorySettings history;
    SpaceSettings space;
    DepositSettings deposits;
    OutletSettings outlets;
    MailSettings mail;
    AlertSettings alerts;
    std::vector<std::string> files;      ///< which files it came from, in order
};

}  // namespace bkmon::core
