#pragma once
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/time.h"

namespace bkmon::control {

/// How a moment in a command is meant: the beginning or the end of a stretch in the past, or something to come.
enum class Sense { from, to, until };

/// RFC 3339; "2026-11-22" (its first moment, for `to` its last); "2026-11-22 13:00[:00]" in `zone`; "13:00" (the last one that was, for
/// `until` the next one); a duration ("26h": ago, for `until` from now). Errc::invalid says what is understood.
Result<Time> parse_moment(std::string_view text, std::string_view zone, Time now, Sense sense);

}  // namespace bkmon::control
