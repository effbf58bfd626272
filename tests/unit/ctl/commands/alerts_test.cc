#include <gtest/gtest.h>

#include "tests/unit/ctl/commands/fake_daemon.h"
#include "tests/unit/ctl/commands/harness.h"

namespace bkmon::test {
namespace {

constexpr const char* kList = "io.bkmon.Alerts.List";
constexpr const char* kSilence = "io.bkmon.Alerts.Silence";
constexpr const char* kTest = "io.bkmon.Alerts.Test";

Seat pipe_to(const FakeDaemon& daemon) {
    Seat seat;
    seat.socket = daemon.socket();
    return seat;
}

struct Problem {
    int id = 1;
    std::string targets = R"(["deposit/a/b"])";
    std::string status = "missing", severity = "CRITICAL";
    std::string closed_at = "null", acked_by = "null", silenced = "null";
    std::string said = "true", flapping = "false";
    std::string problem_at = R"("2026-11-22T01:04:05Z")";
    std::string reason = "no report came";
};

std::string json_of(const Problem& p) {
    return R"({"id":)" + std::to_string(p.id) + R"(,"targets":)" + p.targets + R"(,"status":")" + p.status + R"(","severity":")" + p.severity +
           R"(","reason_code":"no_report","reason":")" + p.reason + R"(","cause":"agent a: 3 of 4","problem_at":)" + p.problem_at +
           R"(,"opened_at":"2026-11-22T01:05:00Z","closed_at":)" + p.closed_at + R"(,"said":)" + p.said +
           R"(,"said_at":"2026-11-22T01:05:30Z","reminders":2,"acked_by":)" + p.acked_by + R"(,"acked_at":null,"note":null,"silenced":)" +
           p.silenced + R"(,"flapping":)" + p.flapping + "}";
}

std::string list_of(const std::vector<Problem>& problems) {
    std::string out;
    for (const auto& p : problems) out += (out.empty() ? "" : ",") + json_of(p);
    return R"({"incidents":[)" + out + "]}";
}

std::string mail_json(int id, const std::string& state, const std::string& rest) {
    return R"({"id":)" + std::to_string(id) + R"(,"kind":"alert","to":"ops@example.org","subject":"[CRITICAL] deposit/a/b missing","state":")" +
           state + R"(","attempts":2,"created_at":"2026-11-22T01:05:30Z","give_up_at":"2026-11-25T01:05:30Z","message_id":"<x@y>","incidents":[1],)" +
           rest + "}";
}

