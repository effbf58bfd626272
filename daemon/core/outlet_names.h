#pragma once
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace bkmon::core {

/// What may stand in an inventory, from wherever it comes. Errors (Errc::invalid) are a printable part of a sentence: "'10.0.0.300' is neither
/// an IP address nor the name of a host".

/// 1 to 64 bytes of UTF-8 without control, bidi and invisible characters, blanks around it, '*', '?', '[' (codes are asked for by pattern) and '/'.
Result<void> check_outlet_code(std::string_view code);

/// An IPv4 or IPv6 address without brackets and zone, or the name of a host (labels of letters, digits, '-' and '_'; "127.1" is none). Not the
/// unspecified addresses, which would mean this machine, and no multicast.
Result<void> check_address(std::string_view address);

/// Of outlets, for people: up to 128 bytes, as a code otherwise; blanks and empty ones are fine.
Result<void> check_outlet_name(std::string_view name);

/// A label that the inventory gives an outlet: a name without '=' up to 64 bytes, a value up to 256; both as a code otherwise.
Result<void> check_outlet_label(std::string_view name, std::string_view value);

/// A folder on a server as settings write it, with '/' or '\' between and around its parts: with '/' between them and nothing around. Empty for the
/// root ("/"). Errc::invalid: "..", names that no Windows folder can have.
Result<std::string> normal_folder(std::string_view folder);

/// A share: 1 to 80 bytes, none of the characters that shares cannot have.
Result<void> check_share(std::string_view share);

/// A glob for names that the servers' backups have: no '/' and '\', braces only as {code} and {label:NAME}.
Result<void> check_database_glob(std::string_view glob);

}  // namespace bkmon::core
