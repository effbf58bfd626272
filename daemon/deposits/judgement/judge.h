#pragma once
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/cycle.h"
#include "daemon/core/job_names.h"
#include "daemon/core/report.h"
#include "daemon/core/settings/deposits.h"
#include "daemon/core/verdict.h"
#include "daemon/deposits/arrival/snapshot.h"
#include "daemon/platform/inspect/inspector.h"

namespace bkmon::deposits {

/// Pure rules: values in, values out. The order of judgement of one database in one report, worst first:
/// missing > failed > corrupt > unchanged > held > warning > ok. Any thread.

/// What the last healthy backups of the target say.
struct Baseline {
    std::string last_sha256;  ///< of the last healthy one; empty when there was none
    std::optional<Time> last_backup_at;
    std::vector<std::uint64_t> sizes;     ///< newest first; at the end the stand-ins
    std::size_t stand_ins = 0;            ///< so many of the sizes are what somebody expects from now on: too few came since to be usual
    std::string expected_by;              ///< who; empty: nobody said what to expect
    bool sha_was_healthy_before = false;  ///< the candidate's hash was healthy at an earlier time (not the last)
    bool always_empty = false;            ///< earlier healthy ones held nothing either
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

/// Before any file is read: the report is another agent's, a stage failed, the entry cannot be used or names no acceptable file (all `failed`),
/// or does not name the database and the deadline has passed (`missing`); nullopt: nothing to say yet. Gates speak in judge_copy, since
/// damage comes before them. Fills all but run and duration.
std::optional<core::Verdict> judge_entry(const Candidate& c, Time now);

/// When the backup was made: the end (else the start) of BACKUP, else the end of the operation. Times without a zone that are ahead
/// by whole hours are put right by them, so that the day it is repaired does not look like a step back.
std::optional<Time> backup_time(const Candidate& c);

/// A clock that was never set: before the year 2000. Such a report is judged (and held), not ignored as too old.
bool clock_implausible(Time end);

/// The checksum and size the server checks: COMPRESS, or BACKUP where the file was not compressed.
using core::sent_stage;

/// After the copy: damage, unchanged, gates, warning, ok. `findings` and `size` are of the copy, whose hash equals the claimed one.
/// Verdict.status tells what to do: ok and warning promote, held holds, corrupt and unchanged keep nothing. Of several gates the first in the
/// order replay, future, clock, not_newer, empty, other_database, too_small, size_band gives the reason; the evidence lists all.
core::Verdict judge_copy(const Candidate& c, const Baseline& baseline, const std::string& sha256, std::uint64_t size,
                         const inspect::Findings& findings, Time now);

/// The names a job may have in a report: case-insensitive, {year} matches four digits. `year` gets the digits.
bool job_matches(const core::DepositJob& job, std::string_view database, std::string* year = nullptr);

using core::AgentName;
using core::split_agent;

}  // namespace bkmon::deposits
