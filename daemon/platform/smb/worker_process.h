#pragma once
#include "daemon/platform/smb/worker_source.h"

namespace bkmon::smb {

/// How bkmon-smb-worker is started.
loop::ChildSpec worker_process(const std::string& executable, UniqueFd socket);

}  // namespace bkmon::smb
