#pragma once
#include <functional>
#include <memory>
#include <string>

#include "common/base/time.h"
#include "daemon/platform/loop/event_loop.h"

namespace bkmon::net {

/// How a mail server is reached. A value.
struct MailServer {
    std::string url;           ///< smtp://host[:port] or smtps://host[:port]
    bool tls_required = true;  ///< STARTTLS where the url is smtp://; false only for a server on loopback
    std::string ca_file;       ///< trusted instead of the system's; empty: the system's
    std::string hello;         ///< our name in EHLO; empty: what the library thinks
    std::string user;          ///< empty: no login
    std::string secret;        ///< password, or the token where `token` is set
    bool token = false;        ///< XOAUTH2
    bool operator==(const MailServer&) const = default;
};

struct Envelope {
    std::string from, to;  ///< bare addresses as core::parse_mail_address() gives them; anything else is refused, and no server hears of it
    std::string bytes;     ///< the message, CRLF line ends; leading dots are doubled on the way
};

/// How one transfer to one recipient ended.
struct Sent {
    enum class Kind {
        accepted,     ///< the server said 250 to the message
        later,        ///< a 4xx, a time-out, a cut connection, a name that is not resolved: worth another try
        refused,      ///< a 5xx for this message or recipient: another try would hear the same
        too_large,    ///< 552 or a SIZE below the message's
        login,        ///< 535 and its like: every further try would be one more wrong password
        tls,          ///< no STARTTLS, or a certificate that cannot be trusted: nothing was sent
        unreachable,  ///< nobody listens, no such name, or a 5xx before the mail was named: of the server, not of the mail
    };
    Kind kind = Kind::later;
    long code = 0;       ///< the server's last answer, 0 for none
    std::string detail;  ///< printable: the server's words where it spoke, else the library's
};

/// Sends mails, each in a transfer of its own, four at once; connections to one server are used again for some seconds. Nothing of it
/// waits on the loop: threads of its own do. Loop thread only. Destroying it ends what is on its way, within a second.
class MailTransport {
public:
    /// Destroying it ends the transfer, whose outcome is then unknown; done is not called.
    class Transfer {
    public:
        virtual ~Transfer() = default;
    };
    virtual ~MailTransport() = default;
    /// `done` once, never from inside send(). `deadline` is for all of it, from the moment that one of the four is free, and 30 s of it
    /// for the connection and the login.
    virtual std::unique_ptr<Transfer> send(const MailServer& server, Envelope envelope, milliseconds deadline, std::function<void(Sent)> done) = 0;
};

/// Over libcurl. `loop` outlives it.
std::unique_ptr<MailTransport> make_mail_transport(loop::EventLoop& loop);

}  // namespace bkmon::net
