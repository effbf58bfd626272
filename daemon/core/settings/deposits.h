#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "daemon/core/size_stats.h"

namespace bkmon::core {

using Labels = std::map<std::string, std::string>;

enum class Content { auto_detect, mysql, postgresql, sqlite, mssql, archive, opaque };

struct GateSettings {
    bool not_newer = true;
    bool replay = true;
    bool future = true;
    bool empty = true;
    bool database = true;     ///< the dump's own idea of its database's name
    SizeGate size;            ///< size.enabled switches the band off
};

/// One expected backup: what `deposits.jobs` says, defaults filled in.
struct DepositJob {
    std::string agent;                    ///< folder name; case is ignored
    std::string database;                 ///< may contain {year}
    std::optional<std::string> schedule;  ///< text; absent ("none"): never missing, unknown at twice max_age
    std::string timezone;
    milliseconds early{std::chrono::minutes(30)};
    milliseconds deadline{std::chrono::hours(2)};
    milliseconds max_age{std::chrono::hours(26)};          ///< only for jobs without a schedule
    milliseconds max_report_age{std::chrono::hours(24 * 7)};
    std::string path = "{agent}/{database}/{file}";
    int keep = 1;                         ///< healthy versions to keep, the current one included
    milliseconds keep_replaced{std::chrono::hours(24)};
    bool consume = true;
    bool active = true;
    Content content = Content::auto_detect;
    bool end_mark = true;                 ///< false for dumps made with --skip-comments
    bool unchanged_ok = false;            ///< severity OK instead of WARNING for `unchanged`
    std::uint64_t max_size = std::uint64_t{1} << 40;
    GateSettings gates;
    std::string company, city, district, year;   ///< overrides of what the folder name says; year: "" = the backup's
    std::string report_timezone = "UTC";
    std::string owner;                    ///< user that must own the deposited file; empty: anybody
    Labels labels;
    std::vector<std::string> recipients;
    std::string origin;                   ///< file:line:col, for messages
};

struct DepositSettings {
    bool configured = false;              ///< the section is there
    std::string root = "/mnt/agent_deposits";
    std::string vault = "/mnt/validated_backups";
    milliseconds rescan{std::chrono::seconds(30)};
    milliseconds settle{std::chrono::seconds(30)};  ///< quiet time before bytes that do not match are called damaged
    int held_days = 30;
    std::uint64_t held_max_bytes = std::uint64_t{100} << 30;
    std::uint64_t reserve_bytes = std::uint64_t{256} << 20;  ///< never fill the vault's file system beyond this
    milliseconds verify_every{std::chrono::hours(24 * 7)};   ///< each file of the vault is read again at least this often; 0: only on demand
    std::uint64_t verify_rate = std::uint64_t{64} << 20;     ///< bytes in a second that this may read; 0: no bound
    std::vector<std::string> auto_adopt;  ///< agents (globs) whose unexpected databases become jobs by themselves
    DepositJob defaults;
    std::vector<DepositJob> jobs;
};

}  // namespace bkmon::core
