#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "common/base/text.h"
#include "daemon/core/mail_address.h"
#include "daemon/platform/loop/thread_lane.h"
#include "daemon/platform/net/mail_conversation.h"
#include "daemon/platform/net/mail_server.h"

namespace bkmon::net {
namespace {

constexpr std::size_t kThreads = 4;  // so many mails are on their way at once
constexpr milliseconds kIdle{std::chrono::seconds(10)};
constexpr std::size_t kWords = 512;

/// 0x01 parts the fields of XOAUTH2.
bool breaks_out(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0\x01", 4)) != std::string_view::npos; }

bool is_bare_address(const std::string& text) {
    const auto parsed = core::parse_mail_address(text);
    return parsed && parsed->address == text;
}

/// What cannot be sent safely. libcurl takes what it is given as lines of the protocol, and nothing of it shall be its syntax.
std::optional<Sent> why_not(const MailServer& server, const Envelope& envelope) {
    for (const auto& [what, address] : {std::pair{"sender", &envelope.from}, std::pair{"recipient", &envelope.to}})
        if (!is_bare_address(*address))
            return Sent{Sent::Kind::refused, 0, std::string("the ") + what + " is no mail address: " + printable(*address, kWords)};
    if (breaks_out(server.user) || breaks_out(server.secret))
        return Sent{Sent::Kind::login, 0, "the user or the password of the mail server has a line break or a control character in it"};
    if (breaks_out(server.url) || server.url.empty())
        return Sent{Sent::Kind::unreachable, 0, "the address of the mail server cannot be used: " + printable(server.url, kWords)};
    return std::nullopt;
}

/// Conversations that nobody uses now, the last used on top: mails that come one by one share one connection.
class Idle {
public:
    std::unique_ptr<MailConversation> take() {
        MutexLock lock(mutex_);
        if (kept_.empty()) return nullptr;
        auto last = std::move(kept_.back().second);
        kept_.pop_back();
        return last;
    }
    void give(std::unique_ptr<MailConversation> conversation, BootTime now) {
        MutexLock lock(mutex_);
        kept_.emplace_back(now, std::move(conversation));
    }
    /// Those not used since `then`. Whether any are left.
    bool drop(BootTime then, std::vector<std::unique_ptr<MailConversation>>& gone) {
        MutexLock lock(mutex_);
        for (auto& [used, conversation] : kept_)
            if (used <= then) gone.push_back(std::move(conversation));
        std::erase_if(kept_, [](const auto& k) { return !k.second; });
        return !kept_.empty();
    }

private:
    Mutex mutex_;
    std::vector<std::pair<BootTime, std::unique_ptr<MailConversation>>> kept_ BKMON_GUARDED_BY(mutex_);
};

class CurlTransfer final : public MailTransport::Transfer {
public:
    explicit CurlTransfer(std::function<void(Sent)> done) : done_(std::make_shared<std::function<void(Sent)>>(std::move(done))) {}
    ~CurlTransfer() override { cancel->cancel(); }
    /// Lives as long as this does: whoever holds it weakly is told by its end.
    std::weak_ptr<std::function<void(Sent)>> done() const { return done_; }

    std::shared_ptr<Cancel> cancel = std::make_shared<Cancel>();

private:
    std::shared_ptr<std::function<void(Sent)>> done_;
};

/// What cannot be sent safely is answered in a turn of its own.
class Refusal final : public MailTransport::Transfer {
public:
    Refusal(loop::EventLoop& loop, Sent why, std::function<void(Sent)> done)
        : timer_(loop.make_timer([why = std::move(why), done = std::move(done)] { done(why); })) {
        timer_->arm(milliseconds(0));
    }

private:
    std::unique_ptr<loop::Timer> timer_;
};

class CurlTransport final : public MailTransport {
public:
    explicit CurlTransport(loop::EventLoop& loop) : loop_(loop), rest_(loop.make_timer([this] { rest(); })) {}

    std::unique_ptr<Transfer> send(const MailServer& server, Envelope envelope, milliseconds deadline, std::function<void(Sent)> done) override {
        if (auto no = why_not(server, envelope)) return std::make_unique<Refusal>(loop_, std::move(*no), std::move(done));
        if (!lane_) lane_ = std::make_unique<loop::ThreadLane>("mail", kThreads);
        auto transfer = std::make_unique<CurlTransfer>(std::move(done));
        const auto work = [&clock = loop_.clock(), idle = idle_, cancel = transfer->cancel, server, envelope = std::move(envelope),
                           deadline](std::stop_token stop) {
            const std::stop_callback stopped(stop, [&cancel] { cancel->cancel(); });
            auto conversation = idle->take();
            if (!conversation) conversation = std::make_unique<MailConversation>();
            auto sent = conversation->send(server, envelope, deadline, *cancel);
            idle->give(std::move(conversation), clock.boot());
            return sent;
        };
        loop::submit(*lane_, loop_, transfer->done(), work, [told = transfer->done()](const Sent& sent) {
            const auto tell = told.lock();  // it may destroy the transfer, and us
            if (tell) (*tell)(sent);
        });
        if (!rest_->armed()) rest_->arm(kIdle);
        return transfer;
    }

private:
    void rest() {
        std::vector<std::unique_ptr<MailConversation>> gone;
        if (idle_->drop(loop_.clock().boot() - kIdle, gone) || lane_->running() + lane_->queued() > 0) rest_->arm(kIdle);
        // Farewells are written to a socket: not on the loop.
        lane_->run([all = std::make_shared<decltype(gone)>(std::move(gone))](const std::stop_token&) { all->clear(); });
    }

    loop::EventLoop& loop_;
    std::shared_ptr<Idle> idle_ = std::make_shared<Idle>();
    std::unique_ptr<loop::Timer> rest_;
    std::unique_ptr<loop::ThreadLane> lane_;  // last: its work uses the others
};

}  // namespace

std::unique_ptr<MailTransport> make_mail_transport(loop::EventLoop& loop) { return std::make_unique<CurlTransport>(loop); }

}  // namespace bkmon::net
