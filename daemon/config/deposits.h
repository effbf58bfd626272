#pragma once
#include <vector>

#include "daemon/config/setting.h"

namespace bkmon::config {

/// Where the jobs stand, for problems that show only when all is read. Parallel to DepositSettings::jobs.
struct JobPlace {
    Mark at;
    KeyMarks keys;
};
struct DepositPlaces {
    KeyMarks section, defaults;
    std::vector<JobPlace> jobs;
};

/// Reads `deposits`. `timezone` is what jobs have that name none.
DepositPlaces read_deposits(Context& context, const Node& node, const std::string& timezone, core::DepositSettings& into);

/// What one setting alone cannot show: identities, schedules against early and deadline, paths that could meet, roots inside each other.
void check_deposits(Context& context, const core::DepositSettings& settings, const DepositPlaces& places);

/// The tables, for the documentation's test: "deposits.root", "deposits.jobs.agent", …
void list_deposit_settings(std::vector<std::pair<std::string, Row>>& into);

}  // namespace bkmon::config
