#include "daemon/runs/handled.h"

#include <algorithm>

namespace bkmon::runs {
namespace {

// A clock may be wrong by a zone's worth (a hardware clock in local time) and be put right: what was handled under it is believed.
// What was handled further in the future than this was handled in no real future.
constexpr milliseconds kCredible = std::chrono::hours(15);
constexpr std::size_t kIntervals = 16;
constexpr int kLooks = 64;

}  // namespace

Handled Handled::fresh(Time up_to, Time now) {
    Handled h;
    h.reached_ = up_to;
    h.highest_ = std::max(up_to, now);
    return h;
}

Handled Handled::stored(Time evaluated, std::optional<Time> last, Time up_to, Time now) {
    Handled h;
    h.reached_ = std::min(evaluated, up_to);
    h.highest_ = evaluated;
    if (evaluated > now + kCredible) {
        const Time end = evaluated + milliseconds(1);
        if (last && *last > up_to && *last < end) {
            h.jumped_over_ = {{up_to, *last}, {*last, end}};
        } else {
            h.jumped_over_ = {{up_to, end}};
        }
    }
    return h;
}

Time Handled::evaluated(Time now) const { return highest_ <= now + kCredible ? highest_ : reached_; }

/// A moment that was jumped over counts as coming only in the ordinary course of time: a second jump across it is no reason to run.
bool Handled::takeable(Time moment, bool jumped) const {
    if (moment > highest_) return true;
    return !jumped && std::any_of(jumped_over_.begin(), jumped_over_.end(), [&](const auto& i) { return moment > i.first && moment < i.second; });
}

void Handled::give_up(const core::Schedule& schedule, Time after, Time before) {
    const auto first = schedule.next_after(after);
    if (!first || *first >= before) return;
    jumped_over_.emplace_back(after, before);
    if (jumped_over_.size() > kIntervals) jumped_over_.erase(jumped_over_.begin());
}

std::optional<Time> Handled::take(const core::Schedule& schedule, Time up_to, bool jumped) {
    const Time from = reached_;
    reached_ = up_to;
    if (up_to <= from) return std::nullopt;
    auto moment = schedule.last_at_or_before(up_to);
    for (int i = 0; i < kLooks && moment && *moment > from && !takeable(*moment, jumped); ++i)
        moment = schedule.last_at_or_before(*moment - milliseconds(1));
    const bool taken = moment && *moment > from && takeable(*moment, jumped);
    if (taken && *moment > highest_) {
        give_up(schedule, std::max(from, highest_), *moment);
    } else if (taken) {
        for (auto& [after, before] : jumped_over_)
            if (*moment > after && *moment < before) after = *moment;
        std::erase_if(jumped_over_, [](const auto& i) { return i.first >= i.second; });
    }
    highest_ = std::max(highest_, up_to);
    return taken ? moment : std::nullopt;
}

}  // namespace bkmon::runs
