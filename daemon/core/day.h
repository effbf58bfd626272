#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/time.h"

namespace bkmon::core {

/// "2026-11-22", a day that there is; nullopt for everything else.
std::optional<std::chrono::sys_days> parse_date(std::string_view yyyy_mm_dd);
std::string date_text(std::chrono::sys_days day);

/// The first and the last millisecond of a day in a zone, whatever its clocks do at midnight. Errc::invalid for an unknown zone.
Result<Time> begin_of_day(std::chrono::sys_days day, std::string_view zone);
Result<Time> end_of_day(std::chrono::sys_days day, std::string_view zone);

}  // namespace bkmon::core
