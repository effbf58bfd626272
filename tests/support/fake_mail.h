#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/platform/loop/event_loop.h"
#include "daemon/platform/net/mail_server.h"

namespace bkmon::test {

/// A mail server that answers as a test tells it, and keeps what it was given. Answers come with the next turn of the loop, or after `takes`,
/// or when the test says so. A transfer that is destroyed before is never answered, but what it carried stays in the list: a server may have it.
class FakeMail final : public net::MailTransport {
public:
    using Kind = net::Sent::Kind;
    struct Attempt {
        net::MailServer server;
        net::Envelope envelope;
        net::Sent sent;
        Time at{};
        BootTime up{};
    };

    explicit FakeMail(loop::EventLoop& loop) : loop_(loop) {}

    /// What the server says to each; it may look at the envelope.
    std::function<net::Sent(const net::MailServer&, const net::Envelope&)> answer = [](const auto&, const auto&) {
        return net::Sent{Kind::accepted, 250, "ok"};
    };
    void answer_all(Kind kind, long code = 0, std::string detail = "as the test has it") {
        answer = [sent = net::Sent{kind, code, std::move(detail)}](const auto&, const auto&) { return sent; };
    }
    milliseconds takes{0};
    bool held = false;  ///< answers wait for release()
    std::vector<Attempt> attempts;
    std::size_t most_at_once = 0;

    std::unique_ptr<Transfer> send(const net::MailServer& server, net::Envelope envelope, milliseconds,
                                   std::function<void(net::Sent)> done) override {
        auto sent = answer(server, envelope);
        attempts.push_back({server, std::move(envelope), sent, loop_.clock().now(), loop_.clock().boot()});
        auto one = std::make_unique<One>(*this, std::move(sent), std::move(done));
        open_.insert(one.get());
        most_at_once = std::max(most_at_once, open_.size());
        if (!held) one->timer->arm(takes);
        return one;
    }
    /// Every answer that is held comes; later ones come by themselves.
    void release() {
        held = false;
        for (auto* one : open_) one->timer->arm(milliseconds(0));
    }
    std::size_t open() const { return open_.size(); }
    std::size_t count(Kind kind) const {
        return static_cast<std::size_t>(std::count_if(attempts.begin(), attempts.end(), [&](const Attempt& a) { return a.sent.kind == kind; }));
    }
    /// What it took, in order.
    std::vector<net::Envelope> accepted() const {
        std::vector<net::Envelope> all;
        for (const auto& a : attempts)
            if (a.sent.kind == Kind::accepted) all.push_back(a.envelope);
        return all;
    }

private:
    struct One final : Transfer {
        One(FakeMail& o, net::Sent s, std::function<void(net::Sent)> d)
            : owner(o), sent(std::move(s)), done(std::move(d)), timer(o.loop_.make_timer([this] { over(); })) {}
        ~One() override { owner.open_.erase(this); }
        void over() {
            owner.open_.erase(this);
            const auto tell = std::exchange(done, nullptr);
            if (tell) tell(sent);
        }
        FakeMail& owner;
        net::Sent sent;
        std::function<void(net::Sent)> done;
        std::unique_ptr<loop::Timer> timer;
    };
    loop::EventLoop& loop_;
    std::set<One*> open_;
};

}  // namespace bkmon::test
