#pragma once
#include <functional>
#include <string>

#include "common/base/result.h"
#include "daemon/core/settings/alerts.h"

namespace bkmon::app {

/// Reads the password (or token) of the mail server anew at each call: mail.password_file, or the credential of the service manager. Without a
/// user an empty text. Blocks on disk; any thread. Errors name the file, never its bytes.
std::function<Result<std::string>()> mail_secret(const core::MailSettings& mail);

/// Our name as mail servers hear it in EHLO: the host's, or "localhost" where that is no name.
std::string mail_host();

}  // namespace bkmon::app
