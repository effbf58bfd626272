#pragma once
#include <string>
#include <vector>

#include "ctl/commands/session.h"

namespace bkmon::ctl {

/// `__complete SHELL N WORDS…`: what may stand at word N (0 is the program), one candidate a line as SHELL (bash, zsh, fish) reads it;
/// ":files" alone means: names of files. Never asks the daemon longer than 200 ms; quiet about all errors.
int complete(World& world, const std::vector<std::string>& words);

}  // namespace bkmon::ctl
