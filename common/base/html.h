#pragma once
#include <string>
#include <string_view>

namespace bkmon {

/// Text as it may stand in an HTML element or a quoted attribute. Control characters and broken UTF-8 are the caller's: printable() first.
std::string html_escaped(std::string_view text);

}  // namespace bkmon
