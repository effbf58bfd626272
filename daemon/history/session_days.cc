// The record of days. Most have one cycle and are one row of `daily`; the cycles of the others lie in `daily_cycle`.
#include "daemon/history/columns.h"
#include "daemon/history/days.h"
#include "daemon/history/sqlite_session.h"

namespace bkmon::history {

Result<void> SqliteSession::write_day(std::int64_t target, const DailyRow& row) {
    auto statement =
        connection_.prepare("INSERT OR REPLACE INTO daily (date, target, " BKMON_TOLD_COLUMNS ") VALUES (?, ?, " BKMON_TOLD_PARAMETERS ")");
    if (!statement) return fail(in("history", std::move(statement.error())));
    // Where the verdict may expire long before the day, the day has its evidence itself: expire() looks at no later ones.
    const bool near = days_before(row.date, kToldDays) <= rfc3339(row.verdict.at).substr(0, 10);
    statement->bind(row.date, target);
    bind_told(*statement, row.verdict, near ? row.told_by : 0);
    if (auto r = statement->run(); !r) return fail(in("history", std::move(r.error())));
    return {};
}

Result<void> SqliteSession::write_cycle(std::int64_t target, const DailyRow& row) {
    auto statement = connection_.prepare("INSERT OR REPLACE INTO daily_cycle (target, date, cycle, " BKMON_VERDICT_COLUMNS
                                         ") VALUES (?, ?, ?, " BKMON_VERDICT_PARAMETERS ")");
    if (!statement) return fail(in("history", std::move(statement.error())));
    statement->bind(target, row.date, cycle_key(row.verdict));
    bind_verdict(*statement, row.verdict);
    if (auto r = statement->run(); !r) return fail(in("history", std::move(r.error())));
    return {};
}

/// The cycles of a day that has several; else nothing.
Result<std::vector<core::Verdict>> SqliteSession::cycles_of(std::int64_t target, const std::string& date) {
    std::vector<core::Verdict> cycles;
    auto r = query(
        "SELECT " BKMON_VERDICT_COLUMNS " FROM daily_cycle WHERE target = ? AND date = ?",
        [&](sql::Statement& s) { return read_verdict(s, cycles.emplace_back()); }, target, date);
    if (!r) return fail(std::move(r.error()));
    return cycles;
}

Result<void> SqliteSession::put_daily(const DailyRow& row) {
    auto target = number_of(row.target);
    if (!target) return fail(std::move(target.error()));
    const std::int64_t number = target->value_or(0);
    std::optional<core::Verdict> day;
    auto found = query(
        "SELECT " BKMON_TOLD_SELECT " FROM daily WHERE date = ? AND target = ?", [&](sql::Statement& s) { return read_verdict(s, day.emplace()); },
        row.date, number);
    if (!found) return found;
    const bool same_cycle = day && cycle_key(*day) == cycle_key(row.verdict);
    bool several = false;
    auto known = query(
        "SELECT EXISTS (SELECT 1 FROM daily_cycle WHERE target = ? AND date = ?)",
        [&](sql::Statement& s) -> Result<void> {
            s.read(several);
            return {};
        },
        number, row.date);
    if (!known) return known;
    if (!day || (same_cycle && !several)) return write_day(number, row);
    if (!several) {  // the day's second one
        if (auto r = write_cycle(number, {row.target, row.date, *day}); !r) return r;
        if (auto r = run("DELETE FROM daily_cycle WHERE target = ? AND date < ?", number, days_before(row.date, kCycleDays)); !r) return r;
    }
    if (auto r = write_cycle(number, row); !r) return r;
    if (!same_cycle) return outweighs(row.verdict, *day) ? write_day(number, row) : Result<void>();
    // The one that stood for the day is another now: perhaps a better one than those beside it.
    auto cycles = cycles_of(number, row.date);
    if (!cycles) return fail(std::move(cycles.error()));
    DailyRow worst = row;
    for (auto& cycle : *cycles)
        if (outweighs(cycle, worst.verdict)) worst = {row.target, row.date, std::move(cycle)};
    return write_day(number, worst);
}

}  // namespace bkmon::history
