#pragma once
#include <string>
#include <vector>

#include "ctl/commands/command.h"

namespace bkmon::ctl {

/// "bkmonctl explain TARGET [--as-of DATE]"
std::string usage_of(const Command& command);

/// What `--help` prints for the command or group that `words` name: usage, arguments, options, wrapped to `width` (0: 80).
std::string help_text(const std::vector<std::string>& words, std::size_t width);

}  // namespace bkmon::ctl
