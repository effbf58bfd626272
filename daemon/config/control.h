#pragma once
#include "daemon/config/setting.h"

namespace bkmon::config {

/// Reads `control`: the socket, and who may do what.
void read_control(Context& context, const std::string& path, const Node& node, core::Settings& into);
void list_control_settings(std::vector<std::pair<std::string, Row>>& into);

}  // namespace bkmon::config
