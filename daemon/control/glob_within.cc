#include "daemon/control/glob_within.h"

#include <algorithm>
#include <string>
#include <vector>

#include "common/base/text.h"

namespace bkmon::control {

namespace {

/// A piece of a pattern: `*`, `?`, a set in brackets, or one character.
struct Piece {
    enum class Kind { many, one, set, character } kind;
    std::string_view text;
};

/// The length of the set that begins here; 0: none does, the bracket is an ordinary character.
std::size_t set_at(std::string_view pattern, std::size_t at) {
    std::size_t end = at + 1;
    if (end < pattern.size() && (pattern[end] == '!' || pattern[end] == '^')) ++end;
    if (end < pattern.size() && pattern[end] == ']') ++end;
    end = pattern.find(']', end);
    return end == std::string_view::npos ? 0 : end + 1 - at;
}

std::vector<Piece> pieces_of(std::string_view pattern) {
    std::vector<Piece> pieces;
    for (std::size_t at = 0; at < pattern.size();) {
        auto kind = Piece::Kind::character;
        std::size_t n = 1;
        if (pattern[at] == '*') kind = Piece::Kind::many;
        if (pattern[at] == '?') kind = Piece::Kind::one;
        if (const auto set = pattern[at] == '[' ? set_at(pattern, at) : 0; set > 0) {
            kind = Piece::Kind::set;
            n = set;
        }
        pieces.push_back({kind, pattern.substr(at, n)});
        at += n;
    }
    return pieces;
}

/// Whatever the inner piece stands for, the outer one matches. Not asked of an outer `*`.
bool holds(const Piece& inner, const Piece& outer) {
    using Kind = Piece::Kind;
    if (inner.kind == Kind::many) return false;
    if (outer.kind == Kind::one) return true;
    if (inner.kind == Kind::character) return glob_match(outer.text, inner.text);
    return inner.kind == outer.kind && equal_ignoring_case(inner.text, outer.text);
}

}  // namespace

bool glob_within(std::string_view inner, std::string_view outer) {
    const auto ascii = [](std::string_view text) { return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; }); };
    if (!ascii(inner) || !ascii(outer)) return false;  // ids are ASCII
    const auto in = pieces_of(inner), out = pieces_of(outer);
    // reached[i]: the outer pieces so far hold the first i inner ones.
    std::vector<bool> reached(in.size() + 1, false);
    reached[0] = true;
    for (const Piece& piece : out) {
        if (piece.kind == Piece::Kind::many) {
            const auto first = std::find(reached.begin(), reached.end(), true);
            std::fill(first, reached.end(), true);
            continue;
        }
        for (std::size_t i = in.size(); i > 0; --i) reached[i] = reached[i - 1] && holds(in[i - 1], piece);
        reached[0] = false;
    }
    return reached[in.size()];
}

}  // namespace bkmon::control
