#pragma once
#include <string>
#include <vector>

namespace bkmon::test {

/// A Target object of the protocol.
struct Sample {
    std::string id = "", status = "", severity = "", since = "2026-11-21T23:54:05Z", reason = "no report came", reason_code = "no_report";
    std::string last_ok_at = "2026-11-20T21:00:00Z";
    std::string sha256 = "";
    std::string size = "null";
    std::string silenced = "";
};
std::string target_json(const Sample& sample);

/// A page of Targets.Status; counts are worked out.
std::string status_page(const std::vector<Sample>& samples, const std::vector<std::string>& degraded = {},
                        const std::vector<std::string>& stale = {});

/// So many healthy targets "deposit/agent_NNN/db".
std::vector<Sample> healthy(int n);

}  // namespace bkmon::test
