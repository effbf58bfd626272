#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "daemon/alerts/text/compose.h"

namespace bkmon::alerts {

/// One line of a list in the digest.
struct DigestItem {
    TargetId target;
    core::Status status = core::Status::unknown;  ///< as it is now; of one that recovered what it was
    core::Severity severity = core::Severity::unknown;
    std::string reason_code, reason;  ///< as the verdict has them
    Time since{};
    std::optional<milliseconds> lasted;  ///< of one that recovered
    std::string acked_by, note;          ///< who acknowledged it
    std::string sha256;                  ///< of a held file
};

struct OldestProof {
    TargetId target;
    std::optional<Time> at;  ///< absent: never
};

/// How the fleet stood at the end of one day. What is neither good nor bad (late, paused, unknown) is the rest.
struct DigestDay {
    std::string date;  ///< "2026-11-22"
    std::size_t good = 0, bad = 0, total = 0;
};

/// What the daily mail says.
struct DigestStory {
    Language language = Language::en;
    std::string site, timezone = "UTC", version;
    Time now{};
    std::array<std::size_t, core::kStatuses.size()> counts{};  ///< targets, in the order of core::kStatuses
    /// Worst first. A problem is in one of the first three: since the last digest, older, or a file held back.
    std::vector<DigestItem> fresh, open, held;
    std::vector<DigestItem> recovered;
    std::vector<OldestProof> oldest;  ///< oldest first
    std::vector<DigestDay> days;      ///< oldest first
    std::size_t failed_mails = 0;
    std::vector<SilenceTold> silences;
    std::optional<Time> next;  ///< when the next digest comes
};

/// Pure, as compose(): the same escaping, limits and form of the subject. Lists are cut with a count. The trend is there in both parts, without
/// pictures: the least share of bad ones can be seen. When nothing is wrong it says so, and when the next one comes.
Result<Composed> compose_digest(const DigestStory& story, const Templates& templates = {});

}  // namespace bkmon::alerts
