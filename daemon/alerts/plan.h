#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "daemon/alerts/facts.h"
#include "daemon/history/alert_rows.h"

namespace bkmon::alerts {

/// A notice whose facts were read.
struct Pending {
    history::NoticeRow row;
    Facts facts;
};

/// One mail to one recipient.
struct Planned {
    std::string recipient, text;     ///< text: name of the template
    std::vector<std::size_t> items;  ///< of the pending ones; worst first
    std::string trait, value;        ///< what they share
    std::size_t of = 0;
    std::size_t suppressed = 0;  ///< mails that the limit made one
};

/// Pure. What shares a cause becomes one mail (rules/group.h), for each recipient and template; many at once are five mails at most, the last of them
/// with whatever else there is. `allowance(recipient)`: how many mails may go to
/// it now; what is above becomes one mail with the last of them, and with none everything waits (is in no plan).
std::vector<Planned> plan(const std::vector<Pending>& pending, const std::function<std::size_t(const std::string&, const std::string&)>& total,
                          const std::function<int(const std::string&)>& allowance);

}  // namespace bkmon::alerts
