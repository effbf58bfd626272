#pragma once
#include <optional>
#include <string>
#include <vector>

namespace bkmon::ctl {

/// Finds the first word that no command or option explains and says so with the nearest one: "unknown command 'statsu'; did you mean
/// 'status'?". Nothing when every word has a meaning.
std::optional<std::string> find_mistake(const std::vector<std::string>& arguments);

/// The command or group that the words name, as far as they do: "deposits adopt", "runs", "". Whose rules and help count.
std::string command_path(const std::vector<std::string>& arguments);

}  // namespace bkmon::ctl
