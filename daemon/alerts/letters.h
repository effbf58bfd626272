#pragma once
#include <string>
#include <vector>

#include "daemon/alerts/message/message.h"
#include "daemon/alerts/text/compose.h"
#include "daemon/alerts/text/digest.h"
#include "daemon/core/settings/alerts.h"
#include "daemon/history/alert_rows.h"

namespace bkmon::alerts {

/// Turns what is to be said into rows of the outbox. A value: for any thread.
struct Letters {
    core::MailSettings mail;
    std::string site, version, timezone;
    milliseconds give_up{std::chrono::hours(72)};

    /// With what does not depend on the occasion.
    Story story(Time now) const;
    /// As the template of that name has it; a template that fails is replaced by the built-in one: the mail must go out.
    Result<Composed> composed(const Story& story, const std::string& text) const;
    /// `parts`: what makes the mail what it is: the same ones give the same Message-ID. `threads`: Message-IDs that it answers.
    /// A recipient that is no address gives a row that has failed, and says why.
    Result<history::MailRow> alert(const Story& story, const std::string& recipient, const std::string& text, const std::vector<std::string>& parts,
                                   const std::vector<std::string>& threads) const;
    Result<history::MailRow> digest(const DigestStory& story, const std::string& recipient, const std::vector<std::string>& parts) const;
    Result<history::MailRow> test(Time now, const std::string& by, const std::string& recipient, const std::vector<std::string>& parts) const;

private:
    Result<history::MailRow> row(const char* kind, const Composed& composed, Time now, const std::string& recipient,
                                 const std::vector<std::string>& parts, const std::vector<std::string>& threads) const;
};

}  // namespace bkmon::alerts
