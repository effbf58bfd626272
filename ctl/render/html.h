#pragma once
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/protocol/params.h"

namespace bkmon::ctl {

/// `text` inside HTML; control characters become escapes.
std::string html_text(std::string_view text);

/// The rows of Targets.Report as one page that needs no other file and no network: totals, a chart of the days, the problems, and tables
/// that a small script inside makes sortable; everything can be read without it. Carries its own "as of".
/// `about`: what was asked for, in words ("kind outlet", "status missing").
std::string report_html(const std::vector<protocol::Params>& rows, const std::vector<std::string>& about, Time now);

}  // namespace bkmon::ctl
