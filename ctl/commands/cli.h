#pragma once
#include <string>
#include <vector>

#include "ctl/commands/session.h"

namespace bkmon::ctl {

/// The whole of bkmonctl: `arguments` without the program's name. Returns the exit code.
int run(const std::vector<std::string>& arguments, World& world);

}  // namespace bkmon::ctl
