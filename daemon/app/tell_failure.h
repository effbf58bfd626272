#pragma once
#include <string>

#include "common/base/time.h"

namespace bkmon::app {

/// `bkmond --tell-failure UNIT`: mails everybody of mail.to that the unit has failed, through the settings of the configuration and without
/// a daemon, its state or its socket. What a server refuses for now is tried again for `patience`. Blocks. The process's exit status: 0 when the
/// server accepted it for everybody, else 1, and standard error says why. A configuration with problems elsewhere is used as far as `mail` goes.
int tell_failure(const std::string& config, const std::string& unit, milliseconds patience);

}  // namespace bkmon::app
