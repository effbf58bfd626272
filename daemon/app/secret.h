#pragma once
#include <string>

#include "common/base/result.h"

namespace bkmon::app {

/// A password: the credential of the service manager, or else the file, which others may not read. Without a line end; never empty. Read anew
/// at each call. Blocks on disk; any thread. `setting` ("mail.password_file") stands in the errors, which never hold any of the bytes.
Result<std::string> read_secret(const std::string& setting, const std::string& file, const std::string& credential);

}  // namespace bkmon::app
