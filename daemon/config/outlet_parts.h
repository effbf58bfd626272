#pragma once
#include <string>
#include <utility>
#include <vector>

#include "daemon/config/setting.h"

namespace bkmon::config {

/// `outlets.inventory`.
void read_inventory(Context& context, const std::string& path, const Node& node, core::OutletInventory& into);
void list_inventory_settings(std::vector<std::pair<std::string, Row>>& into);

/// `outlets.modes`. A mode with a problem is not added.
void read_modes(Context& context, const std::string& path, const Node& node, const std::string& timezone, std::vector<core::OutletMode>& into);
void list_mode_settings(std::vector<std::pair<std::string, Row>>& into);

/// Exactly one of password_file and password_credential, for a user. Said at the place of the map (`at`) or of what is too much.
void check_login(Context& context, const Mark& at, const Node& node, const KeyMarks& keys, std::string_view who);

}  // namespace bkmon::config
