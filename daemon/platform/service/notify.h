#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/base/unique_fd.h"

namespace bkmon::service {

/// What this process tells its service manager (sd_notify(3)). Loop thread only. Never blocks: when the manager does not read, messages
/// wait and go first at the next call, a later status taking the place of an earlier one; watchdog pings do not wait, since a late
/// one would say something false. Without a manager everything does nothing.
class Notifier {
public:
    /// Takes $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID out of the environment, so that no child speaks for us: call it once,
    /// before any thread.
    static std::unique_ptr<Notifier> from_environment();

    /// Started, or done with a reload.
    void ready(std::string_view status_line = {});
    /// One line for `systemctl status`; made printable, so that it can carry no assignment of its own.
    void status(std::string_view line);
    /// A reload has begun; ready() ends it.
    void reloading();
    void stopping();
    /// The start, reload or stop that is going on takes up to this much longer from now.
    void extend_timeout(milliseconds d);

    /// After how long without watchdog() the manager kills us; empty when it does not watch. Call at less than half of it.
    std::optional<milliseconds> watchdog_interval() const { return watchdog_interval_; }
    void watchdog();

    /// False without a manager.
    bool connected() const { return static_cast<bool>(socket_); }
    /// Messages the manager has not yet taken.
    std::size_t waiting() const { return waiting_.size(); }
    /// Sends what waits; blocks for at most `longest`: for the end of the process. False when something is left.
    bool flush(milliseconds longest);

private:
    Notifier() = default;
    void send(std::string message);
    bool try_send(const std::string& message) const;
    bool send_waiting();

    std::string address_;  ///< the bytes of sockaddr_un::sun_path
    UniqueFd socket_;
    std::optional<milliseconds> watchdog_interval_;
    std::deque<std::string> waiting_;
};

/// The listening Unix stream socket that systemd passed under `name` (FileDescriptorName=, socket activation). An empty UniqueFd when it
/// passed none; Errc::invalid when it passed several, or something else than a listening Unix socket. Takes $LISTEN_FDS and its
/// companions out of the environment and closes what was passed under other names: call it once, before any thread.
Result<UniqueFd> take_listen_socket(std::string_view name);

}  // namespace bkmon::service
