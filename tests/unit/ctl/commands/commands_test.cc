#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "common/base/text.h"
#include "common/protocol/methods.h"
#include "ctl/commands/command.h"
#include "tests/unit/ctl/commands/fake_daemon.h"
#include "tests/unit/ctl/commands/harness.h"
#include "tests/unit/ctl/commands/samples.h"

namespace bkmon::test {
namespace {

const std::string kSha(64, 'a');

Seat pipe_to(const FakeDaemon& daemon) {
    Seat seat;
    seat.socket = daemon.socket();
    return seat;
}

std::string verdict_json(const std::string& status, const std::string& severity, const std::string& reason) {
    return R"({"id":7,"target":"deposit/a/b","status":")" + status + R"(","severity":")" + severity + R"(","reason_code":"size_band","reason":")" +
           reason +
           R"(","at":"2026-11-22T02:00:00Z","due_at":null,"backup_at":"2026-11-22T01:00:00.250Z","run":"r1","file":"b.sql.gz","size_bytes":1536,"sha256":")" +
           kSha + R"(","duration":12.5})";
}

TEST(Table, EveryMethodHasItsCommand) {
    for (const protocol::MethodSpec& method : protocol::kMethods) {
        const ctl::Command* const command = ctl::find_command(method.command);
        ASSERT_NE(command, nullptr) << method.name;
        EXPECT_EQ(command->method, method.name);
    }
    for (const ctl::Command& command : ctl::commands()) {
        if (!command.method.empty()) {
            EXPECT_NE(protocol::find_method(command.method), nullptr) << command.path;
        }
    }
}

TEST(Explain, AHeldFileComesWithTheCommandsThatEndIt) {
    FakeDaemon daemon;
    const std::string evidence =
        R"({"size_bytes":1536,"band":{"low_bytes":4096,"high_bytes":8192},"arrived_at":"2026-11-22T01:04:05Z","copy_seconds":90,
        "report":{"agent_id":"a","logs_summary":"first\nsecond"},"list":[1,2],"stages":[{"stage":"BACKUP","status":true}],"none":null})";
    daemon.reply("io.bkmon.Targets.Explain",
                 R"({"target":)" +
                     target_json({"deposit/a/b", "held", "WARNING", "2026-11-22T02:00:00Z", "too small", "size_band", "", kSha, "1536"}) +
                     R"(,"verdict":)" + verdict_json("held", "WARNING", "1.5 KiB is too small") + R"(,"evidence":)" + evidence +
                     R"(,"advice":"Look at the dump.","recent":[)" + verdict_json("ok", "OK", "proven") + "]}");
    const Ended ended = ctl({"explain", "deposit/a/b"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0);
    EXPECT_EQ(ended.out,
              "deposit/a/b is held (WARNING) since 1 h 4 min\n"
              "  1.5 KiB is too small\n"
              "\n"
              "  judged       2026-11-22 02:00:00 UTC (1 h 4 min ago)\n"
              "  backup made  2026-11-22 01:00:00 UTC (2 h 4 min ago)\n"
              "  file         b.sql.gz\n"
              "  size         1.5 KiB (1536 bytes)\n"
              "  sha256       " +
                  kSha +
                  "\n"
                  "  run          r1\n"
                  "  duration     12 s\n"
                  "  labels\n"
                  "    city  douala\n"
                  "\n"
                  "what it means (size_band)\n"
                  "  Look at the dump.\n"
                  "\n"
                  "evidence\n"
                  "  arrived at    2026-11-22 01:04:05 UTC (2 h ago)\n"
                  "  band\n"
                  "    high bytes  8.0 KiB (8192 bytes)\n"
                  "    low bytes   4.0 KiB (4096 bytes)\n"
                  "  copy seconds  1 min 30 s\n"
                  "  list          1, 2\n"
                  "  report\n"
                  "    agent id      a\n"
                  "    logs summary  first\\nsecond\n"
                  "  size bytes    1.5 KiB (1536 bytes)\n"
                  "  stages\n"
                  "    - stage   BACKUP\n"
                  "      status  yes\n"
                  "\n"
                  "recent verdicts\n"
                  "  2026-11-22 02:00  ok  proven\n"
                  "\n"
                  "next\n"
                  "  bkmonctl deposits release deposit/a/b --sha256 " +
                  kSha +
                  "\n"
                  "  bkmonctl deposits reject deposit/a/b --sha256 " +
                  kSha +
                  "\n"
                  "  bkmonctl history deposit/a/b\n");
    const Ended json = ctl({"explain", "deposit/a/b", "--json"}, pipe_to(daemon));
    EXPECT_NE(json.out.find("\"evidence\":{"), std::string::npos);
    EXPECT_NE(json.out.find("\"status\":\"held\""), std::string::npos);
    EXPECT_NE(json.out.find("\"target\":\"deposit/a/b\""), std::string::npos);
    for (const std::size_t width : {60U, 80U, 200U}) {
        const Ended narrow = ctl({"explain", "deposit/a/b", "--no-legend"}, on_terminal(daemon.socket(), width, 24));
        if (width > 68) {
            EXPECT_LE(widest(narrow.out), width) << narrow.out;  // a hash is never broken
        }
        EXPECT_NE(narrow.out.find(kSha), std::string::npos);
    }
}

