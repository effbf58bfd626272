#pragma once
#include <atomic>
#include <set>
#include <string>

#include "common/base/guarded.h"
#include "daemon/platform/net/curl_handle.h"
#include "daemon/platform/net/mail_server.h"

namespace bkmon::net {

class MailConversation;

/// Ends one transfer from another thread.
class Cancel {
public:
    /// Any thread. The transfer ends soon; one that has not begun never does.
    void cancel();
    bool cancelled() const { return cancelled_; }

private:
    friend class MailConversation;
    bool begin(MailConversation* with);  ///< false: cancelled before
    void end();
    std::atomic<bool> cancelled_{false};
    Mutex mutex_;
    MailConversation* with_ BKMON_GUARDED_BY(mutex_) = nullptr;
};

/// One mail after the other to a mail server, over libcurl. It has a thread of its own while it sends: in SMTP the library waits where it
/// stands for the answer to the message (as long as the deadline) and for that to QUIT (as long as a minute), whatever interface it is
/// driven by. Here the first of them is ended by Cancel, and for the second nobody waits.
class MailConversation {
public:
    MailConversation();
    ~MailConversation();  ///< takes its leave of a server it still holds; waits for nothing
    MailConversation(const MailConversation&) = delete;
    MailConversation& operator=(const MailConversation&) = delete;

    /// Any thread, one at a time. Blocks until it ended; nothing but that it has ended is meant by the answer when `cancel` was used.
    Sent send(const MailServer& server, const Envelope& envelope, milliseconds deadline, Cancel& cancel);

private:
    friend class Cancel;
    static curl_socket_t open(void* self, curlsocktype purpose, curl_sockaddr* address);
    static int close(void* self, curl_socket_t fd);
    static int on_line(CURL* easy, curl_infotype kind, char* data, std::size_t size, void* self);
    bool is_stale();
    void watch(CURL* easy);
    CURLcode drive(CURL* easy, const Cancel& cancel);
    void shut(int how);
    void interrupt();  ///< any thread

    Mutex mutex_;
    std::set<curl_socket_t> sockets_ BKMON_GUARDED_BY(mutex_);
    bool began_ = false;  ///< the server was told of the mail
    bool over_ = false;   ///< what it says now is about no mail
    MultiPtr multi_;
};

}  // namespace bkmon::net
