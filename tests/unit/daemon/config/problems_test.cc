// Every kind of problem, with the place where an editor must put the cursor.
#include "tests/unit/daemon/config/support.h"

namespace bkmon::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(ConfigProblems, Syntax) {
    expect_each({
        {"timezone: [UTC\nsite: x\n", "1:11", "the bracket that opens here is not closed"},
        {"deposits: {root: /a\n", "1:11", "the bracket that opens here is not closed"},
        {"site: \"x\n", "1:7", "the quotes that open here are not closed"},
        {"site: 'it''s\n", "1:7", "the quotes that open here are not closed"},
        {"site: a: b\n", "1:8", "illegal map value"},
        {"control:\n  roles: {admin: [root, @adm]}\n", "2:25", "a word that starts with '@' needs quotes"},
        {"site: %x\n", "1:7", "a word that starts with '%' needs quotes"},
        {"deposits:\n\troot: /a\n", "2:1", "a tab: indent with spaces"},
        {"site: \"\\q\"\n", "1:10", "unknown escape character"},
        {"site: *nope\n", "1:7", "the referenced anchor is not defined"},
        {"site: &a [*a]\n", "1:11", "an alias inside the value it stands for"},
        {"site: x\n---\nsite: y\n", "2:1", "a second document"},
        {"[a, b]: x\n", "1:1", "a key must be plain text"},
        {"~: x\n", "1:1", "a key must be plain text"},
        {"site: !!str x\n", "1:7", "tags"},
        {"deposits:\n  <<: {root: /a}\n", "2:3", "merge keys"},
        {"site: x\xFF\n", "1:8", "bytes that are no UTF-8"},
        {std::string("site: x\n\0", 9), "2:1", "a NUL byte"},
        {"- a\n", "1:1", "must hold a map of sections"},
        {"just text\n", "1:1", "must hold a map of sections"},
    });
}

TEST(ConfigProblems, Keys) {
    expect_each({
        {"timezon: UTC\n", "1:1", "unknown key 'timezon' (did you mean 'timezone'?)"},
        {"deposits:\n  rot: /x\n", "2:3", "unknown key 'rot' (did you mean 'root'?)"},
        {"deposits:\n  defaults: {schedul: none}\n", "2:14", "unknown key 'schedul' (did you mean 'schedule'?)"},
        {"deposits:\n  defaults: {agent: A}\n", "2:14", "unknown key 'agent'"},
        {"deposits: {defaults: {gates: {replai: true}}}\n", "1:31", "(did you mean 'replay'?)"},
        {"deposits: {defaults: {gates: {size: {flor: 0.1}}}}\n", "1:38", "(did you mean 'floor'?)"},
        {jobs("    - {agent: A, database: B, dedline: 2h}\n"), "3:31", "unknown key 'dedline' (did you mean 'deadline'?)"},
        {"control:\n  roles:\n    oper: [x]\n", "3:5", "unknown key 'oper'"},
        {"history: {pth: /x}\n", "1:11", "(did you mean 'path'?)"},
        {"xyzzyplugh: 1\n", "1:1", "unknown key 'xyzzyplugh' (known: timezone, site, state, control, history, space, mail, alerts, deposits, outlets)"},
        {"\"a\\u0007b\": 1\n", "1:1", "unknown key 'a\\x07b'"},
        {"site: x\npassword of-somebody\n", "2:1", "unknown key 'password …': the ':' behind 'password' is missing"},
        {"site: a\nstate: /x\nsite: b\n", "3:1", "duplicate key 'site' (first at line 1, column 1)"},
        {"deposits:\n  root: /a\n  \"root\": /b\n", "3:3", "duplicate key 'root' (first at line 2, column 3)"},
    });
}

TEST(ConfigProblems, SectionsOfLaterVersions) {
    for (const std::string section : {"clients", "instances", "consolidation", "site_html"}) {
        EXPECT_THAT(problems("site: a\n" + section + ": {anything: [goes, here]}\n"),
                    ElementsAre("bkmon.yaml:2:1: section '" + section + "' is not supported by this version"));
    }
    EXPECT_THAT(problems("history: {engine: mariadb, host: db, port: 3306}\n"),
                ElementsAre(HasSubstr("1:19: engine: 'mariadb' is not supported by this version")));
}

