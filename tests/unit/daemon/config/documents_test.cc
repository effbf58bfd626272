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
    EXPECT_FALSE(loaded.settings.mail.configured);
    EXPECT_FALSE(loaded.settings.outlets.configured);
    for (const std::string command : {"bkmonctl config check", "bkmonctl deposits init", "bkmonctl reload", "bkmonctl status"})
        EXPECT_THAT(text, HasSubstr(command));
}

TEST(Example, UncommentedItLoads) {
    const auto loaded = load_sources({{"bkmon.yaml", uncommented()}});
    EXPECT_EQ(loaded.text(), "");
    EXPECT_TRUE(loaded.settings.deposits.configured);
    EXPECT_TRUE(loaded.settings.mail.configured);
    EXPECT_EQ(loaded.settings.alerts.rules.size(), 3u);
    EXPECT_EQ(loaded.settings.alerts.silences.size(), 2u);
    ASSERT_EQ(loaded.settings.deposits.jobs.size(), 3u);
    EXPECT_EQ(loaded.settings.control.admin.size(), 2u);
    EXPECT_FALSE(loaded.settings.deposits.jobs[2].active);
    EXPECT_EQ(loaded.settings.outlets.inventory.csv, "/etc/bkmon/conf.d/outlets.csv");
    EXPECT_EQ(loaded.settings.outlets.modes.size(), 2u);
}

TEST(Example, TheFirstModeShowsItsDefaults) {
    const auto settings = load_sources({{"bkmon.yaml", uncommented()}}).settings;
    ASSERT_FALSE(settings.outlets.modes.empty());
    const auto& shown = settings.outlets.modes[0];
    const core::OutletMode standard;
    EXPECT_EQ(shown.patterns, standard.patterns);
    EXPECT_EQ(shown.min_size, standard.min_size);
    EXPECT_EQ(shown.max_age, standard.max_age);
    EXPECT_EQ(shown.clock_tolerance, standard.clock_tolerance);
    EXPECT_EQ(shown.verify, standard.verify);
    EXPECT_EQ(shown.port, standard.port);
    EXPECT_EQ(shown.signing, standard.signing);
    EXPECT_EQ(shown.active, standard.active);
}

/// The other places an inventory may come from stand as prose, of which only one may be switched on.
TEST(Example, EachSourceOfAnInventoryLoads) {
    std::istringstream in(file_text("etc/bkmon.yaml"));
    std::string block, key;
    std::vector<std::string> found;
    const auto load_block = [&] {
        if (block.empty()) return;
        auto modes = std::string("  modes: [{name: a, shares: [\"d$\"], credentials: {user: u, password_file: /p}}]\n");
        EXPECT_EQ(load_sources({{"bkmon.yaml", "outlets:\n  inventory:\n" + block + modes}}).text(), "") << block;
        found.push_back(key);
        block.clear();
    };
    bool inside = false;
    for (std::string line; std::getline(in, line);) {
        inside = (inside || line == "#  inventory:") && line != "#  modes:";
        if (!inside || !line.starts_with("#   ") || line.starts_with("#    csv")) {
            load_block();
            continue;
        }
        if (block.empty()) key = line.substr(4, line.find(':') - 4);
        block += " " + line.substr(1) + "\n";
    }
    EXPECT_THAT(found, ::testing::ElementsAre("list", "sql", "command"));
}

TEST(Example, TheOutletsForConfDLoadBesideAList) {
    const Source region{"conf.d/outlets.yaml", file_text("etc/conf.d/outlets.yaml"), Source::Kind::drop_in};
    const auto loaded = load_sources({{"bkmon.yaml", file_text("etc/bkmon.yaml")}, region});
    EXPECT_EQ(loaded.text(), "");
    EXPECT_EQ(loaded.settings.outlets.inventory.list.size(), 3u);
    EXPECT_EQ(loaded.settings.outlets.modes.size(), 1u);
}

TEST(Example, TheJobFileForConfDLoadsBesideIt) {
    const Source job_file{"conf.d/shop.yaml", file_text("etc/conf.d/shop.yaml"), Source::Kind::drop_in};
    const auto loaded = load_sources({{"bkmon.yaml", uncommented()}, job_file});
    EXPECT_EQ(loaded.text(), "");
    EXPECT_EQ(loaded.settings.deposits.jobs.size(), 5u);
    EXPECT_EQ(load_sources({{"bkmon.yaml", file_text("etc/bkmon.yaml")}, job_file}).text(), load_sources({job_file}).text());
}

TEST(Example, TheAlertsForConfDLoadBesideIt) {
    const Source alerts{"conf.d/alerts.yaml", file_text("etc/conf.d/alerts.yaml"), Source::Kind::drop_in};
    EXPECT_EQ(load_sources({{"bkmon.yaml", uncommented()}, alerts}).text(), "");
    const auto alone = load_sources({{"bkmon.yaml", "mail: {server: \"smtp://localhost\", from: a@b, to: [a@b]}\n"}, alerts});
    EXPECT_EQ(alone.text(), "");
    EXPECT_EQ(alone.settings.alerts.rules.size(), 2u);
    EXPECT_EQ(alone.settings.alerts.silences.size(), 1u);
}

/// A value that the example gives beside its own: not the default, but a sample.
bool is_sample(const std::string& path) {
    for (const std::string sample : {"deposits.defaults.schedule",
                                     "deposits.defaults.company",
                                     "deposits.defaults.year",
                                     "deposits.defaults.owner",
                                     "deposits.defaults.labels",
                                     "deposits.defaults.recipients",
                                     "control.roles.admin",
                                     "control.roles.operator",
                                     "control.roles.viewer",
                                     "mail.server",
                                     "mail.ca_file",
                                     "mail.user",
                                     "mail.password_file",
                                     "mail.password_credential",
                                     "mail.from",
                                     "mail.to",
                                     "mail.templates",
                                     "alerts.ping.url",
                                     "alerts.ping.failure",
                                     "alerts.ping.ca_file",
                                     "outlets.inventory.csv"})
        if (path == sample) return true;
    return path.starts_with("deposits.jobs.") || path.starts_with("alerts.rules.") || path.starts_with("alerts.silences.") ||
           path.starts_with("outlets.modes.");
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
