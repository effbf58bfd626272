#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace bkmon {

/// "1KiB", "20GB", "1.5GiB", "512" (bytes); "20G" is refused, since people mean both by it. k, M, G, T with B are powers of 1000, with iB powers of
/// 1024; case is ignored.
Result<std::uint64_t> parse_size(std::string_view text);

/// For people: "188.2 MiB", "512 B". IEC units, one decimal.
std::string size_words(std::uint64_t bytes);

/// ASCII only; other bytes pass unchanged.
std::string lower(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);
std::string trim(std::string_view text);
/// One part more than there are separators: an empty text has one empty part.
std::vector<std::string> split(std::string_view text, char separator);

/// True for well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool valid_utf8(std::string_view text);

/// Text from outside made fit for a terminal, a log line or a mail: control characters (C0, DEL, C1), bidi controls,
/// line separators, zero-width and invalid bytes become `\n`-style or `\xNN` / `\u{XXXX}` escapes; a backslash doubles.
/// At most `limit` bytes, cut with "…". What it returns is valid UTF-8 on one line.
std::string printable(std::string_view text, std::size_t limit = 512);

/// Columns a terminal needs for valid UTF-8 (wide characters 2, combining 0). Independent of the locale.
std::size_t display_width(std::string_view text);

/// Cuts to at most `columns`, with "…" when something was cut.
std::string fit_width(std::string_view text, std::size_t columns);

/// The candidate nearest to `word` (Damerau-Levenshtein at most 2 and less than half its length, case ignored), or empty.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// Shell-style `*`, `?`, `[a-z]`, `[!a-z]` on characters, not bytes; a slash is an ordinary one; ignores the case of ASCII. At most
/// pattern length times text length steps: no pattern can make it slow.
bool glob_match(std::string_view pattern, std::string_view text);

/// 64 hexadecimal digits in any case.
bool is_sha256(std::string_view text);
std::string to_hex(const unsigned char* bytes, std::size_t n);

/// RFC 4180: quoted only where needed, quotes doubled.
std::string csv_field(std::string_view text);

}  // namespace bkmon
