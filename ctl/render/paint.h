#pragma once
#include <string>
#include <string_view>

#include "ctl/render/terminal.h"

namespace bkmon::ctl {

/// How a word is shown. Colour only repeats what the word says.
enum class Tone { plain, strong, dim, good, notice, warning, critical, unknown };

std::string paint(const Terminal& terminal, Tone tone, std::string_view text);

/// Green only for `ok`, and only when the severity is OK too; a status or severity that is not known looks like `unknown`.
Tone tone_of(std::string_view status, std::string_view severity);
Tone tone_of_status(std::string_view status);
Tone tone_of_severity(std::string_view severity);

/// CRITICAL 3, UNKNOWN (and any other word) 2, WARNING 1, OK 0.
int rank_of(std::string_view severity);

/// Of a status that comes without a severity.
std::string_view severity_of(std::string_view status);

}  // namespace bkmon::ctl
