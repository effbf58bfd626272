#pragma once
#include <string>

#include "ctl/render/terminal.h"

namespace bkmon::ctl {

/// BKMON_PAGER, else PAGER, else "less -FRSX"; empty for "cat": no pager.
std::string pager_command(const Env& env);

/// Shows `text` through the command (by /bin/sh) and waits for its end. False when it could not be started: the text was not shown.
bool page(const std::string& command, const std::string& text);

}  // namespace bkmon::ctl
