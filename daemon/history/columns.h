#pragma once
#include "daemon/history/rows.h"
#include "daemon/platform/sql/statement.h"

namespace bkmon::history {

/// The columns of a verdict, the same in `verdict`, `current` and `daily`, in the order that bind_verdict and read_verdict use.
#define BKMON_VERDICT_COLUMNS "at, status, severity, reason_code, reason, due, backup_at, file, size_bytes, sha256, run, duration_ms, place, evidence"
#define BKMON_VERDICT_PARAMETERS "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"

void bind_verdict(sql::Statement& statement, const core::Verdict& verdict);

/// Errc::corrupt when a column holds what we never wrote.
Result<void> read_verdict(sql::Statement& statement, core::Verdict& verdict);

/// Reads a display name. An absent one gives the empty id.
Result<void> read_target(sql::Statement& statement, TargetId& target);

}  // namespace bkmon::history
