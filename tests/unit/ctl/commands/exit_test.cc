// What bkmonctl ends with, whatever the daemon does.
#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <chrono>
#include <cstring>
#include <fstream>

#include "common/protocol/codec.h"
#include "tests/unit/ctl/commands/fake_daemon.h"
#include "tests/unit/ctl/commands/harness.h"
#include "tests/unit/ctl/commands/samples.h"

namespace bkmon::test {
namespace {

using Then = FakeDaemon::Then;
constexpr const char* kList = "io.bkmon.Runs.List";
constexpr const char* kStatus = "io.bkmon.Targets.Status";

Seat pipe_to(const std::string& socket) {
    Seat seat;
    seat.socket = socket;
    return seat;
}

void leave_socket(const std::string& path) {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
}

TEST(Exit, UnreachableIsThreeAndNamesTheSocket) {
    const Ended nobody = ctl({"runs", "list"}, pipe_to("/nonexistent/socket"));
    EXPECT_EQ(nobody.code, 3);
    EXPECT_EQ(nobody.err,
              "bkmonctl: cannot reach bkmond at /nonexistent/socket: there is no such socket; is it running? (systemctl status bkmond)\n");
    EXPECT_EQ(nobody.out, "");
    // A file that nobody listens at any more, as a killed daemon leaves it.
    FakeDaemon daemon;
    const std::string left = daemon.folder() + "/left";
    leave_socket(left);
    const Ended refused = ctl({"--socket", left, "runs", "list"}, {});
    EXPECT_EQ(refused.code, 3);
    EXPECT_NE(refused.err.find("nobody listens there"), std::string::npos) << refused.err;
    EXPECT_EQ(ctl({"--socket", std::string(200, 'x'), "runs", "list"}, {}).code, 2);
}

TEST(Exit, TheSocketOptionWinsOverTheEnvironment) {
    FakeDaemon daemon;
    daemon.reply(kList, R"({"runs":[]})");
    EXPECT_EQ(ctl({"runs", "list", "--socket", daemon.socket()}, pipe_to("/nonexistent/socket")).code, 0);
    EXPECT_EQ(ctl({"--socket=/nonexistent/other", "runs", "list"}, pipe_to(daemon.socket())).code, 3);
}

TEST(Exit, ADaemonThatDoesNotAnswerIsUnreachableInTime) {
    for (const std::string half : {"", "{\"parameters\":{\"runs\":[]"}) {
        FakeDaemon daemon;
        daemon.on(kList, {half.empty() ? std::vector<std::string>() : std::vector<std::string>{half}, Then::hang});
        const auto start = std::chrono::steady_clock::now();
        const Ended ended = ctl({"--timeout", "0.2", "runs", "list"}, pipe_to(daemon.socket()));
        EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
        EXPECT_EQ(ended.code, 3);
        EXPECT_NE(ended.err.find("did not answer within less than 1 s (--timeout)"), std::string::npos) << ended.err;
    }
}

TEST(Exit, ADroppedConnectionIsUnreachable) {
    FakeDaemon daemon;
    daemon.on(kList, {{}, Then::close});
    daemon.on(kList, {{"{\"parameters\":{"}, Then::close});
    daemon.on(kList, {{std::string("this is no reply\0", 17)}});
    daemon.on(kList, {{protocol::reply_frame(R"({"runs":[]})", true)}, Then::close});  // not read as a stream
    for (int i = 0; i < 3; ++i) {
        const Ended ended = ctl({"runs", "list"}, pipe_to(daemon.socket()));
        EXPECT_EQ(ended.code, 3) << i << ended.err;
        EXPECT_EQ(ended.out, "");
        EXPECT_EQ(lines_of(ended.err).size(), 1U);
    }
}

TEST(Exit, AHalfStreamIsNoAnswer) {
    FakeDaemon daemon;
    daemon.pages(kStatus, {status_page(healthy(5))}, Then::close);
    for (const auto& words : {std::vector<std::string>{"status"}, {"status", "--json"}, {"status", "--csv"}}) {
        const Ended ended = ctl(words, pipe_to(daemon.socket()));
        EXPECT_EQ(ended.code, 3);
        EXPECT_EQ(ended.out, "");  // five healthy ones are not the whole truth
    }
    EXPECT_EQ(ctl({"check"}, pipe_to(daemon.socket())).code, 3);
}

TEST(Exit, EveryErrorHasItsCode) {
    struct Case {
        const char *error, *parameters;
        int code;
        const char *json_code, *says;
    };
    for (const Case& c : {
             Case{"io.bkmon.NotAllowed", R"({"method":"io.bkmon.Runs.List","role":"viewer"})", 5, "not_allowed", "needs the role 'viewer'"},
             Case{"io.bkmon.Targets.NoSuchTarget", R"({"target":"a/b","nearest":"a/c"})", 4, "no_such_target", "did you mean 'a/c'?"},
             Case{"io.bkmon.Deposits.NoSuchTarget", R"({"target":"a/b","nearest":null})", 4, "no_such_target", "there is no target 'a/b'"},
             Case{"io.bkmon.Targets.NoSuchRecord", R"({"target":"a/b","as_of":"2026"})", 4, "no_such_record", "2026"},
             Case{"io.bkmon.Runs.NoSuchRun", R"({"id":"r9"})", 4, "no_such_run", "'r9'"},
             Case{"io.bkmon.Deposits.NotHeld", R"({"target":"a/b"})", 4, "not_held", "no file of 'a/b' is held"},
             Case{"io.bkmon.Deposits.NothingUnexpected", R"({"agent":"A","database":null})", 4, "nothing_unexpected", "agent 'A'"},
             Case{"io.bkmon.Runs.NotRunning", R"({"id":"r9","state":"done"})", 1, "not_running", "it is done"},
             Case{"io.bkmon.Deposits.WrongHash", R"({"target":"a/b","held":"the held file is ff"})", 1, "wrong_hash",
                  "the held file is ff; nothing was changed"},
             Case{"io.bkmon.Deposits.WrongHash", R"({"target":"a/b","held":"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"})", 1,
                  "wrong_hash", "another hash: ffff"},
             Case{"io.bkmon.Invalid", R"({"parameter":"limit","message":"too large"})", 2, "invalid", "limit: too large"},
             Case{"org.varlink.service.InvalidParameter", R"({"parameter":"limit"})", 2, "invalid", "'limit'"},
             Case{"io.bkmon.Busy", R"({"message":"a reload is under way"})", 1, "busy", "a reload is under way"},
             Case{"io.bkmon.Unavailable", R"({"message":"no history"})", 1, "unavailable", "no history"},
             Case{"io.bkmon.Failed", R"({"code":"no_space","message":"disk full"})", 1, "no_space", "disk full"},
             Case{"org.varlink.service.MethodNotFound", R"({"method":"x"})", 1, "method_not_found", "older"},
             Case{"com.example.SomethingNew", R"({"x":1})", 1, "something_new", "com.example.SomethingNew"},
         }) {
        FakeDaemon daemon;
        daemon.error(kList, c.error, c.parameters);
        const Ended ended = ctl({"runs", "list"}, pipe_to(daemon.socket()));
        EXPECT_EQ(ended.code, c.code) << c.error;
        EXPECT_NE(ended.err.find(c.says), std::string::npos) << ended.err;
        EXPECT_EQ(lines_of(ended.err).size(), 1U);
        const Ended json = ctl({"runs", "list", "--json"}, pipe_to(daemon.socket()));
        EXPECT_EQ(json.code, c.code);
        EXPECT_EQ(json.out, "");
        EXPECT_EQ(json.err.rfind(std::string("{\"error\":{\"code\":\"") + c.json_code + "\",\"message\":\"", 0), 0U) << json.err;
    }
}

TEST(Exit, TextOfErrorsIsMadeFitForTheTerminal) {
    FakeDaemon daemon;
    daemon.error(kList, "io.bkmon.Failed", R"({"code":"x","message":"\u001b[2J\nroot: all is well"})");
    const Ended ended = ctl({"runs", "list"}, pipe_to(daemon.socket()));
    EXPECT_EQ(ended.err, "bkmonctl: \\x1b[2J\\nroot: all is well\n");
}

TEST(Exit, MistakesAreTwoAndSayWhatWasMeant) {
    struct Case {
        std::vector<std::string> words;
        const char* says;
    };
    for (const Case& c : {
             Case{{}, "a command is missing"},
             Case{{"statsu"}, "unknown command 'statsu'; did you mean 'status'?"},
             Case{{"rnus", "list"}, "did you mean 'runs'?"},
             Case{{"runs"}, "`runs` needs one more word: list, show, cancel, follow"},
             Case{{"runs", "lsit"}, "`runs` has no command 'lsit'; did you mean 'list'?"},
             Case{{"deposits", "zzz"}, "there are list, rescan"},
             Case{{"frobnicate"}, "unknown command 'frobnicate'; see bkmonctl --help"},
             Case{{"status", "--porblems"}, "`status` has no option '--porblems'; did you mean '--problems'?"},
             Case{{"--jsno", "status"}, "unknown option '--jsno'; did you mean '--json'?"},
             Case{{"status", "-x"}, "`status` has no option '-x'"},
             Case{{"explain"}, "`explain` needs more: bkmonctl explain TARGET [--as-of DATE]"},
             Case{{"explain", "a/b", "c/d"}, "`explain` has too many words"},
             Case{{"schedule", "list", "x"}, "`schedule list` has too many words"},
             Case{{"status", "--kind"}, "--kind needs exactly one value"},
             Case{{"status", "--kind", "x", "--kind", "y"}, "--kind needs exactly one value"},
             Case{{"status", "--kind", "depoist"}, "there is no 'depoist'; did you mean 'deposit'?"},
             Case{{"status", "--status", "gone"}, "'gone' is none of ok, unchanged"},
             Case{{"status", "--json=xml"}, "neither short nor pretty"},
             Case{{"status", "--json", "--csv"}, "exclude each other"},
             Case{{"status", "--color", "pink"}, "--color"},
             Case{{"status", "--timeout", "0"}, "--timeout: '0'"},
             Case{{"status", "--timeout", "nan"}, "--timeout: 'nan'"},
             Case{{"explain", "a/b", "--csv"}, "`explain` has no CSV"},
             Case{{"history", "--limit", "-1"}, "--limit: '-1'"},
             Case{{"history", "--since", "noon"}, "--since: 'noon' is no time"},
             Case{{"history", "--since", "2026-02-30"}, "is no time"},
             Case{{"summary", "--days", "0"}, "--days: '0'"},
             Case{{"status", std::string(200, 'x') + "\033", "--nope"}, "no option '--nope'"},
         }) {
        const Ended ended = ctl(c.words, pipe_to("/nonexistent"));
        EXPECT_EQ(ended.code, 2) << c.says << ended.err;
        EXPECT_NE(ended.err.find(c.says), std::string::npos) << ended.err;
        EXPECT_EQ(lines_of(ended.err).size(), 1U);
        EXPECT_EQ(ended.out, "");
    }
    EXPECT_EQ(ctl({"--json", "statsu"}, {}).err,
              "{\"error\":{\"code\":\"usage\",\"message\":\"unknown command 'statsu'; did you mean 'status'?\"}}\n");
}

TEST(Exit, HelpIsDone) {
    for (const auto& words : {std::vector<std::string>{"--help"}, {"-h"}, {"runs", "--help"}, {"deposits", "adopt", "--help"}, {"status", "-h"}}) {
        const Ended ended = ctl(words, {});
        EXPECT_EQ(ended.code, 0);
        EXPECT_NE(ended.out.find("usage: bkmonctl"), std::string::npos);
        EXPECT_LE(widest(ended.out), 80U);
        EXPECT_EQ(ended.err, "");
    }
    EXPECT_NE(ctl({"deposits", "adopt", "--help"}, {}).out.find("usage: bkmonctl deposits adopt [AGENT] [DATABASE] [--all] [--write]\n"),
              std::string::npos);
    EXPECT_EQ(ctl({"--help"}, {}).out.find("__complete"), std::string::npos);
}

TEST(Check, SeverityDecidesAndTheLineHasPerfdata) {
    struct Case {
        std::vector<Sample> targets;
        int code;
        const char* begins;
    };
    for (const Case& c :
         {Case{healthy(3), 0, "BKMON OK - 3 ok | 'targets'=3;;;0 'ok'=3;;;0;3 'unchanged'=0;;;0;3 "},
          Case{{{"a/b", "late", "WARNING"}, {"a/c", "ok", "OK"}}, 1, "BKMON WARNING - 1 late, 1 ok; a/b late since 3 h 10 min: no report came | "},
          Case{{{"a/b", "unknown", "UNKNOWN"}, {"a/c", "late", "WARNING"}}, 3, "BKMON UNKNOWN - 1 unknown, 1 late; a/b unknown"},
          Case{{{"a/b", "unknown", "UNKNOWN"}, {"a/c", "missing", "CRITICAL"}}, 2, "BKMON CRITICAL - 1 missing, 1 unknown; a/c missing"},
          Case{{{"a/b", "ok", ""}, {"a/c", "ok", "OK"}}, 3, "BKMON UNKNOWN - "},  // a severity that is not known
          Case{{}, 3, "BKMON UNKNOWN - no target matches: nothing is watched\n"},
          Case{{{"a/b", "held", "CRITICAL", "2026-11-22T00:00:00Z", "x|y", "replay", "2026-11-22T02:04:05Z", "", "1536"}},
               2,
               "BKMON CRITICAL - a/b held since 3 h 4 min: x/y | 'age'=3600s;;;0 'size'=1536B;;;0\n"}}) {
        FakeDaemon daemon;
        daemon.reply(kStatus, status_page(c.targets));
        const Ended ended = ctl({"check"}, pipe_to(daemon.socket()));
        EXPECT_EQ(ended.code, c.code) << ended.out;
        EXPECT_EQ(ended.out.rfind(c.begins, 0), 0U) << ended.out;
        EXPECT_EQ(lines_of(ended.out).size(), 1U);
        EXPECT_EQ(ended.err, "");
    }
}

TEST(Check, BkmonsOwnTroubleIsAtLeastAWarning) {
    FakeDaemon daemon;
    daemon.reply(kStatus, status_page(healthy(2), {"mail | cannot be sent"}));
    const Ended ended = ctl({"check", "deposit/*", "--kind", "deposit"}, pipe_to(daemon.socket()));
    EXPECT_EQ(ended.code, 1);
    EXPECT_EQ(ended.out.rfind("BKMON WARNING - 2 ok; bkmon itself: mail / cannot be sent | 'targets'", 0), 0U) << ended.out;
    EXPECT_TRUE(same_json(daemon.parameters(kStatus), R"({"targets":["deposit/*"],"kind":"deposit"})"));
}

TEST(Check, WhatIsSaidOfTheWorstTargetIsNotSaidAgainOfBkmon) {
    FakeDaemon daemon;
    auto targets = healthy(2);
    targets.push_back({"bkmon/outlets", "failed", "CRITICAL", "2026-11-22T02:00:00Z", "no worker starts", "degraded"});
    daemon.reply(kStatus, status_page(targets, {"bkmon/outlets: no worker starts", "bkmon/mail: login refused"}));
    const Ended ended = ctl({"check"}, pipe_to(daemon.socket()));
    EXPECT_EQ(ended.code, 2);
    EXPECT_NE(ended.out.find(": no worker starts; bkmon itself: bkmon/mail: login refused |"), std::string::npos) << ended.out;
}

TEST(Check, ABkmonThatIsBehindKnowsNothing) {
    FakeDaemon daemon;
    daemon.reply("io.bkmon.Targets.Status", status_page(healthy(2), {}, {"nothing could be recorded for 3 min"}));
    const Ended ended = ctl({"check"}, pipe_to(daemon.socket()));
    EXPECT_EQ(ended.code, 3) << "green targets prove nothing then";
    EXPECT_NE(ended.out.find("bkmon is behind: nothing could be recorded for 3 min"), std::string::npos) << ended.out;
    EXPECT_NE(ctl({"status"}, pipe_to(daemon.socket())).out.find("nothing could be recorded for 3 min"), std::string::npos);
}

TEST(Check, ASilenceHidesNoProblemAndIsNamed) {
    FakeDaemon daemon;
    Sample sample{"deposit/a/b", "missing", "CRITICAL"};
    sample.silenced = "until Mon 06:00, 'moving'";
    daemon.reply("io.bkmon.Targets.Status", status_page({sample}));
    const Ended ended = ctl({"check"}, pipe_to(daemon.socket()));
    EXPECT_EQ(ended.code, 2);
    for (const Ended& shown : {ended, ctl({"status"}, pipe_to(daemon.socket()))})
        EXPECT_NE(shown.out.find("silenced until Mon 06:00, 'moving'"), std::string::npos) << shown.out;
}

TEST(Check, WhateverGoesWrongIsUnknownAndOneLine) {
    FakeDaemon refusing;
    refusing.error(kStatus, "io.bkmon.NotAllowed", R"({"method":"m","role":"viewer"})");
    FakeDaemon hanging;
    hanging.on(kStatus, {{}, Then::hang});
    for (const Ended& ended : {ctl({"check"}, pipe_to("/nonexistent/socket")), ctl({"check"}, pipe_to(refusing.socket())),
                               ctl({"check", "--timeout=0.1"}, pipe_to(hanging.socket())), ctl({"check", "--bogus"}, {}),
                               ctl({"check", "--kind", "x"}, {}), ctl({"--no-pager", "check", "--timeout", "x"}, {})}) {
        EXPECT_EQ(ended.code, 3);
        EXPECT_EQ(ended.out.rfind("BKMON UNKNOWN - ", 0), 0U) << ended.out;
        EXPECT_EQ(lines_of(ended.out).size(), 1U);
        EXPECT_EQ(ended.err, "");
    }
    EXPECT_NE(ctl({"check"}, pipe_to("/nonexistent/socket")).out.find("cannot reach bkmond at /nonexistent/socket"), std::string::npos);
}

class ConfigCheck : public testing::Test {
protected:
    void write(const std::string& script) {
        std::ofstream(daemon_.folder() + "/bkmond") << "#!/bin/sh\n" << script << "\n";
        ::chmod((daemon_.folder() + "/bkmond").c_str(), 0755);
    }
    ~ConfigCheck() override { std::remove((daemon_.folder() + "/bkmond").c_str()); }
    Seat seat() {
        Seat seat;
        seat.program_folder = daemon_.folder();
        return seat;
    }
    FakeDaemon daemon_;
};

TEST_F(ConfigCheck, PassesTextAndCodeOfBkmondOn) {
    write("echo \"$@\" >&2; echo 'a.yaml:3:1: unknown key '; exit 1");
    const Ended bad = ctl({"config", "check", "--file", "/x y.yaml"}, seat());
    EXPECT_EQ(bad.code, 1);
    EXPECT_EQ(bad.err, "--check-config --config /x y.yaml\na.yaml:3:1: unknown key \n");
    EXPECT_TRUE(same_json(ctl({"config", "check", "--json"}, seat()).out,
                          R"({"ok":false,"problems":[{"where":"","message":"--check-config"},{"where":"a.yaml:3:1","message":"unknown key "}]})"));
    write("exit 0");
    EXPECT_EQ(ctl({"config", "check"}, seat()).out, "the configuration is good\n");
    write("exit 7");
    EXPECT_EQ(ctl({"config", "check"}, seat()).code, 7);
    write("kill -9 $$");
    EXPECT_EQ(ctl({"config", "check"}, seat()).code, 1);
}

TEST_F(ConfigCheck, LooksInPathAndSaysWhenThereIsNone) {
    write("echo found");
    Seat elsewhere;
    elsewhere.env["PATH"] = "/nonexistent:" + daemon_.folder();
    EXPECT_EQ(ctl({"config", "check"}, elsewhere).out, "found\n");
}

}  // namespace
}  // namespace bkmon::test
