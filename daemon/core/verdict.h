#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "common/base/target_id.h"
#include "common/base/time.h"
#include "daemon/core/status.h"

namespace bkmon::core {

/// What bkmon concluded about one target at one moment, with the evidence. A value: never changed after it was published.
struct Verdict {
    Status status = Status::unknown;
    Severity severity = Severity::unknown;
    std::string reason_code;     ///< one of kReasons (reason_codes.h)
    std::string reason;          ///< a sentence for the operator; text from outside in it is printable()
    Time at{};                   ///< when bkmon judged
    std::optional<Time> due;     ///< due time of the cycle it belongs to
    std::optional<Time> backup_at;   ///< when the backup was made, as far as known
    std::string file;            ///< name as promoted or as seen; empty when there is none
    std::optional<std::uint64_t> size_bytes;
    std::string sha256;          ///< lower case hex, or empty
    std::string run;             ///< id of the run that found it, or empty
    std::optional<milliseconds> duration;
    std::string place;           ///< where the file lies, when its name alone does not say it: an outlet's drive "E:" or share; or empty
    std::string evidence = "{}"; ///< a JSON object: figures, thresholds, rule, report quoted
};

/// One with the severity that goes with its status; the rest as above.
inline Verdict plain_verdict(Status status, std::string reason_code, std::string reason, Time at) {
    Verdict v;
    v.status = status;
    v.severity = severity_of(status);
    v.reason_code = std::move(reason_code);
    v.reason = std::move(reason);
    v.at = at;
    return v;
}

}  // namespace bkmon::core
