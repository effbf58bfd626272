#include "daemon/config/load.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/cpu_spent.h"
#include "tests/unit/daemon/config/support.h"

namespace bkmon::config {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(Config, AnEmptyFileIsAValidEmptyConfiguration) {
    for (const std::string yaml :
         {"", "# nothing yet\n", "---\n", "\xEF\xBB\xBF# BOM\n", "deposits:\n", "deposits:\n  jobs:\n  defaults:\ncontrol:\nhistory:\n"}) {
        const auto s = good(yaml);
        EXPECT_EQ(s.timezone, "UTC");
        EXPECT_EQ(s.history.path, "/var/lib/bkmon/history.db");
        EXPECT_FALSE(s.control.roles_given);
        EXPECT_THAT(s.deposits.jobs, IsEmpty());
    }
    EXPECT_FALSE(good("deposits:\n").deposits.configured);
    EXPECT_TRUE(good("deposits: {}\n").deposits.configured);
}

TEST(Config, TheCommonSections) {
    const auto s = good(R"(
timezone: Africa/Douala
site: douala-1
state: /tmp/state
control:
  socket: /tmp/control.sock
  roles: {admin: [root, "@bkmon-admin"], operator: ["@bkmon-operator"], viewer: ["@bkmon"]}
history: {engine: sqlite, keep: 30d}
)");
    EXPECT_EQ(s.timezone, "Africa/Douala");
    EXPECT_EQ(s.site, "douala-1");
    EXPECT_EQ(s.history.path, "/tmp/state/history.db") << "follows the state";
    EXPECT_EQ(s.history.keep, hours(24 * 30));
    EXPECT_EQ(s.control.socket, "/tmp/control.sock");
    EXPECT_TRUE(s.control.roles_given);
    EXPECT_THAT(s.control.admin, ElementsAre("root", "@bkmon-admin"));
    EXPECT_THAT(s.control.oper, ElementsAre("@bkmon-operator"));
    EXPECT_THAT(s.control.viewer, ElementsAre("@bkmon"));
    EXPECT_THAT(s.files, ElementsAre("bkmon.yaml"));
}

TEST(Config, RolesAsGrants) {
    const auto s = good(R"(
control:
  roles:
    - {group: "@acme", role: operator, targets: ["deposit/acme*/*"]}
    - {group: ops, role: viewer}
    - {user: alice, role: admin}
)");
    ASSERT_EQ(s.control.grants.size(), 3u);
    EXPECT_EQ(s.control.grants[0].who, "@acme");
    EXPECT_EQ(s.control.grants[0].role, "operator");
    EXPECT_THAT(s.control.grants[0].targets, ElementsAre("deposit/acme*/*"));
    EXPECT_EQ(s.control.grants[1].who, "@ops");
    EXPECT_THAT(s.control.grants[1].targets, IsEmpty());
    EXPECT_EQ(s.control.grants[2].who, "alice");
    EXPECT_TRUE(s.control.roles_given);
}

TEST(Config, JobsInheritDefaultsAndOverrideThem) {
    const auto s = good(R"(
timezone: Africa/Douala
deposits:
  jobs:
    - {agent: SIRPACAM_DOUALA_NEWBELL, database: SDMC_2023}
    - agent: SIRPACAM_DOUALA_AKWA
      database: "SDMC_AKWA_{year}"
      schedule: none
      timezone: UTC
      max_age: 50h
      keep: 3
      consume: false
      content: mysql
      end_mark: false
      unchanged: ok
      max_size: 20GB
      gates: {replay: false, size: {z: 8, floor: 0, min_size: 1KiB}}
      company: Acme
      city: Douala
      district: Akwa
      year: 2024
      report_timezone: Africa/Douala
      owner: agent7
      labels: {city: akwa}
      recipients: [dba@example.org]
      active: false
      path: "{company}/{city}/{year}/{file}"
  defaults:
    schedule: "0 13 * * *"
    early: 15min
    deadline: 3h
    keep_replaced: 2d
    max_report_age: 3d
    labels: {region: littoral, city: none}
    recipients: [ops@example.org]
    gates: {future: false, size: {ceiling: 9}}
)");
    ASSERT_EQ(s.deposits.jobs.size(), 2u);
    const auto& a = s.deposits.jobs[0];
    EXPECT_EQ(a.agent, "SIRPACAM_DOUALA_NEWBELL");
    EXPECT_EQ(a.schedule, "0 13 * * *");
    EXPECT_EQ(a.timezone, "Africa/Douala") << "the global one";
    EXPECT_EQ(a.early, minutes(15));
    EXPECT_EQ(a.deadline, hours(3));
    EXPECT_EQ(a.keep_replaced, hours(48));
    EXPECT_EQ(a.keep, 1);
    EXPECT_TRUE(a.consume && a.active && a.end_mark && !a.unchanged_ok);
    EXPECT_FALSE(a.gates.future);
    EXPECT_TRUE(a.gates.replay);
    EXPECT_EQ(a.gates.size.ceiling_factor, 9);
    EXPECT_EQ(a.origin, "bkmon.yaml:5:7");
    const auto& b = s.deposits.jobs[1];
    EXPECT_EQ(b.schedule, std::nullopt);
    EXPECT_EQ(b.timezone, "UTC");
    EXPECT_EQ(b.max_age, hours(50));
    EXPECT_EQ(b.keep, 3);
    EXPECT_FALSE(b.consume || b.active || b.end_mark);
    EXPECT_TRUE(b.unchanged_ok);
    EXPECT_EQ(b.content, core::Content::mysql);
    EXPECT_EQ(b.max_size, 20000000000u);
    EXPECT_FALSE(b.gates.replay || b.gates.future) << "what a job does not say is inherited";
    EXPECT_EQ(b.gates.size.z, 8);
    EXPECT_EQ(b.gates.size.floor_factor, 0);
    EXPECT_EQ(b.gates.size.ceiling_factor, 9);
    EXPECT_EQ(b.gates.size.min_size, 1024u);
    EXPECT_EQ(b.company + b.city + b.district + b.year, "AcmeDoualaAkwa2024");
    EXPECT_EQ(b.report_timezone, "Africa/Douala");
    EXPECT_EQ(b.owner, "agent7");
    EXPECT_EQ(b.labels, (core::Labels{{"city", "akwa"}, {"region", "littoral"}}));
    EXPECT_THAT(b.recipients, ElementsAre("dba@example.org"));
    EXPECT_EQ(b.origin, "bkmon.yaml:6:7");
}

TEST(Config, EachContentByItsName) {
    using core::Content;
    for (const auto& [name, content] :
         {std::pair("auto", Content::auto_detect), std::pair("mysql", Content::mysql), std::pair("postgresql", Content::postgresql),
          std::pair("sqlite", Content::sqlite), std::pair("mssql", Content::mssql), std::pair("archive", Content::archive),
          std::pair("opaque", Content::opaque)})
        EXPECT_EQ(good(std::string("deposits: {defaults: {content: ") + name + "}}\n").deposits.defaults.content, content) << name;
}

TEST(Config, TheSizeGateMayBeSwitchedOff) {
    EXPECT_FALSE(good("deposits: {defaults: {gates: {size: false}}}\n").deposits.defaults.gates.size.enabled);
    const auto s = good("deposits:\n  defaults: {gates: {size: false}}\n  jobs:\n    - {agent: A, database: B, gates: {size: true}}\n");
    EXPECT_TRUE(s.deposits.jobs.at(0).gates.size.enabled);
}

TEST(Config, WhatYamlWouldReadAsSomethingElseIsText) {
    const auto s = good(jobs("    - {agent: 0777, database: no, owner: 1e3}\n    - {agent: true, database: 2023}\n"));
    EXPECT_EQ(s.deposits.jobs.at(0).agent, "0777");
    EXPECT_EQ(s.deposits.jobs.at(0).database, "no");
    EXPECT_EQ(s.deposits.jobs.at(0).owner, "1e3");
    EXPECT_EQ(s.deposits.jobs.at(1).agent, "true");
}

TEST(Config, AliasesWorkWithinTheirLimits) {
    const auto s =
        good("deposits:\n  jobs:\n    - {agent: A, database: B, gates: &strict {replay: false}}\n    - {agent: A, database: C, gates: *strict}\n");
    EXPECT_FALSE(s.deposits.jobs.at(1).gates.replay);
}

std::map<std::string, std::pair<std::string, std::string>> effective(const Loaded& loaded) {
    std::map<std::string, std::pair<std::string, std::string>> out;
    for (const auto& e : loaded.effective) {
        EXPECT_TRUE(out.emplace(e.path, std::pair(e.value, e.origin)).second) << e.path << " twice";
    }
    return out;
}

TEST(Config, EffectiveSettingsNameTheirOrigin) {
    using Pair = std::pair<std::string, std::string>;
    const auto all =
        effective(read("timezone: Africa/Douala\ndeposits:\n  root: /srv/in\n  defaults: {keep: 2, gates: {replay: false}}\n  jobs:\n    - {agent: "
                       "A, database: B, keep: 5, schedule: none}\n"));
    EXPECT_EQ(all.at("timezone"), Pair("Africa/Douala", "bkmon.yaml:1:11"));
    EXPECT_EQ(all.at("deposits.root"), Pair("/srv/in", "bkmon.yaml:3:9"));
    EXPECT_EQ(all.at("deposits.vault"), Pair("/mnt/validated_backups", "default"));
    EXPECT_EQ(all.at("deposits.defaults.keep"), Pair("2", "bkmon.yaml:4:20"));
    EXPECT_EQ(all.at("deposits.defaults.gates.replay"), Pair("false", "bkmon.yaml:4:39"));
    EXPECT_EQ(all.at("deposits.defaults.gates.size.floor"), Pair("0.5", "default"));
    EXPECT_EQ(all.at("deposits.defaults.timezone"), Pair("Africa/Douala", "default"));
    EXPECT_EQ(all.at("deposits.jobs.A/B.keep"), Pair("5", "bkmon.yaml:6:37"));
    EXPECT_EQ(all.at("deposits.jobs.A/B.schedule"), Pair("none", "bkmon.yaml:6:50"));
    EXPECT_FALSE(all.contains("deposits.jobs.A/B.deadline")) << "inherited: it stands once, under defaults";
    EXPECT_EQ(all.at("history.path"), Pair("/var/lib/bkmon/history.db", "default"));
    EXPECT_EQ(all.at("control.socket"), Pair("/run/bkmon/control.sock", "default"));
}

TEST(Config, EffectiveListsEachSettingOfAnEmptyConfiguration) {
    const auto all = effective(read(""));
    for (const auto& [path, row] : all_settings()) {
        const bool of_an_item = path.starts_with("deposits.jobs.") || path.starts_with("control.roles.") || path.starts_with("alerts.rules.") ||
                                path.starts_with("alerts.silences.") || path.starts_with("outlets.modes.") || path.starts_with("outlets.inventory.");
        if (row.kind == Kind::section || of_an_item) continue;
        EXPECT_TRUE(all.contains(path)) << path;
    }
}

/// A folder of its own with files in it.
class ConfigFiles : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = fs::temp_directory_path() / "bkmon-config-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        root_ = pattern;
        fs::create_directory(root_ / "conf.d");
    }
    void TearDown() override { fs::remove_all(root_); }
    void write(const std::string& name, const std::string& text) { std::ofstream(root_ / name) << text; }
    Loaded load_all() { return load(main()); }
    std::string main() const { return root_ / "bkmon.yaml"; }
    std::string drop_in(const std::string& name) const { return root_ / "conf.d" / name; }
    fs::path root_;
};

