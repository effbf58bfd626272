#pragma once
#include <optional>
#include <string>

#include "common/base/result.h"
#include "daemon/history/rows.h"

namespace bkmon::deposits {

/// What the DONE transaction publishes, kept in the READY row so that recovery can publish it when the daemon died in between.
struct DoneRecord {
    core::Verdict verdict;
    std::string date;                            ///< Publication::date
    bool current = true;                         ///< Publication::current
    std::optional<history::HealthyRow> healthy;  ///< promote, release
    std::optional<history::HeldRow> held;        ///< hold
    int keep = 1;
    milliseconds keep_replaced{0};
    std::string old_to;  ///< where the old version goes; empty: it is removed
};

std::string to_json(const DoneRecord& record);
Result<DoneRecord> done_record_from_json(const std::string& text);

}  // namespace bkmon::deposits
