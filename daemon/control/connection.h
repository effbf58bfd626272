#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/unique_fd.h"
#include "common/protocol/codec.h"
#include "daemon/control/authorisation.h"
#include "daemon/control/limits.h"
#include "daemon/platform/loop/event_loop.h"

namespace bkmon::control {

class ConnectionCall;

/// One client. Reads calls, has them answered one after the other in their order, writes what is answered as fast as the client reads.
/// Loop thread only. Owned by the server; handlers hold only their Call.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    /// What it needs from the server; outlives it.
    class Owner {
    public:
        virtual ~Owner() = default;
        virtual Dispatcher& dispatcher() = 0;
        virtual const Roles& roles() const = 0;
        /// False when this uid has too many streams already.
        virtual bool stream_begins(Connection& connection) = 0;
        virtual void stream_ended(Connection& connection) = 0;
        /// The last thing a connection says; `why` is empty when the client simply left, else a sentence for the journal.
        virtual void closed(Connection& connection, std::string_view why) = 0;
    };
    Connection(loop::EventLoop& loop, Owner& owner, const Limits& limits, UniqueFd fd, Peer peer, Access access);
    ~Connection();
    void start();

    const Peer& peer() const { return peer_; }
    const Access& access() const { return access_; }
    /// Ends it: at once when idle or streaming, else after the answer under way. For roles that changed.
    void retire(std::string why);
    /// Ends it now, without another byte.
    void close(std::string_view why);

private:
    friend class ConnectionCall;
    struct Output {
        std::string bytes;
        bool droppable = false;
    };

    // Reading.
    void ready(bool readable, bool writable);
    void read_some();
    void end_of_input();
    bool wants_input() const;
    void process();
    void start_call(const std::string& frame);
    void refuse_frame(const Error& why);
    bool stranger() const { return access_.role == protocol::Role::none; }
    // Answering, by ConnectionCall.
    void send(std::string frame, bool droppable);
    void finished();
    bool has_room() const { return queued_ < limits_.ready_below; }
    // Writing.
    void flush();
    bool write_some();
    /// Runs a step from the loop: what may close is never done inside a handler.
    void later(void (Connection::*step)());
    void settle();
    void update();
    void check_hangup();

    // Constant after construction.
    loop::EventLoop& loop_;
    Owner& owner_;
    const Limits& limits_;
    const UniqueFd fd_;
    const Peer peer_;
    const Access access_;
    // Loop thread only.
    protocol::FrameBuffer in_;
    std::deque<Output> out_;
    std::size_t queued_ = 0, sent_of_front_ = 0;
    ConnectionCall* current_ = nullptr;  ///< the call under way; its handler owns it
    bool streaming_ = false;             ///< current_ counts as a stream
    bool processing_ = false;
    bool half_closed_ = false;  ///< the client sends no more, but may still read
    bool closing_ = false;      ///< close once everything is written
    bool closed_ = false;
    std::optional<std::string> broken_;  ///< why to close, noticed where closing at once would surprise a handler
    std::string why_closing_;
    std::optional<Error> refusal_;  ///< the input became unusable; said after the calls before it are answered
    std::unique_ptr<loop::Timer> idle_, half_, hangup_;
    std::unique_ptr<loop::FdWatch> watch_;
};

}  // namespace bkmon::control
