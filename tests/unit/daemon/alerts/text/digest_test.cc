#include "daemon/alerts/text/digest.h"

#include <gmock/gmock.h>

#include "common/base/text.h"
#include "samples.h"

namespace bkmon::alerts {
namespace {

using core::Severity;
using core::Status;
using testing::HasSubstr;
using testing::Not;

Composed mail_of(const DigestStory& s) { return compose_digest(s).value(); }

std::size_t& count(DigestStory& s, Status status) { return s.counts[static_cast<std::size_t>(status)]; }

DigestStory with_day(std::size_t good, std::size_t bad, std::size_t total) {
    auto s = sample_digest(true);
    s.days = {{"2026-11-22", good, bad, total}};
    return s;
}

/// The bar of the only day.
std::string bar(const DigestStory& s) {
    const auto text = mail_of(s).text;
    const auto at = text.find("Sun 22 Nov  ");
    return at == std::string::npos ? "" : text.substr(at + 12, 24);
}

TEST(Digest, TheSubjectBeginsWithSeverityAndCounts) {
    EXPECT_EQ(mail_of(sample_digest(true)).subject, "[OK] 214 of 214 good, 22 Nov 2026 (bkmon main)");
    EXPECT_EQ(mail_of(sample_digest(true, Language::fr)).subject, "[BON] 214 sur 214 en ordre, 22 nov. 2026 (bkmon main)");
    EXPECT_EQ(
        mail_of(sample_digest(false)).subject,
        "[CRITICAL] 4 of 214 bad, 22 Nov 2026: deposit/sirpacam_douala_newbell/SDMC_2023, deposit/sirpacam_bafoussam/SDMC_2023, … (bkmon main)");
}

TEST(Digest, AllWellIsSaidPlainlyAndWhenTheNextComes) {
    const auto text = mail_of(sample_digest(true)).text;
    EXPECT_THAT(text, HasSubstr("\n All is well: no problem is open.\n The next of these mails comes on 2026-11-23 08:00 WAT."));
    for (const auto* heading : {"New problems", "Still open", "Held files", "Recovered", "Silences", "delivered"})
        EXPECT_THAT(text, Not(HasSubstr(heading)));
    EXPECT_THAT(mail_of(sample_digest(false)).text, Not(HasSubstr("All is well")));
    EXPECT_THAT(mail_of(sample_digest(false)).text, HasSubstr("comes on 2026-11-23 08:00 WAT"));
}

TEST(Digest, ItsSeverityIsThatOfTheWorst) {
    auto s = sample_digest(true);
    const auto severity = [&] { return mail_of(s).subject.substr(0, mail_of(s).subject.find(' ')); };
    count(s, Status::late) = count(s, Status::paused) = 1;
    EXPECT_EQ(severity(), "[OK]");
    count(s, Status::unknown) = 1;
    EXPECT_EQ(severity(), "[UNKNOWN]");
    count(s, Status::unknown) = 0;
    s.failed_mails = 1;
    EXPECT_EQ(severity(), "[WARNING]");
    // Bad ones that no list names, for a silence hides them: they count.
    count(s, Status::missing) = 1;
    EXPECT_EQ(severity(), "[CRITICAL]");
    // A rule may have said that it matters less.
    auto item = sample_digest(false).fresh.front();
    item.severity = Severity::warning;
    s.open = {item};
    EXPECT_EQ(severity(), "[WARNING]");
}

TEST(Digest, WithoutTargetsNothingIsWell) {
    DigestStory s;
    s.site = "main";
    s.now = sample_now();
    EXPECT_EQ(mail_of(s).subject, "[WARNING] nothing is watched, 22 Nov 2026 (bkmon main)");
    EXPECT_THAT(mail_of(s).text, HasSubstr("no target to judge"));
    EXPECT_THAT(mail_of(s).text, Not(HasSubstr("All is well")));
}

TEST(Digest, EachListTellsWhatItIsAbout) {
    const auto text = mail_of(sample_digest(false)).text;
    EXPECT_THAT(text,
                HasSubstr("New problems: 2\n  deposit/sirpacam_douala_newbell/SDMC_2023\n   missing since 2026-11-22 03:00 WAT\n   No report came"));
    EXPECT_THAT(text, HasSubstr("Held files: 1\n  deposit/sirpacam_kribi/SDMC_2023\n"));
    EXPECT_THAT(text, HasSubstr("    bkmonctl deposits release deposit/sirpacam_kribi/SDMC_2023 --sha256 " + std::string(64, 'c')));
    EXPECT_THAT(text, HasSubstr("   Acknowledged by anna: new disk ordered\n"));
    EXPECT_THAT(text, HasSubstr("Recovered: 1\n  deposit/sirpacam_edea/SDMC_2023\n   missing since 2026-11-22 03:00 WAT, it lasted 9 h 12 min\n"));
    EXPECT_THAT(text, HasSubstr("  deposit/sirpacam_new/SDMC_2023\n   never\n"));
    EXPECT_THAT(text, HasSubstr("  deposit/sirpacam_limbe/* until 2026-11-22 18:00 WAT, asked for by anna:"));
    EXPECT_THAT(text, HasSubstr("problems that it hides: 3"));
    EXPECT_THAT(text, HasSubstr("could not be delivered: 2"));
    EXPECT_THAT(text, HasSubstr("        199  ok\n          8  unchanged\n"));
}

TEST(Digest, ALongListIsCutWithACount) {
    auto s = sample_digest(false);
    s.fresh.assign(1000, s.fresh.front());
    s.silences.assign(25, s.silences.front());
    const auto mail = mail_of(s);
    EXPECT_THAT(mail.text, HasSubstr("New problems: 1000\n"));
    EXPECT_THAT(mail.text, HasSubstr("  … and 950 more\n"));
    EXPECT_THAT(mail.text, HasSubstr("  … and 5 more\n"));
    EXPECT_LT(mail.html.size(), 60000U);
}

TEST(Digest, TheTrendShowsTheLeastShare) {
    EXPECT_EQ(bar(with_day(214, 0, 214)), "########################");
    EXPECT_EQ(bar(with_day(99999, 1, 100000)), "#######################!");
    EXPECT_EQ(bar(with_day(1, 99999, 100000)), "#!!!!!!!!!!!!!!!!!!!!!!!");
    EXPECT_EQ(bar(with_day(99998, 1, 100000)), "######################!.");
    EXPECT_EQ(bar(with_day(1, 1, 100000)), "#!......................");
    EXPECT_EQ(bar(with_day(107, 107, 214)), "############!!!!!!!!!!!!");
    EXPECT_EQ(bar(with_day(0, 7, 7)), "!!!!!!!!!!!!!!!!!!!!!!!!");
    EXPECT_EQ(bar(with_day(0, 0, 7)), "........................");
    EXPECT_EQ(bar(with_day(0, 0, 0)), "                        ");
    EXPECT_EQ(bar(with_day(9, 9, 0)), "############!!!!!!!!!!!!");
    EXPECT_THAT(mail_of(with_day(0, 0, 0)).text, HasSubstr("no figures"));
}

TEST(Digest, TheTrendOfThePageFillsItsWidth) {
    for (std::size_t good = 0; good <= 40; ++good)
        for (std::size_t bad = 0; bad <= 40 - good; ++bad) {
            const auto html = mail_of(with_day(good, bad, 40)).html;
            std::size_t sum = 0;
            for (auto at = html.find(" width=\""); at != std::string::npos; at = html.find(" width=\"", at + 1))
                sum += std::stoul(html.substr(at + 8));
            ASSERT_EQ(sum, 100U) << good << " " << bad;
            ASSERT_EQ(html.find("bgcolor=\"#d1453b\"") != std::string::npos, bad > 0);
            const auto line = bar(with_day(good, bad, 40));
            ASSERT_EQ(line.find('!') != std::string::npos, bad > 0);
            ASSERT_EQ(line.find('#') != std::string::npos, good > 0);
            ASSERT_EQ(line.find(' '), std::string::npos);
        }
}

TEST(Digest, ItsDateIsThatOfTheConfiguredZone) {
    auto s = sample_digest(true);
    s.now = parse_rfc3339("2026-11-22T23:30:00Z").value();
    EXPECT_THAT(mail_of(s).subject, HasSubstr("23 Nov 2026"));  // of Douala, where it is half past midnight
    s.timezone = "America/Bogota";
    EXPECT_THAT(mail_of(s).subject, HasSubstr("22 Nov 2026"));
}

}  // namespace
}  // namespace bkmon::alerts
