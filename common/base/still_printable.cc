#include "common/base/still_printable.h"

#include <algorithm>

#include "common/base/text.h"

namespace bkmon {

std::string still_printable(std::string_view text, std::size_t limit) {
    const auto once = printable(text, limit);
    std::string out;
    // printable() doubles every backslash of its input; its own escapes have one. Halving the doubled ones cannot bring a control byte back.
    for (std::size_t i = 0; i < once.size(); ++i) {
        out += once[i];
        if (once[i] == '\\' && i + 1 < once.size() && once[i + 1] == '\\') ++i;
    }
    return out;
}

bool is_printable(std::string_view text) {
    if (std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~' && c != '\\'; })) return true;
    std::string doubled;
    doubled.reserve(text.size());
    for (const char c : text) doubled.append(c == '\\' ? 2 : 1, c);
    return printable(text, std::string::npos) == doubled;
}

}  // namespace bkmon
