#pragma once
#include <string>
#include <string_view>

namespace bkmon::smb {

/// A name from a server as text: every byte that is no UTF-8 and every NUL becomes U+FFFD. Slashes and backslashes stay: it is text, no path.
std::string as_text(std::string_view name);

/// True when a file of this name may be asked for: valid UTF-8 of some length, no NUL, slash or backslash, not "." or "..".
bool may_be_opened(std::string_view name);

/// Small letters for capital ones: ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic. Others, and what is no UTF-8, stay.
std::string fold(std::string_view text);

}  // namespace bkmon::smb
