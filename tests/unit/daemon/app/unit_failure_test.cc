#include "daemon/app/unit_failure.h"

#include <gmock/gmock.h>

#include "daemon/app/failure_mail.h"

namespace bkmon::test {
namespace {

using app::UnitFailure;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

UnitFailure read(const std::string& shown) {
    UnitFailure f;
    app::read_properties(shown, f);
    return f;
}

TEST(UnitFailure, SaysHowItEnded) {
    const auto exited = read("Result=exit-code\nExecMainCode=1\nExecMainStatus=203\nStateChangeTimestamp=@1795316645\n");
    EXPECT_EQ(exited.result, "exit-code");
    EXPECT_EQ(exited.ended, "status 203");
    EXPECT_EQ(exited.since, Time(std::chrono::seconds(1795316645)));
    EXPECT_EQ(read("ExecMainCode=2\nExecMainStatus=9\n").ended, "signal 9");
    EXPECT_EQ(read("ExecMainCode=3\nExecMainStatus=6\n").ended, "signal 6");
}

TEST(UnitFailure, LeavesOutWhatItCannotRead) {
    for (const char* shown : {"", "Result", "=", "Result=success\nExecMainCode=0\nExecMainStatus=0\nStateChangeTimestamp=\n",
                              "Result=\nExecMainCode=1\nExecMainStatus=0\nStateChangeTimestamp=n/a\n",
                              "ExecMainStatus=x\nExecMainCode=1\nStateChangeTimestamp=@-5\n", "StateChangeTimestamp=@99999999999999999999\n",
                              "StateChangeTimestamp=@9999999999999\n", "StateChangeTimestamp=@\n", "StateChangeTimestamp=@0\n"}) {
        const auto f = read(shown);
        EXPECT_EQ(f.result + f.ended, "") << shown;
        EXPECT_FALSE(f.since) << shown;
    }
}

TEST(UnitFailure, ALineOfTheJournalIsPrintableAndShort) {
    const auto lines = app::journal_lines("one\n\n  \ntwo \x1b[31m\n" + std::string(10000, 'x') + "\n");
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0], "one");
    EXPECT_EQ(lines[1].find('\x1b'), std::string::npos);
    EXPECT_LE(lines[2].size(), 400U);
}

TEST(UnitFailure, TheLastLinesOfTheJournalCount) {
    std::string text;
    for (int i = 0; i < 100; ++i) text += std::to_string(i) + "\n";
    const auto lines = app::journal_lines(text);
    ASSERT_EQ(lines.size(), 20U);
    EXPECT_EQ(lines.front(), "80");
    EXPECT_EQ(lines.back(), "99");
}

TEST(UnitFailure, KnowsNamesOfUnits) {
    for (const char* good : {"bkmond.service", "bkmond-failure@bkmond.service.service", "a", R"(dev-disk\x2dby.mount)"})
        EXPECT_TRUE(app::is_unit_name(good)) << good;
    for (const char* bad : {"", "-x", "--help", "a b", "a/b", "a;b", "a\nb", "ü"}) EXPECT_FALSE(app::is_unit_name(bad)) << bad;
    EXPECT_FALSE(app::is_unit_name(std::string(256, 'a')));
}

app::FailureNews news() {
    app::FailureNews n;
    n.failure = read("Result=exit-code\nExecMainCode=1\nExecMainStatus=1\nStateChangeTimestamp=@1795316645\n");
    n.failure.unit = "bkmond.service";
    n.failure.journal = {"<b>& last words"};
    n.host = "vm";
    n.site = "north";
    n.version = "1";
    n.language = "en";
    n.timezone = "Europe/Madrid";
    n.config = "/etc/bkmon/bkmon.yaml";
    n.now = Time(std::chrono::seconds(1795316700));
    return n;
}

TEST(FailureMail, TheSameFailureHasTheSameIdForTheSameRecipient) {
    auto later = news();
    later.now += std::chrono::minutes(5);
    const auto id = [](const app::FailureNews& n, const char* to) { return app::failure_mail(n, to, "example.org", false).message_id; };
    EXPECT_EQ(id(news(), "a@example.org"), id(later, "a@example.org"));
    EXPECT_NE(id(news(), "a@example.org"), id(news(), "b@example.org"));
    later.failure.since = Time(std::chrono::seconds(1795399999));
    EXPECT_NE(id(news(), "a@example.org"), id(later, "a@example.org"));
}

TEST(FailureMail, AZoneThatIsNoneIsUtc) {
    auto n = news();
    EXPECT_THAT(app::failure_mail(n, "a@example.org", "example.org", false).text, HasSubstr("2026-11-22 04:04 CET"));
    n.timezone = "Nowhere/At_All";
    EXPECT_THAT(app::failure_mail(n, "a@example.org", "example.org", false).text, HasSubstr("2026-11-22 03:04 UTC"));
}

TEST(FailureMail, BrieflyWithoutTheJournal) {
    const auto whole = app::failure_mail(news(), "a@example.org", "example.org", false),
               brief = app::failure_mail(news(), "a@example.org", "example.org", true);
    EXPECT_THAT(whole.text, HasSubstr("<b>& last words"));
    EXPECT_THAT(whole.html, HasSubstr("&lt;b&gt;&amp; last words"));
    EXPECT_THAT(brief.text + brief.html, Not(testing::AnyOf(HasSubstr("& last"), HasSubstr("&amp; last"), HasSubstr("Its last words"))));
    EXPECT_EQ(whole.message_id, brief.message_id);
}

TEST(FailureMail, ManyProblemsAreCounted) {
    auto n = news();
    for (int i = 0; i < 25; ++i) n.problems.push_back("problem " + std::to_string(i));
    const auto text = app::failure_mail(n, "a@example.org", "example.org", false).text;
    EXPECT_THAT(text, HasSubstr("problem 9\n"));
    EXPECT_THAT(text, Not(HasSubstr("problem 10")));
    EXPECT_THAT(text, HasSubstr("+15"));
}

TEST(FailureMail, EveryLanguageSaysAllOfIt) {
    for (const char* language : {"en", "es", "fr", "xx"}) {
        auto n = news();
        n.language = language;
        n.problems = {"a problem"};
        const auto m = app::failure_mail(n, "a@example.org", "example.org", false);
        for (const auto& part : {m.text, m.html})
            for (const char* said : {"bkmond.service", "vm", "north", "exit-code, status 1", "a problem", "systemctl start bkmond.service"})
                EXPECT_THAT(part, HasSubstr(said)) << language;
        EXPECT_THAT(m.subject, Not(HasSubstr("{}")));
    }
}

}  // namespace
}  // namespace bkmon::test
