#pragma once
#include <curl/curl.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "daemon/platform/loop/event_loop.h"
#include "daemon/platform/net/curl_handle.h"

namespace bkmon::net {

/// libcurl's transfers on our loop (its multi_socket interface), for protocols in which the library waits for nobody: HTTP. Mails are
/// another matter (mail_conversation.h). Names are looked up in threads of the library's. Loop thread only; make it by std::make_shared.
class Multi : public std::enable_shared_from_this<Multi> {
public:
    explicit Multi(loop::EventLoop& loop);
    ~Multi();
    Multi(const Multi&) = delete;
    Multi& operator=(const Multi&) = delete;

    /// The handle stays the caller's, who calls remove() before it is cleaned up. `done` in a later turn.
    void add(CURL* easy, std::function<void(CURLcode)> done);
    /// Also from inside a `done`, its own or another's, which is not called any more then.
    void remove(CURL* easy);

private:
    static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* known);
    static int on_timer(CURLM* multi, long ms, void* self);
    void act(curl_socket_t fd, int events);
    void collect();

    loop::EventLoop& loop_;
    std::map<curl_socket_t, std::unique_ptr<loop::FdWatch>> watches_;
    std::map<CURL*, std::function<void(CURLcode)>> waiting_;
    std::deque<std::pair<CURL*, CURLcode>> ended_;
    std::unique_ptr<loop::Timer> timer_, soon_;
    MultiPtr multi_;
};

}  // namespace bkmon::net
