#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/settings/outlets.h"
#include "daemon/core/status.h"
#include "daemon/outlets/judgement/judge.h"

namespace bkmon::outlets {

/// One thing that a visit showed: what the verdict would be if it were all.
struct Finding {
    core::Status status{};
    std::string_view code;
    std::string sentence;  ///< printable, begins in lower case
};

/// Greater is worse: missing and unreachable, corrupt, held, warning, ok.
int weight(core::Status status);

/// What was read of the newest file: everything that speaks against it. Only what is proven is held against it as such; what is likely is a
/// warning, and what is unknown is nothing.
std::vector<Finding> judge_content(const core::OutletMode& mode, const core::Outlet& outlet, const smb::Visit& visit, const Occasion& occasion);

/// What is known of a file that nothing speaks against, and what is not: "SQL Server backup of 'SALES' (full), whole by its length".
std::string content_words(const smb::Visit& visit);

/// How much older than the file a backup's own date may be: for a copy made later, or a server in another time zone.
milliseconds copy_slack(const core::OutletMode& mode);

/// The JSON object beside the sentence.
std::string evidence(const core::OutletMode& mode, const core::Outlet& outlet, const smb::Visit& visit, const Occasion& occasion,
                     const std::vector<Finding>& findings);

/// … of an outlet that was not looked at.
std::string not_tried_evidence(const core::OutletMode& mode, const core::Outlet& outlet, const std::vector<std::string>& refused_by,
                               std::string_view code);

}  // namespace bkmon::outlets
