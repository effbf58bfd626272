#pragma once
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace bkmon::core {

/// COMPANY_CITY_DISTRICT[_NUMBER…]: the parts of an agent folder's name; what the name has not is empty. A number at the end belongs to the
/// district ("SIRPACAM_DOUALA_NEWBELL_2": district "NEWBELL_2").
struct AgentName {
    std::string company, city, district;
};
AgentName split_agent(std::string_view folder);

/// True when the database of a report is the one a job names: ignoring case, `{year}` matches four digits. `year` gets the digits of the
/// first `{year}`, or stays as it is; two `{year}` of one pattern must agree.
bool database_matches(std::string_view pattern, std::string_view database, std::string* year = nullptr);

/// Errc::invalid when a job cannot have this database: empty, longer than 128 bytes, control characters, a field other than {year}.
Result<void> check_database_pattern(std::string_view pattern);

/// Ignoring case and with every digit and {year} as `#`: patterns that could match one name have the same.
std::string masked_pattern(std::string_view pattern);
/// True when one database could match both.
bool patterns_overlap(std::string_view a, std::string_view b);

}  // namespace bkmon::core