TEST_F(ConfigFiles, AMissingMainFileIsAProblem) {
    EXPECT_THAT(lines(load_all()), ElementsAre(main() + ": cannot be read: No such file or directory"));
}

TEST_F(ConfigFiles, DropInsAreReadInNameOrder) {
    write("bkmon.yaml", "site: main\ndeposits: {root: /in, defaults: {labels: {a: x}}}\n");
    write("conf.d/20-b.yaml", "deposits: {jobs: [{agent: A, database: C}], defaults: {labels: {b: y}}}\n");
    write("conf.d/10-a.yaml", "deposits: {vault: /out, jobs: [{agent: A, database: B}]}\n");
    write("conf.d/30-keep.yaml", "history: {keep: 5d}\n");
    write("conf.d/README", "not: [read");
    write("conf.d/.hidden.yaml", "not: [read");
    write("conf.d/old.yaml.bak", "not: [read");
    write("conf.d/empty.yaml", "");
    const auto loaded = load_all();
    EXPECT_EQ(loaded.text(), "");
    const auto& s = loaded.settings;
    EXPECT_THAT(s.files, ElementsAre(main(), drop_in("10-a.yaml"), drop_in("20-b.yaml"), drop_in("30-keep.yaml"), drop_in("empty.yaml")));
    EXPECT_EQ(s.deposits.root, "/in");
    EXPECT_EQ(s.deposits.vault, "/out");
    ASSERT_EQ(s.deposits.jobs.size(), 2u);
    EXPECT_EQ(s.deposits.jobs[0].database, "B");
    EXPECT_EQ(s.deposits.jobs[1].origin, drop_in("20-b.yaml") + ":1:19");
    EXPECT_EQ(s.deposits.jobs[0].labels, (core::Labels{{"a", "x"}, {"b", "y"}}));
}

