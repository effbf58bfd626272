#include "tests/support/facts.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>

namespace bkmon::test {

bool full_sweep() {
    const char* scale = std::getenv("BKMON_SWEEP");
    return scale != nullptr && std::string_view(scale) == "full";
}

void fact(std::string_view proof, std::initializer_list<std::pair<std::string_view, std::int64_t>> counts, double seconds) {
    std::string text;
    for (const auto& [name, n] : counts) text += fmt::format("{}    \"{}\": {}", text.empty() ? "" : ",\n", name, n);
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    char date[16];
    std::strftime(date, sizeof date, "%Y-%m-%d", &utc);
    std::string entry = fmt::format("{{\n  \"proof\": \"{}\",\n  \"date\": \"{}\",\n  \"counts\": {{\n{}\n  }}", proof, date, text);
    if (seconds >= 0) entry += fmt::format(",\n  \"seconds\": {}", std::lround(seconds));
    entry += "\n}\n";

    const std::filesystem::path folder =
        full_sweep() ? std::filesystem::path(BKMON_SOURCE_DIR) / "tests/facts" : std::filesystem::path(BKMON_BUILD_DIR) / "facts";
    std::filesystem::create_directories(folder);
    const auto temporary = folder / fmt::format(".{}.{}", proof, getpid());
    std::ofstream(temporary) << entry;
    std::error_code error;
    std::filesystem::rename(temporary, folder / fmt::format("{}.json", proof), error);
    EXPECT_FALSE(error) << error.message();
}

}  // namespace bkmon::test
