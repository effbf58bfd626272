#pragma once
#include "daemon/history/rows.h"
#include "daemon/platform/sql/statement.h"

namespace bkmon::history {

/// The columns of a verdict, in the order that bind_verdict and read_verdict use.
#define BKMON_VERDICT_FIELDS "at, status, severity, reason_code, reason, due, backup_at, file, size_bytes, sha256, run, duration_ms, place, "
#define BKMON_VERDICT_COLUMNS BKMON_VERDICT_FIELDS "evidence"
#define BKMON_VERDICT_PARAMETERS "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
/// Those of `current` and `daily`, whose evidence may lie in the row of `verdict` that they name: it is most of a verdict's bytes, and written once.
#define BKMON_TOLD_COLUMNS BKMON_VERDICT_COLUMNS ", told_by"
#define BKMON_TOLD_PARAMETERS BKMON_VERDICT_PARAMETERS ", ?"
#define BKMON_TOLD_SELECT BKMON_VERDICT_FIELDS "coalesce((SELECT told.evidence FROM verdict told WHERE told.id = told_by), evidence)"
#define BKMON_NO_EVIDENCE_SELECT BKMON_VERDICT_FIELDS "''"

void bind_verdict(sql::Statement& statement, const core::Verdict& verdict);
/// For BKMON_TOLD_COLUMNS. told_by 0: the row has its evidence itself.
void bind_told(sql::Statement& statement, const core::Verdict& verdict, std::int64_t told_by);

/// Errc::corrupt when a column holds what we never wrote.
Result<void> read_verdict(sql::Statement& statement, core::Verdict& verdict);

/// Reads a display name. An absent one gives the empty id.
Result<void> read_target(sql::Statement& statement, TargetId& target);

}  // namespace bkmon::history
