#pragma once
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/cycle.h"
#include "daemon/core/report.h"
#include "daemon/core/settings/deposits.h"
#include "daemon/core/verdict.h"
#include "daemon/deposits/arrival/snapshot.h"
#include "daemon/platform/inspect/inspector.h"

namespace bkmon::deposits {

/// Pure rules: values in, values out. The order of judgement of one database in one report, worst first.

/// What the last healthy backups of the target say.
struct Baseline {
    std::string last_sha256;                    ///< of the last healthy one; empty when there was none
    std::optional<Time> last_backup_at;
    std::vector<std::uint64_t> sizes;           ///< newest first
    bool sha_was_healthy_before = false;        ///< the candidate's hash was healthy at an earlier time (not the last)
    bool always_empty = false;                  ///< earlier healthy ones held nothing either
};

/// Everything known about one database of one usable report.
struct Candidate {
    const core::DepositJob* job = nullptr;
    const core::Report* report = nullptr;
    const core::ReportDatabase* entry = nullptr;  ///< nullptr: the report does not name the database
    Time arrival{};
    std::optional<core::Cycle> cycle;
    core::ClockCheck clock;
};

/// Before any file is read: a stage that failed, a report entry that cannot be used, a future date … or nothing to say yet.
/// Fills status, severity, reason_code, reason, evidence.
std::optional<core::Verdict> judge_entry(const Candidate& c, Time now);

/// The checksum and size the server checks: COMPRESS, or BACKUP where the file was not compressed.
const core::Stage& sent_stage(const core::ReportDatabase& entry);

/// After the copy: damage, unchanged, gates, warning, ok. `findings` and `size` are of the copy, whose hash equals the claimed one.
/// Verdict.status tells what to do: ok and warning promote, held holds, corrupt and unchanged keep nothing.
core::Verdict judge_copy(const Candidate& c, const Baseline& baseline, const std::string& sha256, std::uint64_t size,
                         const inspect::Findings& findings, Time now);

/// The names a job may have in a report: case-insensitive, {year} matches four digits. `year` gets the digits.
bool job_matches(const core::DepositJob& job, std::string_view database, std::string* year = nullptr);

/// COMPANY_CITY_DISTRICT[_NUMBER] of an agent folder.
struct AgentName {
    std::string company, city, district;
};
AgentName split_agent(std::string_view folder);

}  // namespace bkmon::deposits
