// Schedules from arbitrary text at arbitrary moments: no crash, no overflow, next and last agree with each other and with a walk from minute to
// minute, and cycles tile the time line. Input: 8 bytes of a moment in milliseconds, one byte that picks the zone, then the text.
#include <array>
#include <chrono>

#include "daemon/core/cron.h"
#include "daemon/core/cycle.h"
#include "daemon/core/schedule.h"
#include "daemon/core/zone.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace bkmon;

constexpr std::array<std::string_view, 10> kZones{
    "UTC",          "Europe/Berlin",    "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "America/Sao_Paulo",
    "Asia/Kolkata", "America/St_Johns", "Antarctica/Troll",    "Asia/Gaza"};
constexpr milliseconds kStep(1);
/// Before it zones changed by odd seconds: runs of neighbouring minutes may then lie closer together than a minute.
constexpr Time kWholeMinutes = std::chrono::sys_days(std::chrono::year(1973) / 1 / 1);

void check(const core::Schedule& s, Time t) {
    const auto next = s.next_after(t);
    const auto last = s.last_at_or_before(t);
    if (last) {
        MUST(*last <= t && *last >= core::kFirstMoment && *last <= core::kLastMoment);
        MUST(s.last_at_or_before(*last) == last);
        MUST(s.next_after(*last) == next);
        MUST(s.next_after(*last - kStep) == last);
    }
    if (next) {
        MUST(*next > t && *next >= core::kFirstMoment && *next <= core::kLastMoment);
        MUST(s.last_at_or_before(*next) == next);
        // The one before it is the last one; where there is none, the next is the first of all.
        MUST(s.last_at_or_before(*next - kStep) == last);
        MUST(last || s.next_after(Time::min()) == next);
    }
    const auto period = s.shortest_period(t);
    if (period) MUST(*period > milliseconds(0) && (t < kWholeMinutes || *period >= std::chrono::minutes(1)));
    if (period && next)
        if (const auto second = s.next_after(*next)) MUST(*second - *next >= *period);
}

/// Minute by minute: what matches in the zone and lies in no repeated or left-out hour must be found, in order, and nothing else.
void walk(std::string_view text, const core::Schedule& s, Time from) {
    const auto cron = core::Cron::parse(text);
    if (!cron) return;
    const auto zone = core::find_zone(s.zone());
    auto minute = std::chrono::floor<std::chrono::minutes>(from);
    const auto end = minute + std::chrono::hours(3);
    auto found = s.next_after(Time(minute) - kStep);
    for (; minute < end; minute += std::chrono::minutes(1)) {
        const auto at = core::to_seconds(Time(minute));
        const auto civil = zone->lookup(at).cs;
        const bool plain = zone->lookup(civil).kind == cctz::time_zone::civil_lookup::UNIQUE && civil.second() == 0;
        const bool runs = found && *found == Time(minute);
        if (plain && cron->matches(cctz::civil_minute(civil))) MUST(runs);
        if (!runs) continue;
        // Beside the minutes that match, only the end of a gap may be a moment.
        MUST(!plain || cron->matches(cctz::civil_minute(civil)) ||
             zone->lookup(zone->lookup(at - cctz::seconds(1)).cs + 1).kind != cctz::time_zone::civil_lookup::UNIQUE);
        found = s.next_after(*found);
    }
}

void check_cycles(const core::CycleRule& rule, Time t) {
    if (const auto cycle = core::cycle_of(rule, t)) {
        // The last cycle never closes: its end is the end of time, which belongs to it.
        MUST(cycle->opens <= t && (t < cycle->closes || cycle->closes == Time::max()));
        MUST(cycle->opens == cycle->due - rule.early && cycle->deadline == cycle->due + rule.deadline);
        if (const auto following = core::next_cycle(rule, *cycle))
            MUST(following->opens == cycle->closes && following->due > cycle->due);
        else
            MUST(cycle->closes == Time::max());
    }
    if (const auto late = core::newest_past_deadline(rule, t)) {
        MUST(late->deadline <= t);
        if (const auto following = core::next_cycle(rule, *late)) MUST(following->deadline > t);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 9) return 0;
    fuzz::Input input(data, size);
    const auto ms = static_cast<std::int64_t>(input.number(8));
    const std::string_view zone = kZones[input.byte() % kZones.size()];
    const std::string_view text = input.rest();
    const auto schedule = core::Schedule::parse(text, zone);
    if (!schedule) {
        MUST(fuzz::speaks(schedule.error()));
        return 0;
    }
    const auto again = core::Schedule::parse(schedule->text(), zone);
    MUST(again && again->text() == schedule->text());
    const core::CycleRule rule{*schedule, std::chrono::minutes(ms & 0xfff), std::chrono::minutes(ms >> 12 & 0xffff)};
    // The moment as given, which is usually absurd, and one of this century.
    const Time modern = from_ms(946'684'800'000 + (ms & 0x1ff'ffff'ffff));
    for (const Time t : {from_ms(ms), modern}) {
        check(*schedule, t);
        check_cycles(rule, t);
    }
    walk(schedule->text(), *schedule, modern);
    const auto shown = core::local_text(modern, zone);
    MUST(shown.size() == 16);
    return 0;
}
