#pragma once
#include <optional>
#include <string>

#include "daemon/targets/board.h"

namespace bkmon::targets {

/// What one publication writes and what memory becomes after its commit. Decided when its turn comes, on the state that was committed
/// last. Pure.
struct Plan {
    history::CurrentRow next;  ///< the current row; written when `current`
    bool current = true;
    bool recorded = true;  ///< a verdict row
    std::optional<history::EventRow> event;
    std::optional<history::DailyRow> daily;
    std::string daily_mark;
    std::optional<core::Status> from;  ///< the stored status before
};
Plan plan_of(const Entry& entry, const Registry::Publication& publication, Time now);

/// Writes the rows of a plan, then those of the participants. The event's number lands in `seq`.
Result<void> write_plan(history::Session& session, Plan plan, const std::vector<history::Store::Work>& participants, std::int64_t& seq);

/// The body of an event about a status, for listeners and, later, mails. `text`: what an operator did, or empty.
std::string event_body(const core::Verdict& verdict, std::optional<core::Status> previous, const std::string& text = {});

}  // namespace bkmon::targets
