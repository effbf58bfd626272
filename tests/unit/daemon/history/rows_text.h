#pragma once
#include <string>
#include <vector>

#include "daemon/history/alert_rows.h"
#include "daemon/history/rows.h"

namespace bkmon::test {

/// Rows as one line each with every field, so that tests compare whole rows and print what differs.
std::string text(const history::VerdictRow& row);
std::string text(const history::CurrentRow& row);
std::string text(const history::EventRow& row);
std::string text(const history::DailyRow& row);
std::string text(const history::RunRow& row);
std::string text(const history::ScheduleStateRow& row);
std::string text(const history::PauseRow& row);
std::string text(const history::AuditRow& row);
std::string text(const history::HealthyRow& row);
std::string text(const history::DepositStateRow& row);
std::string text(const history::JudgedRow& row);
std::string text(const history::HeldRow& row);
std::string text(const core::Incident& row);
std::string text(const history::NoticeRow& row);
std::string text(const history::MailRow& row);
std::string text(const core::Silence& row);
std::string text(const history::ExpectationRow& row);
std::string text(const history::OutletRow& row);
std::string text(const history::RememberedShareRow& row);

template <class Row>
std::vector<std::string> texts(const std::vector<Row>& rows) {
    std::vector<std::string> out;
    for (const auto& row : rows) out.push_back(text(row));
    return out;
}

}  // namespace bkmon::test
