#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/target_id.h"
#include "common/base/time.h"
#include "daemon/core/status.h"

namespace bkmon::core {

/// What is said about an incident.
enum class Word : std::uint8_t { opened, worse, better, reminder, recovered, flapping };
std::string_view name_of(Word word);
std::optional<Word> word_of(std::string_view name);

/// A problem of one target, from its first bad verdict to its recovery. A value, as it is stored.
struct Incident {
    std::int64_t id = 0;
    TargetId target;
    Status status = Status::unknown;  ///< as it is now
    Severity severity = Severity::unknown;
    std::string reason_code, reason;  ///< of the newest verdict; printable
    Time problem_at{};                ///< when the problem began: the deadline that passed, not the moment it was noticed
    Time opened_at{};                 ///< when the first bad verdict was read
    std::optional<Time> closed_at;
    int bad_in_row = 0;  ///< bad verdicts since the last good one

    // What was said.
    std::optional<Status> said;  ///< the status that people know; absent: nothing was said yet
    Time said_at{};
    bool at_once = false;  ///< it was said in a mail of its own: so is its end
    int reminders = 0;
    std::vector<std::string> told;  ///< whom: they hear of its end
    std::string cause;              ///< what it shares with those that were said with it: "region north: 212 of 214"; empty: it stood alone
    std::string thread;             ///< Message-ID of the first mail about it: what the others answer
    std::string acked_by, note;     ///< acknowledged: no reminders
    std::optional<Time> acked_at;

    // Flapping.
    std::vector<Time> turns;  ///< of the last hours: when it opened or closed and that was said
    bool flapping = false;    ///< nothing is said until the status stays
    Time changed_at{};        ///< when the status last changed

    std::optional<Time> next_at;  ///< when time alone may make something of it: a reminder, the end of a silence
};

}  // namespace bkmon::core