TEST(Explain, WhatAFileSaysOfItselfIsATable) {
    FakeDaemon daemon;
    daemon.reply(
        "io.bkmon.Targets.Explain",
        R"({"target":)" + target_json({"outlet/SHOP1/d-drive", "held", "WARNING"}) + R"(,"verdict":)" +
            verdict_json("held", "WARNING", "an old backup") +
            R"j(,"evidence":{"share":"d$","content":{"looked":"read","reading":{"form":"plain","claims":[)j"
            R"j({"question":"kind","answer":"full","sure":"proven","rests_on":"SSET kind bits 0x4"},)j"
            R"j({"question":"started","answer":"2026-11-22 01:00:00","sure":"likely","rests_on":"SSET at 88"},)j"
            R"j({"question":"restorable","answer":"not known","sure":"unknown","rests_on":"\u001b[2Jnothing but a restore"}]}}},"advice":"","recent":[]})j");
    const Ended ended = ctl({"explain", "outlet/SHOP1/d-drive"}, pipe_to(daemon));
    EXPECT_NE(ended.out.find("what the file says of itself\n"
                             "  proven   kind: full\n"
                             "           SSET kind bits 0x4\n"
                             "  likely   started: 2026-11-22 01:00:00\n"
                             "           SSET at 88\n"
                             "  unknown  restorable: not known\n"
                             "           \\x1b[2Jnothing but a restore\n"
                             "\nevidence\n"
                             "  content\n"
                             "    looked  read\n"
                             "  share  d$\n"),
              std::string::npos)
        << ended.out;
    EXPECT_EQ(ended.out.find("deposits release"), std::string::npos);  // nothing is held on an outlet that could be promoted
    EXPECT_NE(ended.out.find("  bkmonctl outlets scan --mode d-drive --outlet SHOP1\n"), std::string::npos);
    for (const std::size_t width : {80U, 100U})
        EXPECT_LE(widest(plain(ctl({"explain", "outlet/SHOP1/d-drive"}, on_terminal(daemon.socket(), width, 24)).out)), width);
    EXPECT_NE(ctl({"explain", "outlet/SHOP1/d-drive", "--json"}, pipe_to(daemon)).out.find(R"("rests_on":"SSET at 88")"), std::string::npos);
}

TEST(Explain, AGlobIsResolvedToTheOneThatItMatches) {
    FakeDaemon daemon;
    daemon.reply("io.bkmon.Targets.Status", status_page({{"deposit/a/b", "ok", "OK"}}));
    daemon.reply("io.bkmon.Targets.Explain", R"({"target":)" + target_json({"deposit/a/b", "ok", "OK"}) + R"(,"verdict":)" +
                                                 verdict_json("ok", "OK", "proven") + R"(,"evidence":{},"advice":"","recent":[]})");
    const Ended ended = ctl({"explain", "deposit/a*/*"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_NE(ended.out.find("deposit/a/b is ok"), std::string::npos) << ended.out;
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Targets.Status"), R"({"targets":["deposit/a*/*"]})"));
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Targets.Explain"), R"({"target":"deposit/a/b"})"));
}

TEST(Explain, AGlobOfSeveralNamesThem) {
    FakeDaemon daemon;
    daemon.reply("io.bkmon.Targets.Status", status_page({{"deposit/a/b", "ok", "OK"}, {"deposit/a/c", "missing", "CRITICAL"}}));
    const Ended two = ctl({"explain", "deposit/a/*"}, pipe_to(daemon));
    EXPECT_EQ(two.code, 4);
    EXPECT_EQ(two.out, "");
    EXPECT_NE(two.err.find("matches 2 targets, name one: deposit/a/b, deposit/a/c\n"), std::string::npos) << two.err;
    FakeDaemon many;
    many.reply("io.bkmon.Targets.Status", status_page(healthy(12)));
    const Ended twelve = ctl({"explain", "*"}, pipe_to(many));
    EXPECT_EQ(twelve.code, 4);
    EXPECT_NE(twelve.err.find("matches 12 targets, name one: deposit/agent_"), std::string::npos) << twelve.err;
    std::size_t named = 0;
    for (auto at = twelve.err.find("deposit/agent_"); at != std::string::npos; at = twelve.err.find("deposit/agent_", at + 1)) ++named;
    EXPECT_EQ(named, 10u);
    FakeDaemon none;
    none.reply("io.bkmon.Targets.Status", status_page({}));
    EXPECT_EQ(ctl({"explain", "x?"}, pipe_to(none)).code, 4);
}

TEST(Explain, AsOfIsSentAsADayOrAMoment) {
    FakeDaemon daemon;
    daemon.error("io.bkmon.Targets.Explain", "io.bkmon.Targets.NoSuchRecord", R"({"target":"a/b","as_of":"2026-11-01"})");
    EXPECT_EQ(ctl({"explain", "a/b", "--as-of", "2026-11-01"}, pipe_to(daemon)).code, 4);
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Targets.Explain"), R"({"target":"a/b","as_of":"2026-11-01"})"));
    EXPECT_EQ(ctl({"explain", "a/b", "--as-of", "2h"}, pipe_to(daemon)).code, 4);
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Targets.Explain"), R"({"target":"a/b","as_of":"2026-11-22T01:04:05Z"})"));
}

TEST(History, TimesMayBeRelativeAndPagesAreMerged) {
    FakeDaemon daemon;
    daemon.pages("io.bkmon.Targets.History",
                 {R"({"verdicts":[)" + verdict_json("ok", "OK", "one") + "]}", R"({"verdicts":[)" + verdict_json("late", "WARNING", "two") + "]}"});
    const Ended ended = ctl({"history", "deposit/*", "--since", "3d", "--until=2026-11-22 01:00", "--json", "--limit", "50"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_TRUE(same_json(ended.out, R"({"verdicts":[)" + verdict_json("ok", "OK", "one") + "," + verdict_json("late", "WARNING", "two") + "]}"))
        << ended.out;
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Targets.History"),
                          R"({"target":"deposit/*","since":"2026-11-19T03:04:05Z","until":"2026-11-22T01:00:00Z","limit":50})"))
        << daemon.parameters("io.bkmon.Targets.History");
    for (const std::size_t width : {60U, 80U, 200U}) EXPECT_LE(widest(ctl({"history"}, on_terminal(daemon.socket(), width, 24)).out), width);
}

TEST(History, AllMeansAll) {
    FakeDaemon daemon;
    daemon.reply("io.bkmon.Targets.History", R"({"verdicts":[]})");
    EXPECT_EQ(ctl({"history"}, pipe_to(daemon)).out, "no verdict matches\n");
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Targets.History"), R"({"limit":100})"));
    EXPECT_EQ(ctl({"history", "--limit", "0"}, pipe_to(daemon)).code, 0);
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Targets.History"), R"({"limit":1000000})"));
}

TEST(History, AskedForFewItStopsAsking) {
    FakeDaemon daemon;
    daemon.pages("io.bkmon.Targets.History", {R"({"verdicts":[)" + verdict_json("ok", "OK", "one") + "," + verdict_json("ok", "OK", "two") + "]}"},
                 FakeDaemon::Then::hang);
    const Ended ended = ctl({"history", "--limit", "1", "--csv", "--no-legend"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.out, "deposit/a/b,ok,OK,size_band,one,2026-11-22T02:00:00Z,,2026-11-22T01:00:00.250Z,r1,b.sql.gz,1536," + kSha + ",12.5,7\r\n");
}

TEST(Report, DaysAndListsAreSent) {
    FakeDaemon daemon;
    daemon.reply("io.bkmon.Targets.Report", R"({"rows":[]})");
    const Ended ended =
        ctl({"report", "--from", "7d", "--to", "yesterday", "--target", "A", "B", "--label", "k=v", "--mode", "d-drive", "--status", "missing"},
            pipe_to(daemon));
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.out, "no target and day matches\n");
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Targets.Report"),
                          R"({"mode":"d-drive","targets":["A","B"],"from":"2026-11-15","to":"2026-11-21","status":"missing","labels":["k=v"]})"))
        << daemon.parameters("io.bkmon.Targets.Report");
}

TEST(Report, HtmlNeedsNoOtherFileAndEscapesNames) {
    FakeDaemon daemon;
    daemon.reply(
        "io.bkmon.Targets.Report",
        R"({"rows":[{"target":"deposit/<script>alert(1)</script>/b","date":"2026-11-21","status":"missing","severity":"CRITICAL","reason":"\"&'"}]})");
    const std::string file = daemon.folder() + "/report.html";
    const Ended ended = ctl({"report", "--html", file}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0) << ended.err;
    std::ifstream stream(file);
    std::stringstream page;
    page << stream.rdbuf();
    EXPECT_EQ(page.str().find("<script>alert"), std::string::npos);
    EXPECT_NE(page.str().find("&lt;script&gt;alert(1)"), std::string::npos);
    EXPECT_NE(page.str().find("&quot;&amp;&#39;"), std::string::npos);
    EXPECT_NE(page.str().find("as of <strong>2026-11-22 03:04:05 UTC"), std::string::npos);
    EXPECT_EQ(page.str().find("http"), page.str().find("http-equiv"));
    std::remove(file.c_str());
    EXPECT_EQ(ctl({"report", "--html", daemon.folder() + "/no/such/folder.html"}, pipe_to(daemon)).code, 1);
}

TEST(Report, TheNameOfThePageIsMadeFitForTheTerminal) {
    FakeDaemon daemon;
    daemon.reply("io.bkmon.Targets.Report", R"({"rows":[]})");
    const std::string file = daemon.folder() + "/\x1b[2Jreport.html";
    const Ended ended = ctl({"report", "--html", file}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_NE(ended.err.find("\\x1b[2Jreport.html"), std::string::npos) << ended.err;
    EXPECT_EQ(ended.err.find('\x1b'), std::string::npos);
    std::remove(file.c_str());
}

TEST(Summary, ABarADay) {
    FakeDaemon daemon;
    daemon.reply(
        "io.bkmon.Targets.Summary",
        R"({"days":[{"date":"2026-11-19","ok":0,"bad":0,"total":0,"by_status":{}},{"date":"2026-11-21","ok":199,"bad":1,"total":200,"by_status":{"ok":199,"missing":1}},
        {"date":"2026-11-20","ok":0,"bad":0,"total":0,"by_status":{}}]})");
    const Ended ended = ctl({"summary", "--days=2", "--no-legend"}, pipe_to(daemon));
    // 99.5 % is not 100, and its bar is not full.
    EXPECT_EQ(ended.out,
              "2026-11-21  199  1  200  99  #############################.  1 missing\n"
              "2026-11-20    0  0    0   -                                  nothing was due\n");
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Targets.Summary"), R"({"days":2})"));
    EXPECT_EQ(ctl({"summary", "--csv"}, pipe_to(daemon)).out,
              "date,ok,bad,total,by_status\r\n2026-11-19,0,0,0,\r\n2026-11-21,199,1,200,missing=1;ok=199\r\n2026-11-20,0,0,0,\r\n");
}

TEST(Summary, AllDaysInALine) {
    FakeDaemon daemon;
    std::string days;
    for (int i = 0; i < 60; ++i)
        days += std::string(i > 0 ? "," : "") + R"({"date":"2026-09-)" + std::to_string(10 + i) + R"(","ok":)" + std::to_string(i == 30 ? 5 : 10) +
                R"(,"bad":)" + std::to_string(i == 30 ? 5 : 0) + R"(,"total":10,"by_status":{}})";
    daemon.reply("io.bkmon.Targets.Summary", R"({"days":[)" + days + "]}");
    const auto lines = lines_of(ctl({"summary", "--days", "60"}, pipe_to(daemon)).out);
    std::string marks = "trend  ";
    for (int i = 0; i < 60; ++i) marks += i == 30 ? "▄" : "█";
    EXPECT_EQ(lines.at(0), marks);
    EXPECT_EQ(lines.at(1), "99 % good over 60 days; worst: 2026-09-40 with 50 %");
    EXPECT_EQ(lines.at(2), "");
    EXPECT_EQ(lines.at(3).substr(0, 4), "DATE");
    const auto narrow = lines_of(plain(ctl({"summary", "--days", "60"}, on_terminal(daemon.socket(), 40, 100)).out));
    EXPECT_LE(display_width(narrow.at(0)), 40U);
    EXPECT_NE((narrow.at(1) + narrow.at(2)).find("2 days a mark"), std::string::npos) << narrow.at(1);
    Seat colour = pipe_to(daemon);
    EXPECT_NE(ctl({"summary", "--color=always"}, colour).out.find("\033[32m█\033[0m"), std::string::npos);
    EXPECT_EQ(ctl({"summary", "--color=never"}, on_terminal(daemon.socket(), 80, 100)).out.find('\033'), std::string::npos);
}

TEST(Report, OutletsHaveTheirOwnColumns) {
    FakeDaemon daemon;
    daemon.reply(
        "io.bkmon.Targets.Report",
        R"({"rows":[{"target":"outlet/SHOP1/d-drive","date":"2026-11-21","status":"ok","size_bytes":2630667468,"drive":"D:","address":"10.0.0.1"}]})");
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {"--kind", "outlet"}, {"--mode", "d-drive"}, {"--target", "outlet/SHOP1/d-drive", "OUTLET/*"}, {"--legacy"}}) {
        std::vector<std::string> line{"report", "--csv"};
        line.insert(line.end(), words.begin(), words.end());
        EXPECT_EQ(ctl(line, pipe_to(daemon)).out.rfind("OutletServer,ScanDate,Status,", 0), 0U) << words[0];
        EXPECT_NE(daemon.parameters("io.bkmon.Targets.Report").find(R"("kind":"outlet")"), std::string::npos);
    }
    EXPECT_NE(ctl({"report", "--csv", "--legacy"}, pipe_to(daemon)).out.find("SHOP1,2026-11-21,Successful,,,2.45 GB,,,D:\r\n"), std::string::npos);
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {}, {"--kind", "deposit", "--mode", "d-drive"}, {"--target", "outlet/SHOP1/d-drive", "deposit/a/b"}, {"--target", "SHOP1"}}) {
        std::vector<std::string> line{"report", "--csv"};
        line.insert(line.end(), words.begin(), words.end());
        EXPECT_EQ(ctl(line, pipe_to(daemon)).out.rfind("target,kind,date,", 0), 0U);
    }
    EXPECT_EQ(ctl({"report", "--legacy"}, pipe_to(daemon)).code, 2);
    EXPECT_EQ(ctl({"report", "--legacy", "--csv", "--kind", "deposit"}, pipe_to(daemon)).code, 2);
}

TEST(Pause, SendsWhoWillWantToKnow) {
    FakeDaemon daemon;
    daemon.reply("io.bkmon.Targets.Pause", R"({"paused":["deposit/a/b","deposit/a/c"]})");
    daemon.reply("io.bkmon.Targets.Resume", R"({"resumed":[]})");
    EXPECT_EQ(ctl({"pause", "deposit/a/*", "--until", "2h", "--reason", "moving"}, pipe_to(daemon)).out, "paused deposit/a/b\npaused deposit/a/c\n");
    EXPECT_TRUE(
        same_json(daemon.parameters("io.bkmon.Targets.Pause"), R"({"target":"deposit/a/*","reason":"moving","until":"2026-11-22T05:04:05Z"})"));
    EXPECT_EQ(ctl({"resume", "x/y"}, pipe_to(daemon)).out, "nothing was paused\n");
    EXPECT_EQ(ctl({"pause", "a/b", "--reason", "x", "--until", "yesterday"}, pipe_to(daemon)).code, 2);
    EXPECT_EQ(ctl({"pause", "a/b"}, pipe_to(daemon)).code, 2);
    EXPECT_EQ(ctl({"pause", "a/b", "--reason", ""}, pipe_to(daemon)).code, 2);
}

TEST(Runs, ListShowCancel) {
    FakeDaemon daemon;
    const std::string run =
        R"({"id":"r7","kind":"rescan","what":"all agents","state":"running","started_at":"2026-11-22T03:00:00Z","ended_at":null,"done":3,"total":9,"error":null})";
    daemon.reply("io.bkmon.Runs.List", R"({"runs":[)" + run + "]}");
    daemon.reply("io.bkmon.Runs.Show", R"({"run":)" + run + "}");
    daemon.reply("io.bkmon.Runs.Cancel", "{}");
    EXPECT_EQ(ctl({"runs", "list", "--no-legend"}, pipe_to(daemon)).out, "r7  rescan  running  2026-11-22 03:00  4 min 5 s  3/9  all agents\n");
    EXPECT_TRUE(same_json(ctl({"runs", "show", "r7", "--json"}, pipe_to(daemon)).out, R"({"runs":[)" + run + "]}"));
    EXPECT_NE(ctl({"runs", "show", "r7"}, pipe_to(daemon)).out.find("follow it: bkmonctl runs follow r7\n"), std::string::npos);
    EXPECT_EQ(ctl({"runs", "cancel", "r7"}, pipe_to(daemon)).code, 0);
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Runs.Cancel"), R"({"id":"r7"})"));
}

TEST(Schedule, ListsWhatIsDue) {
    FakeDaemon daemon;
    const std::string entry =
        R"({"id":"deposit/a/b","what":"cycle","expression":"0 13 * * *","timezone":"Africa/Douala","next_at":"2026-11-22T12:00:00Z","last_at":null,"last_result":null})";
    daemon.reply("io.bkmon.Schedule.List", R"({"schedules":[)" + entry + "]}");
    EXPECT_EQ(ctl({"schedule", "list", "--no-legend"}, pipe_to(daemon)).out,
              "2026-11-22 12:00  8 h 55 min  deposit/a/b  0 13 * * *  Africa/Douala  -    cycle\n");
    EXPECT_TRUE(same_json(ctl({"schedule", "list", "--json"}, pipe_to(daemon)).out, R"({"schedules":[)" + entry + "]}"));
}

TEST(Deposits, ReleaseAndRejectAskFirst) {
    FakeDaemon daemon;
    daemon.reply("io.bkmon.Deposits.Release", R"({"file":"acme/b.sql.gz"})");
    daemon.reply("io.bkmon.Deposits.Reject", "{}");
    for (const std::string word : {"release", "reject"}) {
        const std::vector<std::string> words{"deposits", word, "deposit/a/b", "--sha256", std::string(64, 'A')};
        EXPECT_EQ(ctl(words, pipe_to(daemon)).code, 2);  // nobody can be asked
        Seat seat = on_terminal(daemon.socket(), 80, 24);
        seat.input = "n\n";
        EXPECT_EQ(ctl(words, seat).code, 1);
        seat.input = "";
        EXPECT_EQ(ctl(words, seat).code, 1);
        EXPECT_TRUE(daemon.received().empty() || word == "reject");
        seat.input = "yes\n";
        EXPECT_EQ(ctl(words, seat).code, 0);
        auto sure = words;
        sure.insert(sure.begin(), "--yes");
        EXPECT_EQ(ctl(sure, pipe_to(daemon)).code, 0);
    }
    EXPECT_EQ(daemon.received().size(), 4U);
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Deposits.Release"), R"({"target":"deposit/a/b","sha256":")" + kSha + "\"}"));
    EXPECT_EQ(ctl({"deposits", "release", "a/b", "--yes", "--sha256", "abc"}, pipe_to(daemon)).code, 2);
    EXPECT_EQ(ctl({"deposits", "init"}, pipe_to(daemon)).code, 2);
}

TEST(Deposits, AdoptPrintsTheYamlAsItIsAndWritesWithoutYes) {
    FakeDaemon daemon;
    daemon.reply("io.bkmon.Deposits.Adopt", R"({"yaml":"deposits:\n  jobs:\n    - {agent: A}\n","file":null,"jobs":1})");
    EXPECT_EQ(ctl({"deposits", "adopt", "A", "DB"}, pipe_to(daemon)).out, "deposits:\n  jobs:\n    - {agent: A}\n");
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Deposits.Adopt"), R"({"agent":"A","database":"DB","write":false,"all":false})"));
    FakeDaemon folder;
    folder.reply("io.bkmon.Deposits.Adopt", R"({"yaml":"# A: belongs to uid 7 now\n","file":null,"jobs":0,"owner":7})");
    EXPECT_EQ(ctl({"deposits", "adopt", "A"}, pipe_to(folder)).out, "# A: belongs to uid 7 now\n");
    EXPECT_EQ(ctl({"deposits", "adopt", "A", "--write"}, pipe_to(folder)).out,
              "the folder of A may belong to uid 7 from now on; it is looked at now\n");
    EXPECT_EQ(ctl({"deposits", "adopt"}, pipe_to(daemon)).code, 2);
    EXPECT_EQ(ctl({"deposits", "adopt", "A", "--all"}, pipe_to(daemon)).code, 2);
    FakeDaemon writing;
    writing.reply("io.bkmon.Deposits.Adopt", R"({"yaml":"x","file":"/etc/bkmon/conf.d/adopted.yaml","jobs":2})");
    EXPECT_EQ(ctl({"deposits", "adopt", "--all", "--write"}, pipe_to(writing)).out,
              "2 jobs in /etc/bkmon/conf.d/adopted.yaml; the configuration was read again\n");
    Seat seat = on_terminal(writing.socket(), 80, 24);
    seat.input = "n\n";
    EXPECT_EQ(ctl({"deposits", "adopt", "--all", "--write"}, seat).code, 1);
    EXPECT_EQ(writing.received().size(), 1U);
}

TEST(Deposits, TablesFit) {
    FakeDaemon daemon;
    daemon.reply(
        "io.bkmon.Deposits.List",
        R"({"deposits":[{"agent":"SIRPACAM_DOUALA_NEWBELL","database":"SDMC_DOUALA_AKWA_2023","target":"deposit/x/y","state":"waiting","file":"漢字データ.sql.gz",
        "size_bytes":20178944,"report":"STATUS.json","detail":"waits for the file that the report names, since it is still being written","since":"2026-11-22T03:00:00Z"}]})");
    daemon.reply("io.bkmon.Deposits.Unexpected",
                 R"({"unexpected":[{"agent":"NEW","database":null,"first_seen":"2026-11-22T03:00:00Z","report":null,"detail":"no job"}]})");
    for (const std::size_t width : {60U, 80U, 200U}) {
        EXPECT_LE(widest(ctl({"deposits", "list"}, on_terminal(daemon.socket(), width, 24)).out), width);
        EXPECT_LE(widest(ctl({"deposits", "unexpected", "--no-legend"}, on_terminal(daemon.socket(), width, 24)).out), width);
    }
    EXPECT_NE(ctl({"deposits", "list", "--csv"}, pipe_to(daemon)).out.find("漢字データ.sql.gz,20178944"), std::string::npos);
}

TEST(Daemon, ReloadSaysEveryProblem) {
    FakeDaemon daemon;
    daemon.reply("io.bkmon.Daemon.Reload",
                 R"({"changed":false,"problems":[{"where":"a.yaml:1:2","message":"unknown key"},{"where":"","message":"no vault"}]})");
    const Ended bad = ctl({"reload"}, pipe_to(daemon));
    EXPECT_EQ(bad.code, 1);
    EXPECT_EQ(bad.err, "a.yaml:1:2: unknown key\nno vault\nbkmonctl: 2 problems: the configuration is as it was before\n");
    EXPECT_EQ(ctl({"reload", "--json"}, pipe_to(daemon)).code, 1);
    FakeDaemon good;
    good.reply("io.bkmon.Daemon.Reload", R"({"changed":true,"problems":[]})");
    EXPECT_EQ(ctl({"reload"}, pipe_to(good)).code, 0);
}

TEST(Daemon, VersionAndSettings) {
    FakeDaemon daemon;
    daemon.reply(
        "io.bkmon.Daemon.Version",
        R"({"version":"1.2","site":"main","pid":5,"started_at":"2026-11-22T03:00:00Z","uptime":245.5,"config":["/etc/b.yaml"],"degraded":["mail"]})");
    daemon.reply("io.bkmon.Daemon.Settings",
                 R"({"settings":[{"path":"site","value":"main","origin":"default"},{"path":"state","value":"/s","origin":"b.yaml:1:1"}]})");
    EXPECT_EQ(ctl({"version"}, pipe_to(daemon)).out,
              "bkmonctl 9.8.7\nbkmond   1.2, site main, process 5, up for 4 min 5 s\n  reads /etc/b.yaml\n  does not fully work: mail\n");
    EXPECT_EQ(ctl({"--version"}, pipe_to(daemon)).out, "bkmonctl 9.8.7\n");
    EXPECT_EQ(ctl({"config", "show", "--no-legend"}, pipe_to(daemon)).out, "state  /s  b.yaml:1:1\n");
    EXPECT_EQ(lines_of(ctl({"config", "show", "--no-legend", "--effective"}, pipe_to(daemon)).out).size(), 2U);
}

}  // namespace
}  // namespace bkmon::test