TEST_F(ConfigFiles, NobodyGetsRightsFromConfD) {
    write("bkmon.yaml", "control: {roles: {admin: [root]}}\n");
    write("conf.d/a.yaml", "site: a\ncontrol: {roles: {admin: [mallory]}}\n");
    write("conf.d/b.yaml", "{\"control\": {socket: /tmp/s}}\n");
    auto loaded = load_all();
    const std::string words = ": control may only stand in the main file: conf.d may be written by bkmond";
    EXPECT_THAT(lines(loaded), ElementsAre(drop_in("a.yaml") + ":2:1" + words, drop_in("b.yaml") + ":1:2" + words));
    EXPECT_THAT(loaded.settings.control.admin, ElementsAre("root"));
    // A main file that is not there makes no main file of the first of conf.d.
    fs::remove(main());
    EXPECT_THAT(load_all().text(), HasSubstr("a.yaml:2:1" + words));
}

TEST_F(ConfigFiles, AnExtraIsReadLikeOneMoreFileOfConfD) {
    const std::string name = "credential bkmon.extra";
    write("bkmon.yaml", "site: a\ndeposits:\n  jobs:\n    - {agent: A, database: B}\n");
    write("conf.d/a.yaml", "timezone: Africa/Douala\n");
    const auto with = [&](const std::string& bytes) { return load(main(), Extra{name, bytes}); };
    const auto loaded = with("history: {keep: 5d}\ndeposits:\n  jobs: [{agent: A, database: C}]\n");
    EXPECT_EQ(loaded.text(), "");
    EXPECT_THAT(loaded.settings.files, ElementsAre(main(), drop_in("a.yaml"), name));
    ASSERT_EQ(loaded.settings.deposits.jobs.size(), 2u);
    EXPECT_EQ(loaded.settings.deposits.jobs[1].origin, name + ":3:10");
    bool shown = false;
    for (const auto& e : loaded.effective) shown = shown || (e.path == "history.keep" && e.value == "5d" && e.origin == name + ":1:17");
    EXPECT_TRUE(shown) << "the origin of what it sets";
    EXPECT_THAT(lines(with("site: b\ndeposits: {rot: /a}\ncontrol: {socket: /tmp/s}\n")),
                ElementsAre(name + ":1:7: 'site' is set twice: also at " + main() + ":1:7", name + ":2:12: unknown key 'rot' (did you mean 'root'?)",
                            name + ":3:1: control may only stand in the main file"));
    EXPECT_EQ(with("").text(), "");
}

