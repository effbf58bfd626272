#include "daemon/alerts/rules/silence.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/text.h"
#include "daemon/core/schedule.h"

namespace bkmon::alerts {
namespace {

/// The earlier of two moments, of which either may never come.
std::optional<Time> sooner(std::optional<Time> a, std::optional<Time> b) {
    if (!a || !b) return a ? a : b;
    return std::min(*a, *b);
}

bool lasts_longer(const std::optional<Time>& a, const std::optional<Time>& b) { return b && (!a || *a > *b); }

std::string moment_text(Time t, Time now, std::string_view zone) {
    constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    const auto text = core::local_text(t, zone);
    if (t < now || t - now >= std::chrono::hours(24 * 6)) return text;
    const auto known = core::find_zone(zone);
    const auto day = cctz::civil_day((known ? *known : cctz::utc_time_zone()).lookup(core::to_seconds(t)).cs);
    return fmt::format("{} {}", kDays.at((static_cast<std::size_t>(cctz::get_weekday(day)) + 1) % 7), text.substr(text.size() - 5));
}

}  // namespace

bool Silences::Ready::in_force(Time at) const {
    if (!zone || (silence.from && at < *silence.from) || (silence.until && at >= *silence.until)) return false;
    return windows.empty() || core::inside(windows, *zone, at);
}

std::optional<Time> Silences::Ready::next_change(Time at) const {
    if (!zone || (silence.until && at >= *silence.until)) return {};
    if (silence.from && at < *silence.from) {
        // Between its windows a beginning changes nothing.
        if (in_force(*silence.from)) return silence.from;
        at = *silence.from;
    }
    std::optional<Time> next = windows.empty() ? std::nullopt : core::next_change(windows, *zone, at);
    if (!silence.until) return next;
    if (!next || *next >= *silence.until) return in_force(at) ? silence.until : std::nullopt;
    return next;
}

const Silences::Ready::Now& Silences::Ready::now(Time at) const {
    if (!known || at < known->from || (known->until && at >= *known->until)) known = Now{at, next_change(at), in_force(at)};
    return *known;
}

Silences::Ready Silences::make_ready(core::Silence silence) {
    Ready ready;
    ready.zone = core::find_zone(silence.timezone);
    for (const auto& text : silence.windows) {
        const auto window = core::parse_window(text);
        if (!window)
            ready.zone.reset();
        else
            ready.windows.push_back(*window);
    }
    ready.silence = std::move(silence);
    return ready;
}

Silences::Silences(std::vector<core::Silence> all) {
    all_.reserve(all.size());
    for (auto& silence : all) all_.push_back(make_ready(std::move(silence)));
}

std::optional<Silences::Cover> Silences::covering(const TargetId& id, const core::Labels& labels, Time at) const {
    std::optional<Cover> best;
    for (const auto& ready : all_) {
        const auto& s = ready.silence;
        const auto& now = ready.now(at);
        if (!now.in_force || (best && !lasts_longer(now.until, best->until)) || !selects(s.kinds, s.targets, s.labels, id, labels)) continue;
        best = Cover{&s, now.until};
    }
    return best;
}

std::optional<Time> Silences::next_change(const TargetId& id, const core::Labels& labels, Time at) const {
    std::optional<Time> next;
    for (const auto& ready : all_)
        if (selects(ready.silence.kinds, ready.silence.targets, ready.silence.labels, id, labels)) next = sooner(next, ready.now(at).until);
    return next;
}

std::optional<Time> Silences::next_change(Time at) const {
    std::optional<Time> next;
    for (const auto& ready : all_) next = sooner(next, ready.now(at).until);
    return next;
}

std::string covered_text(const core::Silence& silence) {
    std::vector<std::string> parts;
    const auto either = [](const std::vector<std::string>& globs) { return printable(fmt::format("{}", fmt::join(globs, ", ")), 300); };
    if (!silence.targets.empty()) parts.push_back(either(silence.targets));
    if (!silence.kinds.empty()) parts.push_back("kind " + either(silence.kinds));
    for (const auto& [name, value] : silence.labels) parts.push_back("label " + printable(name + "=" + value, 200));
    return parts.empty() ? "everything" : fmt::format("{}", fmt::join(parts, " and "));
}

std::string silence_text(const core::Silence& silence, std::optional<Time> until, Time now, std::string_view zone) {
    auto text = until ? "until " + moment_text(*until, now, zone) : std::string("without an end");
    if (!silence.reason.empty()) text += ", '" + printable(silence.reason, 300) + "'";
    if (!silence.by.empty())
        text += ", by " + printable(silence.by, 100);
    else if (!silence.origin.empty())
        text += ", " + printable(silence.origin, 300);
    return text;
}

}  // namespace bkmon::alerts
