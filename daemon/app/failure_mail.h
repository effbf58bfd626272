#pragma once
#include <string>
#include <vector>

#include "common/base/time.h"
#include "daemon/alerts/message/message.h"
#include "daemon/app/unit_failure.h"

namespace bkmon::app {

/// The mail that says that a unit has failed, for when there is no daemon that could.
struct FailureNews {
    UnitFailure failure;
    std::string host, site, version;
    std::string language;  ///< en, es, fr; English for every other
    std::string timezone;  ///< IANA; UTC where it is none
    std::string config;    ///< the file, for the command that looks at it
    Time now{};
    std::vector<std::string> problems;  ///< of the configuration: one each
};

/// Subject, both parts, date and the id, which is the same for the same failure and recipient. From and To are the caller's. `brief`: without
/// the lines of the journal, for a server to which it was too large. Pure.
alerts::Message failure_mail(const FailureNews& news, const std::string& recipient, const std::string& domain, bool brief);

}  // namespace bkmon::app
