#pragma once
#include <string>
#include <utility>
#include <vector>

#include "daemon/config/setting.h"

namespace bkmon::config {

/// Each setting of this version as "section.key" with its row: what bkmon.yaml(5) and the shipped example must name.
std::vector<std::pair<std::string, Row>> all_settings();

}  // namespace bkmon::config
