#include "tests/support/poll_loop.h"

#include <poll.h>

#include <vector>

namespace bkmon::test {

struct PollLoop::Watch final : loop::FdWatch {
    ~Watch() override { all->erase(id); }
    void want(bool readable, bool writable) override { events = static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0)); }

    std::shared_ptr<std::map<std::uint64_t, Watch*>> all;
    std::uint64_t id = 0;
    int fd = -1;
    short events = 0;
    std::shared_ptr<std::function<void(bool, bool)>> ready;  // shared: a watch may be destroyed from inside its own callback
};

std::unique_ptr<loop::FdWatch> PollLoop::watch(int fd, bool readable, bool writable, std::function<void(bool, bool)> ready) {
    auto w = std::make_unique<Watch>();
    w->all = watches_;
    w->id = ++next_;
    w->fd = fd;
    w->ready = std::make_shared<std::function<void(bool, bool)>>(std::move(ready));
    w->want(readable, writable);
    watches_->emplace(w->id, w.get());
    return w;
}

bool PollLoop::serve() {
    std::vector<pollfd> fds;
    std::vector<std::uint64_t> ids;
    for (const auto& [id, w] : *watches_) {
        if (w->events == 0) continue;  // as with libevent: nothing wanted, nothing told
        fds.push_back({w->fd, w->events, 0});
        ids.push_back(id);
    }
    if (::poll(fds.data(), fds.size(), 0) <= 0) return false;
    for (std::size_t i = 0; i < fds.size(); ++i) {
        const auto it = watches_->find(ids[i]);
        if (fds[i].revents == 0 || it == watches_->end()) continue;
        const auto ready = it->second->ready;
        const bool trouble = (fds[i].revents & (POLLHUP | POLLERR)) != 0;
        const bool readable = (fds[i].events & POLLIN) != 0 && (trouble || (fds[i].revents & POLLIN) != 0);
        const bool writable = (fds[i].events & POLLOUT) != 0 && (trouble || (fds[i].revents & POLLOUT) != 0);
        (*ready)(readable, writable);
    }
    return true;
}

void PollLoop::spin(int rounds) {
    inner_.run_posted();
    while (rounds-- > 0 && serve()) inner_.run_posted();
}

void PollLoop::advance(milliseconds d) {
    spin();
    inner_.advance(d);
    spin();
}

}  // namespace bkmon::test
