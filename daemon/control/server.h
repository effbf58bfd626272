#pragma once
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "daemon/control/authorisation.h"
#include "daemon/control/dispatcher.h"
#include "daemon/control/limits.h"
#include "daemon/platform/journal/journal.h"
#include "daemon/platform/loop/event_loop.h"

namespace bkmon::control {

struct ServerOptions {
    std::string path;   ///< bound when nothing was passed
    UniqueFd listener;  ///< from systemd
    Limits limits;
};

/// The control socket. Loop thread only. Until set_roles() nobody may do anything.
class Server {
public:
    /// `loop`, `dispatcher` and `journal` must outlive it. Errors: see ListeningSocket.
    static Result<std::unique_ptr<Server>> create(loop::EventLoop& loop, Dispatcher& dispatcher, journal::Journal& journal, ServerOptions options);
    /// Ends every connection; removes the socket when it was bound here.
    ~Server();

    /// For new connections; those whose rights change are ended (after the answer under way).
    void set_roles(Roles roles);
    std::size_t connections() const;
    std::size_t streams() const;

private:
    struct Impl;
    explicit Server(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace bkmon::control
