// Shell patterns. Only the last `*` is ever tried again, so a match takes at most pattern length x text length steps.
#include "common/base/text.h"
#include "common/base/utf8.h"

namespace bkmon {
namespace {

char32_t lower_code(char32_t c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; }

char lower_ascii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
/// Stands for itself. Nearly all that names are made of: it is compared as a byte, which no byte of a longer character equals.
bool is_plain(char c) { return is_ascii(c) && c != '*' && c != '?' && c != '['; }

/// The next character, or the next byte as a number of its own when it is not UTF-8.
Utf8Char next(std::string_view text) {
    if (is_ascii(text.front())) return {static_cast<unsigned char>(text.front()), 1};
    const auto c = first_utf8(text);
    return c.length != 0 ? c : Utf8Char{0x110000U + static_cast<unsigned char>(text.front()), 1};
}

/// What stands at the front of a pattern, `*` excepted: how long it is, and whether it matches `c`.
struct Element {
    std::size_t length;
    bool matches;
};

Element element(std::string_view pattern, char32_t c) {
    const auto first = next(pattern);
    if (first.code == '?') return {1, true};
    if (first.code != '[') return {first.length, lower_code(first.code) == lower_code(c)};
    std::size_t i = 1;
    const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
    if (negated) ++i;
    bool hit = false;
    // A ']' in the first place is a member, as in every shell.
    for (const std::size_t begin = i; i < pattern.size() && (pattern[i] != ']' || i == begin);) {
        const auto low = next(pattern.substr(i));
        i += low.length;
        auto high = low;
        if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
            high = next(pattern.substr(i + 1));
            i += 1 + high.length;
        }
        hit = hit || (lower_code(low.code) <= lower_code(c) && lower_code(c) <= lower_code(high.code));
    }
    if (i >= pattern.size()) return {1, c == '['};  // never closed: an ordinary bracket
    return {i + 1, hit != negated};
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text) {
    std::string_view p = pattern, t = text, after_star, star_text;
    bool starred = false;
    while (!t.empty()) {
        if (!p.empty() && p.front() == '*') {
            p.remove_prefix(1);
            after_star = p;
            star_text = t;
            starred = true;
            continue;
        }
        if (!p.empty() && is_plain(p.front())) {
            if (lower_ascii(p.front()) == lower_ascii(t.front())) {
                p.remove_prefix(1);
                t.remove_prefix(1);
                continue;
            }
        } else if (!p.empty()) {
            const auto c = next(t);
            const auto e = element(p, c.code);
            if (e.matches) {
                p.remove_prefix(e.length);
                t.remove_prefix(c.length);
                continue;
            }
        }
        if (!starred) return false;
        star_text.remove_prefix(next(star_text).length);
        if (!after_star.empty() && is_plain(after_star.front()))
            while (!star_text.empty() && lower_ascii(star_text.front()) != lower_ascii(after_star.front())) star_text.remove_prefix(1);
        t = star_text;
        p = after_star;
    }
    while (!p.empty() && p.front() == '*') p.remove_prefix(1);
    return p.empty();
}

}  // namespace bkmon
