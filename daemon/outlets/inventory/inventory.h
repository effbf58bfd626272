#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "daemon/core/settings/outlets.h"

namespace bkmon::outlets {

/// Larger inventories are refused, from wherever they come.
inline constexpr std::size_t kMaxInventoryBytes = std::size_t{16} << 20;
inline constexpr std::size_t kMaxInventoryRows = 100000;

/// A row that was skipped, and why.
struct BadRow {
    std::string where;    ///< "line 12", "row 12"
    std::string problem;  ///< printable
};

struct Inventory {
    std::vector<core::Outlet> outlets;  ///< by code, each code once (case ignored: the second one is a bad row)
    std::vector<BadRow> bad;
};

/// Columns code and address; name, active and anything else (a label) may follow in any order. Header names ignore case, and
/// OutletCode, IPAddress, ActiveDepot are taken too. RFC 4180; UTF-8 with or without a mark; one of , ; and tab between. active: empty, y, yes,
/// true, 1, s, si, o, oui, n, no, non, false, 0. Empty lines count for nothing; what a row leaves out at its end is empty. A quote that does not
/// end costs its own line, not the ones behind it. Errc::invalid: no header that fits, or not text; no_space: more than kMaxInventoryRows;
/// everything else is a bad row. Pure.
Result<Inventory> from_csv(std::string_view text);

/// The same of rows and columns as a database gives them: a null is empty.
Result<Inventory> from_table(const std::vector<std::string>& columns, const std::vector<std::vector<std::optional<std::string>>>& rows);

/// With a header, labels as columns of their own; from_csv() reads it back. Labels that are called like one of the other columns are left out.
std::string to_csv(const std::vector<core::Outlet>& outlets);

struct Difference {
    std::vector<std::string> added, changed, deactivated, reactivated;  ///< codes; deactivated: gone, or not active any more
    bool empty() const { return added.empty() && changed.empty() && deactivated.empty() && reactivated.empty(); }
};
/// What makes `after` out of `before`, each by code; codes are compared without their case.
Difference difference(const std::vector<core::Outlet>& before, const std::vector<core::Outlet>& after);

}  // namespace bkmon::outlets
