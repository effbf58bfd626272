// Weekly windows against the C library's idea of what the clock on the wall shows.
#include "daemon/core/weekly.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <ctime>
#include <random>

namespace bkmon::core {
namespace {

using ::testing::HasSubstr;

WeeklyWindow window(std::string_view text) {
    const auto parsed = parse_window(text);
    EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error().what);
    return parsed.value_or(WeeklyWindow{});
}

Time at(const char* text) { return *parse_rfc3339(text); }

TEST(WeeklyText, IsRead) {
    EXPECT_EQ(window("mon-fri 22:00-06:00"), (WeeklyWindow{0x3E, 22 * 60, 6 * 60}));
    EXPECT_EQ(window("sat,sun"), (WeeklyWindow{0x41, 0, 24 * 60}));
    EXPECT_EQ(window("  Sat "), (WeeklyWindow{0x40, 0, 24 * 60}));
    EXPECT_EQ(window("fri-mon"), (WeeklyWindow{0x63, 0, 24 * 60}));
    EXPECT_EQ(window("mon,wed-thu,Saturday 00:00-24:00"), (WeeklyWindow{0x5A, 0, 24 * 60}));
    EXPECT_EQ(window("22:00-06:30"), (WeeklyWindow{0x7F, 22 * 60, 6 * 60 + 30}));
    EXPECT_EQ(window("SUN   09:05-09:06"), (WeeklyWindow{0x01, 9 * 60 + 5, 9 * 60 + 6}));
    EXPECT_EQ(window("mon - wed, fri 22:00-23:00"), (WeeklyWindow{0x2E, 22 * 60, 23 * 60}));
    EXPECT_EQ(window("tue 23:00-00:00"), (WeeklyWindow{0x04, 23 * 60, 0}));
}

TEST(WeeklyText, WhatIsWrongIsSaid) {
    for (const auto& [text, why] : std::vector<std::pair<std::string, std::string>>{
             {"", "it is empty"},
             {" ", "it is empty"},
             {"mo", "'mo' is no day"},
             {"mondey", "did you mean 'monday'"},
             {"mon,", "'' is no day"},
             {"mon-", "'' is no day"},
             {"mon-tue-wed", "'tue-wed' is no day"},
             {"mon tue", "'mon tue' is no day"},
             {"mon,,tue", "'' is no day"},
             {"mon 22:00", "no stretch of hours"},
             {"mon 22-06", "no stretch of hours"},
             {"mon 22:00-24:01", "no stretch of hours"},
             {"mon 24:00-06:00", "no stretch of hours"},
             {"mon 22:60-23:00", "no stretch of hours"},
             {"mon 2:00-3:00", "no stretch of hours"},
             {"mon 08:00-08:00", "is empty"},
             {"08:00-09:00 mon", "'08:00-09:00 mon' is no stretch of hours"},
             {"mon 08:00-09:00 10:00-11:00", "no stretch of hours"},
             {"mon 0-:00-09:00", "no stretch of hours"},
         }) {
        const auto parsed = parse_window(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_THAT(parsed.error().what, HasSubstr(why)) << text;
    }
}

TEST(Weekly, ANightBelongsToTheDayOnWhichItBegins) {
    const auto utc = *find_zone("UTC");
    const std::vector<WeeklyWindow> nights{window("mon-fri 22:00-06:00")};
    EXPECT_FALSE(inside(nights, utc, at("2026-11-23T05:59:59Z")));  // a Monday: Sunday night is none of them
    EXPECT_FALSE(inside(nights, utc, at("2026-11-23T21:59:59.999Z")));
    EXPECT_TRUE(inside(nights, utc, at("2026-11-23T22:00:00Z")));
    EXPECT_TRUE(inside(nights, utc, at("2026-11-28T05:59:59Z")));  // Saturday, early
    EXPECT_FALSE(inside(nights, utc, at("2026-11-28T06:00:00Z")));
    EXPECT_FALSE(inside(nights, utc, at("2026-11-28T22:00:00Z")));
    EXPECT_EQ(next_change(nights, utc, at("2026-11-28T06:00:00Z")), at("2026-11-30T22:00:00Z"));
    EXPECT_EQ(next_change(nights, utc, at("2026-11-30T22:00:00Z")), at("2026-12-01T06:00:00Z"));
}

TEST(Weekly, WindowsThatTouchAreOne) {
    const auto utc = *find_zone("UTC");
    const std::vector<WeeklyWindow> weekend{window("fri 22:00-24:00"), window("sat,sun"), window("mon 00:00-06:00")};
    EXPECT_EQ(next_change(weekend, utc, at("2026-11-27T21:00:00Z")), at("2026-11-27T22:00:00Z"));
    EXPECT_EQ(next_change(weekend, utc, at("2026-11-27T22:00:00Z")), at("2026-11-30T06:00:00Z"));
}

TEST(Weekly, AlwaysAndNeverDoNotChange) {
    const auto zone = *find_zone("Europe/Berlin");
    EXPECT_FALSE(inside({}, zone, at("2026-11-27T21:00:00Z")));
    EXPECT_FALSE(next_change({}, zone, at("2026-11-27T21:00:00Z")));
    EXPECT_TRUE(inside({window("mon-sun")}, zone, at("2026-03-29T01:00:00Z")));
    EXPECT_FALSE(next_change({window("mon-sun")}, zone, at("2026-03-20T01:00:00Z")));
    EXPECT_FALSE(next_change({window("mon-sun")}, zone, kFirstMoment - milliseconds(1)));
    EXPECT_FALSE(inside({window("mon-sun")}, zone, kLastMoment + milliseconds(1)));
}

TEST(Weekly, TheClockOnTheWallDecides) {
    const auto zone = *find_zone("Europe/Berlin");
    const std::vector<WeeklyWindow> hour{window("sun 02:00-03:00")};
    // In spring that hour is left out, in autumn it comes twice.
    EXPECT_EQ(next_change(hour, zone, at("2026-03-28T12:00:00Z")), at("2026-04-05T00:00:00Z"));
    EXPECT_EQ(next_change(hour, zone, at("2026-10-24T12:00:00Z")), at("2026-10-25T00:00:00Z"));
    EXPECT_EQ(next_change(hour, zone, at("2026-10-25T00:00:00Z")), at("2026-10-25T02:00:00Z"));
    const std::vector<WeeklyWindow> half{window("sun 01:30-02:30")};
    EXPECT_TRUE(inside(half, zone, at("2026-10-25T00:29:59Z")));
    EXPECT_FALSE(inside(half, zone, at("2026-10-25T00:30:00Z")));
    EXPECT_EQ(next_change(half, zone, at("2026-10-25T00:30:00Z")), at("2026-10-25T01:00:00Z"));
    EXPECT_EQ(next_change(half, zone, at("2026-10-25T01:00:00Z")), at("2026-10-25T01:30:00Z"));
    // A day that a zone left out: Samoa had no 30 December 2011, a Friday.
    const auto apia = *find_zone("Pacific/Apia");
    EXPECT_EQ(next_change({window("fri")}, apia, at("2011-12-28T12:00:00Z")), at("2012-01-05T10:00:00Z"));
}

/// The C library in one zone.
class Wall {
public:
    explicit Wall(const char* zone) {
        ::setenv("TZ", zone, 1);
        ::tzset();
    }
    ~Wall() {
        ::unsetenv("TZ");
        ::tzset();
    }
    Wall(const Wall&) = delete;
    Wall& operator=(const Wall&) = delete;
    static bool inside(const std::vector<WeeklyWindow>& windows, Time t) {
        const std::time_t seconds = to_ms(t) / 1000;
        std::tm shown{};
        ::localtime_r(&seconds, &shown);
        const int minute = shown.tm_hour * 60 + shown.tm_min;
        for (const auto& w : windows)
            for (int begin = 0; begin < 7; ++begin) {
                if ((w.days & (1 << begin)) == 0) continue;
                const int length = w.until > w.from ? w.until - w.from : w.until - w.from + 24 * 60;
                const int since = (((shown.tm_wday - begin + 7) % 7) * 24 * 60 + minute - w.from + 7 * 24 * 60) % (7 * 24 * 60);
                if (since < length) return true;
            }
        return false;
    }
};

TEST(Weekly, AgreesWithTheCLibraryInThirtyZonesAroundEachChangeOfTheClock) {
    const char* const zones[] = {"UTC",
                                 "Europe/Berlin",
                                 "Europe/London",
                                 "Europe/Dublin",
                                 "Europe/Moscow",
                                 "Europe/Istanbul",
                                 "Africa/Casablanca",
                                 "Africa/Cairo",
                                 "Africa/Douala",
                                 "America/New_York",
                                 "America/Los_Angeles",
                                 "America/St_Johns",
                                 "America/Havana",
                                 "America/Sao_Paulo",
                                 "America/Santiago",
                                 "America/Asuncion",
                                 "America/Argentina/Buenos_Aires",
                                 "America/Scoresbysund",
                                 "Asia/Beirut",
                                 "Asia/Gaza",
                                 "Asia/Tehran",
                                 "Asia/Kolkata",
                                 "Asia/Kathmandu",
                                 "Asia/Tokyo",
                                 "Australia/Lord_Howe",
                                 "Australia/Adelaide",
                                 "Pacific/Auckland",
                                 "Pacific/Chatham",
                                 "Pacific/Apia",
                                 "Antarctica/Troll"};
    std::mt19937 random(20261122);
    std::size_t checked = 0;
    for (const auto* name : zones) {
        const auto zone = *find_zone(name);
        const Wall wall(name);
        std::vector<Time> starts{at("2026-06-03T00:00:00Z")};
        cctz::time_zone::civil_transition change;
        for (auto from = to_seconds(at("2024-01-01T00:00:00Z")); zone.next_transition(from, &change) && starts.size() < 7;) {
            from = zone.lookup(change.to).trans;
            if (from > to_seconds(at("2027-12-31T00:00:00Z"))) break;
            starts.push_back(to_time(from) - std::chrono::hours(12));
        }
        for (const auto start : starts) {
            std::vector<WeeklyWindow> windows;
            for (unsigned i = 0; i <= random() % 3; ++i) {
                WeeklyWindow w;
                w.days = static_cast<std::uint8_t>(1 + random() % 127);
                w.from = static_cast<int>(random() % 288) * 5;
                w.until = static_cast<int>(1 + random() % 287) * 5;
                if (w.until == w.from) w.until += 5;
                windows.push_back(w);
            }
            // Every minute of a day and a half: the answer, and between two changes none.
            auto next = next_change(windows, zone, start);
            bool before = inside(windows, zone, start);
            for (auto t = start; t < start + std::chrono::hours(36); t += std::chrono::minutes(1)) {
                const bool now = inside(windows, zone, t);
                ASSERT_EQ(now, Wall::inside(windows, t)) << name << " " << rfc3339(t);
                ASSERT_EQ(now != before, next == t) << name << " " << rfc3339(t) << " " << (next ? rfc3339(*next) : "never");
                if (now != before) next = next_change(windows, zone, t);
                before = now;
                ++checked;
            }
        }
    }
    EXPECT_GT(checked, 200000U);
}

}  // namespace
}  // namespace bkmon::core
