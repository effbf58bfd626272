#pragma once
#include <string>
#include <string_view>

namespace bkmon {

/// printable() (text.h) for text that was made so before, wholly or in parts: backslashes stay as they are.
std::string still_printable(std::string_view text, std::size_t limit = 512);

/// True for such text: nothing is left to escape, and printable() would only double its backslashes.
bool is_printable(std::string_view text);

}  // namespace bkmon
