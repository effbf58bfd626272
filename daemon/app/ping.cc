#include "daemon/app/ping.h"

#include <fmt/format.h>

namespace bkmon::app {

Ping::Ping(loop::EventLoop& loop, net::HttpClient& client, journal::Journal& journal, std::function<std::vector<std::string>()> degraded)
    : client_(client), journal_(journal), degraded_(std::move(degraded)), timer_(loop.make_timer([this] { period(); })) {}

void Ping::set(const core::PingSettings& settings) {
    if (settings == settings_) return;
    settings_ = settings;
    request_.reset();
    settings_.url.empty() ? timer_->cancel() : timer_->arm(settings_.every);
}

void Ping::period() {
    timer_->arm(settings_.every);
    const auto& url = degraded_().empty() ? settings_.url : settings_.failure;
    if (url.empty()) return;
    request_ = client_.get({url, settings_.timeout, settings_.ca_file}, [this](const net::HttpAnswer& answer) {
        if (!answer.error.empty()) return ended(answer.error);
        ended(answer.status / 100 == 2 ? std::string() : fmt::format("the answer was {}", answer.status));
    });
}

/// Whoever waits for the ping says so when it stays away; here it is for whoever looks why. The URL may be a secret.
void Ping::ended(const std::string& problem) {
    if (problem == problem_) return;
    problem_ = problem;
    if (problem.empty())
        journal_.log(journal::Level::info, journal::msg::note, "alerts.ping: the sign of life gets through again");
    else
        journal_.log(journal::Level::warning, journal::msg::note, "alerts.ping: the sign of life does not get through: " + problem);
}

}  // namespace bkmon::app
