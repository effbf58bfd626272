#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/shell.h"
#include "common/base/time.h"

namespace bkmon::ctl {

/// Text of the daemon made fit for a terminal: control, bidi and invalid bytes become escapes. Escapes the daemon already wrote
/// are not escaped a second time.
std::string shown(std::string_view text, std::size_t limit = 8192);

/// In the local zone: "2026-11-22 03:04:05", "2026-11-22 03:04" and the zone's name at that moment ("CET").
std::string local_time(Time t);
std::string local_minute(Time t);
std::string zone_name(Time t);

/// Nothing when the text is no RFC 3339 time.
std::optional<Time> read_time(const std::string& text);

/// "3 h 10 min"; for moments after `now` "in 2 h".
std::string age(Time then, Time now);

/// Lines of at most `columns` (0: one line), broken at spaces where there are some. At least one line.
std::vector<std::string> wrap(std::string_view text, std::size_t columns);

/// Cuts in the middle, so that both the kind and the name at the end of an id stay readable.
std::string fit_middle(std::string_view text, std::size_t columns);

/// "1 target", "20 targets".
std::string counted(std::int64_t n, std::string_view what);

using bkmon::shell_word;

}  // namespace bkmon::ctl
