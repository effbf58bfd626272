// `outlets:`, and what its settings must be to each other.
#include "tests/unit/daemon/config/support.h"

namespace bkmon::config {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kMode = "    - {name: d-drive, shares: [\"d$\"], folder: BackupFull, credentials: {user: svc, password_file: /p}}\n";

/// A section with this inventory (indented below it) and one mode.
std::string from(const std::string& inventory) { return "outlets:\n  inventory:\n" + inventory + "  modes:\n" + kMode; }
/// A section with this mode, a line below `modes:`, the sixth.
std::string looked_at(const std::string& mode) { return "outlets:\n  workers: 8\n  inventory: {csv: /o.csv}\n\n  modes:\n    - " + mode + "\n"; }
/// A mode whose other settings are right.
std::string mode(const std::string& more) {
    return looked_at("{name: m, shares: [\"d$\"], credentials: {user: u, password_file: /p}, " + more + "}");
}
std::string list(const std::string& items) { return from("    list:\n" + items); }
std::string sql(const std::string& more) { return from("    sql: {user: u, database: d, password_file: /p" + more + "}\n"); }
std::string credentials(const std::string& text) { return looked_at("{name: m, shares: [\"d$\"], credentials: {" + text + "}}"); }

std::map<std::string, EffectiveSetting> effective(const Loaded& loaded) {
    std::map<std::string, EffectiveSetting> all;
    for (const auto& e : loaded.effective) all[e.path] = e;
    return all;
}

TEST(Outlets, AbsentTheyAreNotConfigured) {
    EXPECT_FALSE(good("").outlets.configured);
    EXPECT_FALSE(good("outlets:\n").outlets.configured);
}

TEST(Outlets, WhatIsLeftOutHasItsDefault) {
    const auto outlets = good(from("    csv: /etc/bkmon/outlets.csv\n")).outlets;
    EXPECT_TRUE(outlets.configured);
    EXPECT_EQ(outlets.inventory.csv, "/etc/bkmon/outlets.csv");
    EXPECT_FALSE(outlets.inventory.sql);
    EXPECT_FALSE(outlets.inventory.command);
    EXPECT_EQ(outlets.workers, 32);
    EXPECT_EQ(outlets.connect_timeout, std::chrono::seconds(2));
    EXPECT_EQ(outlets.request_timeout, std::chrono::seconds(5));
    EXPECT_EQ(outlets.deadline, std::chrono::seconds(20));
    ASSERT_EQ(outlets.modes.size(), 1u);
    const auto& m = outlets.modes[0];
    EXPECT_EQ(m.name, "d-drive");
    EXPECT_THAT(m.shares, ElementsAre("d$"));
    EXPECT_THAT(m.patterns, ElementsAre("*.bak"));
    EXPECT_EQ(m.min_size, 1024u);
    EXPECT_EQ(m.max_age, std::chrono::hours(26));
    EXPECT_EQ(m.clock_tolerance, std::chrono::hours(1));
    EXPECT_EQ(m.verify, core::OutletVerify::header);
    EXPECT_TRUE(m.schedules.empty() && m.kinds.empty() && m.labels.empty() && m.recipients.empty() && m.database.empty());
    EXPECT_EQ(m.timezone, "UTC");
    EXPECT_EQ(m.port, 445);
    EXPECT_TRUE(m.signing && m.active);
    EXPECT_EQ(m.credential.user + m.credential.domain + m.credential.password_file, "svc/p");
    EXPECT_EQ(m.origin, "bkmon.yaml:5:7");
}

TEST(Outlets, EachSettingArrives) {
    const auto outlets = good(R"(
timezone: Africa/Douala
outlets:
  workers: 64
  connect_timeout: 3s
  request_timeout: 6s
  deadline: 30s
  inventory:
    list:
      - {code: SHOP 1, address: 10.0.0.1, name: "Douala é", active: false, labels: {region: littoral}}
      - {code: Shop-2, address: "2001:db8::1"}
      - {code: "3", address: srv3.shops.example.org}
  modes:
    - name: ibstorage
      shares: ["e$", "F$", Backup Disk]
      folder: '\Data\Backup/Full\'
      patterns: ["*.bak", "*.BAC"]
      min_size: 2MiB
      max_age: none
      clock_tolerance: 10min
      verify: none
      database: "Shop_{code}_{label:region}*"
      kinds: [full, copy_only]
      schedule: ["0 7 * * *", {at: "0 9 * * *", only: pending}, {at: "@daily", only: problems}, {at: "@hourly"}]
      timezone: UTC
      port: 1445
      signing: optional
      credentials: {user: svc, domain: CORP, password_credential: smb}
      labels: {drive: usb}
      recipients: [a@b]
      active: false
    - {name: root, shares: [x], folder: /, kinds: full, patterns: "*", schedule: none, max_age: 30d, credentials: {user: u, password_file: /p}}
)")
                             .outlets;
    EXPECT_EQ(outlets.workers, 64);
    EXPECT_EQ(outlets.connect_timeout, std::chrono::seconds(3));
    EXPECT_EQ(outlets.request_timeout, std::chrono::seconds(6));
    EXPECT_EQ(outlets.deadline, std::chrono::seconds(30));
    ASSERT_EQ(outlets.inventory.list.size(), 3u);
    EXPECT_EQ(outlets.inventory.list[0].code, "SHOP 1");
    EXPECT_EQ(outlets.inventory.list[0].name, "Douala é");
    EXPECT_FALSE(outlets.inventory.list[0].active);
    EXPECT_EQ(outlets.inventory.list[0].labels.at("region"), "littoral");
    EXPECT_EQ(outlets.inventory.list[1].address, "2001:db8::1");
    EXPECT_TRUE(outlets.inventory.list[1].active);
    ASSERT_EQ(outlets.modes.size(), 2u);
    const auto& m = outlets.modes[0];
    EXPECT_THAT(m.shares, ElementsAre("e$", "F$", "Backup Disk"));
    EXPECT_EQ(m.folder, "Data/Backup/Full");
    EXPECT_THAT(m.patterns, ElementsAre("*.bak", "*.BAC"));
    EXPECT_EQ(m.min_size, 2u << 20);
    EXPECT_FALSE(m.max_age);
    EXPECT_EQ(m.clock_tolerance, std::chrono::minutes(10));
    EXPECT_EQ(m.verify, core::OutletVerify::none);
    EXPECT_EQ(m.database, "Shop_{code}_{label:region}*");
    EXPECT_THAT(m.kinds, ElementsAre("full", "copy_only"));
    ASSERT_EQ(m.schedules.size(), 4u);
    EXPECT_EQ(m.schedules[0].expression + m.schedules[0].only, "0 7 * * *");
    EXPECT_EQ(m.schedules[1].expression + " " + m.schedules[1].only, "0 9 * * * pending");
    EXPECT_EQ(m.schedules[2].expression + " " + m.schedules[2].only, "@daily problems");
    EXPECT_EQ(m.schedules[3].expression + m.schedules[3].only, "@hourly");
    EXPECT_EQ(m.timezone, "UTC");
    EXPECT_EQ(m.port, 1445);
    EXPECT_FALSE(m.signing);
    EXPECT_FALSE(m.active);
    EXPECT_EQ(m.credential.user + "@" + m.credential.domain + ":" + m.credential.password_credential, "svc@CORP:smb");
    EXPECT_EQ(m.labels.at("drive"), "usb");
    EXPECT_THAT(m.recipients, ElementsAre("a@b"));
    EXPECT_EQ(outlets.modes[1].folder, "");
    EXPECT_EQ(outlets.modes[1].timezone, "Africa/Douala");
    EXPECT_THAT(outlets.modes[1].kinds, ElementsAre("full"));
    EXPECT_EQ(outlets.modes[1].max_age, std::chrono::hours(720));
}

TEST(Outlets, ADatabaseIsAskedSafelyUnlessItIsHere) {
    const auto at = [](const std::string& more) { return *good(sql(more)).outlets.inventory.sql; };
    EXPECT_EQ(at("").host, "127.0.0.1");
    EXPECT_EQ(at("").port, 3306);
    EXPECT_EQ(at("").query, core::kOutletQuery);
    EXPECT_EQ(at("").timeout, std::chrono::seconds(30));
    for (const std::string here : {"", ", host: 127.0.0.1", ", host: \"::1\"", ", host: localhost"}) EXPECT_FALSE(at(here).tls) << here;
    for (const std::string there : {", host: db.example.org", ", host: 10.0.0.1", ", host: localhost.example.org"})
        EXPECT_TRUE(at(there).tls) << there;
    EXPECT_FALSE(at(", host: db.example.org, tls: none").tls);
    EXPECT_TRUE(at(", tls: required, ca_file: /ca").tls);
    const auto all = at(", host: db, port: 3307, ca_file: /ca, timeout: 5s, query: \"SELECT 1 AS code\\n\"");
    EXPECT_EQ(all.port, 3307);
    EXPECT_EQ(all.ca_file, "/ca");
    EXPECT_EQ(all.query, "SELECT 1 AS code");
    EXPECT_EQ(all.timeout, std::chrono::seconds(5));
}

TEST(Outlets, ACommandKeepsItsArgumentsToItself) {
    const auto loaded = read(from("    command: [/usr/bin/sqlcmd, -P, hunter2]\n    timeout: 5min\n"));
    EXPECT_EQ(loaded.text(), "");
    EXPECT_THAT(loaded.settings.outlets.inventory.command->argv, ElementsAre("/usr/bin/sqlcmd", "-P", "hunter2"));
    EXPECT_EQ(loaded.settings.outlets.inventory.command->timeout, std::chrono::minutes(5));
    const auto shown = effective(loaded);
    EXPECT_EQ(shown.at("outlets.inventory.command").value, "[/usr/bin/sqlcmd, … 2 more]");
    EXPECT_EQ(shown.at("outlets.inventory.timeout").value, "5min");
    for (const auto& [path, e] : shown) EXPECT_THAT(e.value, Not(HasSubstr("hunter2"))) << path;
}

TEST(Outlets, FilesAddServersAndModes) {
    const Source more{"conf.d/a.yaml",
                      "outlets:\n  inventory: {list: [{code: B, address: b}]}\n  modes:\n    - {name: other, shares: [x], credentials: {user: u, "
                      "password_file: /p}}\n",
                      Source::Kind::drop_in};
    const auto loaded = load_sources({{"bkmon.yaml", list("      - {code: A, address: a}\n")}, more});
    EXPECT_EQ(loaded.text(), "");
    EXPECT_EQ(loaded.settings.outlets.inventory.list.size(), 2u);
    EXPECT_EQ(loaded.settings.outlets.modes.size(), 2u);
    EXPECT_EQ(loaded.settings.outlets.modes[1].origin, "conf.d/a.yaml:4:7");
    EXPECT_THAT(lines(load_sources({{"bkmon.yaml", list("      - {code: b, address: a}\n")}, more})),
                ElementsAre("conf.d/a.yaml:2:29: the outlet 'B' is there twice: also at bkmon.yaml:4:9"));
    EXPECT_THAT(lines(load_sources({{"bkmon.yaml", from("    csv: /o.csv\n")}, more})),
                ElementsAre(HasSubstr("csv: the inventory comes from one place, and list is one already (at conf.d/a.yaml:2:21)")));
}

TEST(OutletProblems, WhatIsRunStandsInTheMainFile) {
    const std::string command = "outlets: {inventory: {command: [/bin/true]}}\n";
    const std::string modes = "outlets:\n  modes:\n" + std::string(kMode);
    EXPECT_EQ(load_sources({{"bkmon.yaml", command}, {"conf.d/a.yaml", modes, Source::Kind::drop_in}}).text(), "");
    EXPECT_THAT(lines(load_sources({{"bkmon.yaml", modes}, {"conf.d/a.yaml", command, Source::Kind::drop_in}})),
                ElementsAre("conf.d/a.yaml:1:32: outlets.inventory.command may only stand in the main file: conf.d may be written by bkmond"));
    EXPECT_THAT(lines(load_sources({{"bkmon.yaml", modes}, {"credential bkmon.extra", command, Source::Kind::extra}})),
                ElementsAre(HasSubstr("outlets.inventory.command may only stand in the main file")));
}

TEST(Outlets, WhatIsEffectiveIsListedWithItsPlace) {
    const auto shown =
        effective(read(sql(", host: db") + "    - {name: b, shares: [\"e$\", \"f$\"], schedule: [\"@daily\", {at: \"@hourly\", only: pending}], "
                                           "credentials: {user: u, password_file: /p}}\n"));
    EXPECT_EQ(shown.at("outlets.workers").value, "32");
    EXPECT_EQ(shown.at("outlets.workers").origin, "default");
    EXPECT_EQ(shown.at("outlets.inventory.sql.host").value, "db");
    EXPECT_EQ(shown.at("outlets.inventory.sql.tls").value, "required");
    EXPECT_EQ(shown.at("outlets.inventory.sql.query").value, core::kOutletQuery);
    EXPECT_EQ(shown.at("outlets.modes.d-drive.max_age").value, "26h");
    EXPECT_EQ(shown.at("outlets.modes.d-drive.schedule").value, "none");
    EXPECT_EQ(shown.at("outlets.modes.d-drive.folder").origin, "bkmon.yaml:5:47");
    EXPECT_EQ(shown.at("outlets.modes.b.shares").value, "[e$, f$]");
    EXPECT_EQ(shown.at("outlets.modes.b.schedule.0").value, "@daily");
    EXPECT_EQ(shown.at("outlets.modes.b.schedule.1.only").value, "pending");
    EXPECT_EQ(shown.at("outlets.modes.b.credentials.user").value, "u");
    EXPECT_EQ(shown.at("outlets.modes.b.credentials.domain").value, "");
}

TEST(OutletProblems, WhatIsMissing) {
    EXPECT_THAT(problems("outlets: {}\n"), ElementsAre(HasSubstr("1:10: outlets: 'inventory' is missing"), HasSubstr("'modes' is missing")));
    expect_each({
        {"outlets: text\n", "1:10", "outlets: expected a map"},
        {"outlets:\n  inventory: {csv: /o}\n", "2:3", "outlets: 'modes' is missing"},
        {"outlets:\n  modes:\n" + std::string(kMode), "2:3", "outlets: 'inventory' is missing"},
        {"outlets: {inventory: {csv: /o}, modes: []}\n", "1:40", "modes: the list is empty"},
        {"outlets: {inventory: {csv: /o}, modes: {name: x}}\n", "1:40", "modes: expected a list"},
        {"outlets: {inventory: {csv: /o}, modes: [x]}\n", "1:41", "a mode is a map"},
        {looked_at("{shares: [x], credentials: {user: u, password_file: /p}}"), "6:7", "a mode needs 'name'"},
        {looked_at("{name: m, credentials: {user: u, password_file: /p}}"), "6:7", "a mode needs 'shares'"},
        {looked_at("{name: m, shares: [x]}"), "6:7", "a mode needs 'credentials'"},
        {credentials("password_file: /p"), "6:46", "'user' is missing: bkmon looks at no server as a guest"},
        {credentials("user: u"), "6:46", "credentials: 'password_file' is missing"},
    });
}

TEST(OutletProblems, Inventories) {
    expect_each({
        {from("    {}\n"), "3:5", "where does it come from? (one of list, csv, sql, command)"},
        {from("    csv: /o\n    list: []\n"), "3:10", "csv: the inventory comes from one place, and list is one already (at bkmon.yaml:4:11)"},
        {from("    csv: /o\n    sql: {}\n"), "4:10", "sql: the inventory comes from one place, and csv"},
        {from("    sql: {}\n    command: []\n"), "4:14", "command: the inventory comes from one place, and sql"},
        {from("    csv: o.csv\n"), "3:10", "'o.csv' is not an absolute path"},
        {from("    cvs: /o.csv\n    list: []\n"), "3:5", "unknown key 'cvs' (did you mean 'csv'?)"},
        {from("    csv: /o\n    timeout: 1s\n"), "4:14", "timeout: only a command has one"},
        {from("    list: {code: A}\n"), "3:11", "list: expected a list of outlets"},
        {from("    command: /bin/sh -c x\n"), "3:14", "command: expected a list"},
        {from("    command: []\n"), "3:14", "command: the list is empty"},
        {from("    command: [outlets]\n"), "3:15", "'outlets' is not an absolute path"},
        {from("    command: [/x]\n    timeout: 5h\n"), "4:14", "timeout: 5h is not between 1s and 1h"},
    });
}

TEST(OutletProblems, Servers) {
    const auto one = [](const std::string& item) { return list("      - " + item + "\n"); };
    expect_each({
        {one("A"), "4:9", "an outlet is a map"},
        {one("{address: a}"), "4:9", "an outlet needs 'code'"},
        {one("{code: A}"), "4:9", "an outlet needs 'address'"},
        {one("{code: A, address: }"), "4:19", "address: is empty"},
        {one("{code: A, adress: a, address: b}"), "4:19", "unknown key 'adress' (did you mean 'address'?)"},
        {one("{code: \"SHOP*\", address: a}"), "4:16", "code: the code 'SHOP*' holds one of"},
        {one("{code: \"A\\u202e\", address: a}"), "4:16", "code: the code 'A\\u{202e}' holds characters that cannot be shown"},
        {one("{code: \" A\", address: a}"), "4:16", "has blanks around it"},
        {one("{code: " + std::string(65, 'x') + ", address: a}"), "4:16", "is longer than 64 bytes"},
        {one("{code: A, address: 10.0.0.300}"), "4:28", "address: '10.0.0.300' is neither an IP address nor the name of a host"},
        {one("{code: A, address: 10.7}"), "4:28", "is neither an IP address"},
        {one("{code: A, address: \"[::1]\"}"), "4:28", "is neither an IP address"},
        {one("{code: A, address: smb://x}"), "4:28", "is neither an IP address"},
        {one("{code: A, address: 0.0.0.0}"), "4:28", "stands for no server"},
        {one("{code: A, address: \"::\"}"), "4:28", "stands for no server"},
        {one("{code: A, address: 224.0.0.1}"), "4:28", "is a group or broadcast address"},
        {one("{code: A, address: a, active: Y}"), "4:39", "active: 'Y' is neither true nor false"},
        {one("{code: A, address: a}\n      - {code: a, address: b}"), "5:16", "the outlet 'a' is there twice: also at bkmon.yaml:4:9"},
    });
}

TEST(OutletProblems, Databases) {
    expect_each({
        {from("    sql: text\n"), "3:10", "sql: expected a map"},
        {from("    sql: {database: d, password_file: /p}\n"), "3:10", "sql: 'user' is missing"},
        {from("    sql: {user: u, password_file: /p}\n"), "3:10", "sql: 'database' is missing"},
        {from("    sql: {user: u, database: d}\n"), "3:10", "sql: 'password_file' is missing"},
        {sql(", password_credential: p"), "3:73", "either this or password_file, not both"},
        {sql(", host: \"a,b\""), "3:58", "host: 'a,b' is neither an IP address"},
        {sql(", port: 0"), "3:58", "port: 0 is not between 1 and 65535"},
        {sql(", query: []"), "3:59", "query: expected one SQL statement"},
        {sql(", query: \" \""), "3:59", "query: is empty"},
        {sql(", ca_file: /ca"), "3:61", "with 'tls: none' there is no certificate"},
        {sql(", tls: prefered"), "3:57", "'prefered' is none of required, none"},
        {sql(", password: hunter2"), "3:52", "unknown key 'password'"},
    });
}

TEST(OutletProblems, Modes) {
    expect_each({
        {mode("nmae: x"), "6:76", "unknown key 'nmae'"},
        {mode("verify: deep"), "6:84", "'deep' is none of header, none"},
        {mode("folder: a/../b"), "6:84", "folder: 'a/../b': '..' has no meaning there"},
        {mode("folder: 'a\\..'"), "6:84", "'..' has no meaning there"},
        {mode("folder: \"a:b\""), "6:84", "the name 'a:b' holds one of : *"},
        {mode("folder: \"a /b\""), "6:84", "ends with a blank or a dot"},
        {mode("patterns: []"), "6:86", "patterns: the list is empty"},
        {mode("patterns: [\"*.bak\", \"x/*.bak\"]"), "6:96", "patterns: 'x/*.bak' is compared with names of files"},
        {mode("max_age: 10s"), "6:85", "max_age: 10s is not between 1min and 3660d"},
        {mode("max_age: nine"), "6:85", "max_age: "},
        {mode("database: \"{cod}\""), "6:86", "database: there is no field {cod}, only {code} and {label:NAME}"},
        {mode("database: \"x}\""), "6:86", "a '}' without its '{'"},
        {mode("database: \"{code\""), "6:86", "a '{' without its '}'"},
        {mode("database: \"{label:}\""), "6:86", "there is no field {label:}"},
        {mode("kinds: [full, diff]"), "6:90", "'diff' is none of full, differential, log, copy_only"},
        {mode("port: 70000"), "6:82", "port: 70000 is not between 1 and 65535"},
        {mode("signing: true"), "6:85", "'true' is none of required, optional"},
        {mode("timezone: Mars"), "6:86", "'Mars' is not a time zone"},
        {mode("recipients: [x]"), "6:89", "recipients: 'x' is no mail address"},
        {looked_at("{name: \"a b\", shares: [x], credentials: {user: u, password_file: /p}}"), "6:14", "only letters, digits"},
        {looked_at("{name: m, shares: [], credentials: {user: u, password_file: /p}}"), "6:25", "shares: the list is empty"},
        {looked_at("{name: m, shares: \"d$\", credentials: {user: u, password_file: /p}}"), "6:25", "shares: expected a list"},
        {looked_at("{name: m, shares: [x, \"\"], credentials: {user: u, password_file: /p}}"), "6:29", "shares: is empty"},
        {looked_at("{name: m, shares: [x, 'd$\\a'], credentials: {user: u, password_file: /p}}"), "6:29", "is no share: name it alone"},
        {looked_at("{name: m, shares: [\"d$\", e, \"D$\"], credentials: {user: u, password_file: /p}}"), "6:35", "shares: 'D$' is there twice"},
        {mode("active: true") + "    - {name: M, shares: [x], credentials: {user: u, password_file: /p}}\n", "7:14",
         "the mode 'M' is there twice: also at bkmon.yaml:6:7"},
    });
}

TEST(OutletProblems, Schedules) {
    expect_each({
        {mode("schedule: noon"), "6:86", "schedule: 'noon': "},
        {mode("schedule: \"0 0 30 2 *\""), "6:86", "it never comes"},
        {mode("schedule: \"@every 10s from 2026-01-01T00:00:00\""), "6:86", "schedule: "},
        {mode("schedule:"), "6:76", "schedule: is empty"},
        {mode("schedule: [\"@daily\", \"@daily\"]"), "6:97", "is there twice"},
        {mode("schedule: [\"@daily\", {only: pending}]"), "6:97", "'at' is missing"},
        {mode("schedule: [{at: \"@daily\", only: failed}]"), "6:108", "'failed' is none of pending, problems"},
        {mode("schedule: [{at: \"@daily\", onyl: pending}]"), "6:102", "unknown key 'onyl' (did you mean 'only'?)"},
        {mode("schedule: [[x]]"), "6:87", "schedule: is a list; expected"},
    });
    EXPECT_EQ(good(mode("schedule: [\"@daily\", {at: \"@daily\", only: pending}]")).outlets.modes[0].schedules.size(), 2u);
    EXPECT_TRUE(good(mode("schedule: []")).outlets.modes[0].schedules.empty());
}

TEST(OutletProblems, Credentials) {
    expect_each({
        {credentials("user: u, password_file: /p, password_credential: p"), "6:96", "either this or password_file, not both"},
        {credentials("user: 'CORP\\u', password_file: /p"), "6:53", "user: write the domain in front of it as 'domain: …'"},
        {credentials("user: Guest, password_file: /p"), "6:53", "bkmon looks at no server as a guest"},
        {credentials("user: u, passwort_file: /p, password_file: /p"), "6:56", "unknown key 'passwort_file'"},
        {credentials("user: u, password_file: p"), "6:71", "what stands there is not an absolute path"},
        {looked_at("{name: m, shares: [x], credentials: svc}"), "6:43", "expected a map"},
    });
}

TEST(OutletProblems, ASecretAtTheWrongPlaceIsNotRepeated) {
    for (const std::string& yaml :
         {credentials("user: u, password_file: hunter2"), credentials("user: u, password_credential: \"hunter2!\""),
          credentials("user: u, password: hunter2"), sql(", password: hunter2"), from("    sql: {user: u, database: d, password_file: hunter2}\n")}) {
        const auto loaded = read(yaml);
        EXPECT_NE(loaded.problems.size(), 0U) << yaml;
        EXPECT_THAT(loaded.text(), Not(HasSubstr("hunter2"))) << yaml;
    }
}

TEST(OutletProblems, TimesFitIntoTheDeadline) {
    const auto times = [](const std::string& text) { return from("    csv: /o\n") + text; };
    expect_each({
        {times("  deadline: 3s\n"), "6:13", "deadline: connect_timeout (2s) and request_timeout (5s) may not be longer than deadline (3s)"},
        {times("  request_timeout: 30s\n"), "6:20", "request_timeout: connect_timeout (2s) and request_timeout (30s)"},
        {times("  connect_timeout: 21s\n"), "6:20", "connect_timeout: connect_timeout (21s)"},
        {times("  workers: 257\n"), "6:12", "workers: 257 is not between 1 and 256"},
        {times("  workers: 0\n"), "6:12", "workers: 0 is not between 1 and 256"},
    });
}

}  // namespace
}  // namespace bkmon::config
