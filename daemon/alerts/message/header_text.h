#pragma once
#include <string>
#include <string_view>

namespace bkmon::alerts {

/// Text for a header that people read (Subject, the name of an address), as RFC 2047 wants it: as it is where it is plain ASCII, else
/// encoded words of at most 75 characters, cut between characters. Control characters, line breaks included, and broken UTF-8 are made
/// printable first (backslashes stay, for most texts were made so before): what comes out is one header value without CR, LF or NUL, whatever went
/// in.
std::string unstructured(std::string_view text);

/// The same for a name before an address: quoted where it holds more than words.
std::string phrase(std::string_view text);

/// "Subject: …" folded at 78 columns where it has blanks (RFC 5322, 2.2.3), with the CRLF at its end. `value` is ASCII without CR and LF.
std::string header_line(std::string_view name, std::string_view value);

/// The body of a part in quoted-printable (RFC 2045, 6.7) with CRLF line ends: lines of at most 76 characters, and none that begins with
/// a dot or "From ". Line breaks of `text` are LF or CRLF; a lone CR is encoded.
std::string quoted_printable(std::string_view text);

}  // namespace bkmon::alerts
