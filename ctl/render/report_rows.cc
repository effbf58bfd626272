#include "ctl/render/report_rows.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "common/base/text.h"
#include "ctl/render/paint.h"

namespace bkmon::ctl {

namespace {

std::string text(const protocol::Params& row, std::string_view name) {
    auto value = row.string(name);
    return value && *value ? std::move(**value) : std::string();
}

ReportRow read_row(const protocol::Params& params) {
    ReportRow row;
    row.date = text(params, "date");
    row.target = text(params, "target");
    row.status = text(params, "status");
    row.severity = text(params, "severity");
    row.reason = text(params, "reason");
    row.at = text(params, "at");
    row.backup_at = text(params, "backup_at");
    row.file = text(params, "file");
    row.drive = text(params, "drive");
    row.address = text(params, "address");
    row.name = text(params, "name");
    const auto size = params.integer("size_bytes");
    row.size = size && *size && **size >= 0 ? **size : -1;
    row.level = level_of(row.status, row.severity, text(params, "reason_code"));
    return row;
}

std::size_t index(Level level) { return static_cast<std::size_t>(level); }

void add_day(Report& report, const ReportRow& row) {
    if (report.days.empty() || report.days.back().date != row.date) report.days.push_back({row.date, {}, {}});
    if (row.level == Level::none) return;
    ++report.days.back().counts[index(row.level)];
    ++report.days.back().by_status[row.status];
}

/// `row` is the target's newest so far.
void add_to_target(ReportTarget& target, const ReportRow& row, std::size_t day) {
    target.days.resize(day + 1, Level::none);
    target.days[day] = row.level;
    if (row.level == Level::none) return;
    ++target.counted;
    if (row.level == Level::good) {
        ++target.good;
        target.bad_days = 0;
        target.bad_since.clear();
        return;
    }
    if (target.bad_days++ == 0) target.bad_since = row.date;
}

}  // namespace

std::int64_t ReportDay::total() const { return std::accumulate(counts.begin(), counts.end(), std::int64_t{0}); }

Level level_of(std::string_view status, std::string_view severity, std::string_view reason_code) {
    if (status == "paused" || reason_code == "first_due") return Level::none;
    if (status == "unchanged") return Level::good;
    switch (tone_of(status, severity)) {
        case Tone::good: return Level::good;
        case Tone::warning: return Level::warning;
        case Tone::critical: return Level::critical;
        default: return Level::unknown;
    }
}

Report read_report(const std::vector<protocol::Params>& rows) {
    Report report;
    report.rows.reserve(rows.size());
    for (const protocol::Params& row : rows) report.rows.push_back(read_row(row));
    std::stable_sort(report.rows.begin(), report.rows.end(),
                     [](const ReportRow& a, const ReportRow& b) { return std::tie(a.date, a.target) < std::tie(b.date, b.target); });
    std::map<std::string, ReportTarget> targets;
    for (std::size_t i = 0; i < report.rows.size(); ++i) {
        const ReportRow& row = report.rows[i];
        add_day(report, row);
        ReportTarget& target = targets[lower(row.target)];
        target.newest = i;
        add_to_target(target, row, report.days.size() - 1);
        report.has_outlets = report.has_outlets || !row.drive.empty() || !row.address.empty() || !row.name.empty();
    }
    for (auto& entry : targets) {
        entry.second.days.resize(report.days.size(), Level::none);
        report.targets.push_back(std::move(entry.second));
    }
    return report;
}

std::array<std::int64_t, kLevels> Report::now() const {
    std::array<std::int64_t, kLevels> counts{};
    for (const ReportTarget& target : targets)
        if (const Level level = rows[target.newest].level; level != Level::none) ++counts[index(level)];
    return counts;
}

std::vector<std::size_t> Report::problems() const {
    std::vector<std::size_t> bad;
    for (std::size_t i = 0; i < targets.size(); ++i)
        if (const Level level = rows[targets[i].newest].level; level != Level::good && level != Level::none) bad.push_back(i);
    const auto rank = [&](std::size_t i) { return std::tuple(-rank_of(rows[targets[i].newest].severity), -targets[i].bad_days); };
    std::stable_sort(bad.begin(), bad.end(), [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
    return bad;
}

}  // namespace bkmon::ctl
