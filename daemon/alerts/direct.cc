// The way past the outbox, for when there is none: the history cannot be written.
#include <fmt/format.h>

#include "common/base/text.h"
#include "daemon/alerts/part_impl.h"

namespace bkmon::alerts {

namespace {

constexpr milliseconds kOften{std::chrono::hours(1)};
constexpr milliseconds kTryAgain{std::chrono::minutes(1)};
constexpr milliseconds kTransfer{std::chrono::minutes(1)};
const TargetId kHistory = TargetId::of("bkmon", {"history"});

Story emergency(const Letters& letters, const std::string& reason, Time now) {
    Story s = letters.story(now);
    s.severity = core::Severity::critical;
    Told t;
    t.target = kHistory;
    t.status = core::Status::failed;
    t.severity = core::Severity::critical;
    t.reason_code = "history_unwritable";
    t.reason = reason;
    t.problem_at = now;
    s.told.push_back(std::move(t));
    return s;
}

}  // namespace

void Part::Impl::cannot_record(const std::string& reason) {
    const auto boot = rooms.loop.clock().boot();
    if (!options.mail.configured || (direct_next && boot < *direct_next)) return;
    direct_next = boot + kOften;
    direct.clear();
    rooms.journal.log(journal::Level::error, journal::msg::mail_unrecorded, "an alert cannot be recorded and is mailed directly: " + reason);
    const auto go = [weak = weak_from_this(), reason](Result<std::string> secret) {
        const auto self = weak.lock();
        if (!self) return;
        if (!secret) return self->direct_failed(printable(secret.error().what));
        const auto at = self->now();
        for (const auto& who : self->options.mail.to) {
            auto mail = self->letters().alert(emergency(self->letters(), reason, at), who, "", {"unrecorded", who, rfc3339(at)}, {});
            const auto from = core::parse_mail_address(self->options.mail.from), to = core::parse_mail_address(who);
            if (!mail || !from || !to) continue;  // the configuration was checked
            self->direct.push_back(self->rooms.transport.send(server_of(self->sender_options(), *secret), {from->address, to->address, mail->bytes},
                                                              kTransfer, [weak, who](const net::Sent& sent) {
                                                                  const auto me = weak.lock();
                                                                  if (me && sent.kind != net::Sent::Kind::accepted)
                                                                      me->direct_failed(printable(who) + ": " + sent.detail);
                                                              }));
        }
    };
    if (options.mail.user.empty() || !options.secret) return go(Result<std::string>(std::string()));
    loop::submit(
        rooms.lane, rooms.loop, weak_from_this(), [secret = options.secret](std::stop_token) { return secret(); }, go);
}

void Part::Impl::direct_failed(const std::string& why) {
    direct_next = rooms.loop.clock().boot() + kTryAgain;
    rooms.journal.log(journal::Level::error, journal::msg::mail_unrecorded, "the direct mail did not go out either, it is tried again: " + why);
}

}  // namespace bkmon::alerts
