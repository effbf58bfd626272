#pragma once
#include <functional>
#include <memory>
#include <string>

#include "common/base/time.h"
#include "daemon/platform/loop/event_loop.h"

namespace bkmon::net {

/// What is asked for. A value.
struct HttpGet {
    std::string url;  ///< http:// or https://; nothing else is fetched, and no redirect is followed
    milliseconds timeout{std::chrono::seconds(10)};
    std::string ca_file;  ///< trusted instead of the system's; empty: the system's
};

struct HttpAnswer {
    long status = 0;    ///< as the server said, 0 when none came
    std::string error;  ///< printable: why no answer came; never holds the url, which may be a secret. Empty when one came
};

/// GETs whose answer's body nobody wants: a sign of life. On the loop, through no proxy, without cookies or a login. Loop thread only.
class HttpClient {
public:
    /// Destroying it ends the request; done is not called.
    class Request {
    public:
        virtual ~Request() = default;
    };
    virtual ~HttpClient() = default;
    /// `done` once, never from inside get(). A body above 64 KiB is not waited for: the status counts.
    virtual std::unique_ptr<Request> get(const HttpGet& what, std::function<void(HttpAnswer)> done) = 0;
};

/// Over libcurl. `loop` outlives it.
std::unique_ptr<HttpClient> make_http_client(loop::EventLoop& loop);

}  // namespace bkmon::net