TEST_F(ConfigFiles, AnExtraThatIsAbsentIsNoProblemOneThatCannotBeReadIs) {
    write("bkmon.yaml", "site: a\n");
    const auto absent = load(main(), Extra{"credential x", Result<std::string>(fail(Errc::not_found, "credential x: none"))});
    EXPECT_EQ(absent.text(), "");
    EXPECT_THAT(absent.settings.files, ElementsAre(main()));
    const auto broken = load(main(), Extra{"credential x", Result<std::string>(fail(Errc::invalid, "credential x is a symbolic link"))});
    EXPECT_THAT(lines(broken), ElementsAre("credential x is a symbolic link"));
}

TEST_F(ConfigFiles, WhatIsSetTwiceNamesBothPlaces) {
    write("bkmon.yaml", "site: a\ndeposits:\n  root: /in\n  jobs:\n    - {agent: A, database: B}\n");
    write("conf.d/a.yaml", "site: a\n");
    write("conf.d/b.yaml", "deposits:\n  root: /other\n  jobs:\n    - {agent: A, database: B}\n");
    write("conf.d/c.yaml", "deposits:\n  jobs: {agent: A}\n");
    EXPECT_THAT(lines(load_all()), ElementsAre(drop_in("a.yaml") + ":1:7: 'site' is set twice: also at " + main() + ":1:7",
                                               drop_in("b.yaml") + ":2:9: 'deposits.root' is set twice: also at " + main() + ":3:9",
                                               drop_in("b.yaml") + ":4:7: the job A/B is set twice: also at " + main() + ":5:7",
                                               drop_in("c.yaml") + ":2:9: 'deposits.jobs' is set twice: also at " + main() + ":5:5"));
}

