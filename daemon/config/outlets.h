#pragma once
#include <string>
#include <utility>
#include <vector>

#include "daemon/config/setting.h"

namespace bkmon::config {

/// Reads `outlets`, and what its settings must be to each other. `timezone` is what modes have that name none.
void read_outlets(Context& context, const Node& node, const std::string& timezone, core::OutletSettings& into);

/// The tables, for the documentation's test: "outlets.workers", "outlets.modes.name", …
void list_outlet_settings(std::vector<std::pair<std::string, Row>>& into);

}  // namespace bkmon::config
