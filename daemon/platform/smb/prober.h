#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/platform/loop/event_loop.h"
#include "daemon/platform/loop/lane.h"
#include "daemon/platform/smb/connection.h"
#include "daemon/platform/smb/visit.h"

namespace bkmon::smb {

/// What a look at the door says. outcome: listed (something answers), refused, unreachable, timeout, name_unknown.
struct Probed {
    Outcome outcome = Outcome::internal;
    std::string address;  ///< numeric: where it answered
    std::string detail;   ///< printable
    milliseconds took{0};
    Connection connection;  ///< when it is listed: for whoever visits it next
};

/// Tries whether a port answers, any number at once, on the loop. An interface, so that a scan can be tested without a network.
class Prober {
public:
    class Ticket {
    public:
        virtual ~Ticket() = default;
    };
    virtual ~Prober() = default;
    /// Connects, sending nothing; the connection goes with the answer. A name is resolved first (off the loop, within the deadline; one that waits
    /// for others to be resolved waits on as long as those are answered), its first three different addresses are tried in turn, each within the
    /// deadline: the first that answers counts, otherwise the failure that tells most. `done` once, on the loop, never from inside probe().
    /// Destroying the ticket gives up.
    virtual std::unique_ptr<Ticket> probe(const std::string& address, std::uint16_t port, milliseconds deadline,
                                          std::function<void(Probed)> done) = 0;
};

/// As many connects at once as descriptors allow (256 or a quarter of them stay for others; who waits for one has no deadline running
/// meanwhile), few begun or told in one turn of the loop. `names`: a lane with some threads, for names only; numeric addresses never get there,
/// and what hangs holds nothing but its threads. Both outlive it.
std::unique_ptr<Prober> make_prober(loop::EventLoop& loop, loop::Lane& names);

}  // namespace bkmon::smb
