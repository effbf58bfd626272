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

/// A name that is not wholly known: lower case, with kUnknownDigit for each digit that may be any.
inline constexpr char kUnknownDigit = '\x01';
std::string pattern_form(std::string_view pattern);
/// With every digit, known or not, as `#`: forms that could be one name have the same.
std::string masked_form(std::string form);
/// True when one name fits both forms (of names without kName, see path_template.h).
bool forms_meet(std::string_view a, std::string_view b);

/// True when one database could match both.
bool patterns_overlap(std::string_view a, std::string_view b);

}  // namespace bkmon::core