TEST(ConfigProblems, TypesAndRanges) {
    expect_each({
        {"timezone:\n", "1:1", "timezone: is empty; expected text"},
        {"timezone: null\n", "1:1", "timezone: is empty"},
        {"timezone: [UTC]\n", "1:11", "timezone: is a list; expected text"},
        {"timezone: {a: b}\n", "1:11", "timezone: is a map; expected text"},
        {"timezone: Mars/Olympus\n", "1:11", "'Mars/Olympus' is not a time zone"},
        {"timezone: \"\"\n", "1:11", "timezone: is empty"},
        {"site: \"a b\"\n", "1:7", "only letters"},
        {"site: \"a\\nb\"\n", "1:7", "holds control characters"},
        {"state: var/lib\n", "1:8", "'var/lib' is not an absolute path"},
        {"state: /var//lib\n", "1:8", "write the path without"},
        {"state: /var/../lib\n", "1:8", "write the path without"},
        {"state: /var/\n", "1:8", "write the path without"},
        {"state: /" + std::string(4096, 'a') + "\n", "1:8", "longer than 4096"},
        {"deposits: text\n", "1:11", "deposits: expected a map"},
        {"deposits: [a]\n", "1:11", "deposits: expected a map"},
        {"deposits: {rescan: 30}\n", "1:20", "rescan:"},
        {"deposits: {rescan: 2h}\n", "1:20", "rescan: 2h is not between 1s and 1h"},
        {"deposits: {rescan: 0s}\n", "1:20", "not between"},
        {"deposits: {held_days: 0}\n", "1:23", "held_days: 0 is not between 1 and 3650"},
        {"deposits: {held_days: 3651}\n", "1:23", "not between"},
        {"deposits: {held_days: -1}\n", "1:23", "not between"},
        {"deposits: {held_days: 3.5}\n", "1:23", "'3.5' is not a whole number"},
        {"deposits: {held_days: 030}\n", "1:23", "without leading zeros"},
        {"deposits: {held_days: 0x1e}\n", "1:23", "is not a whole number"},
        {"deposits: {held_days: \"30\"}\n", "1:23", "'30' in quotes is text; expected a whole number"},
        {"deposits: {held_days: 99999999999}\n", "1:23", "is not a whole number"},
        {"deposits: {held_max_bytes: 20 apples}\n", "1:28", "held_max_bytes:"},
        {"deposits: {held_max_bytes: 2000TiB}\n", "1:28", "held_max_bytes: 2000TiB is not between"},
        {"deposits: {auto_adopt: A*}\n", "1:24", "auto_adopt: expected a list"},
        {"deposits: {auto_adopt: [A, [B]]}\n", "1:28", "auto_adopt: is a list"},
        {"deposits: {jobs: {a: b}}\n", "1:18", "deposits.jobs: expected a list"},
        {"deposits: {jobs: [A]}\n", "1:19", "a job is a map"},
        {"deposits: {jobs: [null]}\n", "1:19", "a job is a map"},
        {"deposits: {defaults: {consume: yes}}\n", "1:32", "'yes' is neither true nor false"},
        {"deposits: {defaults: {consume: \"true\"}}\n", "1:32", "in quotes is text"},
        {"deposits: {defaults: {content: mysq}}\n", "1:32",
         "'mysq' is none of auto, mysql, postgresql, sqlite, mssql, archive, opaque (did you mean 'mysql'?)"},
        {"deposits: {defaults: {unchanged: bad}}\n", "1:34", "'bad' is none of ok, warning"},
        {"deposits: {defaults: {keep: 0}}\n", "1:29", "keep: 0 is not between 1 and 1000"},
        {"deposits: {defaults: {early: -5min}}\n", "1:30", "early:"},
        {"deposits: {defaults: {year: 23}}\n", "1:29", "'23' is not a year"},
        {"deposits: {defaults: {path: \"{agent}/{fil}\"}}\n", "1:29", "unknown field '{fil}' (did you mean '{file}'?)"},
        {"deposits: {defaults: {path: \"/{file}\"}}\n", "1:29", "an empty component"},
        {"deposits: {defaults: {path: \"../{file}\"}}\n", "1:29", "may not start with a dot"},
        {"deposits: {defaults: {labels: [a]}}\n", "1:31", "labels: expected a map"},
        {"deposits: {defaults: {labels: {a: [b]}}}\n", "1:35", "labels: is a list"},
        {"deposits: {defaults: {labels: {a=b: c}}}\n", "1:32", "cannot be the name of a label"},
        {"deposits: {defaults: {gates: false}}\n", "1:30", "deposits.defaults.gates: expected a map"},
        {"deposits: {defaults: {gates: {replay: 1}}}\n", "1:39", "'1' is neither true nor false"},
        {"deposits: {defaults: {gates: {size: big}}}\n", "1:37", "neither true nor false"},
        {"deposits: {defaults: {gates: {size: {z: many}}}}\n", "1:41", "'many' is not a number"},
        {"deposits: {defaults: {gates: {size: {z: nan}}}}\n", "1:41", "is not a number"},
        {"deposits: {defaults: {gates: {size: {floor: 2}}}}\n", "1:45", "floor: 2 is not between 0 and 1"},
        {"deposits: {defaults: {gates: {size: {ceiling: 0.5}}}}\n", "1:47", "would hold every usual backup"},
        {"history: {keep: 1h}\n", "1:17", "keep: 1h is not between 1d"},
        {"history: {engine: oracle}\n", "1:19", "'oracle' is none of sqlite"},
        {"control: {socket: /" + std::string(110, 's') + "}\n", "1:19", "cannot be a socket"},
    });
}

