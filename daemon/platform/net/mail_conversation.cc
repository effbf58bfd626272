#include "daemon/platform/net/mail_conversation.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "common/base/text.h"

namespace bkmon::net {
namespace {

constexpr long kFirstWord = 30;      // seconds until the connection stands and the server has spoken
constexpr std::size_t kWords = 512;  // of what a server says

bool is_tls_trouble(CURLcode code) {
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SSL_CERTPROBLEM ||
           code == CURLE_SSL_CACERT_BADFILE || code == CURLE_USE_SSL_FAILED || code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_CIPHER;
}

/// No answer came: the last one that did belongs to something else.
bool is_silence(CURLcode code) { return code == CURLE_OPERATION_TIMEDOUT || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING; }

/// The response code decides: one CURLcode stands for "try later" and for "never" alike. Only where the library failed first does it
/// speak. A server that refuses before it heard of the mail (`began` false: no MAIL was sent) has said nothing about the mail.
Sent::Kind kind_of(CURLcode code, long response, bool began) {
    if (code == CURLE_OK) return Sent::Kind::accepted;
    if (is_tls_trouble(code)) return Sent::Kind::tls;
    if (code == CURLE_LOGIN_DENIED) return response / 100 == 4 ? Sent::Kind::later : Sent::Kind::login;
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST) return Sent::Kind::unreachable;
    if (is_silence(code)) return Sent::Kind::later;
    if (response == 530 || response == 534 || response == 535 || response == 538) return Sent::Kind::login;
    if (!began) return response / 100 == 5 ? Sent::Kind::unreachable : Sent::Kind::later;
    if (response == 552 || code == CURLE_FILESIZE_EXCEEDED) return Sent::Kind::too_large;
    return response / 100 == 5 ? Sent::Kind::refused : Sent::Kind::later;
}

/// The name for EHLO is the path of the url, which the library decodes.
std::string with_hello(std::string url, const std::string& hello) {
    const bool plain = !hello.empty() && std::all_of(hello.begin(), hello.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    });
    if (plain) url += (url.back() == '/' ? "" : "/") + hello;
    return url;
}

struct Given {
    const std::string& bytes;
    std::size_t at = 0;
};

std::size_t give(char* to, std::size_t size, std::size_t n, void* given) {
    auto& from = *static_cast<Given*>(given);
    const auto count = std::min(size * n, from.bytes.size() - from.at);
    std::memcpy(to, from.bytes.data() + from.at, count);
    from.at += count;
    return count;
}

/// The server's last answer, for the operator: not its goodbye.
struct Heard {
    std::string said;
    const bool& over;
};

std::size_t hear(char* line, std::size_t size, std::size_t n, void* heard) {
    auto& h = *static_cast<Heard*>(heard);
    if (!h.over) h.said = printable(trim(std::string_view(line, size * n)), kWords);
    return size * n;
}

int go_on(void* cancel, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return static_cast<const Cancel*>(cancel)->cancelled() ? 1 : 0; }

