#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ctl/commands/session.h"

namespace bkmon::ctl {

/// All pages of Targets.Status in one.
struct StatusReply {
    std::optional<Time> as_of;
    std::string site;
    std::string counts_json;                     ///< as bkmond counted
    std::map<std::string, std::int64_t> counts;  ///< of `targets`, by status
    std::vector<protocol::Params> targets;
    std::vector<std::string> degraded, stale;
};

/// The call's parameters from target, --kind, --status, --problems, --label; "{}" when none was given.
std::string status_parameters(const Arguments& arguments);

Outcome<StatusReply> ask_status(const Session& session, const std::string& parameters);

}  // namespace bkmon::ctl