TEST(Alerts, ListShowsWhoKnowsAndWhoWorksOnIt) {
    FakeDaemon daemon;
    Problem many{9, R"(["outlet/X/d","outlet/Y/d","outlet/Z/d"])"};
    Problem acked{8};
    acked.acked_by = "\"alice (uid 1001)\"";
    Problem silenced{7};
    silenced.silenced = R"("silence 3")";
    Problem over{6};
    over.closed_at = R"("2026-11-22T02:04:05Z")";
    Problem unsaid{5};
    unsaid.said = "false";
    Problem flapping{4};
    flapping.flapping = "true";
    daemon.reply(kList, list_of({many, acked, silenced, over, unsaid, flapping}));
    const Ended ended = ctl({"alerts", "list"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0) << ended.err;
    const auto lines = lines_of(ended.out);
    ASSERT_EQ(lines.size(), 9U) << ended.out;
    EXPECT_NE(lines[1].find("outlet/X/d and 2 more"), std::string::npos) << lines[1];
    EXPECT_NE(lines[1].find("2 h"), std::string::npos) << lines[1];
    EXPECT_NE(lines[1].find("said"), std::string::npos);
    EXPECT_NE(lines[2].find("acked: alice (uid 1001)"), std::string::npos);
    EXPECT_NE(lines[3].find("silenced"), std::string::npos);
    EXPECT_NE(lines[4].find("over"), std::string::npos);
    EXPECT_NE(lines[4].find("1 h"), std::string::npos);  // how long it was one
    EXPECT_NE(lines[5].find("not said"), std::string::npos);
    EXPECT_NE(lines[6].find("flapping"), std::string::npos);
    EXPECT_NE(lines[8].find("6 incidents, 5 open"), std::string::npos);
    EXPECT_TRUE(same_json(daemon.parameters(kList), R"({"limit":100})"));
    EXPECT_TRUE(same_json(ctl({"alerts", "list", "--json"}, pipe_to(daemon)).out, list_of({many, acked, silenced, over, unsaid, flapping})));
    const auto csv = ctl({"alerts", "list", "--csv"}, pipe_to(daemon)).out;
    EXPECT_EQ(csv.rfind("id,targets,status,severity,reason_code,reason,cause,problem_at,", 0), 0U) << csv;
    EXPECT_NE(csv.find("9,outlet/X/d;outlet/Y/d;outlet/Z/d,missing,CRITICAL,"), std::string::npos) << csv;
    for (const std::size_t width : {60U, 80U, 200U}) EXPECT_LE(widest(ctl({"alerts", "list"}, on_terminal(daemon.socket(), width, 24)).out), width);
}

TEST(Alerts, ListOfOpenOnesIsWorstFirstAndFiltersAreSent) {
    FakeDaemon daemon;
    Problem mild{9, R"(["deposit/mild/b"])", "held", "WARNING"};
    Problem young{8, R"(["deposit/young/b"])"};
    Problem old{7, R"(["deposit/old/b"])"};
    old.problem_at = R"("2026-11-20T01:04:05Z")";
    daemon.reply(kList, list_of({mild, young, old}));
    const Ended ended = ctl({"alerts", "list", "--open", "--target", "deposit/*", "--since", "3d", "--limit", "5"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_LT(ended.out.find("deposit/old/b"), ended.out.find("deposit/young/b"));
    EXPECT_LT(ended.out.find("deposit/young/b"), ended.out.find("deposit/mild/b"));
    EXPECT_TRUE(same_json(daemon.parameters(kList), R"({"target":"deposit/*","open":true,"since":"2026-11-19T03:04:05Z","limit":5})"))
        << daemon.parameters(kList);
    FakeDaemon quiet;
    quiet.reply(kList, R"({"incidents":[]})");
    EXPECT_EQ(ctl({"alerts", "list"}, pipe_to(quiet)).out, "no incident matches\n");
}

TEST(Alerts, LongListsComeInPages) {
    FakeDaemon daemon;
    std::vector<Problem> first(1000);
    for (int i = 0; i < 1000; ++i) first[static_cast<std::size_t>(i)].id = 5000 - i;
    daemon.reply(kList, list_of(first));
    daemon.reply(kList, list_of({Problem{7}}));
    const Ended ended = ctl({"alerts", "list", "--limit", "1500", "--csv", "--no-legend"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(lines_of(ended.out).size(), 1001U);
    EXPECT_TRUE(same_json(daemon.parameters(kList), R"({"limit":500,"before":4001})")) << daemon.parameters(kList);
}

TEST(Alerts, ShowHasTheMailsAndLeadsOn) {
    FakeDaemon daemon;
    daemon.reply("io.bkmon.Alerts.Show",
                 R"({"incident":)" + json_of({12}) + R"(,"mails":[)" +
                     mail_json(3, "failed", R"("next_at":null,"ended_at":"2026-11-22T02:00:00Z","code":550,"last_error":"no such user")") + "]}");
    const Ended ended = ctl({"alerts", "show", "12"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0) << ended.err;
    for (const char* part : {"incident 12: missing (CRITICAL), for 2 h\n", "  deposit/a/b\n", "no report came", "agent a: 3 of 4", "550 no such user",
                             "bkmonctl explain deposit/a/b\n", "bkmonctl alerts ack 12"})
        EXPECT_NE(ended.out.find(part), std::string::npos) << part << "\n" << ended.out;
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Alerts.Show"), R"({"id":12})"));
    EXPECT_NE(ctl({"alerts", "show", "12", "--json"}, pipe_to(daemon)).out.find("\"mails\":[{"), std::string::npos);
    EXPECT_EQ(ctl({"alerts", "show", "x12"}, pipe_to(daemon)).code, 2);
    daemon.error("io.bkmon.Alerts.Show", "io.bkmon.Alerts.NoSuchIncident", R"({"id":13})");
    const Ended none = ctl({"alerts", "show", "13"}, pipe_to(daemon));
    const Ended again = none.code == 0 ? ctl({"alerts", "show", "13"}, pipe_to(daemon)) : none;
    EXPECT_EQ(again.code, 4);
    EXPECT_EQ(again.err, "bkmonctl: there is no incident 13; `bkmonctl alerts list` shows them\n");
}

TEST(Alerts, AckSaysWhatItMeans) {
    FakeDaemon daemon;
    daemon.reply("io.bkmon.Alerts.Ack", R"({"incident":)" + json_of({12}) + "}");
    const Ended ended = ctl({"alerts", "ack", "12", "--note", "disk ordered"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.out, "incident 12 (deposit/a/b) is acknowledged: no reminders; it is said when it gets worse and when it is over\n");
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Alerts.Ack"), R"({"id":12,"note":"disk ordered"})"));
}

TEST(Alerts, SilenceSendsAllThatWasSaid) {
    FakeDaemon daemon;
    daemon.reply(kSilence, R"({"id":4})");
    const Ended ended = ctl({"alerts", "silence", "--window",   "mon-fri 22:00-06:00", "--window", "sat,sun",  "outlet/*", "client/a*",
                             "--kind", "outlet",  "--label",    "region=north",        "--label",  "type=*",   "--from",   "1h",
                             "--for",  "2h",      "--timezone", "Europe/Berlin",       "--reason", "new lines"},
                            pipe_to(daemon));
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.out, "silence 4 ends by itself at 2026-11-22 06:04:05 UTC; sooner: bkmonctl alerts unsilence 4\n");
    EXPECT_TRUE(same_json(daemon.parameters(kSilence),
                          R"({"targets":["outlet/*","client/a*"],"kinds":["outlet"],"labels":["region=north","type=*"],"from":"2026-11-22T04:04:05Z",
                              "until":"2026-11-22T06:04:05Z","windows":["mon-fri 22:00-06:00","sat,sun"],"timezone":"Europe/Berlin","reason":"new lines"})"))
        << daemon.parameters(kSilence);
    EXPECT_EQ(ctl({"alerts", "silence", "a/b", "--until", "tomorrow", "--reason", "x"}, pipe_to(daemon)).code, 0);
    EXPECT_TRUE(same_json(daemon.parameters(kSilence), R"({"targets":["a/b"],"until":"2026-11-23T00:00:00Z","reason":"x"})"));
}

TEST(Alerts, ASilenceMustEndAndHaveAReason) {
    struct Case {
        std::vector<std::string> words;
        const char* says;
    };
    for (const Case& c : {
             Case{{"a/b", "--reason", "x"}, "say when it ends"},
             Case{{"a/b", "--reason", "x", "--for", "2h", "--until", "2h"}, "say when it ends"},
             Case{{"a/b", "--for", "2h"}, "needs more"},
             Case{{"a/b", "--for", "0s", "--reason", "x"}, "--for: '0s'"},
             Case{{"a/b", "--for", "soon", "--reason", "x"}, "--for: 'soon' is no duration"},
             Case{{"a/b", "--until", "yesterday", "--reason", "x"}, "ended already"},
             Case{{"a/b", "--from", "2d", "--until", "1d", "--reason", "x"}, "before it begins"},
             Case{{"a/b", "--for", "2h", "--kind", "outlets", "--reason", "x"}, "did you mean 'outlet'?"},
         }) {
        std::vector<std::string> words{"alerts", "silence"};
        words.insert(words.end(), c.words.begin(), c.words.end());
        const Ended ended = ctl(words, {});
        EXPECT_EQ(ended.code, 2) << c.says << ended.err;
        EXPECT_NE(ended.err.find(c.says), std::string::npos) << ended.err;
    }
}

TEST(Alerts, SilencingEverythingIsAskedFor) {
    FakeDaemon daemon;
    daemon.reply(kSilence, R"({"id":4})");
    const std::vector<std::string> all{"alerts", "silence", "--for", "2h", "--reason", "x"};
    const Ended refused = ctl(all, pipe_to(daemon));
    EXPECT_EQ(refused.code, 2);
    EXPECT_EQ(refused.err, "bkmonctl: without a target, kind or label nobody is mailed about any backup: outside a terminal it needs --yes\n");
    Seat seat = on_terminal(daemon.socket(), 80, 24);
    seat.input = "n\n";
    EXPECT_EQ(ctl(all, seat).code, 1);
    EXPECT_EQ(daemon.parameters(kSilence), "");  // nothing was asked of the daemon
    seat.input = "y\n";
    EXPECT_EQ(ctl(all, seat).code, 0);
    EXPECT_TRUE(same_json(daemon.parameters(kSilence), R"({"until":"2026-11-22T05:04:05Z","reason":"x"})"));
    auto yes = all;
    yes.push_back("--yes");
    EXPECT_EQ(ctl(yes, pipe_to(daemon)).code, 0);
}

TEST(Alerts, SilencesSayWhatTheyHide) {
    FakeDaemon daemon;
    daemon.reply("io.bkmon.Alerts.Silences",
                 R"x({"silences":[{"id":4,"targets":["outlet/*"],"kinds":["outlet"],"labels":["region=north"],"from":"2026-11-22T00:00:00Z",
                      "until":"2026-11-23T00:00:00Z","windows":["sat,sun"],"timezone":"Europe/Berlin","reason":"new lines","by":"alice (uid 1)",
                      "at":"2026-11-22T00:00:00Z","origin":null,"active":true,"hidden":12},
                     {"id":null,"targets":[],"kinds":[],"labels":[],"from":null,"until":null,"windows":["00:00-01:00"],"timezone":"UTC",
                      "reason":"nightly","by":null,"at":null,"origin":"bkmon.yaml:9:3","active":false,"hidden":0},
                     {"id":2,"targets":["a/b"],"kinds":[],"labels":[],"from":"2026-11-25T00:00:00Z","until":"2026-11-26T00:00:00Z","windows":[],
                      "timezone":"UTC","reason":"r","by":"bob","at":"2026-11-22T00:00:00Z","origin":null,"active":false,"hidden":0}]})x");
    const Ended ended = ctl({"alerts", "silences"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0) << ended.err;
    const auto lines = lines_of(ended.out);
    ASSERT_EQ(lines.size(), 6U) << ended.out;
    for (const char* part :
         {"in force", "12", "outlet/*; kind outlet; region=north", "until 2026-11-23 00:00, sat,sun Europe/Berlin", "alice (uid 1)"})
        EXPECT_NE(lines[1].find(part), std::string::npos) << part << "\n" << lines[1];
    for (const char* part : {"waits", "everything", "for ever, 00:00-01:00 UTC", "bkmon.yaml:9:3"})
        EXPECT_NE(lines[2].find(part), std::string::npos) << part << "\n" << lines[2];
    EXPECT_NE(lines[3].find("to come"), std::string::npos);
    EXPECT_NE(lines[5].find("3 silences, hiding 12 problems now"), std::string::npos);
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Alerts.Silences"), R"({"all":false})"));
    for (const std::size_t width : {60U, 80U, 200U})
        EXPECT_LE(widest(ctl({"alerts", "silences", "--all"}, on_terminal(daemon.socket(), width, 24)).out), width);
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Alerts.Silences"), R"({"all":true})"));
    daemon.reply("io.bkmon.Alerts.Unsilence", "{}");
    EXPECT_EQ(ctl({"alerts", "unsilence", "4"}, pipe_to(daemon)).out, "silence 4 has ended; what it hid and still stands is said now\n");
    FakeDaemon other;
    other.error("io.bkmon.Alerts.Unsilence", "io.bkmon.Alerts.NoSuchSilence", R"({"id":9})");
    EXPECT_EQ(ctl({"alerts", "unsilence", "9"}, pipe_to(other)).code, 4);
}

TEST(Alerts, ExpectNamesTheSize) {
    FakeDaemon daemon;
    daemon.reply("io.bkmon.Alerts.Expect", R"({"size_bytes":1536})");
    EXPECT_EQ(ctl({"alerts", "expect", "deposit/a/b", "--note", "moved"}, pipe_to(daemon)).out, "1.5 KiB is the new normal size of deposit/a/b\n");
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Alerts.Expect"), R"({"target":"deposit/a/b","note":"moved"})"));
    FakeDaemon other;
    other.error("io.bkmon.Alerts.Expect", "io.bkmon.Alerts.NothingToExpect", R"({"target":"deposit/a/b"})");
    const Ended none = ctl({"alerts", "expect", "deposit/a/b"}, pipe_to(other));
    EXPECT_EQ(none.code, 4);
    EXPECT_EQ(none.err, "bkmonctl: there is no backup of 'deposit/a/b' whose size could be expected\n");
}

TEST(Alerts, OutboxAndRetry) {
    FakeDaemon daemon;
    daemon.reply(
        "io.bkmon.Alerts.Outbox",
        R"({"mails":[)" + mail_json(5, "waiting", R"("next_at":"2026-11-22T03:14:05Z","ended_at":null,"code":451,"last_error":"try later")") + "," +
            mail_json(4, "failed", R"("next_at":null,"ended_at":"2026-11-22T02:00:00Z","code":null,"last_error":"nobody listens there")") + "]}");
    const Ended ended = ctl({"alerts", "outbox", "--state", "waiting", "--limit", "7"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0) << ended.err;
    for (const char* part : {"in 10 min", "451 try later", "nobody listens there", "2 mails, times in UTC; 1 failed: bkmonctl alerts retry"})
        EXPECT_NE(ended.out.find(part), std::string::npos) << part << "\n" << ended.out;
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Alerts.Outbox"), R"({"state":"waiting","limit":7})"));
    EXPECT_EQ(ctl({"alerts", "outbox", "--state", "lost"}, pipe_to(daemon)).code, 2);
    daemon.reply("io.bkmon.Alerts.Retry", R"({"mails":1})");
    EXPECT_EQ(ctl({"alerts", "retry", "5", "4"}, pipe_to(daemon)).out, "1 mail is tried now; how it goes: bkmonctl alerts outbox\n");
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Alerts.Retry"), R"({"ids":[5,4]})"));
    EXPECT_EQ(ctl({"alerts", "retry"}, pipe_to(daemon)).code, 0);
    EXPECT_TRUE(same_json(daemon.parameters("io.bkmon.Alerts.Retry"), "{}"));
    EXPECT_EQ(ctl({"alerts", "retry", "5", "x"}, pipe_to(daemon)).code, 2);
}

TEST(Alerts, TestFailsWhenAnyWasNotSent) {
    const std::string good = R"({"to":"a@example.org","sent":true,"code":250,"answer":"OK id=1"})";
    const std::string bad = R"({"to":"b@example.org","sent":false,"code":535,"answer":"\u001b[2Jlogin refused"})";
    FakeDaemon daemon;
    daemon.reply(kTest, R"({"results":[)" + good + "]}");
    const Ended sent = ctl({"alerts", "test", "--to", "a@example.org"}, pipe_to(daemon));
    EXPECT_EQ(sent.code, 0) << sent.err;
    EXPECT_NE(sent.out.find("OK id=1"), std::string::npos);
    EXPECT_TRUE(same_json(daemon.parameters(kTest), R"({"to":"a@example.org"})"));
    for (const auto& [results, code] : {std::pair(good + "," + bad, 1), std::pair(std::string(), 1)})
        for (const char* form : {"--no-legend", "--json", "--csv"}) {
            FakeDaemon other;
            other.reply(kTest, R"({"results":[)" + results + "]}");
            const Ended ended = ctl({"alerts", "test", form}, pipe_to(other));
            EXPECT_EQ(ended.code, code) << form;
            if (std::string(form) != "--csv") {
                EXPECT_EQ(ended.out.find('\033'), std::string::npos) << form;
            }
        }
    FakeDaemon without;
    without.error(kTest, "io.bkmon.Alerts.NoMail", R"({"message":"add a 'mail:' section"})");
    const Ended none = ctl({"alerts", "test"}, pipe_to(without));
    EXPECT_EQ(none.code, 1);
    EXPECT_EQ(none.err, "bkmonctl: add a 'mail:' section\n");
}

TEST(Alerts, ExplainShowsRuleRecipientsAndTheMail) {
    FakeDaemon daemon;
    daemon.reply("io.bkmon.Alerts.Explain",
                 R"({"target":"deposit/a/b","status":"missing","severity":"CRITICAL","rule":"bkmon.yaml:30:5","mail":"at_once","to":["a@x","b@x"],
                     "after":3,"remind":"4h","reminders":6,"template":null,"silenced":"silence 4: new lines","paused":false,"incident":)" +
                     json_of({12}) + R"(,"subject":"[CRITICAL] deposit/a/b\u001b[2J","text":"First line\r\n\r\n    bkmonctl explain\u202e x\r\n"})");
    const Ended ended = ctl({"alerts", "explain", "deposit/a/b"}, pipe_to(daemon));
    EXPECT_EQ(ended.code, 0) << ended.err;
    for (const char* part :
         {"deposit/a/b is missing (CRITICAL), which is mailed at once\n", "bkmon.yaml:30:5", "a@x, b@x", "3 bad verdicts in a row",
          "each 4h, at most 6", "silence 4: new lines", "12 (said)", "  Subject: [CRITICAL] deposit/a/b\\x1b[2J\n\n  First line\n\n      bkmonctl"})
        EXPECT_NE(ended.out.find(part), std::string::npos) << part << "\n" << ended.out;
    EXPECT_EQ(ended.out.find('\033'), std::string::npos);
    EXPECT_EQ(ended.out.find("\xe2\x80\xae"), std::string::npos);
    FakeDaemon other;
    other.reply("io.bkmon.Alerts.Explain",
                R"({"target":"a/b","status":"late","severity":"WARNING","rule":null,"mail":"never","to":[],"after":1,"remind":null,
        "reminders":0,"template":null,"silenced":null,"paused":false,"incident":null,"subject":null,"text":null})");
    const Ended never = ctl({"alerts", "explain", "a/b"}, pipe_to(other));
    for (const char* part : {"which is not mailed", "none fits", "nobody"}) EXPECT_NE(never.out.find(part), std::string::npos) << never.out;
    EXPECT_EQ(never.out.find("what the mail says"), std::string::npos);
}

}  // namespace
}  // namespace bkmon::test
