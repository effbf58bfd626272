#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "ctl/render/terminal.h"

namespace bkmon::ctl {

struct SparkDay {
    std::int64_t good = 0, total = 0;  ///< total 0: nothing was due
};

/// One mark a day, its height the share of what was good, in colour where the terminal has it: "▇▇▁▇". At most `most` marks: then one mark
/// stands for several days, and `each` says for how many.
struct Spark {
    std::string text;
    std::size_t each = 1;
};
Spark spark(const Terminal& terminal, const std::vector<SparkDay>& days, std::size_t most);

}  // namespace bkmon::ctl
