#pragma once
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace bkmon::app {

/// The state directory belongs to one bkmond at a time: an flock on <state>/lock, held until the descriptor closes, so that it goes
/// with the process however that ends.
/// Errc::busy names the process that has it. Makes the directory (0750) when only its last component is missing.
Result<UniqueFd> lock_state(const std::string& state_dir);

}  // namespace bkmon::app
