#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/base/json_writer.h"
#include "ctl/commands/session.h"

namespace bkmon::ctl {

/// Asks for rows that are counted down by id, page by page, until there are `limit` or no more. `filters` writes the other parameters.
Outcome<std::vector<protocol::Params>> rows_below(const Session& session, std::string_view method, std::string_view member, std::int64_t limit,
                                                  const std::function<void(JsonWriter&)>& filters);

/// A number of the command line: what bkmonctl shows in the column ID.
Outcome<std::int64_t> read_id(std::string_view what, const std::string& text);

/// Mails as a table for people.
Table mails_table(const std::vector<protocol::Params>& mails, Time now);

}  // namespace bkmon::ctl
