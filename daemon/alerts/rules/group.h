#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/alerts/rules/incident.h"

namespace bkmon::alerts {

/// What a target has in common with others: {"agent", "SHOP_CITY_NORTH"}, {"credential", "CORP\\svc"}, {"subnet", "10.1.2.0/24"},
/// {"region", "north"} (a label). In the order in which they explain best.
using Traits = std::vector<std::pair<std::string, std::string>>;

/// One notice that waits to be mailed.
struct Waiting {
    TargetId target;
    core::Status status = core::Status::unknown;  ///< the problem's; of a recovery the one that ended
    Word word{};
    Traits traits;
};

/// What becomes one mail.
struct Group {
    std::vector<std::size_t> items;  ///< indices, in the order given
    std::string trait, value;        ///< what they share; empty: one alone, or several without a common cause
    std::size_t of = 0;              ///< how many targets have it, theirs included
};

struct GroupRules {
    std::size_t together = 3;    ///< so many that share something are one problem
    std::size_t most_alone = 4;  ///< more than so many without a common cause come in one mail
};

/// Problems of one status and word that share a trait become one group: first those of a credential that was refused, then by the trait that most
/// of them share among those at least half of whose targets suffer, then by any; what shares nothing stays by itself, as long as that is little.
/// Each item is in exactly one group. `total(trait, value)`: how many targets have it; 0: not known.
std::vector<Group> group(const std::vector<Waiting>& waiting, const std::function<std::size_t(const std::string&, const std::string&)>& total,
                         const GroupRules& rules = {});

}  // namespace bkmon::alerts
