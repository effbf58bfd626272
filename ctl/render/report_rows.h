#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/protocol/params.h"

namespace bkmon::ctl {

/// How a row counts: good is ok and unchanged; `none` counts nowhere: paused, or nothing due yet.
enum class Level : std::uint8_t { good, warning, critical, unknown, none };
inline constexpr std::size_t kLevels = 4;  ///< that count

/// What a page shows of one row of Targets.Report; text as it came.
struct ReportRow {
    std::string date, target, status, severity, reason, at, backup_at, file, drive, address, name;
    std::int64_t size = -1;  ///< bytes; -1: none
    Level level = Level::none;
};

struct ReportDay {
    std::string date;
    std::array<std::int64_t, kLevels> counts{};  ///< by Level
    std::map<std::string, std::int64_t> by_status;
    std::int64_t total() const;  ///< of what counts
};

/// One target over all days.
struct ReportTarget {
    std::size_t newest = 0;  ///< its newest row
    std::int64_t good = 0, counted = 0;
    std::int64_t bad_days = 0;  ///< days in a row up to the newest that were not good
    std::string bad_since;      ///< the first of them
    std::vector<Level> days;    ///< one for each of Report::days; none where it has no row
};

/// Rows by date, as Targets.Report gives them, and what they add up to.
struct Report {
    std::vector<ReportRow> rows;
    std::vector<ReportDay> days;        ///< by date
    std::vector<ReportTarget> targets;  ///< by id
    bool has_outlets = false;           ///< some row has a drive, an address or a name
    /// How the targets stand by their newest rows; what does not count is left out.
    std::array<std::int64_t, kLevels> now() const;
    /// Indexes of targets whose newest row is bad, worst first, then those bad for longest.
    std::vector<std::size_t> problems() const;
};

Level level_of(std::string_view status, std::string_view severity, std::string_view reason_code);

Report read_report(const std::vector<protocol::Params>& rows);

}  // namespace bkmon::ctl
