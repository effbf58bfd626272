#include "daemon/platform/smb/worker/names.h"

#include "common/base/text.h"
#include "common/base/utf8.h"

namespace bkmon::smb {
namespace {

// 255 UTF-16 units are at most three bytes each; no file system that serves SMB allows more.
constexpr std::size_t kLongestName = 765;

bool within(char32_t c, char32_t first, char32_t last) { return c >= first && c <= last; }

/// Unicode's simple lower case for the alphabets in which people name backups; the exceptions within the ranges have no pair there.
char32_t small(char32_t c) {
    if (within(c, 'A', 'Z') || (within(c, 0xc0, 0xde) && c != 0xd7)) return c + 0x20;
    if (within(c, 0x100, 0x12f) || within(c, 0x132, 0x137) || within(c, 0x14a, 0x177)) return c | 1U;
    if (within(c, 0x139, 0x148) || within(c, 0x179, 0x17e)) return c + (c & 1U);
    if (c == 0x178) return 0xff;
    if (c == 0x386) return 0x3ac;
    if (within(c, 0x388, 0x38a)) return c + 0x25;
    if (c == 0x38c) return 0x3cc;
    if (c == 0x38e || c == 0x38f) return c + 0x3f;
    if (within(c, 0x391, 0x3ab) && c != 0x3a2) return c + 0x20;
    if (within(c, 0x400, 0x40f)) return c + 0x50;
    if (within(c, 0x410, 0x42f)) return c + 0x20;
    return c;
}

}  // namespace

std::string as_text(std::string_view name) {
    std::string out;
    while (!name.empty()) {
        const auto c = first_utf8(name);
        if (c.length == 0 || c.code == 0)
            append_utf8(out, 0xfffd);
        else
            out.append(name.substr(0, c.length));
        name.remove_prefix(c.length == 0 ? 1 : c.length);
    }
    return out;
}

bool may_be_opened(std::string_view name) {
    if (name.empty() || name == "." || name == ".." || name.size() > kLongestName) return false;
    return valid_utf8(name) && name.find('\0') == std::string_view::npos && name.find_first_of("/\\") == std::string_view::npos;
}

std::string fold(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto c = first_utf8(text);
        if (c.length == 0)
            out += text.front();
        else
            append_utf8(out, small(c.code));
        text.remove_prefix(c.length == 0 ? 1 : c.length);
    }
    return out;
}

}  // namespace bkmon::smb
