#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/time.h"

namespace bkmon::core {

/// One stage of one database in an agent's report, whatever dialect it came in.
struct Stage {
    bool present = false;
    std::optional<bool> status;  ///< absent or unreadable: nullopt, which is not success
    std::optional<Time> start, end;
    bool start_zone_assumed = false, end_zone_assumed = false;  ///< it named no zone: read in the agent's report_timezone
    std::string sha256;                                         ///< lower case, or empty
    std::optional<std::uint64_t> size_bytes;
    std::string error_message;  ///< raw text of the agent
};

struct ReportDatabase {
    std::string name;  ///< raw, as the agent wrote it
    Stage backup, compress, transfer;
    std::string staged_file_name;  ///< after the last `/` or `\`; empty when absent
    std::string staged_file_name_raw;
    std::string logs_summary;
    std::string invalid;  ///< non-empty: why this entry alone cannot be used (the others can)
};

enum class Dialect { current, older, text };  ///< bkmon-report(5)

struct Report {
    Dialect dialect = Dialect::current;
    std::string agent_id;                                ///< raw
    std::optional<Time> operation_start, operation_end;  ///< the end is always set by parse_report
    bool zone_assumed = false;                           ///< the end named no zone: read in the agent's report_timezone
    std::string overall_status;                          ///< raw; empty when absent
    std::vector<ReportDatabase> databases;
};

inline constexpr std::size_t kMaxReportBytes = 1 << 20;

/// True for the report names met in the field (any `*.json` that is no temporary name): STATUS.json, 20250612_125606_<agent>.json, …
bool is_report_name(std::string_view name);

/// What the server checks: COMPRESS, or BACKUP where the agent reports no compression.
const Stage& sent_stage(const ReportDatabase& entry);

/// Reads a report of any dialect. Errc::invalid names what is wrong and where ("databases.SDMC.COMPRESS.size: negative").
/// Refused: more than kMaxReportBytes, depth above 16, duplicate keys, invalid UTF-8, NUL and trailing bytes, NaN, numbers beyond a double,
/// and a frame that names no agent, no time or no databases. A UTF-8 BOM is skipped. What is wrong within one database makes only that
/// entry invalid. operation_end is always set: where the report has none, the latest time of a stage stands for it. Pure, any thread.
Result<Report> parse_report(std::string_view bytes, std::string_view report_timezone);

}  // namespace bkmon::core
