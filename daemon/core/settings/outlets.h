#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "daemon/core/settings/deposits.h"

namespace bkmon::core {

/// Who bkmon is to an outlet's server. The password is read when a scan begins, by daemon/app, and never kept here.
struct SmbCredential {
    std::string user, domain;
    std::string password_file, password_credential;  ///< one of both
};

/// One server to look at.
struct Outlet {
    std::string code;     ///< of the target's id: outlet/<code>/<mode>
    std::string name;     ///< for people; may be empty
    std::string address;  ///< IPv4, IPv6 or a name
    bool active = true;
    Labels labels;
};

/// What is asked of the database where no query is configured: the usual table.
inline constexpr const char* kOutletQuery = "SELECT OutletCode AS code, IPAddress AS address, ActiveDepot AS active FROM Outlets";

/// An inventory in a table of a MariaDB or MySQL server.
struct InventorySql {
    std::string host = "127.0.0.1", user, database, query = kOutletQuery, password_file, password_credential, ca_file;
    int port = 3306;
    bool tls = false;                                ///< required, certificate verified; off only on loopback or by an explicit word
    milliseconds timeout{std::chrono::seconds(30)};  ///< of all of it
};

/// A program that prints the inventory as CSV.
struct InventoryCommand {
    std::vector<std::string> argv;  ///< never through a shell
    milliseconds timeout{std::chrono::minutes(1)};
};

/// Where the inventory comes from: exactly one of these.
struct OutletInventory {
    std::vector<Outlet> list;
    std::string csv;  ///< absolute path
    using Sql = InventorySql;
    std::optional<Sql> sql;
    using Command = InventoryCommand;
    std::optional<Command> command;
};

enum class OutletVerify { none, header };

/// When a mode is scanned by itself.
struct OutletSchedule {
    std::string expression;
    std::string only;  ///< empty: all; "pending": no result today yet; "problems"
};

/// A named place to look at on every outlet.
struct OutletMode {
    std::string name;
    std::vector<std::string> shares;             ///< tried in this order; the first that has the folder counts
    std::string folder;                          ///< with / between its parts; empty: the share's root
    std::vector<std::string> patterns{"*.bak"};  ///< of names, case ignored
    std::uint64_t min_size = 1024;
    std::optional<milliseconds> max_age{std::chrono::hours(26)};
    milliseconds clock_tolerance{std::chrono::hours(1)};
    OutletVerify verify = OutletVerify::header;
    std::string database;            ///< glob, case ignored: what the newest backup should be of; empty: anything. May hold {code} and {label:NAME}
    std::vector<std::string> kinds;  ///< full, differential, log, copy_only; empty: anything
    std::vector<OutletSchedule> schedules;
    std::string timezone;
    int port = 445;
    bool signing = true;  ///< false: servers that cannot sign are taken too
    SmbCredential credential;
    Labels labels;
    std::vector<std::string> recipients;
    bool active = true;
    std::string origin;  ///< file:line:col
};

struct OutletSettings {
    bool configured = false;
    OutletInventory inventory;
    std::vector<OutletMode> modes;
    int workers = 32;
    milliseconds connect_timeout{std::chrono::seconds(2)};
    milliseconds request_timeout{std::chrono::seconds(5)};
    milliseconds deadline{std::chrono::seconds(20)};  ///< for one outlet, from the moment a worker takes it
};

}  // namespace bkmon::core
