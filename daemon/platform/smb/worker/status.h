#pragma once
#include <cstdint>
#include <string>

#include "daemon/platform/smb/worker/backend.h"

namespace bkmon::smb {

/// How far a connection had come when something failed.
enum class Stage : std::uint8_t {
    connect,  ///< no login was tried: reaching the server, agreeing on a protocol
    login,
    folder,  ///< logged in: a share or what is in it
};

/// What an NT status ([MS-ERREF] 2.3.1) means at a stage. The detail names it.
Trouble trouble_of(std::uint32_t nt_status, Stage stage);

/// The same where no status is known.
Trouble trouble_of_errno(int e, Stage stage);

/// A status at opening or reading a file.
Unreadable unreadable(std::uint32_t nt_status);

/// "NT_STATUS_BAD_NETWORK_NAME", "NT status 0xc0000001".
std::string status_name(std::uint32_t nt_status);

}  // namespace bkmon::smb