TEST(ConfigProblems, Roles) {
    expect_each({
        {"control:\n  roles:\n", "2:3", "roles: is empty"},
        {"control: {roles: root}\n", "1:18", "roles: expected a map"},
        {"control: {roles: {admin: root}}\n", "1:26", "admin: expected a list"},
        {"control: {roles: {admin: [\"a b\"]}}\n", "1:27", "'a b' is neither a user nor a group"},
        {"control: {roles: {admin: [\"@\"]}}\n", "1:27", "'@' is neither"},
        {"control: {roles: [root]}\n", "1:19", "roles: expected {group:"},
        {"control: {roles: [{role: admin}]}\n", "1:19", "roles: who?"},
        {"control: {roles: [{user: a}]}\n", "1:19", "roles: which role?"},
        {"control: {roles: [{user: a, group: \"@b\", role: admin}]}\n", "1:19", "either user or group"},
        {"control: {roles: [{user: a, role: root}]}\n", "1:35", "'root' is none of admin, operator, viewer"},
        {"control: {roles: [{user: \"@a\", role: admin}]}\n", "1:26", "is a group"},
        {"control: {roles: [{user: a, role: admin, target: [x]}]}\n", "1:42", "(did you mean 'targets'?)"},
        {"control: {roles: [{user: a, role: admin, targets: []}]}\n", "1:51", "an empty list grants nothing"},
    });
}