void set_server(CURL* easy, const MailServer& server) {
    const auto set = [easy](CURLoption option, auto value) { curl_easy_setopt(easy, option, value); };
    set(CURLOPT_URL, with_hello(server.url, server.hello).c_str());
    set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    set(CURLOPT_USE_SSL, static_cast<long>(server.tls_required ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    set(CURLOPT_CONNECTTIMEOUT, kFirstWord);
    set(CURLOPT_SERVER_RESPONSE_TIMEOUT, 2 * kFirstWord);
    if (server.user.empty()) return;
    set(CURLOPT_USERNAME, server.user.c_str());
    if (server.token) {
        set(CURLOPT_XOAUTH2_BEARER, server.secret.c_str());
        set(CURLOPT_LOGIN_OPTIONS, "AUTH=XOAUTH2");
    } else {
        set(CURLOPT_PASSWORD, server.secret.c_str());
    }
}

}  // namespace

void Cancel::cancel() {
    MutexLock lock(mutex_);
    cancelled_ = true;
    if (with_ != nullptr) with_->interrupt();
}

bool Cancel::begin(MailConversation* with) {
    MutexLock lock(mutex_);
    with_ = with;
    return !cancelled_;
}

void Cancel::end() {
    MutexLock lock(mutex_);
    with_ = nullptr;
}

MailConversation::MailConversation() : multi_(new_multi()) {}

MailConversation::~MailConversation() { shut(SHUT_RD); }

Sent MailConversation::send(const MailServer& server, const Envelope& envelope, milliseconds deadline, Cancel& cancel) {
    std::array<char, CURL_ERROR_SIZE> error{};
    Heard heard{"", over_};
    Given given{envelope.bytes};
    const ListPtr to(curl_slist_append(nullptr, ("<" + envelope.to + ">").c_str()));
    const EasyPtr easy = new_easy(server.ca_file);
    const auto set = [&easy](CURLoption option, auto value) { curl_easy_setopt(easy.get(), option, value); };
    set_server(easy.get(), server);
    set(CURLOPT_ERRORBUFFER, error.data());
    set(CURLOPT_MAIL_FROM, ("<" + envelope.from + ">").c_str());
    set(CURLOPT_MAIL_RCPT, to.get());
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(envelope.bytes.size()));
    set(CURLOPT_READFUNCTION, &give);
    set(CURLOPT_READDATA, static_cast<void*>(&given));
    set(CURLOPT_HEADERFUNCTION, &hear);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&heard));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(deadline.count()));
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &go_on);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(&cancel));
    if (is_stale()) multi_ = new_multi();
    watch(easy.get());
    const auto code = cancel.begin(this) ? drive(easy.get(), cancel) : CURLE_ABORTED_BY_CALLBACK;
    cancel.end();
    Sent sent;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &sent.code);
    sent.kind = kind_of(code, sent.code, began_);
    const std::string why = error[0] != '\0' ? error.data() : curl_easy_strerror(code);
    sent.detail = code == CURLE_OK || (sent.code >= 400 && !heard.said.empty()) ? heard.said : printable(why, kWords);
    if (code == CURLE_LOGIN_DENIED && sent.code < 400)
        sent.detail = server.token ? "the server does not take an OAuth 2 token (XOAUTH2)" : "the server offers no login by password (PLAIN, LOGIN)";
    return sent;
}

/// Between two mails a server has nothing to say but that it hangs up, which the library overlooks inside TLS.
bool MailConversation::is_stale() {
    MutexLock lock(mutex_);
    bool stale = false;
    for (const auto fd : sockets_) {
        pollfd p{fd, POLLIN, 0};
        if (::poll(&p, 1, 0) == 0) continue;
        stale = true;
        ::shutdown(fd, SHUT_RDWR);
    }
    return stale;
}

void MailConversation::watch(CURL* easy) {
    began_ = over_ = false;
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &MailConversation::open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &MailConversation::close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
    curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);  // the only way to hear of a QUIT before its answer is waited for
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, &MailConversation::on_line);
    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, this);
}

CURLcode MailConversation::drive(CURL* easy, const Cancel& cancel) {
    CURLcode code = CURLE_ABORTED_BY_CALLBACK;
    curl_multi_add_handle(multi_.get(), easy);
    for (int running = 1; running > 0 && !cancel.cancelled();) {
        curl_multi_perform(multi_.get(), &running);
        if (running > 0) curl_multi_poll(multi_.get(), nullptr, 0, 1000, nullptr);
    }
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left))
        if (message->msg == CURLMSG_DONE) code = message->data.result;
    curl_multi_remove_handle(multi_.get(), easy);
    return code;
}

curl_socket_t MailConversation::open(void* self, curlsocktype, curl_sockaddr* address) {
    auto& me = *static_cast<MailConversation*>(self);
    const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    MutexLock lock(me.mutex_);
    if (fd >= 0) me.sockets_.insert(fd);
    return fd;
}

int MailConversation::close(void* self, curl_socket_t fd) {
    auto& me = *static_cast<MailConversation*>(self);
    MutexLock lock(me.mutex_);
    me.sockets_.erase(fd);
    return ::close(fd);
}

int MailConversation::on_line(CURL*, curl_infotype kind, char* data, std::size_t size, void* self) {
    if (kind != CURLINFO_HEADER_OUT) return 0;
    auto& me = *static_cast<MailConversation*>(self);
    const std::string_view line(data, size);
    if (line.substr(0, 5) == "MAIL ") me.began_ = true;
    me.over_ = line.substr(0, 4) == "QUIT";
    if (me.over_) me.shut(SHUT_RD);
    return 0;
}

void MailConversation::shut(int how) {
    MutexLock lock(mutex_);
    for (const auto fd : sockets_) ::shutdown(fd, how);
}

void MailConversation::interrupt() {
    shut(SHUT_RDWR);
    curl_multi_wakeup(multi_.get());
}

}  // namespace bkmon::net
