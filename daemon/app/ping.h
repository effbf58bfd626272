#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/core/settings/alerts.h"
#include "daemon/platform/journal/journal.h"
#include "daemon/platform/loop/event_loop.h"
#include "daemon/platform/net/http_get.h"

namespace bkmon::app {

/// The sign of life for somebody outside, who notices when it stays away: a GET after each period in which bkmon itself was well. While it is
/// not, ping.failure is asked for instead where there is one, else nobody is. Loop thread only.
class Ping {
public:
    /// `degraded`: what of bkmon itself does not work; empty: it is well. What is referred to outlives this.
    Ping(loop::EventLoop& loop, net::HttpClient& client, journal::Journal& journal, std::function<std::vector<std::string>()> degraded);
    void set(const core::PingSettings& settings);  ///< and begins a period, unless nothing changed

private:
    void period();
    void ended(const std::string& problem);

    net::HttpClient& client_;
    journal::Journal& journal_;
    std::function<std::vector<std::string>()> degraded_;
    core::PingSettings settings_;
    std::unique_ptr<net::HttpClient::Request> request_;
    std::unique_ptr<loop::Timer> timer_;
    std::string problem_;  ///< of the last one: said when it changes
};

}  // namespace bkmon::app
