// Schedules against two oracles that share no code with them: every minute looked at one by one, and systemd's calendar.
#include <cctz/time_zone.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <random>

#include "daemon/core/schedule.h"

namespace bkmon::core {
namespace {

using namespace std::chrono_literals;
using cctz::civil_day;
using cctz::civil_minute;
using Predicate = std::function<bool(civil_minute)>;

bool is_weekday(civil_minute m, cctz::weekday w) { return cctz::get_weekday(civil_day(m)) == w; }

struct Case {
    const char* text;
    bool real_time;
    Predicate due;
};

const std::vector<Case>& cases() {
    static const std::vector<Case> all{
        {"30 2 * * *", false, [](civil_minute m) { return m.hour() == 2 && m.minute() == 30; }},
        {"0 0 * * *", false, [](civil_minute m) { return m.hour() == 0 && m.minute() == 0; }},
        {"15 0 * * *", false, [](civil_minute m) { return m.hour() == 0 && m.minute() == 15; }},
        {"59 23 * * *", false, [](civil_minute m) { return m.hour() == 23 && m.minute() == 59; }},
        {"0 13 * * *", false, [](civil_minute m) { return m.hour() == 13 && m.minute() == 0; }},
        {"*/20 1-3 * * *", false, [](civil_minute m) { return m.minute() % 20 == 0 && m.hour() >= 1 && m.hour() <= 3; }},
        {"5,45 0,1,2,3,23 * * *", false, [](civil_minute m) { return (m.minute() == 5 || m.minute() == 45) && (m.hour() <= 3 || m.hour() == 23); }},
        {"30 2 * * sun", false, [](civil_minute m) { return m.hour() == 2 && m.minute() == 30 && is_weekday(m, cctz::weekday::sunday); }},
        {"10 1 1,30,31 * 0", false,
         [](civil_minute m) { return m.hour() == 1 && m.minute() == 10 && (m.day() == 1 || m.day() >= 30 || is_weekday(m, cctz::weekday::sunday)); }},
        {"*/15 * * * *", true, [](civil_minute m) { return m.minute() % 15 == 0; }},
        {"0 */2 * * *", true, [](civil_minute m) { return m.minute() == 0 && m.hour() % 2 == 0; }},
        {"45 * * * *", true, [](civil_minute m) { return m.minute() == 45; }},
        {"7 1-23/2 * * *", true, [](civil_minute m) { return m.minute() == 7 && m.hour() % 2 == 1; }},
        {"* * 30 12 *", true, [](civil_minute m) { return m.month() == 12 && m.day() == 30; }},
    };
    return all;
}

/// Walks [begin, end) minute by minute. Knows only what a wall clock shows: a jump ahead is a gap, what was shown before is a second pass.
std::vector<Time> minute_by_minute(const Case& c, const cctz::time_zone& zone, Time begin, Time end) {
    std::vector<Time> moments;
    const auto shown = [&](Time t) { return civil_minute(zone.lookup(std::chrono::time_point_cast<cctz::seconds>(t)).cs); };
    civil_minute furthest = shown(begin - 1min);
    for (Time t = begin - 26h; t < begin; t += 1min) furthest = std::max(furthest, shown(t));
    civil_minute before = shown(begin - 1min);
    for (Time t = begin; t < end; t += 1min) {
        const civil_minute now = shown(t);
        bool due = c.due(now) && (c.real_time || now > furthest);
        if (!c.real_time)
            for (civil_minute skipped = before + 1; skipped < now && !due; ++skipped) due = skipped > furthest && c.due(skipped);
        if (due) moments.push_back(t);
        furthest = std::max(furthest, now);
        before = now;
    }
    return moments;
}

void compare_window(const char* zone_name, Time begin, Time end) {
    cctz::time_zone zone;
    ASSERT_TRUE(cctz::load_time_zone(zone_name, &zone));
    for (const Case& c : cases()) {
        SCOPED_TRACE(std::string(c.text) + " in " + zone_name + " from " + rfc3339(begin));
        const auto schedule = Schedule::parse(c.text, zone_name);
        ASSERT_TRUE(schedule) << schedule.error().what;
        const auto expected = minute_by_minute(c, zone, begin, end);
        std::vector<Time> found;
        for (auto t = schedule->next_after(begin - 1ms); t && *t < end; t = schedule->next_after(*t)) found.push_back(*t);
        const auto [a, b] = std::mismatch(expected.begin(), expected.end(), found.begin(), found.end());
        ASSERT_EQ(expected.size(), found.size()) << "first difference: expected " << (a == expected.end() ? "nothing" : rfc3339(*a)) << ", got "
                                                 << (b == found.end() ? "nothing" : rfc3339(*b));
        ASSERT_TRUE(a == expected.end()) << "expected " << rfc3339(*a) << ", got " << rfc3339(*b);
        for (Time t = begin; t < end; t += 7min + 13s + 1ms) {
            const auto after = std::upper_bound(expected.begin(), expected.end(), t);
            if (after != expected.begin()) {
                ASSERT_EQ(schedule->last_at_or_before(t).value(), *(after - 1)) << rfc3339(t);
            }
            if (after != expected.end()) {
                ASSERT_EQ(schedule->next_after(t).value(), *after) << rfc3339(t);
            }
        }
    }
}

/// Every change of the clock in the years, with two days around it.
int compare_changes(const char* zone_name, int first_year, int last_year) {
    cctz::time_zone zone;
    EXPECT_TRUE(cctz::load_time_zone(zone_name, &zone)) << zone_name;
    auto t = cctz::convert(cctz::civil_second(first_year, 1, 1), zone);
    const auto end = cctz::convert(cctz::civil_second(last_year + 1, 1, 1), zone);
    int changes = 0;
    cctz::time_zone::civil_transition change;
    while (zone.next_transition(t, &change)) {
        t = zone.lookup(change.to).trans;
        if (t >= end) break;
        ++changes;
        const Time at = std::chrono::floor<std::chrono::minutes>(std::chrono::time_point_cast<milliseconds>(t));
        compare_window(zone_name, at - 30h, at + 52h);
        if (::testing::Test::HasFatalFailure()) return changes;
    }
    return changes;
}

struct Span {
    const char* zone;
    int first_year, last_year, changes;
};
void PrintTo(const Span& span, std::ostream* out) { *out << span.zone << ' ' << span.first_year; }

class Changes : public ::testing::TestWithParam<Span> {};

TEST_P(Changes, EveryMinuteAroundThem) {
    const Span& span = GetParam();
    EXPECT_GE(compare_changes(span.zone, span.first_year, span.last_year), span.changes);
}

INSTANTIATE_TEST_SUITE_P(Zones, Changes,
                         ::testing::Values(Span{"Europe/Berlin", 2026, 2027, 4}, Span{"America/New_York", 2026, 2027, 4},
                                           Span{"Australia/Lord_Howe", 2026, 2027, 4},  // half an hour
                                           Span{"Africa/Casablanca", 2026, 2027, 4},    // back for Ramadan: winter time is the exception
                                           Span{"Pacific/Apia", 2011, 2011, 3},         // a day is skipped
                                           Span{"Pacific/Kwajalein", 1993, 1993, 1},    // another one
                                           Span{"America/St_Johns", 2010, 2010, 2},     // a minute past midnight
                                           Span{"America/Sao_Paulo", 2018, 2018, 2},    // the gap begins at midnight: the day starts at 01:00
                                           Span{"Africa/Cairo", 2025, 2025, 2},         // the same, and back at the end of a day
                                           Span{"Antarctica/Troll", 2026, 2026, 2},     // two hours
                                           Span{"America/Caracas", 2007, 2016, 2},      // half an hour, once each way
                                           Span{"Asia/Gaza", 2026, 2026, 2}, Span{"America/Nuuk", 2023, 2024, 2},  //
                                           Span{"Europe/Dublin", 2040, 2041, 4},    // beyond the explicit table, negative DST
                                           Span{"America/Juneau", 1983, 1983, 2}),  // two hours back in autumn
                         [](const auto& param) {
                             std::string name = param.param.zone;
                             std::replace_if(
                                 name.begin(), name.end(), [](char c) { return c == '/' || c == '_'; }, 'x');
                             return name;
                         });

TEST(ScheduleOracle, ThirtyZonesFourYearsEveryMinuteAroundEachChange) {
    int changes = 0;
    for (const auto* zone :
         {"Europe/Berlin",    "Europe/London",    "Europe/Lisbon",       "Europe/Chisinau",     "Europe/Kyiv",      "Atlantic/Azores",
          "America/New_York", "America/Chicago",  "America/Los_Angeles", "America/Havana",      "America/Santiago", "America/Asuncion",
          "America/Nuuk",     "America/St_Johns", "America/Mexico_City", "America/Sao_Paulo",   "America/Miquelon", "Africa/Casablanca",
          "Africa/El_Aaiun",  "Africa/Cairo",     "Africa/Douala",       "Asia/Jerusalem",      "Asia/Beirut",      "Asia/Gaza",
          "Asia/Kolkata",     "Asia/Tehran",      "Australia/Sydney",    "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham"}) {
        changes += compare_changes(zone, 2024, 2027);
        if (HasFatalFailure()) return;
    }
    EXPECT_GE(changes, 150);
}

TEST(ScheduleOracle, ZonesWithoutChangesAndLeapDays) {
    for (const auto* zone : {"UTC", "Asia/Kolkata", "Etc/GMT+3"}) {
        const Time leap = std::chrono::sys_days(std::chrono::year(2028) / 2 / 28);
        compare_window(zone, leap, leap + 72h);
    }
}

TEST(ScheduleOracle, NextAndLastAgreeAtRandomMoments) {
    std::mt19937_64 random(7);
    for (const auto* zone : {"Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "America/Sao_Paulo", "Africa/Monrovia"}) {
        for (const Case& c : cases()) {
            const auto s = Schedule::parse(c.text, zone).value();
            for (int i = 0; i < 200; ++i) {
                const Time t = from_ms(static_cast<std::int64_t>(random() % 6'000'000'000'000ULL) - 2'000'000'000'000);  // 1906 to 2096
                const auto next = s.next_after(t);
                const auto last = s.last_at_or_before(t);
                ASSERT_TRUE(next && last) << c.text << " in " << zone << " at " << rfc3339(t);
                ASSERT_GT(*next, t);
                ASSERT_LE(*last, t);
                ASSERT_EQ(s.next_after(*last), next) << c.text << " in " << zone << " at " << rfc3339(t);
                ASSERT_EQ(s.last_at_or_before(*next), next) << c.text << " in " << zone << " at " << rfc3339(t);
                ASSERT_EQ(s.last_at_or_before(*next - 1ms), last) << c.text << " in " << zone << " at " << rfc3339(t);
            }
        }
    }
}

TEST(ScheduleOracle, ShortestPeriodIsTheShortestOfTheYear) {
    const Time begin = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
    for (const auto* zone : {"Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "America/Sao_Paulo"}) {
        for (const auto* text :
             {"30 2 * * *", "0 13 * * *", "5,45 0,1,2,3,23 * * *", "45 * * * *", "0 */2 * * *", "0 0 * * mon,fri", "0 2,3 1 * *"}) {
            const auto s = Schedule::parse(text, zone).value();
            milliseconds shortest = 24h * 1000;
            auto t = s.next_after(begin);
            for (auto n = s.next_after(*t); n && *n <= begin + 24h * 366; n = s.next_after(*n)) {
                shortest = std::min(shortest, *n - *t);
                t = n;
            }
            EXPECT_EQ(s.shortest_period(begin), shortest) << text << " in " << zone;
        }
    }
}

/// The next `n` moments after `base` as systemd sees them, in UTC.
std::vector<std::string> systemd_moments(const std::string& calendar, Time base, int n) {
    const std::string from = rfc3339(base);
    const std::string command = "TZ=UTC LC_ALL=C systemd-analyze calendar --iterations=" + std::to_string(n) + " --base-time='" + from.substr(0, 10) +
                                " " + from.substr(11, 8) + " UTC' '" + calendar + "' 2>/dev/null";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    std::vector<std::string> moments;
    std::array<char, 512> line{};
    while (pipe && fgets(line.data(), line.size(), pipe.get()) != nullptr) {
        const std::string text = line.data();
        if (text.find("Next elapse:") == std::string::npos && text.find("Iter. #") == std::string::npos) continue;
        const std::size_t day = text.find(": ") + 6;  // "    Next elapse: Sun 2026-10-25 00:30:00 UTC"
        if (text.find(" UTC", day) != std::string::npos) moments.push_back(text.substr(day, 10) + "T" + text.substr(day + 11, 8) + "Z");
    }
    return moments;
}

std::vector<std::string> our_moments(const char* text, const char* zone, Time base, int n) {
    const auto s = Schedule::parse(text, zone).value();
    std::vector<std::string> moments;
    for (auto t = s.next_after(base); t && n > 0; t = s.next_after(*t), --n) moments.push_back(rfc3339(*t));
    return moments;
}

bool have_systemd_analyze() { return std::system("systemd-analyze calendar daily >/dev/null 2>&1") == 0; }

TEST(SystemdCalendar, AgreesWhereBothSpeak) {
    if (!have_systemd_analyze()) GTEST_SKIP() << "systemd-analyze is not installed: schedules are not compared with systemd's calendar";
    struct Pair {
        const char* ours;
        const char* theirs;
    };
    for (const auto& [ours, theirs] :
         {Pair{"0 13 * * *", "*-*-* 13:00:00"}, Pair{"30 4 * * mon-fri", "Mon..Fri *-*-* 04:30:00"}, Pair{"0 0 1 * *", "*-*-01 00:00:00"},
          Pair{"15,45 6-20/2 * * *", "*-*-* 06..20/2:15,45:00"}, Pair{"30 4 29 2 *", "*-02-29 04:30:00"}, Pair{"0 5 31 * *", "*-*-31 05:00:00"},
          Pair{"0 12 1 jan,jul *", "*-01,07-01 12:00:00"}, Pair{"0 6 * * 7", "Sun *-*-* 06:00:00"}}) {
        for (const char* zone : {"UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca"}) {
            for (const int month : {3, 10}) {
                const Time base = std::chrono::sys_days(std::chrono::year(2026) / month / 20) + 9h + 17s;
                const auto expected = systemd_moments(std::string(theirs) + " " + zone, base, 20);
                ASSERT_EQ(expected.size(), 20U) << theirs;
                EXPECT_EQ(our_moments(ours, zone, base, 20), expected) << ours << " in " << zone;
            }
        }
    }
}

// Known differences: systemd leaves out the day of a gap, and the second pass of a repeated hour also for what runs every so often.
TEST(SystemdCalendar, KnownDifferences) {
    if (!have_systemd_analyze()) GTEST_SKIP() << "systemd-analyze is not installed: schedules are not compared with systemd's calendar";
    const Time march = std::chrono::sys_days(std::chrono::year(2026) / 3 / 28) + 23h;
    EXPECT_EQ(systemd_moments("*-*-* 02:30:00 Europe/Berlin", march, 1), std::vector<std::string>{"2026-03-30T00:30:00Z"});
    EXPECT_EQ(our_moments("30 2 * * *", "Europe/Berlin", march, 2), (std::vector<std::string>{"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}));
    const Time october = std::chrono::sys_days(std::chrono::year(2026) / 10 / 25) + 15min;
    EXPECT_EQ(systemd_moments("*-*-* *:00/30:00 Europe/Berlin", october, 2),
              (std::vector<std::string>{"2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z"}));
    EXPECT_EQ(our_moments("*/30 * * * *", "Europe/Berlin", october, 2), (std::vector<std::string>{"2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"}));
    // At a fixed hour both run once, at the first pass.
    EXPECT_EQ(systemd_moments("*-*-* 02:30:00 Europe/Berlin", october, 2), our_moments("30 2 * * *", "Europe/Berlin", october, 2));
}

}  // namespace
}  // namespace bkmon::core
