#pragma once
#include <utility>
#include <vector>

#include "daemon/config/setting.h"

namespace bkmon::config {

/// Reads `alerts` and what its settings must be to each other and to `mail`, whose templates are read already where `texts_known`.
/// `timezone`: of silences that name none.
void read_alerts(Context& context, const Node& node, const std::string& timezone, const core::MailSettings& mail, bool texts_known,
                 core::AlertSettings& into);

/// The tables, for the documentation's test: "alerts.remind", "alerts.rules.kind", …
void list_alert_settings(std::vector<std::pair<std::string, Row>>& into);

}  // namespace bkmon::config
