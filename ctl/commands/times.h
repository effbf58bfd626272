#pragma once
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "ctl/commands/client.h"

namespace bkmon::ctl {

enum class Direction { back, forth };

/// What people write for a moment, as a Time: RFC 3339, "2026-11-22", "2026-11-22 03:04[:05]" (local zone), "today", "yesterday", "tomorrow"
/// (their local midnight), "now", or a duration: "3d" is three days ago or, forth, in three days. kUsage names `option`.
Outcome<Time> read_moment(std::string_view option, const std::string& text, Direction direction, Time now);

/// The same for a day: "YYYY-MM-DD" in the local zone.
Outcome<std::string> read_day(std::string_view option, const std::string& text, Time now);

/// A whole number of at least `least`.
Outcome<std::int64_t> read_number(std::string_view option, const std::string& text, std::int64_t least);

}  // namespace bkmon::ctl
