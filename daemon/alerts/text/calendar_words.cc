#include <fmt/format.h>

#include <array>
#include <chrono>

#include "common/base/time.h"
#include "daemon/alerts/text/phrases.h"

namespace bkmon::alerts {
namespace {

struct Names {
    std::array<std::string_view, 12> months;
    std::array<std::string_view, 7> days;  ///< from Sunday
};
constexpr std::array<Names, 3> kNames{{
    {{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}, {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}},
    {{"ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"}, {"dom", "lun", "mar", "mié", "jue", "vie", "sáb"}},
    {{"janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."},
     {"dim.", "lun.", "mar.", "mer.", "jeu.", "ven.", "sam."}},
}};

std::optional<std::chrono::year_month_day> read(std::string_view date) {
    const auto t = parse_rfc3339(std::string(date) + "T00:00:00Z");
    if (!t) return std::nullopt;
    return std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(*t));
}

std::string_view month(Language language, const std::chrono::year_month_day& date) {
    return kNames[static_cast<std::size_t>(language)].months[static_cast<unsigned>(date.month()) - 1];
}

}  // namespace

std::string date_words(Language language, std::string_view text) {
    const auto date = read(text);
    if (!date) return std::string(text);
    return fmt::format("{} {} {}", static_cast<unsigned>(date->day()), month(language, *date), static_cast<int>(date->year()));
}

std::string day_words(Language language, std::string_view text) {
    const auto date = read(text);
    if (!date) return std::string(text);
    const std::chrono::weekday day{std::chrono::sys_days(*date)};
    return fmt::format("{} {:>2} {}", kNames[static_cast<std::size_t>(language)].days[day.c_encoding()], static_cast<unsigned>(date->day()),
                       month(language, *date));
}

std::string duration_words(Language language, milliseconds d) {
    auto words = bkmon::duration_words(d);
    if (language == Language::en) return words;
    if (std::chrono::abs(d) < seconds(1)) return language == Language::es ? "menos de 1 s" : "moins de 1 s";
    if (language == Language::fr)
        if (const auto day = words.find(" d"); day != std::string::npos) words.replace(day, 2, " j");
    return words;
}

}  // namespace bkmon::alerts
