// The shipped example and the manual page say what the tables say.
#include <fstream>
#include <iterator>
#include <sstream>

#include "daemon/config/load.h"
#include "tests/unit/daemon/config/support.h"

namespace bkmon::config {
namespace {

using ::testing::HasSubstr;

std::string file_text(const std::string& name) {
    std::ifstream in(std::string(BKMON_SOURCE_DIR) + "/" + name);
    EXPECT_TRUE(in) << name;
    return {std::istreambuf_iterator<char>(in), {}};
}

/// The example with its settings switched on. After the '#', a setting is indented by an even number of spaces, prose by an odd one.
std::string uncommented() {
    std::istringstream in(file_text("etc/bkmon.yaml"));
    std::string out;
    for (std::string line; std::getline(in, line); out += line + "\n") {
        const auto text = line.find_first_not_of(' ', 1);
        if (line.starts_with('#') && text != std::string::npos && text % 2 == 1) line.erase(0, 1);
    }
    return out;
}

TEST(Example, AsShippedItIsEmptyAndSaysWhatToDoNext) {
    const auto text = file_text("etc/bkmon.yaml");
    const auto loaded = load_sources({{"bkmon.yaml", text}});
    EXPECT_EQ(loaded.text(), "");
    EXPECT_FALSE(loaded.settings.deposits.configured);
    for (const std::string command : {"bkmonctl config check", "bkmonctl deposits init", "bkmonctl reload", "bkmonctl status"})
        EXPECT_THAT(text, HasSubstr(command));
}

TEST(Example, UncommentedItLoads) {
    const auto loaded = load_sources({{"bkmon.yaml", uncommented()}});
    EXPECT_EQ(loaded.text(), "");
    EXPECT_TRUE(loaded.settings.deposits.configured);
    ASSERT_EQ(loaded.settings.deposits.jobs.size(), 3u);
    EXPECT_EQ(loaded.settings.control.admin.size(), 2u);
    EXPECT_FALSE(loaded.settings.deposits.jobs[2].active);
}

TEST(Example, TheJobFileForConfDLoadsBesideIt) {
    const Source job_file{"conf.d/shop.yaml", file_text("etc/conf.d/shop.yaml"), Source::Kind::drop_in};
    const auto loaded = load_sources({{"bkmon.yaml", uncommented()}, job_file});
    EXPECT_EQ(loaded.text(), "");
    EXPECT_EQ(loaded.settings.deposits.jobs.size(), 5u);
    EXPECT_EQ(load_sources({{"bkmon.yaml", file_text("etc/bkmon.yaml")}, job_file}).text(), load_sources({job_file}).text());
}

/// A value that the example gives beside its own: not the default, but a sample.
bool is_sample(const std::string& path) {
    for (const std::string sample :
         {"deposits.defaults.schedule", "deposits.defaults.company", "deposits.defaults.year", "deposits.defaults.owner", "deposits.defaults.labels",
          "deposits.defaults.recipients", "control.roles.admin", "control.roles.operator", "control.roles.viewer"})
        if (path == sample) return true;
    return path.starts_with("deposits.jobs.");
}

TEST(Example, NamesEachSettingAndShowsItsDefault) {
    const auto shown = load_sources({{"bkmon.yaml", uncommented()}}).effective;
    std::map<std::string, std::string> defaults;
    for (const auto& e : read("").effective) defaults[e.path] = e.value;
    for (const auto& e : shown) {
        if (is_sample(e.path)) continue;
        EXPECT_NE(e.origin, "default") << e.path << " is not in the example";
        EXPECT_EQ(e.value, defaults[e.path]) << e.path;
    }
    const auto text = file_text("etc/bkmon.yaml");
    for (const auto& [path, row] : all_settings()) EXPECT_THAT(text, HasSubstr(std::string(row.name) + ":")) << path;
}

TEST(Manual, NamesEachSetting) {
    const auto text = file_text("etc/man/bkmon.yaml.5.scd");
    for (const auto& [path, row] : all_settings()) EXPECT_THAT(text, HasSubstr("*" + std::string(row.name) + "*")) << path;
}

}  // namespace
}  // namespace bkmon::config
