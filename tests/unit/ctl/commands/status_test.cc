#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/ctl/commands/fake_daemon.h"
#include "tests/unit/ctl/commands/harness.h"
#include "tests/unit/ctl/commands/samples.h"

namespace bkmon::test {
namespace {

constexpr const char* kStatus = "io.bkmon.Targets.Status";

std::vector<Sample> with_problems(int healthy_ones, int problems) {
    std::vector<Sample> all = healthy(healthy_ones);
    for (int i = 0; i < problems; ++i) {
        const bool corrupt = i % 3 == 0;
        all.push_back({"deposit/sirpacam_douala_newbell/SDMC_DOUALA_AKWA_20" + std::to_string(10 + i), corrupt ? "corrupt" : "late",
                       corrupt ? "CRITICAL" : "WARNING", "2026-11-2" + std::to_string(i % 2) + "T10:00:00Z",
                       "the file's bytes are not those the agent hashed: sent 5f2c… arrived 11aa…, 188.2 MiB"});
    }
    return all;
}

std::size_t screen_lines(const std::string& text, std::size_t width) {
    std::size_t n = 0;
    for (const std::string& line : lines_of(text)) n += 1 + (std::max<std::size_t>(widest(line), 1) - 1) / width;
    return n;
}

TEST(Status, AllWellIsOneLineWithTheOldestProof) {
    FakeDaemon daemon;
    daemon.reply(kStatus, status_page(healthy(12)));
    const Ended ended = ctl({"status"}, on_terminal(daemon.socket(), 80, 24));
    EXPECT_EQ(ended.code, 0);
    EXPECT_EQ(plain(ended.out),
              "as of 2026-11-22 03:04:05 (UTC), main; 12 targets\n"
              "12 ok\n"
              "all 12 targets are well; oldest proof 16 h 4 min ago: deposit/agent_009/db\n");
}

TEST(Status, ProblemsComeWorstFirstThenOldest) {
    FakeDaemon daemon;
    auto all = healthy(3);
    all.push_back({"deposit/a/late", "late", "WARNING", "2026-11-20T00:00:00Z", "due since"});
    all.push_back({"deposit/a/new", "missing", "CRITICAL", "2026-11-22T02:00:00Z", "no report came"});
    all.push_back({"deposit/a/old", "missing", "CRITICAL", "2026-11-21T02:00:00Z", "no report came"});
    all.push_back({"deposit/a/dim", "unknown", "UNKNOWN", "", "no fresh evidence"});
    daemon.reply(kStatus, status_page(all));
    const Ended ended = ctl({"status"}, on_terminal(daemon.socket(), 80, 24));
    EXPECT_EQ(plain(ended.out),
              "as of 2026-11-22 03:04:05 (UTC), main; 7 targets\n"
              "2 missing   1 unknown   1 late   3 ok\n"
              "\n"
              "missing  deposit/a/old  since 1 d 1 h\n"
              "         no report came\n"
              "missing  deposit/a/new  since 1 h 4 min\n"
              "         no report came\n"
              "unknown  deposit/a/dim  since when is not known\n"
              "         no fresh evidence\n"
              "late     deposit/a/late  since 2 d 3 h\n"
              "         due since\n"
              "\n"
              "look into one: bkmonctl explain deposit/a/old\n");
}

TEST(Status, NeverScrollsAndNeverWraps) {
    for (const int problems : {1, 7, 8, 9, 15, 16, 17, 40}) {
        for (const std::size_t width : {60U, 80U, 200U}) {
            for (const std::size_t height : {12U, 24U, 50U}) {
                FakeDaemon one;
                one.reply(kStatus, status_page(with_problems(200, problems), {"the vault is nearly full: 2 % are free"}));
                const Ended ended = ctl({"status"}, on_terminal(one.socket(), width, height));
                // One line is left for the prompt.
                EXPECT_LT(screen_lines(ended.out, width), height) << problems << " " << width << "\n" << ended.out;
                // Only the command to copy may be broken by the terminal: it is whole.
                EXPECT_LE(widest(ended.out.substr(0, ended.out.find("bkmonctl explain"))), width) << ended.out;
                EXPECT_NE(ended.out.find("bkmonctl explain deposit/sirpacam_douala_newbell/"), std::string::npos) << ended.out;
            }
        }
    }
}

TEST(Status, SaysHowManyMoreThereAre) {
    FakeDaemon daemon;
    daemon.reply(kStatus, status_page(with_problems(10, 40)));
    const Ended ended = ctl({"status"}, on_terminal(daemon.socket(), 80, 24));
    int shown = 0;
    for (const std::string& line : lines_of(plain(ended.out))) shown += line.rfind("corrupt  ", 0) == 0 || line.rfind("late     ", 0) == 0;
    EXPECT_GT(shown, 12);
    EXPECT_NE(ended.out.find("… and " + std::to_string(40 - shown) + " more: bkmonctl status --problems\n"), std::string::npos) << ended.out;
}

TEST(Status, APipeGetsEverythingUncut) {
    FakeDaemon daemon;
    daemon.reply(kStatus, status_page(with_problems(10, 40)));
    Seat seat;
    seat.socket = daemon.socket();
    const Ended ended = ctl({"status"}, seat);
    EXPECT_EQ(ended.out.find("…  "), std::string::npos);
    EXPECT_NE(ended.out.find("deposit/sirpacam_douala_newbell/SDMC_DOUALA_AKWA_2049"), std::string::npos);
    EXPECT_NE(ended.out.find("arrived 11aa…, 188.2 MiB\n"), std::string::npos);
    EXPECT_EQ(ended.out.find('\033'), std::string::npos);
}

TEST(Status, ColourOnlyRepeatsTheWord) {
    FakeDaemon daemon;
    auto all = healthy(3);
    all.push_back({"deposit/a/x", "missing", "CRITICAL"});
    all.push_back({"deposit/a/y", "ok", "UNKNOWN"});
    all.push_back({"deposit/a/z", "brandnew", "OK"});
    daemon.reply(kStatus, status_page(all));
    const Seat seat = on_terminal(daemon.socket(), 80, 24);
    const Ended coloured = ctl({"status"}, seat);
    const Ended bare = ctl({"status", "--color=never"}, seat);
    EXPECT_NE(coloured.out.find("\033[1;31m1 missing\033[0m"), std::string::npos) << coloured.out;
    EXPECT_NE(coloured.out.find("\033[32m4 ok\033[0m"), std::string::npos);
    EXPECT_EQ(plain(coloured.out), bare.out);
    EXPECT_EQ(bare.out.find('\033'), std::string::npos);
    // What is not known is never green, nor is a word that this version does not know.
    EXPECT_NE(coloured.out.find("\033[35m1 brandnew\033[0m"), std::string::npos);
    EXPECT_NE(coloured.out.find("\033[35mbrandnew\033[0m"), std::string::npos);
    FakeDaemon one;
    one.reply(kStatus, status_page({{"deposit/a/y", "ok", "UNKNOWN"}, {"deposit/a/z", "unknown", "OK"}}));
    const Ended table = ctl({"status", "deposit/a/*"}, on_terminal(one.socket(), 80, 24));
    EXPECT_NE(table.out.find("\033[35mok\033[0m"), std::string::npos) << table.out;
    EXPECT_NE(table.out.find("\033[35munknown\033[0m"), std::string::npos) << table.out;
    EXPECT_EQ(table.out.find("\033[32mok\033"), std::string::npos) << table.out;
}

TEST(Status, ColourFollowsOptionAndEnvironment) {
    FakeDaemon daemon;
    daemon.reply(kStatus, status_page(healthy(1)));
    Seat seat = on_terminal(daemon.socket(), 80, 24);
    const auto coloured = [&](const std::vector<std::string>& words) { return ctl(words, seat).out.find('\033') != std::string::npos; };
    EXPECT_TRUE(coloured({"status"}));
    seat.env["NO_COLOR"] = "1";
    EXPECT_FALSE(coloured({"status"}));
    EXPECT_TRUE(coloured({"--color=always", "status"}));
    seat.env["NO_COLOR"] = "";
    seat.env["TERM"] = "dumb";
    EXPECT_FALSE(coloured({"status", "--color", "auto"}));
    seat.env["TERM"] = "xterm";
    EXPECT_TRUE(coloured({"status"}));
    seat.terminal = {};
    EXPECT_FALSE(coloured({"status"}));
    EXPECT_TRUE(coloured({"status", "--color=always"}));
}

TEST(Status, NothingWatchedIsNotWell) {
    FakeDaemon daemon;
    daemon.reply(kStatus, status_page({}));
    const Ended ended = ctl({"status", "--color=always"}, on_terminal(daemon.socket(), 80, 24));
    EXPECT_NE(ended.out.find("nothing is watched yet"), std::string::npos);
    EXPECT_EQ(ended.out.find("\033[32m"), std::string::npos) << ended.out;
    FakeDaemon paused;
    paused.reply(kStatus, status_page({{"deposit/a/b", "paused", "OK"}}));
    const Ended all_paused = ctl({"status", "--color=always"}, on_terminal(paused.socket(), 80, 24));
    EXPECT_NE(all_paused.out.find("everything is paused: nothing is proven"), std::string::npos) << all_paused.out;
    EXPECT_EQ(all_paused.out.find("\033[32m"), std::string::npos) << all_paused.out;
}

TEST(Status, BkmonsOwnTroubleIsNotHiddenByHealthyTargets) {
    FakeDaemon daemon;
    daemon.reply(kStatus, status_page(healthy(3), {"the history cannot be written: disk full"}));
    const Ended ended = ctl({"status"}, on_terminal(daemon.socket(), 80, 24));
    EXPECT_NE(plain(ended.out).find("bkmon itself: the history cannot be written: disk full\n"), std::string::npos);
    EXPECT_EQ(ended.out.find("all 3 targets are well"), std::string::npos) << ended.out;
}

TEST(Status, HostileNamesNeverReachTheTerminal) {
    FakeDaemon daemon;
    auto all = healthy(1);
    all.push_back({"deposit/\033[2Jevil\n/b\u202e", "failed", "CRITICAL", "2026-11-22T00:00:00Z", "agent says \033]0;owned\a \r\n ok\u009b31m"});
    daemon.reply(kStatus, status_page(all, {"\033[31mfake"}));
    for (const auto& words : {std::vector<std::string>{"status"}, {"status", "--kind", "deposit"}, {"status", "--csv"}, {"status", "--json"}}) {
        Seat seat = on_terminal(daemon.socket(), 80, 24);
        auto with_never = words;
        with_never.emplace_back("--color=never");
        const Ended ended = ctl(with_never, seat);
        for (const char bad : {'\033', '\a', '\r'}) {
            if (bad == '\r' && words.back() == "--csv") continue;  // its line ends
            EXPECT_EQ(ended.out.find(bad), std::string::npos) << words.back();
        }
        EXPECT_EQ(ended.out.find("\u202e"), std::string::npos) << words.back();
        EXPECT_EQ(ended.out.find("\u009b"), std::string::npos) << words.back();
    }
}

TEST(Status, FiltersAreSentAndGiveATable) {
    FakeDaemon daemon;
    daemon.reply(kStatus, status_page(with_problems(0, 4)));
    const Ended ended = ctl({"status", "deposit/*", "x/y", "--kind", "deposit", "--status=late", "--problems", "--label", "a=b", "--label", "c=d"},
                            on_terminal(daemon.socket(), 120, 24));
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_TRUE(same_json(daemon.parameters(kStatus),
                          R"({"targets":["deposit/*","x/y"],"kind":"deposit","status":"late","problems":true,"labels":["a=b","c=d"]})"))
        << daemon.parameters(kStatus);
    EXPECT_TRUE(daemon.received().front().more);
    EXPECT_NE(plain(ended.out).find("STATUS   TARGET"), std::string::npos) << ended.out;
    EXPECT_LE(widest(ended.out), 120U) << ended.out;
}

TEST(Status, PagesBecomeOneDocument) {
    FakeDaemon daemon;
    const std::string first = status_page(healthy(2));
    const std::string second = R"({"as_of":"2026-11-22T03:04:06Z","site":"main","counts":null,"total":3,"targets":[)" +
                               target_json({"deposit/z/z", "ok", "OK"}) + R"(],"degraded":[]})";
    daemon.pages(kStatus, {first, second});
    Seat seat;
    seat.socket = daemon.socket();
    const Ended ended = ctl({"--json", "status"}, seat);
    auto all = healthy(2);
    const std::string expected =
        R"({"as_of":"2026-11-22T03:04:05Z","site":"main","counts":{"ok":2,"unchanged":0,"warning":0,"held":0,"late":0,"missing":0,
        "failed":0,"corrupt":0,"unreachable":0,"unknown":0,"paused":0},"total":3,"targets":[)" +
        target_json(all[0]) + "," + target_json(all[1]) + "," + target_json({"deposit/z/z", "ok", "OK"}) + R"(],"degraded":[],"stale":[]})";
    EXPECT_TRUE(same_json(ended.out, expected)) << ended.out;
    EXPECT_EQ(lines_of(ended.out).size(), 1U);  // a pipe gets one line
    EXPECT_GT(lines_of(ctl({"status", "--json=pretty"}, seat).out).size(), 20U);
    EXPECT_EQ(lines_of(ctl({"status", "--json=short"}, on_terminal(daemon.socket(), 80, 24)).out).size(), 1U);
}

TEST(Status, CsvHasStableHeadersAndRawText) {
    FakeDaemon daemon;
    daemon.reply(kStatus,
                 status_page({{"deposit/a/b", "held", "WARNING", "2026-11-22T00:00:00Z", "size 1,5 \"times\"", "size_band", "", "ab", "1536"}}));
    Seat seat;
    seat.socket = daemon.socket();
    EXPECT_EQ(ctl({"status", "--csv"}, seat).out,
              "id,kind,status,severity,reason_code,reason,since,judged_at,last_ok_at,running_since,due_at,backup_at,file,size_bytes,sha256,labels,"
              "paused_by,paused_reason,paused_until,silenced\r\n"
              "deposit/a/b,deposit,held,WARNING,size_band,\"size 1,5 "
              "\"\"times\"\"\",2026-11-22T00:00:00Z,2026-11-22T03:00:00Z,,,,,,1536,ab,city=douala,,,,\r\n");
    EXPECT_EQ(lines_of(ctl({"status", "--csv", "--no-legend"}, seat).out).size(), 1U);
}

}  // namespace
}  // namespace bkmon::test
