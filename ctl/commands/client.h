#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "common/base/time.h"
#include "common/base/unique_fd.h"
#include "common/protocol/codec.h"
#include "common/protocol/params.h"

namespace bkmon::ctl {

/// What bkmonctl ends with. `check` has codes of its own.
enum Exit : int { kDone = 0, kFailed = 1, kUsage = 2, kUnreachable = 3, kNoSuchObject = 4, kNotAllowed = 5 };

/// Why a command did not do what was asked.
struct Trouble {
    int exit = kFailed;
    std::string code;     ///< stable, snake_case: "not_allowed", "no_such_target", "unreachable", …
    std::string message;  ///< one sentence for the operator; may hold text from the daemon, not yet made fit for a terminal
};

template <class T>
using Outcome = tl::expected<T, Trouble>;
using Refusal = tl::unexpected<Trouble>;
inline Refusal refuse(int exit, std::string code, std::string message) { return Refusal(Trouble{exit, std::move(code), std::move(message)}); }

/// A Varlink error as a sentence with its exit code.
Trouble trouble_of(std::string_view error, const protocol::Params& parameters, std::string_view method);

/// How a stream ended.
enum class StreamEnd { complete, stopped, interrupted };

/// One connection to bkmond. Blocking; one call at a time. After a Trouble with kUnreachable it is of no use any more.
class Client {
public:
    /// kUnreachable when nobody listens there, or the connection cannot be made within `timeout`.
    static Outcome<Client> connect(const std::string& path, milliseconds timeout);

    /// Waits at most `timeout` for the answer. `parameters` is a JSON object, or empty.
    Outcome<protocol::Params> call(std::string_view method, std::string_view parameters, milliseconds timeout);

    struct Patience {
        milliseconds first;     ///< for the first reply; zero: for ever
        milliseconds next;      ///< for each further one; zero: for ever
        int interrupt_fd = -1;  ///< readable: stop waiting
    };
    /// Calls with `more`; `each` gets every reply, `final` says that it is the last, and stops the stream by returning false (the connection
    /// is closed then, which detaches).
    Outcome<StreamEnd> stream(std::string_view method, std::string_view parameters, const Patience& patience,
                              const std::function<bool(const protocol::Params& reply, bool final)>& each);

private:
    explicit Client(UniqueFd fd, std::string path);
    Outcome<void> send(std::string_view frame, milliseconds timeout);
    /// Nothing when interrupted.
    Outcome<std::optional<protocol::ReplyFrame>> receive(milliseconds timeout, int interrupt_fd);
    Trouble lost(std::string_view why) const;

    UniqueFd fd_;
    std::string path_;
    protocol::FrameBuffer frames_;
};

}  // namespace bkmon::ctl