TEST_F(ConfigFiles, ProblemsOfAllFilesComeTogether) {
    write("bkmon.yaml", "sit: a\n");
    write("conf.d/a.yaml", "[broken\n");
    write("conf.d/b.yaml", "deposits: {rot: /a}\n");
    EXPECT_THAT(lines(load_all()),
                ElementsAre(StartsWith(main() + ":1:1: "), StartsWith(drop_in("a.yaml") + ":1:"), StartsWith(drop_in("b.yaml") + ":1:12: ")));
}

TEST_F(ConfigFiles, WhatIsNoPlainFileIsRefusedWithoutWaiting) {
    write("bkmon.yaml", "");
    fs::create_directory(drop_in("folder.yaml"));
    ASSERT_EQ(::mkfifo(drop_in("pipe.yaml").c_str(), 0600), 0);
    write("conf.d/short.yml", "site: a\n");
    fs::create_symlink("nowhere", drop_in("link.yaml"));
    EXPECT_THAT(lines(load_all()),
                ElementsAre(drop_in("short.yml") + ": only *.yaml is read here: rename it", drop_in("folder.yaml") + ": is no plain file",
                            drop_in("link.yaml") + ": cannot be read: No such file or directory", drop_in("pipe.yaml") + ": is no plain file"));
}

TEST_F(ConfigFiles, AFileThatIsTooLargeIsRefused) {
    write("bkmon.yaml", "site: a\n#" + std::string((16 << 20) + 1, 'x'));
    EXPECT_THAT(lines(load_all()), ElementsAre(main() + ": is larger than 16.0 MiB"));
}

