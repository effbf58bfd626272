#pragma once
#include <functional>
#include <optional>
#include <string>

#include "daemon/history/alert_rows.h"
#include "daemon/platform/net/mail_server.h"

namespace bkmon::alerts {

/// How the way to the mail server is.
struct Way {
    enum class Is { untried, open, down, login, tls };
    Is is = Is::untried;
    std::string detail;  ///< printable: what is in the way
    int code = 0;        ///< the server's answer, 0: none
    BootTime since{};    ///< when it became so
    std::optional<BootTime> last_accepted;
    bool operator==(const Way&) const = default;
};

/// What an outcome says about all mails: somebody must be there, take our login, and be who we think. nullopt: it is of this mail alone.
std::optional<Way::Is> in_the_way(const net::Sent& sent);

/// How long all mails wait when something is in the way of each, the first time and at most.
struct Hold {
    milliseconds first, most;
};
Hold hold_for(Way::Is is);

/// How long after the nth failed attempt the next one comes: 30 s doubled up to an hour, and up to a fifth more or less by `chance` (0..1).
milliseconds backoff(int attempts, double chance);

/// The row after an attempt: sent, failed, or waiting. What is in the way of all costs a mail no wait of its own. `shorter` makes the bytes
/// for a server that takes no more, which is tried once.
history::MailRow after(history::MailRow row, const net::Sent& sent, Time now, double chance,
                       const std::function<std::string(const history::MailRow&)>& shorter);

}  // namespace bkmon::alerts
