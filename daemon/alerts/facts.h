#pragma once
#include <string>

#include "daemon/alerts/rules/group.h"
#include "daemon/alerts/text/compose.h"
#include "daemon/history/rows.h"

namespace bkmon::alerts {

/// What a notice keeps of a verdict, so that the mail can be written later and again: text (JSON) on the way to the history and back.
struct Facts {
    Told told;
    Traits traits;
};
std::string text_of(const Facts& facts);
/// Errc::corrupt for what text_of() did not write.
Result<Facts> facts_of(const std::string& text);

/// What a verdict shows in a mail. `current`: the target's; its evidence gives the figures.
Told told_of(const history::CurrentRow& current);

/// When the problem of this verdict began: for what did not come the deadline that passed, else when it was judged.
Time problem_time(const core::Verdict& verdict);

/// What the target has in common with others: its agent, every label, an outlet's mode; in the order in which they explain best.
Traits traits_of(const TargetId& target, const core::Labels& labels);

/// What its present problem has in common with those of others, as far as its reason code makes it a cause: the credential that was refused, the
/// share that is not there or not open, the subnet of an address that cannot be reached.
Traits causes_of(const core::Verdict& verdict);

/// "d-drive" of outlet/SHOP7/d-drive; empty for what is no outlet.
std::string mode_of(const TargetId& target);

/// "10.1.2.0/24", "fd00:1:2:3::/64"; empty for the name of a host.
std::string subnet_of(const std::string& address);

}  // namespace bkmon::alerts
