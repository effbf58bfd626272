#pragma once
// The inventory in use, made ready for thousands of questions. Private to this room.
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/target_id.h"
#include "daemon/history/rows.h"
#include "daemon/outlets/inventory/inventory.h"
#include "daemon/targets/registry.h"

namespace bkmon::outlets {

/// Never changed after it was made; made on any thread.
struct Stock {
    std::vector<core::Outlet> outlets;                             ///< as the inventory names them, by code
    std::vector<core::Outlet> gone;                                ///< not named any more: for the reports of their days
    std::vector<std::string> modes;                                ///< the active ones, by name
    std::vector<std::vector<TargetId>> targets;                    ///< of each outlet by mode; empty for one that is not active
    std::unordered_map<std::string, const core::Outlet*> by_code;  ///< as it stands in TargetId::key()
    std::size_t active = 0;

    std::optional<std::size_t> mode(const std::string& name) const;
    const core::Outlet* find(const TargetId& target) const;
    /// Stays alive with the stock.
    static std::shared_ptr<const core::Outlet> outlet(const std::shared_ptr<const Stock>& stock, std::size_t i) {
        return {stock, &stock->outlets[i]};
    }
};
using StockPtr = std::shared_ptr<const Stock>;

/// `before`: the stock up to now, whose vanished outlets are remembered; may be nullptr.
StockPtr make_stock(std::vector<core::Outlet> outlets, const std::vector<core::OutletMode>& modes, const Stock* before);
/// As the history remembers it.
StockPtr make_stock(std::vector<history::OutletRow> rows, const std::vector<core::OutletMode>& modes);
/// Whether it names the targets of these modes.
bool has_modes(const Stock& stock, const std::vector<core::OutletMode>& modes);
std::vector<history::OutletRow> rows_of(const Stock& stock);
std::vector<targets::TargetSpec> specs_of(const Stock& stock, const std::vector<core::OutletMode>& modes, Time now);

/// How old a proof may get before the next one is due: the longest pause between the moments at which a mode is scanned whole, days on which
/// only what is pending is looked at included; max_age where nothing is scheduled.
std::optional<milliseconds> evidence_interval(const core::OutletMode& mode, Time now);
/// The next moment at which outlets without a result are looked at.
std::optional<Time> next_scan(const core::OutletMode& mode, Time now);

}  // namespace bkmon::outlets
