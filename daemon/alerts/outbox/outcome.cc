#include "daemon/alerts/outbox/outcome.h"

#include <algorithm>

namespace bkmon::alerts {

namespace {

using net::Sent;
constexpr std::string_view kShortened = "too large for the server, shortened: ";

bool for_good(Sent::Kind kind) { return kind == Sent::Kind::refused || kind == Sent::Kind::too_large; }

}  // namespace

std::optional<Way::Is> in_the_way(const Sent& sent) {
    switch (sent.kind) {
        case Sent::Kind::login: return Way::Is::login;
        case Sent::Kind::tls: return Way::Is::tls;
        case Sent::Kind::unreachable: return Way::Is::down;
        case Sent::Kind::later:
            if (sent.code == 0 || sent.code == 421) return Way::Is::down;
            break;
        default: break;
    }
    return std::nullopt;
}

Hold hold_for(Way::Is is) {
    using std::chrono::minutes;
    if (is == Way::Is::login) return {minutes(15), minutes(240)};  // every try is one more wrong password
    if (is == Way::Is::tls) return {minutes(5), minutes(60)};
    return {seconds(15), minutes(10)};
}

milliseconds backoff(int attempts, double chance) {
    milliseconds wait{std::chrono::seconds(30)};
    for (int i = 1; i < attempts && wait < std::chrono::hours(1); ++i) wait *= 2;
    wait = std::min<milliseconds>(wait, std::chrono::hours(1));
    return milliseconds(static_cast<std::int64_t>(static_cast<double>(wait.count()) * (0.8 + 0.4 * chance)));
}

history::MailRow after(history::MailRow row, const Sent& sent, Time now, double chance,
                       const std::function<std::string(const history::MailRow&)>& shorter) {
    row.lease_until.reset();
    row.lease_by.clear();
    ++row.attempts;
    row.code = static_cast<int>(sent.code);
    if (sent.kind == Sent::Kind::accepted) {
        row.state = "sent";
        row.ended_at = now;
        row.last_error.clear();
        return row;
    }
    const bool shortened = row.last_error.starts_with(kShortened);
    if (sent.kind == Sent::Kind::too_large && shorter && !shortened) {
        row.state = "waiting";
        row.next_at = now;
        row.bytes = shorter(row);
        row.last_error = std::string(kShortened) + sent.detail;
        return row;
    }
    if (for_good(sent.kind) || now >= row.give_up_at) {
        row.state = "failed";
        row.ended_at = now;
        row.last_error = for_good(sent.kind) ? sent.detail : "given up: " + sent.detail;
        return row;
    }
    row.state = "waiting";
    row.next_at = in_the_way(sent) ? now : now + backoff(row.attempts, chance);
    row.last_error = (shortened ? std::string(kShortened) : std::string()) + sent.detail;
    return row;
}

}  // namespace bkmon::alerts
