#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "daemon/deposits/judgement/gates.h"

namespace bkmon::deposits {

/// What a verdict rests on, as one JSON object: the rule, the report quoted, and after a copy the file, its content, the baseline,
/// thresholds and figures of the gates. Text of the agent in it is printable() and cut.
std::string entry_evidence(const Candidate& c, std::string_view rule);
std::string copy_evidence(const GateInput& in, std::string_view rule, const std::string& sha256, const std::vector<GateWord>& gates);

}  // namespace bkmon::deposits
