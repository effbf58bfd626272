#include "daemon/platform/net/multi.h"

namespace bkmon::net {

Multi::Multi(loop::EventLoop& loop) : loop_(loop), multi_(new_multi()) {
    timer_ = loop_.make_timer([this] { act(CURL_SOCKET_TIMEOUT, 0); });
    soon_ = loop_.make_timer([this] { collect(); });
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &Multi::on_socket);
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &Multi::on_timer);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
}

Multi::~Multi() {
    for (const auto& [easy, done] : waiting_) curl_multi_remove_handle(multi_.get(), easy);
    waiting_.clear();
    multi_.reset();  // asks for its sockets once more: they are still there
}

void Multi::add(CURL* easy, std::function<void(CURLcode)> done) {
    waiting_.emplace(easy, std::move(done));
    curl_multi_add_handle(multi_.get(), easy);
    soon_->arm(milliseconds(0));
}

void Multi::remove(CURL* easy) {
    if (waiting_.erase(easy) == 0) return;
    std::erase_if(ended_, [easy](const auto& e) { return e.first == easy; });  // the next handle may have the same address
    curl_multi_remove_handle(multi_.get(), easy);
}

int Multi::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    auto& me = *static_cast<Multi*>(self);
    if (what == CURL_POLL_REMOVE) {
        me.watches_.erase(fd);
        return 0;
    }
    const bool in = (what & CURL_POLL_IN) != 0, out = (what & CURL_POLL_OUT) != 0;
    auto& watch = me.watches_[fd];
    if (watch) {
        watch->want(in, out);
        return 0;
    }
    watch = me.loop_.watch(
        fd, in, out, [&me, fd](bool readable, bool writable) { me.act(fd, (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0)); });
    return watch ? 0 : -1;
}

int Multi::on_timer(CURLM*, long ms, void* self) {
    auto& me = *static_cast<Multi*>(self);
    if (ms < 0)
        me.timer_->cancel();
    else
        me.timer_->arm(milliseconds(ms));
    return 0;
}

void Multi::act(curl_socket_t fd, int events) {
    int running = 0;
    curl_multi_socket_action(multi_.get(), fd, events, &running);
    soon_->arm(milliseconds(0));  // whoever is told may add and remove: not from inside the library
}

void Multi::collect() {
    const auto self = shared_from_this();  // whoever is told may let go of the last owner
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left))
        if (message->msg == CURLMSG_DONE) ended_.emplace_back(message->easy_handle, message->data.result);
    while (!ended_.empty()) {
        const auto [easy, code] = ended_.front();
        ended_.pop_front();
        const auto found = waiting_.find(easy);
        if (found == waiting_.end()) continue;  // taken away by one that was told before
        const auto done = std::move(found->second);
        remove(easy);
        done(code);
    }
}

}  // namespace bkmon::net