TEST_F(ConfigFiles, AdoptedJobsCanBeLoaded) {
    write("bkmon.yaml", "");
    const std::vector<AdoptJob> adopted{{"SIRPACAM_DOUALA_NEWBELL", "SDMC_2023"},
                                        {"null", "true"},
                                        {"0777", "2023"},
                                        {"x", "a: b # c"},
                                        {"x", "\"quoted\" \\ 'both'"},
                                        {"x", "é, [ü]"},
                                        {"x", "- dash"},
                                        {"x", "@at"},
                                        {"x", "\u009b31m \u202e \u2028 \ufeff \uffff \U000e0001"}};
    write("conf.d/adopted.yaml", adopt_yaml(adopted));
    auto loaded = load_all();
    std::vector<std::string> names;
    for (const auto& job : loaded.settings.deposits.jobs) names.push_back(job.agent + "|" + job.database);
    std::vector<std::string> expected;
    for (const auto& job : adopted) expected.push_back(job.agent + "|" + job.database);
    EXPECT_THAT(loaded.text(), HasSubstr("cannot be a name in the vault")) << "odd names need a path without {database}";
    write("bkmon.yaml", "deposits: {defaults: {path: \"{agent}/{file}\"}}\n");
    loaded = load_all();
    EXPECT_EQ(loaded.text(), "");
    names.clear();
    for (const auto& job : loaded.settings.deposits.jobs) names.push_back(job.agent + "|" + job.database);
    EXPECT_EQ(names, expected);
}

TEST(Adopt, IsReadableYaml) {
    EXPECT_EQ(adopt_yaml({{"A_B", "X"}, {"A_B", "null"}}),
              "deposits:\n  jobs:\n    - {agent: A_B, database: X}\n    - {agent: A_B, database: \"null\"}\n");
    EXPECT_EQ(adopt_yaml({}), "");
}

TEST(Adopt, ShowsNothingThatATerminalActsOn) {
    EXPECT_EQ(adopt_yaml({{"A", "\u009b31m\u202e\"\\\uffff\U000e0001é"}}),
              "deposits:\n  jobs:\n    - {agent: A, database: \"\\U0000009b31m\\U0000202e\\\"\\\\\\U0000ffff\\U000e0001é\"}\n");
}

TEST(Adopt, NamesThatNoJobCanHaveAreComments) {
    for (const auto& job : std::vector<AdoptJob>{{"a", "b\n- {agent: evil}"}, {"a/b", "c"}, {"a", "{year}"}, {"a", "\xFF"}, {"", "b"}, {".a", "b"}}) {
        const auto yaml = adopt_yaml({job});
        EXPECT_THAT(yaml, StartsWith("# cannot be")) << yaml;
        EXPECT_EQ(std::count(yaml.begin(), yaml.end(), '\n'), 1) << yaml;
        EXPECT_THAT(good(yaml).deposits.jobs, IsEmpty());
    }
}

TEST(ConfigScale, TenThousandJobsTakeTenTimesAsLongAsAThousand) {
    const auto spent = [](int jobs) {
        std::string yaml = "deposits:\n  defaults: {schedule: \"0 13 * * *\"}\n  jobs:\n";
        for (int i = 0; i < jobs; ++i)
            yaml += "    - {agent: ACME_CITY_" + std::to_string(i / 20) + ", database: \"DB" + std::to_string(i % 20) + "_{year}\", deadline: 3h}\n";
        return test::cpu_spent([&] { EXPECT_EQ(good(yaml).deposits.jobs.size(), static_cast<std::size_t>(jobs)); });
    };
    const auto thousand = spent(1000);
    EXPECT_LT(spent(10000), test::kTenTimesAsMuch * thousand);
}

// One folder for all of a company: the comparison must not become every job with every other.
TEST(ConfigScale, TenThousandJobsInOneFolder) {
    std::string yaml = "deposits:\n  defaults: {path: \"{company}/{city}/{year}/{file}\"}\n  jobs:\n";
    for (int i = 0; i < 10000; ++i) yaml += "    - {agent: ACME_CITY_" + std::to_string(i / 20) + ", database: DB" + std::to_string(i) + "x}\n";
    EXPECT_EQ(good(yaml).deposits.jobs.size(), 10000u);
}

}  // namespace
}  // namespace bkmon::config
