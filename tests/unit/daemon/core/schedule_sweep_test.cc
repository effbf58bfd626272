// Schedules and cycles against the C library's own idea of time zones: every minute round each change of the clock is looked at.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <map>

#include "daemon/core/cycle.h"
#include "tests/support/facts.h"

namespace bkmon::core {
namespace {

using namespace std::chrono_literals;

constexpr std::array kZones{"Europe/Berlin",     "Europe/London",    "Europe/Lisbon",       "Europe/Chisinau",     "Europe/Kyiv",
                            "Atlantic/Azores",   "America/New_York", "America/Chicago",     "America/Los_Angeles", "America/Havana",
                            "America/Santiago",  "America/Asuncion", "America/Nuuk",        "America/St_Johns",    "America/Mexico_City",
                            "America/Sao_Paulo", "America/Miquelon", "Africa/Casablanca",   "Africa/El_Aaiun",     "Africa/Cairo",
                            "Africa/Juba",       "Asia/Jerusalem",   "Asia/Beirut",         "Asia/Gaza",           "Asia/Amman",
                            "Asia/Tehran",       "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Auckland",    "Pacific/Chatham"};

/// The process's zone, as localtime() sees it, until the end.
class LocalZone {
public:
    explicit LocalZone(const char* zone) {
        if (const char* old = std::getenv("TZ")) before_ = old;
        ::setenv("TZ", zone, 1);
        ::tzset();
    }
    ~LocalZone() {
        before_.empty() ? ::unsetenv("TZ") : ::setenv("TZ", before_.c_str(), 1);
        ::tzset();
    }
    static std::tm shown(std::time_t t) {
        std::tm out{};
        ::localtime_r(&t, &out);
        return out;
    }

private:
    std::string before_;
};

/// Minutes of a civil day since some day: as a wall clock shows them, so that two passes of an hour are the same numbers.
std::int64_t on_the_wall(const std::tm& tm) {
    std::tm as_utc = tm;
    return ::timegm(&as_utc) / 60;
}

struct Kind {
    const char* text;
    std::function<bool(const std::tm&)> says;  ///< the fields of the line match what the wall shows
    bool fixed = false;                        ///< one run a civil day, whatever the clock does
    bool elapsed = false;                      ///< counted from an anchor, no wall at all
};

const std::vector<Kind>& kinds() {
    static const std::vector<Kind> all{
        {"30 2 * * *", [](const std::tm& t) { return t.tm_hour == 2 && t.tm_min == 30; }, true},
        {"0 3 * * *", [](const std::tm& t) { return t.tm_hour == 3 && t.tm_min == 0; }, true},
        {"5 0 * * *", [](const std::tm& t) { return t.tm_hour == 0 && t.tm_min == 5; }, true},
        {"55 23 * * *", [](const std::tm& t) { return t.tm_hour == 23 && t.tm_min == 55; }, true},
        {"@daily", [](const std::tm& t) { return t.tm_hour == 0 && t.tm_min == 0; }, true},
        {"*/15 * * * *", [](const std::tm& t) { return t.tm_min % 15 == 0; }},
        {"@hourly", [](const std::tm& t) { return t.tm_min == 0; }},
        {"@every 90min from 2024-01-01T00:00:00Z", {}, false, true},
    };
    return all;
}

std::time_t seconds_of(Time t) { return static_cast<std::time_t>(to_ms(t) / 1000); }
Time time_of(std::time_t t) { return from_ms(static_cast<std::int64_t>(t) * 1000); }

/// The moments in [begin, end): each civil minute is put down where the wall shows it first, or else at the moment that jumped over it.
std::vector<Time> by_the_wall(const Kind& kind, std::time_t begin, std::time_t end) {
    std::vector<Time> out;
    if (kind.elapsed) {
        const std::time_t anchor = 1704067200;
        for (std::time_t t = anchor + (begin - anchor + 5399) / 5400 * 5400; t < end; t += 5400) out.push_back(time_of(t));
        return out;
    }
    std::map<std::int64_t, std::time_t> first_seen;  // civil minute: when
    std::int64_t last = on_the_wall(LocalZone::shown(begin - 27 * 3600 - 60));
    for (std::time_t t = begin - 27 * 3600; t < end; t += 60) {
        const auto tm = LocalZone::shown(t);
        const auto now = on_the_wall(tm);
        for (auto m = last + 1; m <= now; ++m) first_seen.emplace(m, t);
        first_seen.emplace(now, t);
        last = now;
        if (!kind.fixed && t >= begin && kind.says(tm)) out.push_back(time_of(t));
    }
    if (!kind.fixed) return out;
    for (const auto& [minute, t] : first_seen) {
        std::tm tm{};
        const std::time_t civil = minute * 60;
        ::gmtime_r(&civil, &tm);
        if (t >= begin && kind.says(tm)) out.push_back(time_of(t));
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

/// Where the distance of the wall to UTC changes, in the years.
std::vector<std::time_t> changes(int first_year, int last_year) {
    std::vector<std::time_t> out;
    std::tm from{};
    from.tm_year = first_year - 1900, from.tm_mday = 1;
    std::tm to{};
    to.tm_year = last_year - 1900 + 1, to.tm_mday = 1;
    const auto end = ::timegm(&to);
    auto offset = LocalZone::shown(::timegm(&from)).tm_gmtoff;
    for (std::time_t t = ::timegm(&from); t < end; t += 900) {
        const auto now = LocalZone::shown(t).tm_gmtoff;
        if (now != offset) out.push_back(t);
        offset = now;
    }
    return out;
}

struct Counted {
    std::int64_t changes = 0, minutes = 0, violations = 0;
    std::string first;
    void wrong(const std::string& what) {
        if (violations++ == 0) first = what;
    }
};

/// Each minute: what comes next, what was last, and which cycle owns it.
void every_minute(const Kind& kind, const char* zone, std::time_t around, Counted& counted) {
    const auto schedule = Schedule::parse(kind.text, zone).value();
    const CycleRule rule{schedule, 20min, 40min};
    const auto begin = around - 30 * 3600, end = around + 30 * 3600;
    const auto expected = by_the_wall(kind, begin - 50 * 3600, end + 50 * 3600);
    const auto name = [&](Time t) { return std::string(kind.text) + " in " + zone + " at " + rfc3339(t); };
    for (std::time_t s = begin; s < end; s += 60) {
        const Time t = time_of(s);
        ++counted.minutes;
        const auto after = std::upper_bound(expected.begin(), expected.end(), t);
        const auto next = schedule.next_after(t), last = schedule.last_at_or_before(t);
        if (after == expected.end() || next != *after) counted.wrong(name(t) + ": next is " + (next ? rfc3339(*next) : "none"));
        if (kind.elapsed || after != expected.begin()) {
            if (after == expected.begin() || last != *(after - 1)) counted.wrong(name(t) + ": last is " + (last ? rfc3339(*last) : "none"));
        }
        const auto cycle = cycle_of(rule, t);
        const auto due = std::upper_bound(expected.begin(), expected.end(), t + 20min);
        if (due == expected.begin() || due == expected.end()) continue;
        if (!cycle || cycle->due != *(due - 1) || cycle->opens != *(due - 1) - 20min || cycle->closes != *due - 20min ||
            cycle->deadline != *(due - 1) + 40min)
            counted.wrong(name(t) + ": cycle of " + (cycle ? rfc3339(cycle->due) : "none"));
    }
}

/// A job of a fixed hour runs once on each civil day, also on one of 23 or 25 hours.
void once_a_day(const Kind& kind, const char* zone, std::time_t around, Counted& counted) {
    const auto schedule = Schedule::parse(kind.text, zone).value();
    std::map<std::int64_t, int> runs;
    const Time end = time_of(around + 4 * 86400);
    for (auto t = schedule.next_after(time_of(around - 4 * 86400)); t && *t < end; t = schedule.next_after(*t)) {
        const auto s = seconds_of(*t);
        const auto tm = LocalZone::shown(s);
        // One that falls into a gap at the end of a day runs when the next day begins: it is the run of the day that lost its time.
        ++runs[(kind.says(tm) ? on_the_wall(tm) : on_the_wall(LocalZone::shown(s - 60)) + 1) / 1440];
    }
    const auto today = on_the_wall(LocalZone::shown(around)) / 1440;
    for (auto day = today - 2; day <= today + 2; ++day) {
        if (runs[day] != 1)
            counted.wrong(std::string(kind.text) + " in " + zone + ": " + std::to_string(runs[day]) + " runs on day " + std::to_string(day));
    }
}

TEST(ScheduleSweep, EveryMinuteRoundEachChangeOfTheClock) {
    const auto begin = std::chrono::steady_clock::now();
    const bool full = test::full_sweep();
    Counted counted;
    for (std::size_t z = 0; z < kZones.size(); z += full ? 1 : 6) {
        const LocalZone local(kZones[z]);
        for (const auto change : changes(full ? 2024 : 2026, full ? 2027 : 2026)) {
            ++counted.changes;
            for (const auto& kind : kinds()) {
                every_minute(kind, kZones[z], change, counted);
                if (kind.fixed) once_a_day(kind, kZones[z], change, counted);
            }
        }
    }
    EXPECT_EQ(counted.violations, 0) << counted.first;
    EXPECT_GE(counted.changes, full ? 180 : 8);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    test::fact("schedule_changes",
               {{"zones", full ? 30 : 5}, {"changes", counted.changes}, {"minutes", counted.minutes}, {"violations", counted.violations}},
               took.count());
}

}  // namespace
}  // namespace bkmon::core
