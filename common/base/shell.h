#pragma once
#include <string>
#include <string_view>

namespace bkmon {

/// A path or id as one word for a POSIX shell: quoted only where it must be.
std::string shell_word(std::string_view text);

}  // namespace bkmon
