#pragma once
#include <utility>
#include <vector>

#include "daemon/config/setting.h"

namespace bkmon::config {

/// Reads `mail` and what its settings must be to each other. `timezone` is that of the digest's schedule.
KeyMarks read_mail(Context& context, const Node& node, const std::string& timezone, core::MailSettings& into);

/// The table, for the documentation's test: "mail.server", …
void list_mail_settings(std::vector<std::pair<std::string, Row>>& into);

}  // namespace bkmon::config
