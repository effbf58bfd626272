#pragma once
// One connection. Private to this room.
#include <mysql.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "common/base/unique_fd.h"
#include "daemon/platform/mariadb/query.h"

namespace bkmon::mariadb {

inline constexpr std::size_t kMostBytes = std::size_t{64} << 20;  // of a table
inline constexpr std::size_t kMostOfRow = std::size_t{16} << 20;  // the library reads it whole, and copies it
inline constexpr std::size_t kMostBefore = std::size_t{4} << 20;  // of what comes before rows: columns take several times their bytes

/// Ends a connection when its time or its bytes are used up, whatever the library waits for or reads at that moment: its own limits start
/// anew with each byte, and in a TLS handshake it waits by itself.
class Guard {
public:
    /// Keeps a descriptor of its own: the library may close its when it likes.
    Guard(int socket, BootTime deadline);
    bool late() const { return late_; }
    bool flooded() const { return flooded_; }
    /// How much the server may have sent in all.
    void allow(std::size_t bytes) { allowed_ = bytes; }

private:
    void watch(const std::stop_token& stop);

    UniqueFd socket_;
    BootTime deadline_;
    std::atomic<std::size_t> allowed_ = kMostBefore;
    std::atomic<bool> late_ = false, flooded_ = false;
    std::jthread thread_;
};

/// Every call of the library that talks to the server runs through drive(), which waits for the socket no longer than what is left of the server's
/// time.
class Session {
public:
    explicit Session(const Server& server);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    Result<void> connect();
    MYSQL* handle() { return mysql_; }

    /// `start` and `cont`: a pair of the library's functions, which give what they wait for.
    template <class Start, class Cont>
    void drive(Start start, Cont cont) {
        for (int events = start(); events != 0;) events = cont(wait(events));
    }

    /// False when the time or the bytes are used up: what waits for the server then fails at once.
    bool goes_on();
    /// The columns are known: from now on there may come as much as a table may have.
    void rows_begin();
    /// Nothing more comes from the server, so that nobody waits for its rest.
    void hang_up();

    /// What the library says went wrong, classified and put in words.
    Failure failure(const char* doing);
    Failure failure(const char* doing, unsigned code, const std::string& words);
    Failure too_much(std::string what) const;

private:
    int wait(int events);
    void options();
    void options_tls();
    std::string name() const;

    const Server& server_;
    MYSQL* mysql_;
    BootTime deadline_;
    std::unique_ptr<Guard> guard_;  ///< from the moment there is a socket
    bool late_ = false;
};

}  // namespace bkmon::mariadb
