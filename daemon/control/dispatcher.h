#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/protocol/methods.h"
#include "common/protocol/params.h"

namespace bkmon::control {

/// Who calls, by the kernel's word at accept. Fixed for the life of a connection.
struct Caller {
    std::uint32_t uid = 65534;
    std::int32_t pid = 0;
    std::string user;  ///< name, or the number
    protocol::Role role = protocol::Role::none;
    std::vector<std::string> targets;  ///< globs of what this caller may see or touch by the method called; empty: all
    /// Display and audit: "alice (uid 1001, pid 4242)".
    std::string text() const;
    bool may_touch(std::string_view target) const;
};

/// One call being answered. Loop thread only. Exactly one final reply() or error() ends it; a call that dies unanswered answers
/// io.bkmon.Failed by itself. Safe to keep beyond the handler: after the client hung up every call on it is a no-op.
class Call {
public:
    virtual ~Call() = default;
    virtual const Caller& caller() const = 0;
    virtual const protocol::Params& params() const = 0;
    virtual bool more() const = 0;                        ///< the client asked for a stream
    virtual void reply(std::string parameters_json) = 0;  ///< final
    /// A reply with `continues`. Coalesced or dropped when the client reads slowly and `droppable`; others wait, or end the connection at the output
    /// limit.
    virtual void stream(std::string parameters_json, bool droppable = false) = 0;
    /// True when the output queue is short enough that more may be sent now; on_drain() calls once when it becomes so.
    virtual bool ready() const = 0;
    virtual void on_drain(std::function<void()> f) = 0;
    virtual void on_hangup(std::function<void()> f) = 0;
    virtual void error(std::string name, std::string parameters_json) = 0;  ///< final; full error name
    // Shorthands for the errors of io.bkmon.varlink.
    void invalid(std::string_view parameter, std::string_view message);
    void fail(const Error& e);  ///< maps Errc to Invalid, Busy, Unavailable, Failed
    void not_allowed(std::string_view method, protocol::Role needed);
};

using Handler = std::function<void(std::shared_ptr<Call>)>;

/// Methods to handlers. Roles are checked here, once: handlers never see a caller that may not call. The default is closed.
class Dispatcher {
public:
    /// Aborts on a method that is not in kMethods, or bound twice: both are bugs.
    void bind(std::string_view method, Handler handler);
    std::vector<std::string_view> unbound() const;  ///< methods of kMethods without a handler, for the test
    /// Called for every call of an admin or operator method when it ends, and for every call that was not allowed. Outcome: "ok", "denied",
    /// or the error's name.
    using Audit = std::function<void(const Caller&, std::string_view method, std::string parameters, std::string outcome)>;
    Audit audit;
    /// What org.varlink.service.GetInfo tells as the version.
    std::string version;
    /// Answers org.varlink.service itself (for viewers), refuses what the caller may not do, what is unknown and parameters that the
    /// method does not declare; then calls the handler.
    void dispatch(std::string_view method, std::shared_ptr<Call> call);

private:
    std::map<std::string, Handler, std::less<>> handlers_;
};

}  // namespace bkmon::control
