#pragma once
#include <cstdint>
#include <string>

#include "daemon/core/verdict.h"

namespace bkmon::history {

/// How a day with several cycles becomes one row. Pure; the same for every engine.

/// Which cycle a verdict speaks of: its due time in milliseconds; 0 for all verdicts without one, of which the newest counts.
std::int64_t cycle_key(const core::Verdict& verdict);

/// True when `a` stands for a day rather than `b`, a verdict of another cycle of it: the worse one (a paused cycle says less than any
/// other, a good one less than one that is not), and of equally bad ones that of the later cycle.
bool outweighs(const core::Verdict& a, const core::Verdict& b);

/// Cycles of a target are kept one by one for so many days before the newest that was written: late reports are no older.
inline constexpr int kCycleDays = 62;

/// A day has its evidence from a row of the history when it is at most so many days after that row's (UTC) one: both expire together then.
inline constexpr int kToldDays = 1;

/// "2026-11-22" and 62 -> "2026-09-21". The text itself when it is no date.
std::string days_before(const std::string& date, int days);

}  // namespace bkmon::history