TEST(ConfigProblems, Jobs) {
    expect_each({
        {jobs("    - {agent: A}\n"), "3:7", "a job needs a database"},
        {jobs("    - {database: B}\n"), "3:7", "a job needs an agent"},
        {jobs("    - agent: A\n      database:\n"), "4:7", "database: is empty"},
        {jobs("    - {agent: a/b, database: B}\n"), "3:15", "cannot be the name of a deposit folder"},
        {jobs("    - {agent: .a, database: B}\n"), "3:15", "cannot be the name of a deposit folder"},
        {jobs("    - {agent: A, database: \"B_{month}\"}\n"), "3:28", "only {year}"},
        {jobs("    - {agent: A, database: B}\n    - {agent: A, database: B}\n"), "4:7", "the job A/B is set twice: also at bkmon.yaml:3:7"},
        {jobs("    - {agent: A, database: B}\n    - {agent: a, database: b}\n"), "4:7",
         "the job a/b differs only in case from A/B at bkmon.yaml:3:7"},
        {jobs("    - {agent: A, database: \"B_{year}\"}\n    - {agent: A, database: B_2024}\n"), "4:7",
         "could mean the same database as A/B_{year} at bkmon.yaml:3:7"},
        {jobs("    - {agent: A, database: B, path: \"{district}/{file}\"}\n"), "3:7", "{district} is empty"},
        {jobs("    - {agent: A B, database: C}\n"), "3:7", "'A B' cannot be a name in the vault"},
        {jobs("    - {agent: A, database: B, timezone: Nowhere}\n"), "3:41", "not a time zone"},
        {jobs("    - {agent: A, database: B, report_timezone: Nowhere}\n"), "3:48", "not a time zone"},
    });
}

TEST(ConfigProblems, Schedules) {
    expect_each({
        {"deposits: {defaults: {schedule: \"99 * * * *\"}}\n", "1:33", "schedule: '99 * * * *': "},
        {"deposits: {defaults: {schedule: }}\n", "1:23", "schedule: is empty"},
        {"deposits: {defaults: {schedule: \"0 0 30 2 *\"}}\n", "1:33", "it never comes"},
        {"deposits: {defaults: {schedule: \"0 13 * * *\", deadline: 24h}}\n", "1:57",
         "early (30min) and deadline (1d) of defaults must together be shorter"},
        {"deposits: {defaults: {schedule: \"@hourly\"}}\n", "1:33", "shortest period (1h)"},
        {jobs("    - {agent: A, database: B, schedule: \"0 * * * *\", early: 10min, deadline: 50min}\n"), "3:78",
         "(50min) of A/B must together be shorter than the schedule's shortest period (1h)"},
        {jobs("    - {agent: A, database: B, schedule: \"61 * * * *\"}\n"), "3:41", "minute"},
    });
    EXPECT_THAT(problems(jobs("    - {agent: A, database: B, schedule: \"0 * * * *\", early: 10min, deadline: 49min}\n")), IsEmpty());
    EXPECT_THAT(problems(jobs("    - {agent: A, database: B, schedule: \"@once 2030-01-01T00:00:00Z\", deadline: 300d}\n")), IsEmpty());
}

TEST(ConfigProblems, ABadDefaultIsSaidOnceNotPerJob) {
    const std::string many = "  jobs:\n    - {agent: A, database: B}\n    - {agent: A, database: C}\n";
    EXPECT_THAT(problems("deposits:\n  defaults: {schedule: \"99 * * * *\"}\n" + many), ElementsAre(StartsWith("bkmon.yaml:2:24: ")));
    EXPECT_THAT(problems("deposits:\n  defaults: {schedule: \"0 * * * *\"}\n" + many), ElementsAre(StartsWith("bkmon.yaml:2:24: ")));
    EXPECT_THAT(problems("deposits:\n  defaults: {path: \"{x}\"}\n" + many), ElementsAre(StartsWith("bkmon.yaml:2:20: ")));
    EXPECT_THAT(problems("deposits:\n  defaults: {schedule: \"0 13 * * *\"}\n  jobs:\n    - {agent: A, database: B, deadline: 40h}\n"),
                ElementsAre(StartsWith("bkmon.yaml:4:41: ")));
}

