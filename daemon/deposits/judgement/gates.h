#pragma once
#include <string>
#include <vector>

#include "daemon/core/size_stats.h"
#include "daemon/deposits/judgement/judge.h"

namespace bkmon::deposits {

/// One gate that speaks: why a whole file is not believed by itself.
struct GateWord {
    std::string code;      ///< reason code
    std::string sentence;  ///< with the figures it rests on; printable
};

struct GateInput {
    const Candidate& candidate;
    const Baseline& baseline;
    std::uint64_t size = 0;
    const inspect::Findings& findings;
    bool empty = false;
    core::SizeJudgement size_figures;
};

/// All that speak, in the order in which they count.
std::vector<GateWord> ask_gates(const GateInput& in);

/// Nothing in it: no byte, or a whole file without table, row or member.
bool holds_nothing(std::uint64_t size, const inspect::Findings& findings);

}  // namespace bkmon::deposits
