#include "daemon/app/tell_failure.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <list>
#include <random>
#include <utility>

#include "common/base/text.h"
#include "daemon/app/app.h"
#include "daemon/app/failure_mail.h"
#include "daemon/app/mail_secret.h"
#include "daemon/platform/loop/libevent.h"
#include "daemon/platform/loop/process.h"
#include "daemon/platform/net/mail_server.h"

namespace bkmon::app {
namespace {

using net::Sent;

constexpr milliseconds kTransfer{std::chrono::minutes(1)}, kFirstPause{std::chrono::seconds(2)}, kLongestPause{std::chrono::minutes(2)};

void say(const std::string& text) { std::fprintf(stderr, "bkmond: %s\n", text.c_str()); }

/// It holds a password, as the daemon does.
void keep_to_ourselves() {
    ::umask(0077);
    ::prctl(PR_SET_DUMPABLE, 0);
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::signal(SIGPIPE, SIG_IGN);
}

bool on_loopback(const std::string& url) {
    for (const char* host : {"://127.", "://localhost:", "://localhost/", "://[::1]"})
        if (url.find(host) != std::string::npos) return true;
    return url.size() > 9 && url.substr(url.size() - 9) == "localhost";
}

struct Recipient {
    alerts::Address address;
    milliseconds pause = kFirstPause;
    bool brief = false, accepted = false, over = false;
    std::unique_ptr<net::MailTransport::Transfer> transfer;
    std::unique_ptr<loop::Timer> timer;  ///< the next try
};

/// Everything from the question what happened to the last answer of the server.
class Teller {
public:
    Teller(loop::LibeventLoop& loop, const config::Loaded& loaded, std::string config, std::string unit, milliseconds patience)
        : loop_(loop), mail_(loaded.settings.mail), unit_(std::move(unit)), patience_(patience) {
        if (unit_.find('.') == std::string::npos) unit_ += ".service";  // as systemctl takes it
        news_.host = mail_host();
        news_.site = loaded.settings.site;
        news_.version = BKMON_VERSION;
        news_.language = mail_.language;
        news_.timezone = loaded.settings.timezone;
        news_.config = std::move(config);
        news_.now = loop_.clock().now();
        for (const auto& p : loaded.problems) news_.problems.push_back(p.where + (p.where.empty() ? "" : ": ") + p.message);
    }

    /// False, with the reason said, when no mail can be sent at all.
    bool start() {
        const auto from = alerts::parse_address(mail_.from);
        auto secret = mail_secret(mail_)();
        if (!mail_.configured || mail_.server.empty() || mail_.to.empty() || !from) return refuse("mail is not configured, or wrongly");
        if (!secret) return refuse(printable(secret.error().what));
        from_ = *from;
        server_.url = mail_.server;
        server_.tls_required = mail_.tls || !on_loopback(mail_.server);  // also when the configuration has problems
        server_.ca_file = mail_.ca_file;
        server_.hello = news_.host;
        server_.user = mail_.user;
        server_.secret = std::move(*secret);
        server_.token = mail_.token;
        for (const auto& to : mail_.to) add(to);
        began_ = loop_.clock().boot();
        look_ = look_at_unit(children_, loop_, unit_, [this](UnitFailure failure) {
            news_.failure = std::move(failure);
            for (auto& r : recipients_) r.timer->arm(milliseconds(0));
        });
        return true;
    }
    bool told_everybody() const {
        return std::all_of(recipients_.begin(), recipients_.end(), [](const auto& r) { return r.accepted; }) && !recipients_.empty();
    }

private:
    bool refuse(const std::string& why) {
        say("nobody is told that " + unit_ + " has failed: " + why);
        return false;
    }
    void add(const std::string& to) {
        const auto address = alerts::parse_address(to);
        auto& r = recipients_.emplace_back();
        if (address) r.address = *address;
        r.timer = loop_.make_timer([this, &r] { send(r); });
    }
    void send(Recipient& r) {
        auto message = failure_mail(news_, r.address.address, from_.address.substr(from_.address.rfind('@') + 1), r.brief);
        message.from = from_;
        message.to = r.address;
        const auto left = patience_ - std::chrono::duration_cast<milliseconds>(loop_.clock().boot() - began_);
        r.transfer = transport_->send(server_, {from_.address, r.address.address, alerts::wire(message)}, std::clamp(left, kFirstPause, kTransfer),
                                      [this, &r](const Sent& sent) { ended(r, sent); });
    }
    void ended(Recipient& r, const Sent& sent) {
        if (sent.kind == Sent::Kind::accepted) {
            say(fmt::format("mailed to {} that {} has failed", r.address.address, unit_));
            r.accepted = true;
            return finish(r);
        }
        if (sent.kind == Sent::Kind::too_large && !r.brief) {
            r.brief = true;
            return r.timer->arm(milliseconds(0));
        }
        const bool worth = sent.kind == Sent::Kind::later || sent.kind == Sent::Kind::unreachable;
        const auto pause = milliseconds(r.pause.count() * std::uniform_int_distribution<long>(80, 120)(random_) / 100);
        const bool time_left = loop_.clock().boot() + pause < began_ + patience_;
        say(fmt::format("the mail to {} that {} has failed was not accepted: {}{}", r.address.address, unit_, sent.detail,
                        worth && time_left ? "; tried again in " + duration_words(pause) : ""));
        if (!worth || !time_left) return finish(r);
        r.pause = std::min(2 * r.pause, kLongestPause);
        r.timer->arm(pause);
    }
    void finish(Recipient& r) {
        r.over = true;
        if (std::all_of(recipients_.begin(), recipients_.end(), [](const auto& one) { return one.over; })) loop_.stop();
    }

    loop::LibeventLoop& loop_;
    core::MailSettings mail_;
    std::string unit_;
    milliseconds patience_;
    FailureNews news_;
    net::MailServer server_;
    alerts::Address from_;
    BootTime began_{};
    std::mt19937 random_{std::random_device{}()};
    loop::ProcessRunner children_{loop_};
    std::shared_ptr<void> look_;
    std::unique_ptr<net::MailTransport> transport_ = net::make_mail_transport(loop_);
    std::list<Recipient> recipients_;
};

}  // namespace

int tell_failure(const std::string& config, const std::string& unit, milliseconds patience) {
    keep_to_ourselves();
    if (!is_unit_name(unit)) {
        say("this is no name of a unit: " + printable(unit));
        return 2;
    }
    const auto loaded = read_configuration(config);
    if (!loaded.problems.empty()) say("the configuration has problems; its mail settings are used as far as they go\n" + loaded.text());
    auto loop = loop::LibeventLoop::create();
    if (!loop) {
        say(loop.error().what);
        return 1;
    }
    Teller teller(**loop, loaded, config, unit, patience);
    if (!teller.start()) return 1;
    (*loop)->run();
    return teller.told_everybody() ? 0 : 1;
}

}  // namespace bkmon::app
