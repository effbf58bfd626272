#include "daemon/alerts/text/compose.h"

#include <gmock/gmock.h>

#include "common/base/text.h"
#include "samples.h"

namespace bkmon::alerts {
namespace {

using core::Severity;
using core::Status;
using std::chrono::hours;
using testing::HasSubstr;
using testing::Not;

Composed mail_of(const Story& s) { return compose(s).value(); }

TEST(Compose, TheSubjectSaysHowBadHowManyAndWhich) {
    EXPECT_EQ(mail_of(sample_story(Word::opened)).subject, "[CRITICAL] deposit/sirpacam_douala_newbell/SDMC_2023 is missing (bkmon main)");
    EXPECT_EQ(mail_of(sample_story(Word::opened, Language::es)).subject,
              "[CRÍTICO] deposit/sirpacam_douala_newbell/SDMC_2023 está: ausente (bkmon main)");
    EXPECT_EQ(mail_of(sample_story(Word::opened, Language::fr)).subject,
              "[CRITIQUE] deposit/sirpacam_douala_newbell/SDMC_2023 : absente (bkmon main)");
    EXPECT_EQ(mail_of(sample_group(Word::opened)).subject, "[CRITICAL] 212 of 214 targets of region north are unreachable (bkmon main)");
    EXPECT_EQ(mail_of(sample_group(Word::opened, Language::es)).subject,
              "[CRÍTICO] 212 de 214 objetivos de región north: inalcanzables (bkmon main)");
    EXPECT_EQ(mail_of(sample_group(Word::recovered)).subject, "[OK] 212 of 214 targets of region north have recovered (bkmon main)");
    EXPECT_EQ(mail_of(sample_story(Word::recovered)).subject, "[OK] deposit/sirpacam_douala_newbell/SDMC_2023 has recovered (bkmon main)");
    EXPECT_EQ(mail_of(sample_story(Word::worse)).subject,
              "[CRITICAL] deposit/sirpacam_douala_newbell/SDMC_2023 got worse: held, now missing (bkmon main)");
    EXPECT_EQ(mail_of(sample_story(Word::reminder)).subject,
              "[CRITICAL] deposit/sirpacam_douala_newbell/SDMC_2023 is still missing after 3 d 4 h (bkmon main)");
    EXPECT_EQ(mail_of(sample_story(Word::flapping)).subject,
              "[CRITICAL] deposit/sirpacam_douala_newbell/SDMC_2023 changes all the time (bkmon main)");
    auto doubtful = sample_story(Word::opened);
    doubtful.told.front().status = Status::warning;
    doubtful.severity = Severity::warning;
    EXPECT_EQ(mail_of(doubtful).subject, "[WARNING] deposit/sirpacam_douala_newbell/SDMC_2023 has a warning (bkmon main)");
    doubtful.site.clear();
    EXPECT_THAT(mail_of(doubtful).subject, HasSubstr("(bkmon)"));
    EXPECT_THAT(mail_of(doubtful).text, HasSubstr("-- \nbkmon 0.4.0\n"));
}

TEST(Compose, SeveralWithoutACommonCauseAreCountedByWhatTheyAre) {
    auto s = sample_group(Word::opened);
    s.trait.clear();
    s.told.resize(5);
    EXPECT_EQ(mail_of(s).subject, "[CRITICAL] 5 targets are unreachable (bkmon main)");
    s.told.back().status = Status::missing;
    EXPECT_EQ(mail_of(s).subject, "[CRITICAL] 5 targets are unreachable, missing (bkmon main)");
    EXPECT_THAT(mail_of(s).text, HasSubstr("   missing since 2026-11-22 04:00 WAT, last healthy backup: 2026-11-21"));
    EXPECT_THAT(mail_of(s).text, Not(HasSubstr("Likely cause")));
    for (const auto word : {Word::worse, Word::better, Word::reminder, Word::flapping, Word::recovered}) {
        s.word = word;
        EXPECT_THAT(mail_of(s).subject, HasSubstr("5 targets")) << name_of(word);
    }
}

TEST(Compose, OneTargetHasItsEvidenceAndWhatToDo) {
    const auto mail = mail_of(sample_story(Word::opened));
    EXPECT_THAT(mail.text, HasSubstr("  since:               2026-11-22 04:00 WAT\n"
                                     "  last healthy backup: 2026-11-21 04:00 WAT\n"
                                     "  due:                 2026-11-22 03:00 WAT\n"));
    EXPECT_THAT(mail.text, HasSubstr("What to do\n The deadline has passed and no report came"));
    EXPECT_THAT(mail.text, HasSubstr("\n    bkmonctl explain deposit/sirpacam_douala_newbell/SDMC_2023\n"));
    EXPECT_THAT(mail.html, HasSubstr("<td class=\"label\">last healthy backup</td><td>2026-11-21 04:00 WAT</td>"));
    auto never = sample_story(Word::opened);
    never.told.front().last_ok_at.reset();
    EXPECT_THAT(mail_of(never).text, HasSubstr("last healthy backup: never\n"));
}

TEST(Compose, InAnotherLanguageTheReasonIsQuoted) {
    const auto mail = mail_of(sample_story(Word::opened, Language::es));
    EXPECT_THAT(mail.text, HasSubstr("  motivo:            No report came"));
    EXPECT_THAT(mail.text, HasSubstr("Qué hacer\n El plazo ha vencido"));
    // Without a meaning of its own it is all that there is to tell.
    auto unknown = sample_story(Word::opened, Language::es);
    unknown.told.front().reason_code = "news";
    EXPECT_THAT(mail_of(unknown).text, HasSubstr("\n No report came"));
    EXPECT_THAT(mail_of(unknown).text, Not(HasSubstr("Qué hacer")));
}

TEST(Compose, ARecoveryTellsHowLongItTook) {
    const auto mail = mail_of(sample_story(Word::recovered));
    EXPECT_THAT(mail.text, HasSubstr("  it was:              missing\n"));
    EXPECT_THAT(mail.text, HasSubstr("  it lasted:           3 h 48 min\n"));
    EXPECT_THAT(mail.text, HasSubstr("  size:                188.2 MiB\n"));
    EXPECT_THAT(mail.text, Not(HasSubstr("What to do")));
    EXPECT_THAT(mail.html, HasSubstr("background:#1d6b3a"));
}

TEST(Compose, AHeldFileComesWithTheCommandsThatEndIt) {
    auto s = sample_story(Word::opened);
    auto& t = s.told.front();
    t.status = Status::held;
    t.sha256 = std::string(63, 'A') + "f";
    const auto rest = "deposit/sirpacam_douala_newbell/SDMC_2023 --sha256 " + std::string(63, 'a') + "f\n";
    EXPECT_THAT(mail_of(s).text, HasSubstr("\n    bkmonctl deposits release " + rest));
    EXPECT_THAT(mail_of(s).text, HasSubstr("\n    bkmonctl deposits reject " + rest));
    t.sha256 += "; reboot";
    EXPECT_THAT(mail_of(s).text, Not(HasSubstr("bkmonctl deposits")));
    t.sha256.clear();
    EXPECT_THAT(mail_of(s).text, Not(HasSubstr("bkmonctl deposits")));
}

TEST(Compose, ALongListIsCutWithACount) {
    const auto mail = mail_of(sample_group(Word::opened));
    EXPECT_THAT(mail.text, HasSubstr("deposit/outlet_199/SDMC_2023\n"));
    EXPECT_THAT(mail.text, Not(HasSubstr("deposit/outlet_200/SDMC_2023")));
    EXPECT_THAT(mail.text, HasSubstr("  … and 12 more\n"));
    EXPECT_THAT(mail.text, HasSubstr("Likely cause: they share region north (212 of 214)\n"));
    EXPECT_THAT(mail.text, HasSubstr("bkmonctl status --problems\n"));
    // What to do is not behind two hundred names.
    EXPECT_LT(mail.text.find("What to do"), mail.text.find("Targets: 212\n"));
    EXPECT_LT(mail.html.find("What to do"), mail.html.find("Targets: 212<"));
}

TEST(Compose, SeveralReasonsAreToldWithTheirCounts) {
    auto s = sample_group(Word::opened);
    s.told.resize(4);
    s.told[1].reason_code = "unreadable";
    const auto text = mail_of(s).text;
    EXPECT_LT(text.find("for 3 of these: The deposit root"), text.find("for 1 of these: bkmon may not read the file"));
    EXPECT_NE(text.find("for 1 of these"), std::string::npos);
}

TEST(Compose, WhatWasHeldBackIsSaid) {
    auto s = sample_story(Word::reminder);
    s.suppressed = 7;
    s.silenced = SilenceTold{"deposit/*", sample_now(), "anna", "move of the servers", 0};
    s.acked_by = "paul";
    s.note = "disk ordered";
    const auto text = mail_of(s).text;
    EXPECT_THAT(text, HasSubstr(" Mails that the limit held back before this one: 7\n"));
    EXPECT_THAT(text, HasSubstr(" A silence kept this mail back: deposit/* until 2026-11-22 08:00 WAT, asked\n for by anna: move of the servers\n"));
    EXPECT_THAT(text, HasSubstr(" Acknowledged by paul: disk ordered\n"));
}

/// What is told when bkmon's own records cannot be written, straight to the mail server.
TEST(Compose, BkmonsOwnPartsHaveNoBackups) {
    auto s = sample_story(Word::opened);
    auto t = sample_told("bkmon/history", Status::failed, "history_unwritable");
    ASSERT_TRUE(t.last_ok_at);
    t.reason = "No space left on device.";
    s.told = {t};
    const auto mail = mail_of(s);
    EXPECT_EQ(mail.subject, "[CRITICAL] bkmon/history is failed (bkmon main)");
    EXPECT_THAT(mail.text, Not(HasSubstr("backup")));
    EXPECT_THAT(mail.text, HasSubstr("Free space on the disk of history.path"));
}

TEST(Compose, TimesAreOfTheConfiguredZone) {
    auto s = sample_story(Word::opened);
    s.timezone = "Europe/Madrid";
    s.told.front().problem_at = parse_rfc3339("2026-10-25T01:30:00Z").value();
    EXPECT_THAT(mail_of(s).text, HasSubstr("2026-10-25 02:30 CET\n"));
    s.told.front().problem_at -= hours(1);
    EXPECT_THAT(mail_of(s).text, HasSubstr("2026-10-25 02:30 CEST\n"));
}

TEST(Compose, TheTextFitsATerminal) {
    for (const auto& [name, mail] : all_samples())
        for (const auto& line : split(mail.text, '\n')) {
            // A word is not cut: it stands alone, or after the label that it belongs to.
            const bool endless = name.rfind("endless", 0) == 0;
            EXPECT_TRUE(endless || line.rfind("    ", 0) == 0 || display_width(line) <= 78) << name << ": " << line;
        }
}

TEST(Compose, ThePageLoadsNothing) {
    for (const auto& [name, mail] : all_samples())
        for (const auto* word : {"<img", "<link", "<script", "<iframe", "src=", "href=", "url(", "@import", "http:", "https:", "//"})
            EXPECT_EQ(mail.html.find(word), std::string::npos) << name << " has " << word;
}

TEST(ComposeTest, IsAMailLikeTheOthers) {
    for (const auto l : {Language::en, Language::es, Language::fr}) {
        const auto mail = compose_test({l, "main", "Africa/Douala", "0.4.0", sample_now(), "anna"}).value();
        EXPECT_THAT(mail.subject, HasSubstr(std::string(phrase(l, Phrase::test_subject)) + " (bkmon main)"));
        EXPECT_THAT(mail.text, HasSubstr("anna, 2026-11-22 08:00 WAT\n"));
        EXPECT_THAT(mail.html, HasSubstr("background:#1d6b3a"));
        EXPECT_THAT(mail.text, HasSubstr("bkmonctl alerts outbox"));
    }
}

}  // namespace
}  // namespace bkmon::alerts
