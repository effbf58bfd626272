// Schedules from arbitrary text at arbitrary moments: no crash, no overflow, and next and last agree with each other.
// Input: 8 bytes of a moment in milliseconds, one byte that picks the zone, then the text.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "daemon/core/cycle.h"
#include "daemon/core/schedule.h"

namespace {

using namespace bkmon;

constexpr std::array<std::string_view, 8> kZones{"UTC",          "Europe/Berlin",     "Australia/Lord_Howe", "Africa/Casablanca",
                                                 "Pacific/Apia", "America/Sao_Paulo", "Asia/Kolkata",        "America/St_Johns"};

void require(bool holds) {
    if (!holds) std::abort();
}

void check(const core::Schedule& s, Time t) {
    const auto next = s.next_after(t);
    const auto last = s.last_at_or_before(t);
    const milliseconds step(1);
    if (last) {
        require(*last <= t);
        require(s.last_at_or_before(*last) == last);
        require(s.next_after(*last) == next);
        require(s.next_after(*last - step) == last);
    }
    if (next) {
        require(*next > t);
        require(s.last_at_or_before(*next) == next);
        if (t > s.next_after(Time::min())) require(s.last_at_or_before(*next - step) == last);
    }
    if (const auto period = s.shortest_period(t)) require(*period >= std::chrono::minutes(1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 9) return 0;
    std::int64_t ms = 0;
    std::memcpy(&ms, data, sizeof ms);
    const std::string_view zone = kZones[data[8] % kZones.size()];
    const std::string_view text(reinterpret_cast<const char*>(data) + 9, size - 9);
    const auto schedule = core::Schedule::parse(text, zone);
    if (!schedule) {
        require(schedule.error().code == Errc::invalid && !schedule.error().what.empty());
        return 0;
    }
    const core::CycleRule rule{*schedule};
    // The moment as given, which is usually absurd, and one of this century.
    for (const Time t : {from_ms(ms), from_ms(946'684'800'000 + (ms & 0x1ff'ffff'ffff))}) {
        check(*schedule, t);
        if (const auto cycle = core::cycle_of(rule, t)) {
            // The last cycle never closes: its end is the end of time, which belongs to it.
            require(cycle->opens <= t && (t < cycle->closes || cycle->closes == Time::max()));
            if (const auto following = core::next_cycle(rule, *cycle)) require(following->opens == cycle->closes);
        }
    }
    return 0;
}
