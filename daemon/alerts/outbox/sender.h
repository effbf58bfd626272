#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/alerts/outbox/outcome.h"
#include "daemon/core/settings/alerts.h"
#include "daemon/history/store.h"
#include "daemon/platform/journal/journal.h"
#include "daemon/platform/loop/event_loop.h"
#include "daemon/platform/loop/lane.h"
#include "daemon/platform/net/mail_server.h"

namespace bkmon::alerts {

/// Takes mails out of the outbox to the server: a row is leased in a transaction, sent, and its end is written. At most four at once. What the
/// server refuses for good has failed; what it puts off comes again later, up to the mail's give_up_at; what is in the way of all of them
/// (nobody there, no login, no trust) holds back all of them, and one alone tries whether it still is. Waiting is measured on the clock that
/// never jumps. A history that cannot be written now does not keep a mail from being sent: its end is written when it can be.
/// Loop thread only.
class Sender {
public:
    struct Rooms {
        loop::EventLoop& loop;
        loop::Lane& lane;  ///< reads the secret
        history::Store& store;
        net::MailTransport& transport;
        journal::Journal& journal;
    };
    struct Options {
        core::MailSettings mail;
        std::string hello;                                            ///< our name in EHLO
        std::function<Result<std::string>()> secret;                  ///< on the lane, before each batch
        std::function<std::string(const history::MailRow&)> shorter;  ///< the same mail in few words, for a server that takes no more; any thread
    };
    /// `changed`: the way, or what waits, is other than before.
    Sender(Rooms rooms, Options options, std::function<void()> changed);
    ~Sender();
    void reconfigure(Options options);  ///< and tries at once
    void kick();                        ///< there may be something to send
    void try_again();                   ///< whatever is in the way: try now
    /// The wall clock was set by so much: what waits goes on waiting as long as it would have.
    void clock_changed(milliseconds by);
    const Way& way() const;
    std::size_t waiting() const;  ///< mails in the outbox that are not sent, as last counted
    std::size_t failed() const;   ///< mails that were given up, as last counted

    struct Impl;

private:
    std::shared_ptr<Impl> impl_;
};

/// As the transport takes it.
net::MailServer server_of(const Sender::Options& options, const std::string& secret);

}  // namespace bkmon::alerts
