#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "daemon/core/settings/deposits.h"

namespace bkmon::history {

/// Lists in one column: a line each, ended by '\n'; a line break in an item is "\n" and a backslash "\\", so that any bytes come back as they
/// were. Labels are two lines each, name and value. Reading gives Errc::corrupt for what writing never makes.
std::string list_text(const std::vector<std::string>& items);
std::string list_text(const std::vector<std::int64_t>& numbers);
std::string list_text(const std::vector<Time>& times);
std::string list_text(const core::Labels& labels);

Result<void> read_list(std::string_view text, std::vector<std::string>& items);
Result<void> read_list(std::string_view text, std::vector<std::int64_t>& numbers);
Result<void> read_list(std::string_view text, std::vector<Time>& times);
Result<void> read_list(std::string_view text, core::Labels& labels);

}  // namespace bkmon::history
