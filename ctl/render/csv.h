#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/protocol/params.h"

namespace bkmon::ctl {

/// RFC 4180 (CRLF line ends) of JSON objects: one column per member named, in that order; the names are the header.
/// A text that a spreadsheet would take for a formula begins with an apostrophe.
/// `safe`: for a terminal, control characters become escapes; otherwise the bytes are as they came.
std::string csv_text(const std::vector<std::string_view>& members, const std::vector<protocol::Params>& rows, bool header, bool safe);

}  // namespace bkmon::ctl
