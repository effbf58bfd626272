#pragma once
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/protocol/params.h"

namespace bkmon::ctl {

/// `text` inside HTML; control characters become escapes.
std::string html_text(std::string_view text);

/// The rows of Targets.Report as a page that needs no other file, no script, and carries its own "as of".
std::string report_html(const std::vector<protocol::Params>& rows, Time now);

}  // namespace bkmon::ctl
