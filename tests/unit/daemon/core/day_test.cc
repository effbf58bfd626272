#include "daemon/core/day.h"

#include <gtest/gtest.h>

#include "daemon/core/schedule.h"

namespace bkmon::core {
namespace {

using std::chrono::hours;

TEST(EndOfDay, IsRightThroughChangesOfTheClock) {
    const auto of = [](const char* date, const char* zone) {
        const auto end = end_of_day(*parse_date(date), zone);
        return end ? rfc3339(*end) : end.error().what;
    };
    EXPECT_EQ(of("2026-11-22", "UTC"), "2026-11-22T23:59:59.999Z");
    EXPECT_EQ(of("2026-12-31", "UTC"), "2026-12-31T23:59:59.999Z");
    EXPECT_EQ(of("2024-02-28", "UTC"), "2024-02-28T23:59:59.999Z");
    EXPECT_EQ(of("2026-03-28", "Europe/Berlin"), "2026-03-28T22:59:59.999Z");
    EXPECT_EQ(of("2026-03-29", "Europe/Berlin"), "2026-03-29T21:59:59.999Z");
    EXPECT_EQ(of("2026-10-25", "Europe/Berlin"), "2026-10-25T22:59:59.999Z");
    // Midnight does not exist on the next day: clocks jump from 0:00 to 1:00.
    EXPECT_EQ(of("2024-04-25", "Africa/Cairo"), "2024-04-25T21:59:59.999Z");
    // Midnight of the next day comes after an hour that was repeated.
    EXPECT_EQ(of("2024-10-31", "Africa/Cairo"), "2024-10-31T21:59:59.999Z");
    for (const char* zone : {"UTC", "Europe/Berlin", "Africa/Cairo", "America/Bogota", "Asia/Beirut", "Pacific/Auckland", "America/Santiago"}) {
        for (int day = 0; day < 366; ++day) {
            const auto noon = *parse_rfc3339("2024-01-01T12:00:00Z") + hours(24 * day);
            const auto date = local_date(noon, zone);
            ASSERT_TRUE(parse_date(date)) << date;
            const auto end = end_of_day(*parse_date(date), zone);
            ASSERT_TRUE(end);
            EXPECT_EQ(local_date(*end, zone), date) << zone;
            EXPECT_NE(local_date(*end + milliseconds(1), zone), date) << zone << ' ' << rfc3339(*end);
        }
    }
    for (const char* bad : {"", "2026-13-01", "2026-02-29", "26-01-01", "2026-01-01T", "2026/01/01", "+026-01-01", "2026- 1-01"})
        EXPECT_FALSE(parse_date(bad)) << bad;
    EXPECT_FALSE(end_of_day(*parse_date("2026-01-01"), "No/Where"));
}

TEST(Day, TextAndBack) {
    for (const char* date : {"1970-01-01", "2024-02-29", "2026-11-22", "9999-12-31"}) EXPECT_EQ(date_text(*parse_date(date)), date);
}

}  // namespace
}  // namespace bkmon::core
