#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace bkmon::service {

/// What the service manager passed under `name` (LoadCredential=, LoadCredentialEncrypted=, SetCredential=; systemd.exec(5)): the bytes of
/// that file in $CREDENTIALS_DIRECTORY, read anew at each call. Blocks on disk; any thread.
/// Errc::not_found when there is no such credential, or no manager that passes any. Errc::invalid for a name that no credential may have
/// (allowed: letters, digits, . _ -, at most 255, not starting with a dot), for what is no plain file (links are not followed) or is larger
/// than `most` (systemd's own limit is 1 MiB). The message begins with "credential NAME" and never holds any of the bytes.
Result<std::string> read_credential(std::string_view name, std::size_t most = std::size_t{1} << 20);

}  // namespace bkmon::service
