#pragma once
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "daemon/core/verdict.h"

namespace bkmon::core {

/// A verdict as one JSON object, for the rows from which a crash recovery publishes. from_json(to_json(v)) equals v in every member,
/// also where a text is not valid UTF-8 (such a member is written as {"hex":"…"}). Pure, any thread.
std::string to_json(const Verdict& verdict);

/// Errc::invalid when the text is no verdict: a member missing or of the wrong type, an unknown status or severity, evidence that is no object.
Result<Verdict> verdict_from_json(std::string_view text);

}  // namespace bkmon::core
