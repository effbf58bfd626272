#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/base/json_writer.h"
#include "ctl/commands/session.h"

namespace bkmon::ctl {

/// An argument as a parameter of a call; nothing when it was not given.
void put(JsonWriter& writer, const Arguments& arguments, std::string_view option, std::string_view name);
void put_list(JsonWriter& writer, const Arguments& arguments, std::string_view option, std::string_view name);

/// Pages of `name` in one list, at most `limit` (0: all).
Outcome<std::vector<protocol::Params>> collect(const Session& session, std::string_view method, const std::string& parameters, std::string_view name,
                                               std::size_t limit = 0);
/// {"name":[…]}
std::string document(std::string_view name, const std::vector<protocol::Params>& objects);

/// A status in its colour.
Cell status_cell(const protocol::Params& object);

}  // namespace bkmon::ctl
