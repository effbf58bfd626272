#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace bkmon {

struct Utf8Char {
    char32_t code = 0;
    std::size_t length = 0;  ///< bytes; 0 when the text is empty or does not begin with a well-formed character
};

/// The first character of `text` by the Unicode standard's table 3-7: no overlong forms, no surrogates, at most U+10FFFF.
Utf8Char first_utf8(std::string_view text);

void append_utf8(std::string& out, char32_t code);

/// The longest beginning of at most `limit` bytes that ends with a whole character.
std::string_view utf8_cut(std::string_view text, std::size_t limit);

}  // namespace bkmon
