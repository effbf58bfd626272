#include "daemon/outlets/judgement/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/base/text.h"
#include "daemon/core/reason_codes.h"
#include "tests/unit/daemon/outlets/judgement/bench.h"

namespace bkmon::outlets {
namespace {

using core::Status;
using mtf::Form;
using mtf::Kind;
using mtf::Sure;
using mtf::Whole;
using smb::Outcome;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using What = Judged::What;
using Content = smb::Visit::Content;

struct Case {
    const char* name;
    void (*change)(Scene&);
    Status status;
    const char* code;
    const char* says;
};

void with_outcome(Scene& s, Outcome outcome) {
    s.nothing_found();
    s.visit.outcome = outcome;
    s.visit.share.clear();
    s.visit.files = s.visit.matching = 0;
}

const Case kCases[] = {
    {"healthy", [](Scene&) {}, Status::ok, "fresh",
     "'SALES.bak', 5.0 MiB, of 2025-11-22 04:00 CET, on drive D; SQL Server backup of 'SALES', full, whole"},
    {"no_outcome_but_a_fault", [](Scene& s) { with_outcome(s, Outcome::internal); }, Status::unreachable, "scan_fault", "bkmon itself"},
    {"no_share", [](Scene& s) { with_outcome(s, Outcome::no_share); }, Status::missing, "no_share", "10.1.2.3 has no share d$"},
    {"no_folder", [](Scene& s) { with_outcome(s, Outcome::no_folder), s.visit.share = "d$"; }, Status::missing, "no_folder",
     "no folder 'BackupFull' on d$"},
    {"no_drive",
     [](Scene& s) {
         with_outcome(s, Outcome::no_drive), s.mode.shares = {"e$", "f$", "g$"};
     },
     Status::missing, "no_drive", "'BackupFull' (e$, f$ or g$) is on no drive of 10.1.2.3"},
    {"access_denied", [](Scene& s) { with_outcome(s, Outcome::access_denied); }, Status::unreachable, "access_denied",
     "CORP\\svc_backup log in, but not read"},
    {"login_refused", [](Scene& s) { with_outcome(s, Outcome::login_refused); }, Status::unreachable, "login_refused",
     "refuses the login of CORP\\svc_backup"},
    {"account_locked", [](Scene& s) { with_outcome(s, Outcome::account_locked); }, Status::unreachable, "account_locked", "locked: unlock it"},
    {"password_expired", [](Scene& s) { with_outcome(s, Outcome::password_expired); }, Status::unreachable, "password_expired",
     "put the account right"},
    {"clock_skew", [](Scene& s) { with_outcome(s, Outcome::clock_skew); }, Status::unreachable, "clock_skew", "clock differs"},
    {"name_unknown", [](Scene& s) { with_outcome(s, Outcome::name_unknown); }, Status::unreachable, "name_unknown", "cannot be resolved"},
    {"refused", [](Scene& s) { with_outcome(s, Outcome::refused); }, Status::unreachable, "refused", "nothing listens on 10.1.2.3, port 445"},
    {"unreachable", [](Scene& s) { with_outcome(s, Outcome::unreachable); }, Status::unreachable, "unreachable", "no way to 10.1.2.3"},
    {"timeout", [](Scene& s) { with_outcome(s, Outcome::timeout), s.occasion.tries = 2; }, Status::unreachable, "timeout", "tried 2 times"},
    {"reset", [](Scene& s) { with_outcome(s, Outcome::reset), s.visit.detail = "NT_STATUS_X"; }, Status::unreachable, "reset", "(NT_STATUS_X)"},
    {"protocol", [](Scene& s) { with_outcome(s, Outcome::protocol); }, Status::unreachable, "protocol", "does not speak SMB"},
    {"too_many", [](Scene& s) { with_outcome(s, Outcome::too_many); }, Status::unreachable, "too_many", "more entries"},
    {"worker_crashed", [](Scene& s) { with_outcome(s, Outcome::worker_crashed); }, Status::unreachable, "worker_crashed", "died of them"},

    {"empty_folder", [](Scene& s) { s.nothing_found(), s.visit.files = s.visit.matching = 0; }, Status::missing, "empty_folder",
     "'BackupFull' on d$ is empty"},
    {"no_match", [](Scene& s) { s.nothing_found(), s.visit.matching = 0; }, Status::missing, "no_file",
     "none of the 9 files in 'BackupFull' on d$ is a *.bak"},
    {"only_small", [](Scene& s) { s.nothing_found(), s.visit.too_small = s.visit.matching, s.visit.largest_too_small = file_of(3h, "S.bak", 700); },
     Status::missing, "too_small", "smaller than 1.0 KiB: the largest is 'S.bak', 700 B"},
    {"too_old", [](Scene& s) { s.visit.newest = file_of(73h); }, Status::missing, "too_old", "the newest is 3 days old"},
    {"just_too_old", [](Scene& s) { s.visit.newest = file_of(26h); }, Status::missing, "too_old", "the newest is 1 day old"},
    {"just_young_enough", [](Scene& s) { s.visit.newest = file_of(26h - 1ms); }, Status::ok, "fresh", ""},
    {"short_age", [](Scene& s) { s.mode.max_age = 4h, s.visit.newest = file_of(5h); }, Status::missing, "too_old", "the newest is 5 h old"},
    {"any_age", [](Scene& s) { s.mode.max_age.reset(), s.visit.newest = file_of(24000h), s.reading().finished_at = kNow - 24000h; }, Status::ok,
     "fresh", ""},

    {"future_alone", [](Scene& s) { s.nothing_found(), s.visit.future = file_of(-50h, "F.bak"), s.visit.in_future = 1; }, Status::held, "future",
     "'F.bak', 5.0 MiB, of 2025-11-24 09:00 CET is dated 2 days in the future"},
    {"future_beside_a_fresh_one", [](Scene& s) { s.visit.future = file_of(-2h), s.visit.in_future = 3; }, Status::held, "future", "and 2 more are"},
    {"future_beside_an_old_one", [](Scene& s) { s.visit.future = file_of(-2h), s.visit.newest = file_of(73h), s.visit.in_future = 1; },
     Status::missing, "too_old", "besides, 'SALES.bak'"},

    {"zeros", [](Scene& s) { s.reading().form = Form::zeros, s.reading().first_bytes = std::string(32, '0'), s.seen_before(); }, Status::corrupt,
     "zeros", "'SALES.bak', 5.0 MiB, of 2025-11-22 04:00 CET, on drive D: all that was read of it is zeros"},
    {"random", [](Scene& s) { s.reading().form = Form::random, s.reading().first_bytes = "9f3a"; }, Status::corrupt, "scrambled", "malware"},
    {"lost_header", [](Scene& s) { s.reading().form = Form::other, s.reading().first_bytes = "00017f80", s.seen_before(); }, Status::corrupt,
     "lost_header", "00017f80"},
    {"nothing", [](Scene& s) { s.reading().form = Form::nothing, s.seen_before(); }, Status::corrupt, "truncated", "too short"},
    {"incomplete",
     [](Scene& s) {
         s.reading().whole = {Whole::incomplete, Sure::proven}, s.reading().why = "no SFMB", s.seen_before();
     },
     Status::corrupt, "truncated", "its end is missing: no SFMB"},
    {"damaged",
     [](Scene& s) {
         s.reading().whole = {Whole::damaged, Sure::proven}, s.seen_before();
     },
     Status::corrupt, "damaged", "damaged"},
    {"aborted",
     [](Scene& s) {
         s.reading().whole = {Whole::aborted, Sure::proven}, s.seen_before();
     },
     Status::corrupt, "aborted", "gave it up"},
    {"likely_incomplete",
     [](Scene& s) {
         s.reading().form = Form::packed, s.reading().whole = {Whole::incomplete, Sure::likely}, s.seen_before();
     },
     Status::warning, "maybe_damaged", "looks as if its end is missing"},
    {"perhaps_incomplete",
     [](Scene& s) {
         s.reading().whole = {Whole::incomplete, Sure::unknown};
     },
     Status::ok, "fresh", "whether it is whole is unknown"},
    {"packed", [](Scene& s) { s.reading() = {}, s.reading().form = Form::packed; }, Status::ok, "fresh",
     "compressed or encrypted, whether it is whole is unknown"},

    {"zip_as_bak", [](Scene& s) { s.reading().form = Form::random, s.reading().first_bytes = "504b030414000000"; }, Status::warning, "other_format",
     "begins as a zip archive does (504b0304"},
    {"zip_as_zip", [](Scene& s) { s.reading().form = Form::other, s.reading().first_bytes = "504b0304", s.visit.newest->name = "A.ZIP"; }, Status::ok,
     "fresh", "its content is unknown"},
    {"script", [](Scene& s) { s.reading().form = Form::other, s.reading().first_bytes = "2d2d204d7953514c2064756d70"; }, Status::warning,
     "other_format", "as a text"},
    {"wide_script", [](Scene& s) { s.reading().form = Form::other, s.reading().first_bytes = "fffe2d002d00200055005300"; }, Status::warning,
     "other_format", "as a text"},
    {"other_tape", [](Scene& s) { s.reading().form = Form::other_tape; }, Status::warning, "other_format", "not one of SQL Server"},

    {"old_copy", [](Scene& s) { s.reading().finished_at = kNow - 3h - 48h - 1ms; }, Status::held, "old_copy",
     "written 2 days before the date of its file, on 2025-11-20 03:59"},
    {"late_copy", [](Scene& s) { s.reading().finished_at = kNow - 3h - 48h; }, Status::ok, "fresh", ""},
    {"late_copy_of_a_slow_mode", [](Scene& s) { s.mode.max_age = 200h, s.reading().finished_at = kNow - 3h - 190h; }, Status::ok, "fresh", ""},
    {"begun_long_ago", [](Scene& s) { s.reading().finished_at.reset(), s.reading().started_at = kNow - 900h; }, Status::held, "old_copy", "37 days"},
    {"date_unknown", [](Scene& s) { s.reading().finished_at = kNow - 900h, s.reading().times = Sure::unknown; }, Status::ok, "fresh", ""},

    {"its_database", [](Scene& s) { s.mode.database = "sal*"; }, Status::ok, "fresh", ""},
    {"other_database", [](Scene& s) { s.mode.database = "STOCK_{code}"; }, Status::held, "other_database",
     "the database 'SALES', not of 'STOCK_SHOP7'"},
    {"its_own_database", [](Scene& s) { s.mode.database = "S?_{code}-{label:region}", s.reading().database.value = "sx_shop7-NORTH"; }, Status::ok,
     "fresh", ""},
    {"code_is_no_pattern", [](Scene& s) { s.outlet.code = "*", s.mode.database = "{code}"; }, Status::held, "other_database", "not of '[*]'"},
    {"label_is_not_there", [](Scene& s) { s.mode.database = "{label:city}"; }, Status::ok, "fresh", ""},
    {"likely_other_database", [](Scene& s) { s.mode.database = "STOCK", s.reading().database.sure = Sure::likely; }, Status::warning,
     "other_database", "likely"},
    {"unknown_database", [](Scene& s) { s.mode.database = "STOCK", s.reading().database.sure = Sure::unknown; }, Status::ok, "fresh", ""},
    {"other_kind",
     [](Scene& s) {
         s.mode.kinds = {"full", "copy_only"}, s.reading().kind.value = Kind::differential;
     },
     Status::held, "other_kind", "a differential backup, not full or copy_only"},
    {"likely_other_kind",
     [](Scene& s) {
         s.mode.kinds = {"full"}, s.reading().kind = {Kind::log, Sure::likely};
     },
     Status::warning, "other_kind", "likely"},
    {"unknown_kind",
     [](Scene& s) {
         s.mode.kinds = {"full"}, s.reading().kind = {Kind::log, Sure::unknown};
     },
     Status::ok, "fresh", ""},
    {"a_part", [](Scene& s) { s.reading().part = 1, s.reading().parts = 2; }, Status::ok, "fresh", "part 1 of 2"},
    {"appended", [](Scene& s) { s.reading().sets = 6; }, Status::ok, "fresh", "the last of 6"},

    {"not_opened",
     [](Scene& s) { s.visit.content = Content::not_opened, s.visit.content_detail = "NT_STATUS_INVALID_PARAMETER", s.visit.reading.reset(); },
     Status::ok, "fresh", "could not be opened (NT_STATUS_INVALID_PARAMETER), so its content is unknown"},
    {"not_asked", [](Scene& s) { s.visit.content = Content::not_asked, s.visit.reading.reset(); }, Status::ok, "fresh", "seen from outside only"},
    {"held_open_for_long", [](Scene& s) { s.visit.newest = file_of(7h), s.visit.content = Content::in_use, s.visit.reading.reset(); }, Status::ok,
     "fresh", "another program has it open"},

    {"corrupt_hides_held",
     [](Scene& s) {
         s.reading().whole = {Whole::damaged, Sure::proven}, s.mode.database = "X", s.visit.future = file_of(-3h), s.seen_before();
     },
     Status::corrupt, "damaged", "besides, it is a backup of the database"},
    {"missing_hides_corrupt", [](Scene& s) { s.visit.newest = file_of(80h), s.reading().form = Form::zeros; }, Status::missing, "too_old",
     "besides, all that was"},
    {"held_hides_warning",
     [](Scene& s) {
         s.reading().whole = {Whole::incomplete, Sure::likely}, s.reading().finished_at = kNow - 100h, s.seen_before();
     },
     Status::held, "old_copy", "besides, it looks as if"},
    {"another_drive", [](Scene& s) { s.visit.share = "F$", s.occasion.other_drive = "E:"; }, Status::ok, "fresh",
     "on drive F (before, it was on drive E)"},
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Cases : public testing::TestWithParam<Case> {};

TEST_P(Cases, HasItsVerdict) {
    Scene s;
    GetParam().change(s);
    const auto j = s.judged();
    ASSERT_EQ(j.what, What::verdict) << j.verdict.reason;
    const auto& v = j.verdict;
    EXPECT_EQ(name_of(v.status), name_of(GetParam().status)) << v.reason;
    EXPECT_EQ(v.severity, severity_of(v.status));
    EXPECT_EQ(v.reason_code, GetParam().code) << v.reason;
    EXPECT_THAT(v.reason, HasSubstr(GetParam().says));
    EXPECT_NE(core::find_reason(v.reason_code), nullptr);
    EXPECT_EQ(v.at, kNow);
    EXPECT_EQ(v.duration, 120ms);
    const auto evidence = nlohmann::json::parse(v.evidence);
    EXPECT_EQ(evidence["outcome"], smb::word(s.visit.outcome));
    EXPECT_EQ(evidence["credential"], "CORP\\svc_backup");
    EXPECT_EQ(evidence["rule"].empty() ? "fresh" : evidence["rule"][0], v.reason_code);
}

INSTANTIATE_TEST_SUITE_P(Outlets, Cases, testing::ValuesIn(kCases), [](const auto& i) { return i.param.name; });

TEST(Judge, TellsWhatReportsShow) {
    Scene s;
    const auto v = s.judged().verdict;
    EXPECT_EQ(v.file, "SALES.bak");
    EXPECT_EQ(v.size_bytes, 5U << 20);
    EXPECT_EQ(v.backup_at, kNow - 3h);
    EXPECT_EQ(v.place, "D:");
    EXPECT_TRUE(v.run.empty() && !v.due && v.sha256.empty());
    s.visit.future = file_of(-3h, "F.bak", 7);
    const auto future = s.judged().verdict;
    EXPECT_EQ(future.file, "F.bak");
    EXPECT_EQ(future.size_bytes, 7U);
    s.nothing_found();
    s.visit.future.reset();
    const auto none = s.judged().verdict;
    EXPECT_TRUE(none.file.empty() && !none.size_bytes && !none.backup_at);
}

TEST(Judge, EvidenceHoldsTheFiguresAndEachClaimWithItsGrounds) {
    Scene s;
    s.visit.too_small = 2;
    s.mode.database = "{code}*";
    const auto e = nlohmann::json::parse(s.judged().verdict.evidence);
    EXPECT_EQ(e["counts"], nlohmann::json::parse(R"({"files":9,"matching":4,"too_small":2,"in_future":0})"));
    EXPECT_EQ(e["thresholds"], nlohmann::json::parse(R"({"max_age_s":93600,"min_size":1024,"clock_tolerance_s":3600,"old_copy_s":172800})"));
    EXPECT_EQ(e["age_s"], 3 * 3600);
    EXPECT_EQ(e["share"], "d$");
    EXPECT_EQ(e["drive"], "D:");
    EXPECT_EQ(e["tries"], 1);
    EXPECT_EQ(e["logins"], 1);
    EXPECT_EQ(e["took_ms"], 120);
    EXPECT_EQ(e["expected"]["database"], "SHOP7*");
    const auto& r = e["content"]["reading"];
    EXPECT_EQ(r["whole"], nlohmann::json::parse(R"({"value":"whole","sure":"proven"})"));
    EXPECT_EQ(r["database"]["value"], "SALES");
    EXPECT_EQ(r["claims"][0], nlohmann::json::parse(R"({"question":"is it a backup?","answer":"yes","sure":"proven","rests_on":"TAPE, SSET"})"));
}

// --- files that may still grow

TEST(Growing, AYoungFileIsLookedAtTwice) {
    Scene s;
    s.visit.newest = file_of(kQuiet - 1ms);
    EXPECT_EQ(s.judged().what, What::look_again);
    s.seen_before();
    EXPECT_EQ(s.judged().what, What::verdict) << "as it was";
    EXPECT_EQ(s.judged().verdict.status, Status::ok);
    for (const auto& change :
         {+[](smb::FoundFile& f) { ++f.size; }, +[](smb::FoundFile& f) { f.modified -= 1ms; }, +[](smb::FoundFile& f) { f.name += "x"; }}) {
        s.seen_before();
        change(*s.occasion.earlier);
        const auto j = s.judged();
        EXPECT_EQ(j.what, What::growing);
        EXPECT_EQ(j.verdict.reason_code, "growing");
        EXPECT_THAT(j.verdict.reason, HasSubstr("still being written"));
    }
    s.visit.newest = file_of(kQuiet);
    s.occasion.earlier.reset();
    EXPECT_EQ(s.judged().what, What::verdict);
}

TEST(Growing, AFileAheadOfOurClockIsJudgedOnceItRests) {
    Scene s;
    s.visit.newest = file_of(-30min);
    EXPECT_EQ(s.judged().what, What::look_again);
    s.seen_before();
    EXPECT_EQ(s.judged().verdict.status, Status::ok);
}

TEST(Growing, WhatAnotherProgramHasOpenMayBeInTheMaking) {
    Scene s;
    s.visit.reading.reset();
    s.visit.content = Content::in_use;
    EXPECT_EQ(s.judged().what, What::look_again);
    s.seen_before();
    EXPECT_EQ(s.judged().what, What::growing) << "Windows tells the time of an open file late";
    s.visit.newest = file_of(kLongestWrite);
    s.seen_before();
    EXPECT_EQ(s.judged().what, What::verdict);
    s.visit.content = Content::changed;
    EXPECT_EQ(s.judged().what, What::growing);
}

TEST(Growing, WhatLooksCutIsCalledSoOnlyAfterASecondLook) {
    const auto changes = {+[](Scene& s) {
                              s.reading().whole = {Whole::incomplete, Sure::proven};
                          },
                          +[](Scene& s) { s.reading().form = Form::zeros; },
                          +[](Scene& s) { s.reading().form = Form::other, s.reading().first_bytes = "0100"; },
                          +[](Scene& s) {
                              s.reading().whole = {Whole::incomplete, Sure::likely};
                          }};
    for (const auto& change : changes) {
        Scene s;
        change(s);
        EXPECT_EQ(s.judged().what, What::look_again);
        s.seen_before();
        const auto second = s.judged();
        EXPECT_EQ(second.what, What::verdict);
        EXPECT_NE(second.verdict.status, Status::ok);
        --s.occasion.earlier->size;
        EXPECT_EQ(s.judged().what, What::growing);
        s.occasion.earlier.reset();
        s.visit.newest = file_of(kLongestWrite);
        EXPECT_EQ(s.judged().what, What::verdict) << "nobody writes that long";
    }
}

TEST(Growing, ANewerFileThatRestsIsJudged) {
    Scene s;
    s.occasion.earlier = file_of(9h, "OLD.bak");
    EXPECT_EQ(s.judged().what, What::verdict);
}

// --- a past day

TEST(BackDate, AgeIsMeasuredAtTheEndOfThatDay) {
    Scene s;
    s.occasion.back_date = kNow - 240h;
    s.visit.newest = file_of(250h);
    s.reading().finished_at = kNow - 250h;
    EXPECT_EQ(s.judged().verdict.status, Status::ok);
    s.visit.newest = file_of(240h + 26h);
    const auto v = s.judged().verdict;
    EXPECT_EQ(v.reason_code, "too_old");
    EXPECT_EQ(v.at, kNow) << "judged now";
    EXPECT_EQ(nlohmann::json::parse(v.evidence)["age_s"], 26 * 3600);
    s.nothing_found();
    s.visit.matching = 0;
    EXPECT_THAT(s.judged().verdict.reason, HasSubstr("of 2025-11-12 or before"));
}

TEST(BackDate, NothingGrowsInThePast) {
    Scene s;
    s.occasion.back_date = kNow - 1s;
    s.visit.newest = file_of(2s);
    EXPECT_EQ(s.judged().what, What::verdict);
    s.reading().whole = {Whole::incomplete, Sure::proven};
    EXPECT_EQ(s.judged().verdict.reason_code, "truncated");
}

// --- names are text

const std::string kHostile[] = {"a\x1b[31mb.bak",
                                "a\r\nb.bak",
                                "\xe2\x80\xae"
                                "kab.exe",
                                "%n%s{}{0}.bak",
                                "..\\..\\x.bak",
                                "'; DROP TABLE x;--.bak",
                                "\xff\xfe.bak",
                                std::string("a\0b", 3),
                                std::string(60000, 'A'),
                                "=cmd|' /C calc'!A0"};

TEST(Names, AreFitForATerminalWhateverTheServerSays) {
    for (const auto& name : kHostile) {
        Scene s;
        s.visit.newest->name = name;
        s.visit.share = name;
        s.visit.detail = s.visit.content_detail = name;
        s.outlet.address = s.outlet.code = name;
        s.mode.database = "{code}";
        s.reading().database.value = s.reading().server.value = s.reading().why = s.reading().first_bytes = name;
        s.reading().claims = {{name, name, Sure::proven, name}};
        s.reading().whole = {Whole::damaged, Sure::proven};
        s.visit.future = s.visit.newest;
        s.visit.future->modified = kNow + 90h;
        s.seen_before();
        for (const auto outcome : {Outcome::listed, Outcome::no_folder, Outcome::reset}) {
            s.visit.outcome = outcome;
            const auto v = s.judged().verdict;
            for (const auto* text : {&v.reason, &v.file, &v.place, &v.evidence}) {
                std::string slashes = *text;
                std::replace(slashes.begin(), slashes.end(), '\\', '/');
                EXPECT_EQ(printable(slashes, slashes.size() + 1), slashes);
                EXPECT_LT(text->size(), 20000U);
            }
            EXPECT_TRUE(nlohmann::json::accept(v.evidence));
        }
    }
}

TEST(Names, DrivesAndShares) {
    EXPECT_EQ(drive_of("d$"), "D:");
    EXPECT_EQ(drive_of("Z$"), "Z:");
    EXPECT_EQ(drive_of("backup"), "backup");
    EXPECT_EQ(drive_of("1$"), "1$");
    EXPECT_EQ(drive_of(""), "");
    EXPECT_EQ(drive_of("admin$"), "admin$");
}

TEST(Names, OfTheCredential) {
    EXPECT_EQ(credential_name({"svc", "CORP", "", ""}), "CORP\\svc");
    EXPECT_EQ(credential_name({"svc", "", "", ""}), "svc");
    EXPECT_EQ(credential_name({"a\x1b", "b\n", "", ""}), "b\\n\\a\\x1b");
}

// --- what the scan asks

TEST(Scan, RetriesOnlyWhatMayBeDifferentInAMoment) {
    int retried = 0, against = 0;
    for (int i = 0; i <= static_cast<int>(Outcome::internal); ++i) {
        const auto outcome = static_cast<Outcome>(i);
        EXPECT_FALSE(worth_a_retry(outcome) && speaks_against_credential(outcome));
        retried += worth_a_retry(outcome) ? 1 : 0;
        against += speaks_against_credential(outcome) ? 1 : 0;
    }
    EXPECT_EQ(retried, 3);
    EXPECT_EQ(against, 3);
    EXPECT_TRUE(worth_a_retry(Outcome::timeout) && worth_a_retry(Outcome::reset) && worth_a_retry(Outcome::worker_crashed));
    EXPECT_TRUE(speaks_against_credential(Outcome::login_refused) && speaks_against_credential(Outcome::account_locked));
    EXPECT_FALSE(speaks_against_credential(Outcome::access_denied)) << "the login worked";
    EXPECT_FALSE(speaks_against_credential(Outcome::clock_skew)) << "a clock is wrong, not the account";
}

TEST(Scan, WhatWasNotTriedIsTheCredentialsProblem) {
    Scene s;
    const auto v = not_tried(s.mode, s.outlet, Outcome::account_locked, {"A1", "B\x1b"}, kNow);
    EXPECT_EQ(v.status, Status::unreachable);
    EXPECT_EQ(v.reason_code, "account_locked");
    EXPECT_THAT(v.reason, AllOf(HasSubstr("CORP\\svc_backup was not tried at 10.1.2.3: A1, B\\x1b refused it"), Not(HasSubstr("\x1b"))));
    const auto e = nlohmann::json::parse(v.evidence);
    EXPECT_EQ(e["credential"], "CORP\\svc_backup");
    EXPECT_EQ(e["refused_by"].size(), 2U);
    EXPECT_EQ(not_tried(s.mode, s.outlet, Outcome::timeout, {}, kNow).reason_code, "login_refused");
}

}  // namespace
}  // namespace bkmon::outlets
