#include "daemon/deposits/judgement/judge.h"

#include <gmock/gmock.h>

#include <functional>
#include <random>

#include "common/base/text.h"
#include "daemon/core/json_tree.h"
#include "daemon/core/reason_codes.h"

namespace bkmon::deposits {
namespace {

using core::Severity;
using core::Status;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::HasSubstr;
using ::testing::Not;
using State = inspect::Findings::State;

const std::string kSha(64, 'a'), kOldSha(64, 'b');
constexpr std::uint64_t kSize = 100 << 20;

/// A healthy backup in a healthy report, to be spoiled by each test.
struct Scene {
    core::DepositJob job;
    core::Report report;
    Baseline baseline;
    inspect::Findings findings;
    Time now = *parse_rfc3339("2026-11-22T13:10:00Z");
    Time arrival = now - minutes(1);
    std::optional<core::Cycle> cycle;
    std::string sha = kSha;
    std::uint64_t size = kSize;
    bool named = true;

    Scene() {
        job.agent = "SIRPACAM_DOUALA_NEWBELL";
        job.database = "SDMC_AKWA_{year}";
        job.timezone = "Africa/Douala";
        const auto due = *parse_rfc3339("2026-11-22T13:00:00Z");
        cycle = core::Cycle{due, due - minutes(30), due + hours(24) - minutes(30), due + hours(2)};
        report.agent_id = "sirpacam_douala_newbell";
        report.overall_status = "completed";
        report.operation_start = now - minutes(12);
        report.operation_end = now - minutes(2);
        core::ReportDatabase d;
        d.name = "sdmc_akwa_2026";
        d.staged_file_name = d.staged_file_name_raw = "sdmc.sql.gz";
        for (auto* s : {&d.backup, &d.compress, &d.transfer}) {
            s->present = true;
            s->status = true;
        }
        d.backup.start = now - minutes(12);
        d.backup.end = now - minutes(10);
        d.compress.sha256 = kSha;
        d.compress.size_bytes = kSize;
        report.databases.push_back(d);
        baseline.last_sha256 = kOldSha;
        baseline.last_backup_at = now - hours(24);
        for (int i = 0; i < 10; ++i) baseline.sizes.push_back(kSize - static_cast<std::uint64_t>(i) * 100000);
        findings.state = State::whole;
        findings.format = "gzip+mysqldump";
        findings.database = "SDMC_AKWA_2026";
        findings.content_bytes = 5 * kSize;
    }
    core::ReportDatabase& entry() { return report.databases.at(0); }
    /// As an agent that writes no zone anywhere.
    void assume_zone() {
        report.zone_assumed = true;
        entry().backup.start_zone_assumed = entry().backup.end_zone_assumed = true;
    }
    Candidate candidate() {
        Candidate c;
        c.job = &job;
        c.report = &report;
        c.entry = named ? &entry() : nullptr;
        c.arrival = arrival;
        c.cycle = cycle;
        c.clock = core::check_clock(*report.operation_end, arrival, !report.zone_assumed);
        return c;
    }
    core::Verdict copy() { return check(judge_copy(candidate(), baseline, sha, size, findings, now)); }
    std::optional<core::Verdict> before() {
        auto v = judge_entry(candidate(), now);
        if (v) check(*v);
        return v;
    }
    /// Moves all times of the report.
    void shift(milliseconds by) {
        for (auto* t : {&report.operation_start, &report.operation_end, &entry().backup.start, &entry().backup.end}) **t += by;
    }

private:
    /// What holds for each verdict.
    core::Verdict check(core::Verdict v) const {
        const bool known = std::any_of(core::kReasons.begin(), core::kReasons.end(), [&](const auto& r) { return r.code == v.reason_code; });
        EXPECT_TRUE(known) << v.reason_code;
        EXPECT_FALSE(v.reason.empty());
        EXPECT_TRUE(valid_utf8(v.reason));
        EXPECT_LT(v.reason.size(), 1500u);
        EXPECT_EQ(v.reason.find_first_of("\n\x1b"), std::string::npos) << v.reason;
        EXPECT_EQ(v.at, now);
        const auto evidence = core::parse_json(v.evidence);
        EXPECT_TRUE(evidence && evidence->find("rule")->text == v.reason_code) << v.evidence;
        return v;
    }
};

struct Rule {
    std::string name;
    std::function<void(Scene&)> spoil;
    Status status;
    std::string code;
    std::string says;  ///< part of the sentence
};

void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.name; }

class JudgeEntry : public testing::TestWithParam<Rule> {};
class JudgeCopy : public testing::TestWithParam<Rule> {};
std::string name_of_case(const testing::TestParamInfo<Rule>& info) { return info.param.name; }

TEST_P(JudgeEntry, SaysSo) {
    Scene s;
    GetParam().spoil(s);
    const auto v = s.before();
    ASSERT_TRUE(v);
    EXPECT_EQ(v->status, GetParam().status) << v->reason;
    EXPECT_EQ(v->reason_code, GetParam().code) << v->reason;
    EXPECT_THAT(v->reason, HasSubstr(GetParam().says));
    EXPECT_EQ(v->severity, Severity::critical);
    EXPECT_EQ(v->due, s.cycle ? std::optional(s.cycle->due) : std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, JudgeEntry,
    testing::Values(
        Rule{"agent_mismatch", [](Scene& s) { s.report.agent_id = "other\nagent"; }, Status::failed, "agent_mismatch",
             "names the agent 'other\\nagent'"},
        Rule{"agent_mismatch_before_all", [](Scene& s) { s.report.agent_id = "x", s.named = false; }, Status::failed, "agent_mismatch",
             "folder of 'SIRPACAM"},
        Rule{"not_in_report_at_the_deadline", [](Scene& s) { s.named = false, s.now = s.cycle->deadline; }, Status::missing, "not_in_report",
             "does not name 'SDMC_AKWA_{year}'"},
        Rule{"backup_failed", [](Scene& s) { s.entry().backup.status = false, s.entry().backup.error_message = "mysqldump: Got error: 2013"; },
             Status::failed, "stage_failed", "BACKUP of 'sdmc_akwa_2026' failed: \"mysqldump: Got error: 2013\""},
        Rule{"compress_failed_without_words", [](Scene& s) { s.entry().compress.status = false; }, Status::failed, "stage_failed",
             "COMPRESS of 'sdmc_akwa_2026' failed, without a message"},
        Rule{"transfer_failed_quotes_both",
             [](Scene& s) {
                 s.entry().transfer.status = false, s.entry().transfer.error_message = "reset", s.entry().logs_summary = "3 tries\x1b[1m";
             },
             Status::failed, "stage_failed", "TRANSFER of 'sdmc_akwa_2026' failed: \"reset\", log: \"3 tries\\x1b[1m\""},
        Rule{"the_first_failed_stage_is_named", [](Scene& s) { s.entry().transfer.status = false, s.entry().compress.status = false; },
             Status::failed, "stage_failed", "COMPRESS"},
        Rule{"a_failed_stage_before_an_invalid_entry", [](Scene& s) { s.entry().invalid = "x", s.entry().transfer.status = false; }, Status::failed,
             "stage_failed", "TRANSFER"},
        Rule{"an_invalid_entry", [](Scene& s) { s.entry().invalid = "databases.x.COMPRESS.size: negative"; }, Status::failed, "report_invalid",
             "COMPRESS.size: negative"},
        Rule{"an_invalid_entry_before_a_silent_stage", [](Scene& s) { s.entry().invalid = "x", s.entry().backup.status.reset(); }, Status::failed,
             "report_invalid", "x"},
        Rule{"a_silent_stage", [](Scene& s) { s.entry().backup.status.reset(); }, Status::failed, "stage_failed", "does not say that BACKUP"},
        Rule{"a_silent_compress", [](Scene& s) { s.entry().compress.status.reset(); }, Status::failed, "stage_failed", "does not say that COMPRESS"},
        Rule{"no_backup_stage", [](Scene& s) { s.entry().backup = {}; }, Status::failed, "stage_failed",
             "BACKUP of 'sdmc_akwa_2026' succeeded: it has no such stage"},
        Rule{"no_transfer_stage", [](Scene& s) { s.entry().transfer = {}; }, Status::failed, "stage_failed", "TRANSFER"},
        Rule{"no_file_name", [](Scene& s) { s.entry().staged_file_name.clear(); }, Status::failed, "report_invalid", "names no file"},
        Rule{"a_name_with_a_dot_first", [](Scene& s) { s.entry().staged_file_name = ".bashrc"; }, Status::failed, "bad_name",
             "'.bashrc' is not acceptable"},
        Rule{"a_name_with_escapes", [](Scene& s) { s.entry().staged_file_name = "a\x1b[2J"; }, Status::failed, "bad_name", "'a\\x1b[2J'"},
        Rule{"a_name_of_dots", [](Scene& s) { s.entry().staged_file_name = ".."; }, Status::failed, "bad_name", "'..'"},
        Rule{"a_name_too_long", [](Scene& s) { s.entry().staged_file_name = std::string(129, 'a'); }, Status::failed, "bad_name", "128 bytes"}),
    name_of_case);

TEST(Judge, NothingToSayBeforeTheFileIsRead) {
    Scene s;
    EXPECT_FALSE(s.before());
    s.entry().staged_file_name = std::string(128, 'a');
    EXPECT_FALSE(s.before());
    s.entry().compress = {};
    EXPECT_FALSE(s.before()) << "a dump that is not compressed has no such stage";
    EXPECT_EQ(&sent_stage(s.entry()), &s.entry().backup);
}

TEST(Judge, AReportThatDoesNotNameTheDatabaseWaitsForTheDeadline) {
    Scene s;
    s.named = false;
    s.now = s.cycle->deadline - milliseconds(1);
    EXPECT_FALSE(s.before());
    s.now = s.cycle->deadline + hours(30);
    EXPECT_TRUE(s.before());
    s.cycle.reset();
    EXPECT_FALSE(s.before()) << "a job without a schedule is never missing";
}

TEST_P(JudgeCopy, SaysSo) {
    Scene s;
    GetParam().spoil(s);
    const auto v = s.copy();
    EXPECT_EQ(v.status, GetParam().status) << v.reason;
    EXPECT_EQ(v.reason_code, GetParam().code) << v.reason;
    EXPECT_THAT(v.reason, HasSubstr(GetParam().says));
    EXPECT_EQ(v.severity, core::severity_of(v.status));
    EXPECT_EQ(v.size_bytes, s.size);
    EXPECT_EQ(v.sha256, s.sha);
    EXPECT_EQ(v.file, "sdmc.sql.gz");
}

void damage(Scene& s, const std::string& code, const std::string& detail) {
    s.findings.state = State::damaged;
    s.findings.code = code;
    s.findings.detail = detail;
}
void sizes(Scene& s, std::size_t n) { s.baseline.sizes.resize(n); }

INSTANTIATE_TEST_SUITE_P(
    Damage, JudgeCopy,
    testing::Values(
        Rule{"truncated", [](Scene& s) { damage(s, "truncated", "the gzip data ends early"); }, Status::corrupt, "truncated",
             "damaged: the gzip data ends early"},
        Rule{"broken_archive", [](Scene& s) { damage(s, "broken_archive", "bad CRC"); }, Status::corrupt, "broken_archive", "bad CRC"},
        Rule{"wrong_type", [](Scene& s) { damage(s, "wrong_type", "is no gzip"); }, Status::corrupt, "wrong_type", "is no gzip"},
        Rule{"no_end_mark", [](Scene& s) { damage(s, "no_end_mark", "no Dump completed"); }, Status::corrupt, "no_end_mark", "no Dump completed"},
        Rule{"an_unknown_code_is_still_damage", [](Scene& s) { damage(s, "ok", ""); }, Status::corrupt, "broken_archive", "broken_archive"},
        Rule{"not_inspected", [](Scene& s) { s.findings.state = State::not_inspected, s.findings.detail = "out of time"; }, Status::corrupt,
             "inspection_failed", "could not be inspected: out of time"},
        Rule{"damage_comes_before_unchanged", [](Scene& s) { damage(s, "truncated", "x"), s.baseline.last_sha256 = kSha; }, Status::corrupt,
             "truncated", ""},
        Rule{"damage_comes_before_gates", [](Scene& s) { damage(s, "truncated", "x"), s.size = 17, s.baseline.sha_was_healthy_before = true; },
             Status::corrupt, "truncated", ""},
        Rule{"damage_of_no_bytes_when_the_gate_is_off", [](Scene& s) { damage(s, "truncated", "x"), s.size = 0, s.job.gates.empty = false; },
             Status::corrupt, "truncated", ""}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(
    Unchanged, JudgeCopy,
    testing::Values(
        Rule{"same_bytes_newer_report", [](Scene& s) { s.baseline.last_sha256 = kSha; }, Status::unchanged, "same_content",
             "byte-identical to the last healthy backup of 2026-11-21 14:10"},
        Rule{"same_dump_again_with_a_newer_report",
             [](Scene& s) {
                 s.baseline.last_sha256 = kSha, s.entry().backup.end = s.baseline.last_backup_at, s.entry().backup.start = s.baseline.last_backup_at;
             },
             Status::unchanged, "same_content", "sends old dumps"},
        Rule{"unchanged_comes_before_held", [](Scene& s) { s.baseline.last_sha256 = kSha, s.size = 17; }, Status::unchanged, "same_content", ""},
        Rule{"unchanged_comes_before_warning", [](Scene& s) { s.baseline.last_sha256 = kSha, s.report.overall_status = "failed_globally"; },
             Status::unchanged, "same_content", ""},
        Rule{"same_bytes_under_an_older_report", [](Scene& s) { s.baseline.last_sha256 = kSha, s.baseline.last_backup_at = s.report.operation_end; },
             Status::held, "not_newer", ""},
        Rule{"same_bytes_from_the_future", [](Scene& s) { s.baseline.last_sha256 = kSha, s.shift(hours(24 * 30)); }, Status::held, "future", ""},
        Rule{"same_bytes_as_one_never_dated", [](Scene& s) { s.baseline.last_sha256 = kSha, s.baseline.last_backup_at.reset(); }, Status::unchanged,
             "same_content", ""}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(
    Gates, JudgeCopy,
    testing::Values(
        Rule{"replay", [](Scene& s) { s.baseline.sha_was_healthy_before = true; }, Status::held, "replay", "an old file was sent again"},
        Rule{"replay_of_an_older_backup", [](Scene& s) { s.baseline.sha_was_healthy_before = true, s.shift(-hours(72)); }, Status::held, "replay",
             "1 more in the evidence"},
        Rule{"replay_off", [](Scene& s) { s.baseline.sha_was_healthy_before = true, s.job.gates.replay = false; }, Status::ok, "promoted", ""},
        Rule{"not_newer", [](Scene& s) { s.shift(-hours(36)); }, Status::held, "not_newer", "it is not newer"},
        Rule{"not_newer_by_nothing", [](Scene& s) { s.baseline.last_backup_at = s.entry().backup.end; }, Status::held, "not_newer", ""},
        Rule{"newer_by_a_millisecond", [](Scene& s) { s.baseline.last_backup_at = *s.entry().backup.end - milliseconds(1); }, Status::ok, "promoted",
             ""},
        Rule{"not_newer_off", [](Scene& s) { s.shift(-hours(36)), s.job.gates.not_newer = false; }, Status::ok, "promoted", ""},
        Rule{"future", [](Scene& s) { s.shift(minutes(25)); }, Status::held, "future", "after it arrived: check the agent's clock"},
        Rule{"future_not_within_ten_minutes",
             [](Scene& s) { s.report.operation_end = s.arrival + minutes(10), s.entry().backup.end = s.report.operation_end; }, Status::ok,
             "promoted", ""},
        Rule{"future_from_ten_minutes_on", [](Scene& s) { s.report.operation_end = s.arrival + minutes(10) + milliseconds(1); }, Status::held,
             "future", ""},
        Rule{"future_of_the_backup_alone", [](Scene& s) { s.entry().backup.end = s.arrival + minutes(30); }, Status::held, "future", ""},
        Rule{"future_by_a_year", [](Scene& s) { s.shift(hours(24 * 365)); }, Status::held, "future", "364 d 23 h after it arrived"},
        Rule{"whole_hours_ahead_in_a_stated_zone", [](Scene& s) { s.shift(hours(2)); }, Status::held, "future", "after it arrived"},
        Rule{"a_dump_whole_hours_ahead_in_a_stated_zone", [](Scene& s) { s.entry().backup.end = s.arrival + hours(3); }, Status::held, "future",
             "3 h after it arrived"},
        Rule{"a_zone_is_no_future", [](Scene& s) { s.assume_zone(), s.shift(hours(2)); }, Status::ok, "promoted", "2 h ahead: agent clock or zone"},
        Rule{"future_off", [](Scene& s) { s.shift(minutes(25)), s.job.gates.future = false; }, Status::ok, "promoted", ""},
        Rule{"clock", [](Scene& s) { s.report.operation_end = Time{}, s.entry().backup.end = Time{} + hours(1), s.baseline.last_backup_at.reset(); },
             Status::held, "clock", "1970-01-01"},
        Rule{"clock_before_not_newer", [](Scene& s) { s.report.operation_end = Time{}, s.entry().backup.end = Time{}; }, Status::held, "clock",
             "is not set"},
        Rule{"empty_file", [](Scene& s) { s.size = 0, sizes(s, 4); }, Status::held, "empty", "no bytes"},
        Rule{"empty_file_that_the_inspector_calls_truncated", [](Scene& s) { s.size = 0, sizes(s, 0), damage(s, "truncated", "x"); }, Status::held,
             "empty", "no bytes"},
        Rule{"empty_dump", [](Scene& s) { s.findings.empty = true; }, Status::held, "empty", "holds no table"},
        Rule{"empty_dump_first_ever", [](Scene& s) { s.findings.empty = true, s.baseline = {}; }, Status::held, "empty", "there was none"},
        Rule{"always_empty_is_legal", [](Scene& s) { s.findings.empty = true, s.baseline.always_empty = true; }, Status::ok, "promoted",
             "it is empty, as it always was"},
        Rule{"always_without_bytes_is_legal",
             [](Scene& s) {
                 s.size = 0, s.baseline.sizes = {0, 0, 0};
             },
             Status::ok, "promoted", "as it always was"},
        Rule{"empty_off", [](Scene& s) { s.findings.empty = true, s.job.gates.empty = false; }, Status::ok, "promoted", ""},
        Rule{"other_database", [](Scene& s) { s.findings.database = "SDMC_BONABERI_2026"; }, Status::held, "other_database",
             "the database 'SDMC_BONABERI_2026', not of 'sdmc_akwa_2026'"},
        Rule{"another_year_of_the_pattern", [](Scene& s) { s.findings.database = "SDMC_akwa_2025"; }, Status::ok, "promoted", ""},
        Rule{"a_dump_without_a_name", [](Scene& s) { s.findings.database = " "; }, Status::ok, "promoted", ""},
        Rule{"other_database_off", [](Scene& s) { s.findings.database = "x", s.job.gates.database = false; }, Status::ok, "promoted", ""},
        Rule{"too_small", [](Scene& s) { s.job.gates.size.min_size = kSize + 1; }, Status::held, "too_small", "less than min_size"},
        Rule{"exactly_min_size", [](Scene& s) { s.job.gates.size.min_size = kSize; }, Status::ok, "promoted", ""},
        Rule{"too_small_without_history", [](Scene& s) { s.baseline = {}, s.size = 99, s.job.gates.size.min_size = 100; }, Status::held, "too_small",
             "99 B, less than min_size 100 B"},
        Rule{"too_small_with_the_band_off", [](Scene& s) { s.size = 99, s.job.gates.size.min_size = 100, s.job.gates.size.enabled = false; },
             Status::held, "too_small", ""},
        Rule{"three_percent_of_the_median", [](Scene& s) { s.size = kSize / 100 * 3; }, Status::held, "size_band", "3 % of the usual"},
        Rule{"twenty_times_the_median", [](Scene& s) { s.size = kSize * 20; }, Status::held, "size_band", "median of 10"},
        Rule{"four_say_nothing_of_what_is_usual", [](Scene& s) { sizes(s, 4), s.size = kSize * 20; }, Status::ok, "promoted", ""},
        Rule{"five_do", [](Scene& s) { sizes(s, 5), s.size = kSize * 20; }, Status::held, "size_band", "median of 5"},
        Rule{"size_band_off", [](Scene& s) { s.size = kSize * 20, s.job.gates.size.enabled = false; }, Status::ok, "promoted", ""},
        Rule{"held_comes_before_warning", [](Scene& s) { s.size = kSize * 20, s.report.overall_status = "failed_globally"; }, Status::held,
             "size_band", ""},
        Rule{"the_first_ever_backup", [](Scene& s) { s.baseline = {}; }, Status::ok, "promoted", "gzip+mysqldump read to the last byte"}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(
    Good, JudgeCopy,
    testing::Values(
        Rule{"healthy", [](Scene&) {}, Status::ok, "promoted", "100.0 MiB, made 2026-11-22 14:00"},
        Rule{"failed_globally", [](Scene& s) { s.report.overall_status = "failed_globally"; }, Status::warning, "overall_status",
             "'failed_globally'"},
        Rule{"an_unknown_overall_status", [](Scene& s) { s.report.overall_status = "partial"; }, Status::warning, "overall_status", "'partial'"},
        Rule{"completed_in_capitals", [](Scene& s) { s.report.overall_status = "COMPLETED"; }, Status::ok, "promoted", ""},
        Rule{"no_overall_status", [](Scene& s) { s.report.overall_status.clear(); }, Status::ok, "promoted", ""},
        Rule{"no_checksum_in_the_frame", [](Scene& s) { s.findings.checksum_in_frame = false; }, Status::ok, "no_checksum_in_frame",
             "nothing vouches for the content"},
        Rule{"encrypted", [](Scene& s) { s.findings = {}, s.findings.state = State::not_applicable, s.findings.detail = "encrypted (.gpg)"; },
             Status::ok, "promoted", "nothing can be asked of the content (encrypted (.gpg))"},
        Rule{"no_end_mark_asked", [](Scene& s) { s.job.end_mark = false; }, Status::ok, "promoted", "no end mark is asked for"}),
    name_of_case);

TEST(Judge, AnUncheckedContentIsNeverCalledRead) {
    Scene s;
    s.findings.state = State::not_applicable;
    EXPECT_THAT(s.copy().reason, Not(HasSubstr("read to the last byte")));
}

TEST(Judge, UnchangedMayBeConfiguredOk) {
    Scene s;
    s.baseline.last_sha256 = kSha;
    EXPECT_EQ(s.copy().severity, Severity::warning);
    s.job.unchanged_ok = true;
    EXPECT_EQ(s.copy().severity, Severity::ok);
    EXPECT_EQ(s.copy().status, Status::unchanged);
    s.baseline.last_sha256 = kOldSha;
    s.size = 17;
    EXPECT_EQ(s.copy().severity, Severity::warning) << "only `unchanged` is meant";
}

TEST(Judge, TheBandsBordersAreGood) {
    Scene s;
    s.baseline.sizes.assign(10, 1000 << 20);
    const auto band = core::judge_size(s.size, s.baseline.sizes, s.job.gates.size);
    for (const auto& [size, status] : {std::pair(band.lowest, Status::ok), std::pair(band.lowest - 1, Status::held),
                                       std::pair(band.highest, Status::ok), std::pair(band.highest + 1, Status::held)}) {
        s.size = static_cast<std::uint64_t>(size);
        EXPECT_EQ(s.copy().status, status) << size;
    }
}

TEST(Judge, BackupTimeIsWhenTheDumpEnded) {
    Scene s;
    EXPECT_EQ(backup_time(s.candidate()), s.entry().backup.end);
    s.entry().backup.end.reset();
    EXPECT_EQ(backup_time(s.candidate()), s.entry().backup.start);
    s.entry().backup.start.reset();
    EXPECT_EQ(backup_time(s.candidate()), s.report.operation_end);
}

TEST(Judge, AClockThatIsAheadByHoursIsPutRight) {
    Scene s;
    const auto made = s.entry().backup.end;
    s.shift(hours(3));
    EXPECT_EQ(backup_time(s.candidate()), *made + hours(3)) << "a stated zone is believed";
    s.assume_zone();
    EXPECT_EQ(backup_time(s.candidate()), made);
    // The day the zone is repaired: the next backup is 1 h later by the real clock.
    Scene next;
    next.baseline.last_backup_at = *next.entry().backup.end - hours(1);
    EXPECT_EQ(next.copy().status, Status::ok);
    Scene behind;
    behind.assume_zone();
    behind.shift(-hours(3));
    EXPECT_EQ(backup_time(behind.candidate()), behind.entry().backup.end) << "a report that was long on its way is not moved";
}

// An agent whose dump tool writes local time, while the frame is in UTC; and the other way round.
TEST(Judge, EachTimeHasItsOwnZoneOrNone) {
    Scene mixed;
    const auto made = *mixed.entry().backup.end;
    mixed.entry().backup.end = mixed.arrival + hours(3);
    mixed.entry().backup.end_zone_assumed = true;
    EXPECT_FALSE(mixed.candidate().clock.zone_offset);
    EXPECT_EQ(backup_time(mixed.candidate()), mixed.arrival) << "put right by itself";
    EXPECT_EQ(mixed.copy().status, Status::ok);
    Scene stated;
    stated.report.zone_assumed = true;
    *stated.report.operation_end += hours(2);
    EXPECT_EQ(backup_time(stated.candidate()), made) << "a stated time is not moved by the end's wrong zone";
    Scene late;
    late.entry().backup.start_zone_assumed = late.entry().backup.end_zone_assumed = true;
    late.shift(hours(2));
    EXPECT_EQ(late.copy().reason_code, "future") << "the end named its zone: that others did not excuses nothing";
}

TEST(Judge, ImplausibleClocks) {
    EXPECT_TRUE(clock_implausible(Time{}));
    EXPECT_TRUE(clock_implausible(Time::min()));
    EXPECT_TRUE(clock_implausible(*parse_rfc3339("1999-12-31T23:59:59Z")));
    EXPECT_FALSE(clock_implausible(*parse_rfc3339("2000-01-01T00:00:00Z")));
}

TEST(Judge, TheEvidenceHoldsFiguresThresholdsAndTheReport) {
    Scene s;
    s.size = kSize * 20;
    s.entry().logs_summary = "a\x1b\"b";
    const auto tree = core::parse_json(s.copy().evidence);
    ASSERT_TRUE(tree);
    EXPECT_EQ(tree->find("rule")->text, "size_band");
    const auto* database = tree->find("report")->find("database");
    EXPECT_EQ(database->find("COMPRESS")->find("sha256")->text, kSha);
    EXPECT_TRUE(database->find("TRANSFER")->find("status")->flag);
    EXPECT_EQ(database->find("logs_summary")->text, "a\\x1b\"b");
    EXPECT_EQ(tree->find("thresholds")->find("size")->find("floor")->text, "0.5");
    EXPECT_EQ(tree->find("figures")->find("baseline")->text, "10");
    EXPECT_EQ(tree->find("baseline")->find("sizes")->items.size(), 10u);
    EXPECT_EQ(tree->find("baseline")->find("last_sha256")->text, kOldSha);
    EXPECT_EQ(tree->find("gates")->items.at(0).find("rule")->text, "size_band");
    EXPECT_EQ(tree->find("content")->find("format")->text, "gzip+mysqldump");
    EXPECT_EQ(tree->find("cycle")->find("due")->text, "2026-11-22T13:00:00Z");
}

TEST(Judge, TheEvidenceNamesAWrongZone) {
    Scene s;
    s.assume_zone();
    s.shift(-hours(2));
    const auto tree = core::parse_json(s.copy().evidence);
    ASSERT_TRUE(tree);
    EXPECT_EQ(tree->find("clock")->find("zone_offset_hours")->text, "-2");
    EXPECT_THAT(tree->find("clock")->find("note")->text, HasSubstr("agent clock or zone"));
}

TEST(Judge, JobsMatchByPattern) {
    Scene s;
    std::string year;
    EXPECT_TRUE(job_matches(s.job, "sdmc_AKWA_2024", &year));
    EXPECT_EQ(year, "2024");
    EXPECT_FALSE(job_matches(s.job, "sdmc_akwa"));
}

// Databases that only grow and breathe must not be held: an operator who releases every week stops reading.
TEST(JudgeProperty, NormalGrowthIsHeldInLessThanOnePercentOfTheSeries) {
    std::mt19937_64 random(20261122);
    const auto uniform = [&](double low, double high) { return std::uniform_real_distribution<double>(low, high)(random); };
    int series_with_a_hold = 0;
    constexpr int kSeries = 1000, kDays = 30;
    for (int series = 0; series < kSeries; ++series) {
        Scene s;
        s.baseline.sizes.clear();
        double level = std::pow(10.0, uniform(5, 11));  // 100 kB to 100 GB
        const double growth = uniform(0, 0.03), noise = uniform(0, 0.05), weekend = uniform(0, 0.15);
        bool held = false;
        for (int day = 0; day < kDays; ++day) {
            level *= 1 + growth;
            const double breath = std::normal_distribution<double>(1.0, noise)(random) * (day % 7 >= 5 ? 1 - weekend : 1);
            s.size = static_cast<std::uint64_t>(level * std::max(0.5, breath));
            const auto v = s.copy();
            held |= v.status != Status::ok;
            if (v.status == Status::ok) s.baseline.sizes.insert(s.baseline.sizes.begin(), s.size);
        }
        series_with_a_hold += held;
    }
    EXPECT_LT(series_with_a_hold, kSeries / 100);
}

// And the other way round: what the gate is for is not let through by the same tolerance.
TEST(JudgeProperty, LossOfHalfOrMoreIsAlwaysHeld) {
    std::mt19937_64 random(7);
    for (int i = 0; i < 200; ++i) {
        Scene s;
        for (auto& size : s.baseline.sizes) size = static_cast<std::uint64_t>(1e9 * std::uniform_real_distribution<double>(0.9, 1.1)(random));
        s.size = static_cast<std::uint64_t>(1e9 * std::uniform_real_distribution<double>(0, 0.44)(random));
        EXPECT_EQ(s.copy().status, Status::held) << s.size;
    }
}

}  // namespace
}  // namespace bkmon::deposits
