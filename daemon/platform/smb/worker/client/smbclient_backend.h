#pragma once
#include <memory>

#include "daemon/platform/smb/worker/backend.h"

namespace bkmon::smb::client {

/// libsmbclient as a backend: SMB 2.1 to 3.1.1 over TCP to one numeric address and port, NTLMv2 with the order's credential, signing required
/// unless the order says otherwise; no Kerberos, no NetBIOS, no DFS, no guest. Reads what it needs of the file system while it is made, and
/// nothing later. One at a time in a process; the process ignores SIGPIPE from then on.
Result<std::unique_ptr<Backend>> make_smbclient_backend();

}  // namespace bkmon::smb::client