TEST(ConfigProblems, PathsThatCouldMeet) {
    const std::string field = "deposits:\n  defaults: {path: \"{company}/{city}/{year}/{file}\"}\n  jobs:\n";
    EXPECT_THAT(problems(field + "    - {agent: A_B_C, database: X}\n    - {agent: A_B_C, database: Y}\n    - {agent: A_B_D, database: Z}\n"),
                IsEmpty());
    EXPECT_THAT(
        problems(field + "    - {agent: A_B_C, database: X}\n    - {agent: A_B_D, database: X}\n"),
        ElementsAre(
            "bkmon.yaml:5:7: the job A_B_D/X could reach the same path in the vault as A_B_C/X at bkmon.yaml:4:7: make the path tell them apart "
            "({company}/{city}/{year}/{file} and {company}/{city}/{year}/{file})"));
    EXPECT_THAT(problems(field + "    - {agent: A_B_C, database: X}\n    - {agent: A_B_D, database: X, active: false}\n"), IsEmpty());
    EXPECT_THAT(problems(jobs("    - {agent: A_B, database: X, path: \"x/{file}\"}\n    - {agent: C_D, database: Y, path: \"x/{database}\"}\n")),
                ElementsAre(StartsWith("bkmon.yaml:4:7: ")));
    EXPECT_THAT(problems(jobs("    - {agent: A_B, database: X, path: \"x/{file}\"}\n    - {agent: C_D, database: Y, path: \"x/sub/{file}\"}\n")),
                ElementsAre(StartsWith("bkmon.yaml:4:7: ")))
        << "a file where the other needs a folder";
}

TEST(ConfigProblems, RootsInsideEachOther) {
    EXPECT_THAT(problems("deposits: {root: /data, vault: /data/vault}\n"),
                ElementsAre(StartsWith("bkmon.yaml:1:32: the vault (/data/vault) and the deposit root (/data)")));
    EXPECT_THAT(problems("deposits: {root: /data/in, vault: /data}\n"), ElementsAre(HasSubstr("inside each other")));
    EXPECT_THAT(problems("deposits: {root: /data, vault: /data}\n"), ElementsAre(HasSubstr("the same folder")));
    EXPECT_THAT(problems("deposits: {root: /data, vault: /data2}\n"), IsEmpty());
}

TEST(ConfigProblems, AllTogetherInTheOrderOfTheFile) {
    EXPECT_THAT(problems("deposits:\n  rot: /a\n  defaults: {keep: 0}\n  jobs:\n    - {agent: A}\ntimezon: UTC\nsite: 'a b'\nclients: {}\n"),
                ElementsAre(StartsWith("bkmon.yaml:2:3: "), StartsWith("bkmon.yaml:3:20: "), StartsWith("bkmon.yaml:5:7: "),
                            StartsWith("bkmon.yaml:6:1: "), StartsWith("bkmon.yaml:7:7: "), StartsWith("bkmon.yaml:8:1: ")));
}

TEST(ConfigProblems, ManyAreCut) {
    std::string yaml = "deposits:\n  jobs:\n";
    for (int i = 0; i < 700; ++i) yaml += "    - {agent: A}\n";
    const auto found = problems(yaml);
    ASSERT_EQ(found.size(), 501u);
    EXPECT_EQ(found.back(), "and 200 more problems");
}

TEST(ConfigProblems, AliasBombsAndDepthAreRefusedQuickly) {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 10; ++i) {
        const auto before = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
        for (int k = 0; k < 9; ++k) bomb += ", " + before;
        bomb += "]\n";
    }
    EXPECT_THAT(problems(bomb), ElementsAre(HasSubstr("more than 1000000 values")));
    // The same without an anchor at the top: what aliases stand for counts where they are used.
    std::string wide = "a: &a [x";
    for (int i = 0; i < 1000; ++i) wide += ", x";
    wide += "]\nb: [*a";
    for (int i = 0; i < 2000; ++i) wide += ", *a";
    EXPECT_THAT(problems(wide + "]\n"), ElementsAre(HasSubstr("more than 1000000 values")));
    std::string deep;
    for (int i = 0; i < 400; ++i) deep += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
    EXPECT_THAT(problems(deep), ElementsAre(HasSubstr("nested deeper than 24")));
    EXPECT_FALSE(problems(std::string(100000, '[')).empty());
    EXPECT_FALSE(problems(std::string(100000, '{')).empty());
}

}  // namespace
}  // namespace bkmon::config
