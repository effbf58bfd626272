// Alerts: what their part is made of here, and when it begins.
#include "common/base/text.h"
#include "daemon/app/mail_secret.h"
#include "daemon/app/wiring.h"

namespace bkmon::app {

alerts::Part::Options Wiring::alert_options() const {
    const auto& s = loaded_->settings;
    alerts::Part::Options o;
    o.mail = s.mail;
    o.alerts = s.alerts;
    o.site = s.site;
    o.version = BKMON_VERSION;
    o.timezone = s.timezone;
    o.host = mail_host();
    o.secret = mail_secret(s.mail);
    // A part that could not begin has defined nothing: its targets are not gone.
    o.complete = [this] { return ready_ && !again_timer_; };
    return o;
}

/// When everybody has defined his targets: what is gone is known then.
void Wiring::start_alerts() {
    transport_ = net::make_mail_transport(*loop_);
    alerts_ = std::make_unique<alerts::Part>(alerts::Part::Rooms{*loop_, *config_lane_, *store_, *registry_, *scheduler_, *transport_, *journal_},
                                             alert_options());
    alerts_->start();
    registry_->on_silence([this](const targets::Target& target) { return alerts_->silenced(target.spec.id); });
    http_ = net::make_http_client(*loop_);
    ping_ = std::make_unique<Ping>(*loop_, *http_, *journal_, [this] {
        auto all = degraded();
        const auto old = stale();
        all.insert(all.end(), old.begin(), old.end());
        return all;
    });
    ping_->set(loaded_->settings.alerts.ping);
}

/// Nobody can call before the part is there: the socket is opened after it has begun.
void Wiring::bind_alert_methods() {
    alerts_door_ = std::make_unique<control::AlertsDoor>(control::AlertsDoor{
        loop_->clock(), *store_, *registry_, [this]() -> const core::Settings& { return loaded_->settings; },
        [this](std::int64_t id, const std::string& by, const std::string& note, auto done) { alerts_->ack(id, by, note, std::move(done)); },
        [this](core::Silence silence, auto done) { alerts_->silence(std::move(silence), std::move(done)); },
        [this](std::int64_t id, const std::string& by, auto done) { alerts_->unsilence(id, by, std::move(done)); },
        [this](const TargetId& target, const std::string& by, const std::string& note, auto done) {
            alerts_->expect(target, by, note, std::move(done));
        },
        [this](std::vector<std::int64_t> ids, auto done) { alerts_->retry(std::move(ids), std::move(done)); },
        [this](const std::string& to, const std::string& by, auto done) { alerts_->test(to, by, std::move(done)); },
        [this](const TargetId& target, auto done) { alerts_->explain(target, std::move(done)); },
        [this](bool all, auto done) { alerts_->silences(all, std::move(done)); },
        [this](const TargetId& target) { return alerts_->silenced(target); }});
    control::bind_alerts(*dispatcher_, *alerts_door_);
}

void Wiring::take_alert_settings() {
    if (!alerts_) return;
    alerts_->reconfigure(alert_options());
    ping_->set(loaded_->settings.alerts.ping);
}

}  // namespace bkmon::app
