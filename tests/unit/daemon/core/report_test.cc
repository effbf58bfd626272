#include "daemon/core/report.h"

#include <gmock/gmock.h>

#include <fstream>

#include "common/base/text.h"

namespace bkmon::core {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kSha = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const std::string kOtherSha = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752";

Time at(const char* rfc) { return *parse_rfc3339(rfc); }

std::string current(const std::string& compress =
                        R"("status": true, "start_time": "2025-06-12T12:54:40Z", "end_time": "2025-06-12T12:55:10Z", "sha256_checksum": ")" + kSha +
                        R"(", "size": 20178944)",
                    const std::string& more = "") {
    return R"({ "operation_start_time": "2025-06-12T12:53:52Z", "operation_end_time": "2025-06-12T12:56:06Z",
  "agent_id": "sirpacam_douala_newbell", "overall_status": "completed",
  "databases": {
    "SDMC_DOUALA_AKWA_2023": {
      "BACKUP":   {"status": true, "start_time": "2025-06-12T12:53:52Z", "end_time": "2025-06-12T12:54:40Z", "sha256_checksum": ")" +
           kOtherSha + R"(", "size": 188178944},
      "COMPRESS": {)" +
           compress + R"(},
      "TRANSFER": {"status": true, "start_time": "2025-06-12T12:55:10Z", "end_time": "2025-06-12T12:56:06Z", "error_message": null},
      "staged_file_name": "sdmc_douala_akwa_2023.sql.gz", "logs_summary": "188178944 bytes dumped" })" +
           more + "} }";
}

/// As real agents send it: everything is text, no zone, the agent's own path.
std::string text_dialect(const std::string& staged = R"(/home/lam/Backup/SDMC_AKWA_2024.zst)") {
    return R"({"operation_start_time": "2025-06-20 08:37:35.142592", "operation_end_time": "2025-06-20 08:41:02.000917", "agent_id": "sirpacam_douala_akwa",
 "databases": {"SDMC_AKWA_2024": {
   "BACKUP": {"status": "True", "start_time": "2025-06-20 08:37:35.142592", "end_time": "2025-06-20 08:39:00.5", "sha256": ")" +
           kOtherSha + R"(", "size": "31457280", "error_message": "null"},
   "COMPRESS": {"status": "True", "start_time": "2025-06-20 08:39:01.2", "end_time": "2025-06-20 08:40:00", "sha256": ")" +
           kSha + R"(", "size": "4386338", "error_message": "null"},
   "TRANSFER": {"status": "True", "start_time": "2025-06-20 08:40:00", "end_time": "2025-06-20 08:41:02", "error_message": "null"},
   "staged_file_name": ")" +
           staged + R"(", "logs_summary": "null"}}})";
}

std::string older(const std::string& status = "true") {
    return R"({"operation_start_time": "2025-05-02T11:50:00Z", "operation_timestamp": "2025-05-02T12:00:00Z", "agent_id": "CompanyA_CityA_NeighborhoodA",
 "overall_status": "failed_globally", "databases": {"db1": {
   "backup_process": {"status": )" +
           status + R"(, "backup_process_start_time": "2025-05-02T11:55:00Z", "timestamp": "2025-05-02T11:56:00Z", "sha256_checksum": ")" +
           kOtherSha +
           R"(", "size_bytes": 1100},
   "compress_process": {"status": )" +
           status + R"(, "compress_process_start_time": "2025-05-02T11:57:00Z", "timestamp": "2025-05-02T11:58:00Z", "sha256_checksum": ")" + kSha +
           R"(", "size_bytes": 1000},
   "transfer_process": {"status": false, "transfer_process_start_time": "2025-05-02T11:58:00Z", "timestamp": "2025-05-02T11:59:00Z", "error_message": "rsync: connection reset"},
   "staged_file_name": "db1.sql.gz", "logs_summary": "3 warnings"}}})";
}

Report read(const std::string& json, std::string_view zone = "UTC") {
    auto r = parse_report(json, zone);
    EXPECT_TRUE(r) << (r ? "" : r.error().what);
    return r ? *r : Report{};
}

/// The reason a whole report was refused.
std::string refusal(const std::string& json) {
    const auto r = parse_report(json, "UTC");
    if (r) return "it was accepted";
    EXPECT_EQ(r.error().code, Errc::invalid);
    EXPECT_TRUE(valid_utf8(r.error().what));
    EXPECT_LT(r.error().what.size(), 1000u);
    return r.error().what;
}

/// The reason the one entry of an accepted report is invalid; empty when it is fine.
std::string entry_problem(const std::string& json) {
    const auto r = read(json);
    return r.databases.empty() ? "no databases" : r.databases[0].invalid;
}

TEST(Report, ReadsTheCurrentDialect) {
    const auto r = read(current());
    EXPECT_EQ(r.dialect, Dialect::current);
    EXPECT_EQ(r.agent_id, "sirpacam_douala_newbell");
    EXPECT_EQ(r.overall_status, "completed");
    EXPECT_EQ(r.operation_start, at("2025-06-12T12:53:52Z"));
    EXPECT_EQ(r.operation_end, at("2025-06-12T12:56:06Z"));
    EXPECT_FALSE(r.zone_assumed);
    ASSERT_EQ(r.databases.size(), 1u);
    const auto& d = r.databases[0];
    EXPECT_EQ(d.invalid, "");
    EXPECT_EQ(d.name, "SDMC_DOUALA_AKWA_2023");
    EXPECT_TRUE(d.backup.present && d.compress.present && d.transfer.present);
    EXPECT_EQ(d.backup.size_bytes, 188178944u);
    EXPECT_EQ(d.backup.sha256, kOtherSha);
    EXPECT_EQ(d.compress.status, true);
    EXPECT_EQ(d.compress.start, at("2025-06-12T12:54:40Z"));
    EXPECT_EQ(d.compress.end, at("2025-06-12T12:55:10Z"));
    EXPECT_EQ(d.compress.sha256, kSha);
    EXPECT_EQ(d.compress.size_bytes, 20178944u);
    EXPECT_EQ(d.transfer.error_message, "");
    EXPECT_EQ(d.staged_file_name, "sdmc_douala_akwa_2023.sql.gz");
    EXPECT_EQ(d.logs_summary, "188178944 bytes dumped");
    EXPECT_EQ(&sent_stage(d), &d.compress);
}

TEST(Report, ReadsTheTextDialect) {
    const auto r = read(text_dialect());
    EXPECT_EQ(r.dialect, Dialect::text);
    EXPECT_TRUE(r.zone_assumed);
    EXPECT_EQ(r.overall_status, "");
    EXPECT_EQ(r.operation_end, at("2025-06-20T08:41:02Z"));  // the fraction is cut to milliseconds
    EXPECT_EQ(r.operation_start, at("2025-06-20T08:37:35.142Z"));
    const auto& d = r.databases.at(0);
    EXPECT_EQ(d.invalid, "");
    EXPECT_EQ(d.backup.status, true);
    EXPECT_EQ(d.backup.end, at("2025-06-20T08:39:00.500Z"));
    EXPECT_EQ(d.compress.size_bytes, 4386338u);
    EXPECT_EQ(d.compress.sha256, kSha);
    EXPECT_EQ(d.compress.error_message, "");
    EXPECT_EQ(d.staged_file_name, "SDMC_AKWA_2024.zst");
    EXPECT_EQ(d.staged_file_name_raw, "/home/lam/Backup/SDMC_AKWA_2024.zst");
    EXPECT_EQ(d.logs_summary, "");
}

TEST(Report, EachTimeSaysWhetherItNamedAZone) {
    const std::string proof = R"("sha256_checksum": ")" + std::string(64, 'a') + R"(", "size": 1)";
    const auto text = [&](const std::string& end, const std::string& stage) {
        return R"({"agent_id": "A", )" + end + R"("databases": {"X": {"staged_file_name": "x", "BACKUP": {"status": true, )" + stage + ", " + proof +
               "}}}}";
    };
    auto r =
        read(text(R"("operation_end_time": "2025-06-12T12:56:06Z", )", R"("start_time": "2025-06-12T12:00:00", "end_time": "2025-06-12T12:01:00Z")"));
    EXPECT_FALSE(r.zone_assumed) << "that a stage names none says nothing about the end";
    EXPECT_TRUE(r.databases.at(0).backup.start_zone_assumed);
    EXPECT_FALSE(r.databases.at(0).backup.end_zone_assumed);
    r = read(text(R"("operation_start_time": "2025-06-12T11:56:06Z", "operation_end_time": "2025-06-12 12:56:06", )",
                  R"("end_time": "2025-06-12T12:01:00Z")"));
    EXPECT_TRUE(r.zone_assumed);
    EXPECT_FALSE(r.databases.at(0).backup.end_zone_assumed);
    EXPECT_TRUE(read(text("", R"("end_time": "2025-06-12 12:01:00")")).zone_assumed) << "a stage stands for the end";
    EXPECT_FALSE(read(text("", R"("end_time": "2025-06-12T12:01:00+01:00")")).zone_assumed);
}

TEST(Report, TimesWithoutAZoneAreInTheAgentsZone) {
    const auto r = read(text_dialect(), "Africa/Douala");  // UTC+1 all year
    EXPECT_EQ(r.operation_end, at("2025-06-20T07:41:02Z"));
    EXPECT_EQ(read(current(), "Africa/Douala").operation_end, at("2025-06-12T12:56:06Z")) << "a time with a zone keeps it";
}

TEST(Report, OfAPathOnTheAgentOnlyTheNameCounts) {
    EXPECT_EQ(read(text_dialect(R"(C:\\Backup\\2024\\X.zst)")).databases.at(0).staged_file_name, "X.zst");
    EXPECT_EQ(read(text_dialect(R"(/srv/a\\..\\..\\passwd)")).databases.at(0).staged_file_name, "passwd");
    EXPECT_EQ(read(text_dialect(R"(/home/lam/Backup/)")).databases.at(0).staged_file_name, "");
    EXPECT_EQ(read(text_dialect("null")).databases.at(0).staged_file_name, "");
}

TEST(Report, ReadsTheOlderDialect) {
    const auto r = read(older());
    EXPECT_EQ(r.dialect, Dialect::older);
    EXPECT_EQ(r.operation_end, at("2025-05-02T12:00:00Z"));
    EXPECT_EQ(r.overall_status, "failed_globally");
    const auto& d = r.databases.at(0);
    EXPECT_EQ(d.invalid, "");
    EXPECT_EQ(d.backup.status, true);
    EXPECT_EQ(d.backup.start, at("2025-05-02T11:55:00Z"));
    EXPECT_EQ(d.backup.end, at("2025-05-02T11:56:00Z"));
    EXPECT_EQ(d.compress.start, at("2025-05-02T11:57:00Z"));
    EXPECT_EQ(d.compress.size_bytes, 1000u);
    EXPECT_EQ(d.transfer.status, false);
    EXPECT_EQ(d.transfer.error_message, "rsync: connection reset");
    EXPECT_EQ(d.logs_summary, "3 warnings");
}

TEST(Report, TheOlderDialectMayWriteTheStatusAsText) {
    EXPECT_EQ(read(older(R"("True")")).databases.at(0).backup.status, true);
    EXPECT_EQ(read(older(R"("success")")).databases.at(0).backup.status, true);
    EXPECT_EQ(read(older(R"("failed")")).databases.at(0).backup.status, false);
    EXPECT_EQ(read(older(R"("null")")).databases.at(0).backup.status, std::nullopt);
    EXPECT_THAT(entry_problem(older(R"("perhaps")")), HasSubstr("backup_process.status: 'perhaps' is neither true nor false"));
}

TEST(Report, AnAbsentStatusIsNoSuccess) {
    const auto r = read(current(R"("sha256_checksum": ")" + kSha + R"(", "size": 1)"));
    EXPECT_EQ(r.databases.at(0).compress.status, std::nullopt);
    const auto none = read(R"({"agent_id":"a","operation_end_time":"2025-06-12T12:56:06Z","databases":{"d":{"BACKUP":{"status":true,"sha256":")" +
                           kSha + R"(","size":1},"staged_file_name":"d.sql"}}})");
    EXPECT_FALSE(none.databases.at(0).transfer.present);
    EXPECT_FALSE(none.databases.at(0).compress.present);
    EXPECT_EQ(&sent_stage(none.databases.at(0)), &none.databases.at(0).backup) << "not compressed: what was dumped is what was sent";
    EXPECT_EQ(none.databases.at(0).invalid, "");
}

TEST(Report, UpperCaseChecksumsAreLowered) {
    std::string upper = kSha;
    for (auto& c : upper) c = static_cast<char>(std::toupper(c));
    const auto r = read(current(R"("status": true, "size": 5, "sha256_checksum": ")" + upper + "\""));
    EXPECT_EQ(r.databases.at(0).invalid, "");
    EXPECT_EQ(r.databases.at(0).compress.sha256, kSha);
}

TEST(Report, OtherChecksumsMakeTheEntryInvalid) {
    const auto with = [](const std::string& sum) { return entry_problem(current(R"("status": true, "size": 5, "sha256_checksum": )" + sum)); };
    EXPECT_EQ(with(R"("d41d8cd98f00b204e9800998ecf8427e")"),
              "databases.SDMC_DOUALA_AKWA_2023.COMPRESS.sha256_checksum: 'd41d8cd98f00b204e9800998ecf8427e' is no SHA-256 (64 hexadecimal digits)");
    EXPECT_THAT(with("\"" + kSha.substr(1) + "\""), HasSubstr("is no SHA-256"));
    EXPECT_THAT(with("\"" + kSha + "0\""), HasSubstr("is no SHA-256"));
    EXPECT_THAT(with("\"z" + kSha.substr(1) + "\""), HasSubstr("is no SHA-256"));
    EXPECT_THAT(with("17"), HasSubstr("is no SHA-256"));
    EXPECT_THAT(with("null"), HasSubstr("COMPRESS: no SHA-256"));
    EXPECT_THAT(entry_problem(current(R"("status": true, "size": 5)")), HasSubstr("COMPRESS: no SHA-256"));
    EXPECT_THAT(entry_problem(current(R"("status": true, "size": 5, "sha256_checksum": ")" + kSha + R"(", "sha256": ")" + kOtherSha + "\"")),
                HasSubstr("differs"));
}

TEST(Report, SizesThatAreNoneMakeTheEntryInvalid) {
    const auto with = [](const std::string& size) {
        return entry_problem(current(R"("status": true, "sha256_checksum": ")" + kSha + R"(", "size": )" + size));
    };
    EXPECT_EQ(with("0"), "");
    EXPECT_EQ(with("\"12\""), "");
    EXPECT_EQ(with("-1"), "databases.SDMC_DOUALA_AKWA_2023.COMPRESS.size: '-1' is negative");
    EXPECT_THAT(with("\"-1\""), HasSubstr("COMPRESS.size: '-1' is negative"));
    EXPECT_THAT(with("18446744073709551616"), HasSubstr("COMPRESS.size: '18446744073709551616' is too large"));
    EXPECT_THAT(with("18446744073709551615"), HasSubstr("too large"));
    EXPECT_THAT(with("1.5"), HasSubstr("not a whole number"));
    EXPECT_THAT(with("1e3"), HasSubstr("not a whole number"));
    EXPECT_THAT(with("\"4 MB\""), HasSubstr("'4 MB' is not a size in bytes"));
    EXPECT_THAT(with("[1]"), HasSubstr("not a size"));
    EXPECT_THAT(with("null"), HasSubstr("COMPRESS: no size"));
    EXPECT_THAT(with(R"(5, "size_bytes": 6)"), HasSubstr("size_bytes: differs"));
}

TEST(Report, AFailedStageNeedsNoChecksum) {
    const auto r = read(current(R"("status": false, "error_message": "disk full")"));
    EXPECT_EQ(r.databases.at(0).invalid, "");
    EXPECT_EQ(r.databases.at(0).compress.error_message, "disk full");
}

TEST(Report, ABadEntryHarmsNoOther) {
    const auto r = read(current(R"("status": true, "size": -5, "sha256_checksum": ")" + kSha + "\"",
                                R"(, "B": 7, "C": {"BACKUP": {"status": true, "size": 1, "sha256": ")" + kSha +
                                    R"("}, "TRANSFER": {"status": true}, "staged_file_name": "c.sql"}, "": {})"));
    ASSERT_EQ(r.databases.size(), 4u);
    EXPECT_NE(r.databases[0].invalid, "");
    EXPECT_EQ(r.databases[1].invalid, "databases.B: not an object");
    EXPECT_EQ(r.databases[2].invalid, "");
    EXPECT_NE(r.databases[3].invalid, "");
}

TEST(Report, NamesThatDifferOnlyInCaseAreBothInvalid) {
    const auto r = read(current("\"status\": false", R"(, "sdmc_douala_akwa_2023": {"BACKUP": {"status": false}})"));
    EXPECT_THAT(r.databases.at(0).invalid, HasSubstr("named twice"));
    EXPECT_THAT(r.databases.at(1).invalid, HasSubstr("named twice"));
}

TEST(Report, OddStageValuesAreInvalidEntries) {
    const std::string frame = R"({"agent_id":"a","operation_end_time":"2025-06-12T12:56:06Z","databases":{"d":)";
    const auto with = [&](const std::string& entry) { return entry_problem(frame + entry + "}}"); };
    EXPECT_EQ(with(R"({"BACKUP": "yes"})"), "databases.d.BACKUP: not an object");
    EXPECT_EQ(with(R"({"BACKUP": {"status": []}})"), "databases.d.BACKUP.status: '[]' is neither true nor false");
    EXPECT_THAT(with(R"({"BACKUP": {"status": true, "end_time": "yesterday"}})"),
                StartsWith("databases.d.BACKUP.end_time: 'yesterday' is not a time"));
    EXPECT_THAT(with(R"({"BACKUP": {"status": true, "end_time": "2025-02-30 00:00:00"}})"), HasSubstr("is not a time"));
    EXPECT_THAT(with(R"({"BACKUP": {}, "backup_process": {}})"), HasSubstr("there is a 'backup_process' too"));
    EXPECT_EQ(with("{}"), "databases.d: neither BACKUP nor COMPRESS is there");
    EXPECT_THAT(with(R"({"staged_file_name": {}})"), HasSubstr("staged_file_name: not a text"));
}

TEST(Report, TheEndMayComeFromTheStages) {
    const auto r =
        read(R"({"agent_id":"a","databases":{"d":{"BACKUP":{"status":true,"size":1,"sha256":")" + kSha +
             R"(","end_time":"2025-06-12T12:54:40Z"},"TRANSFER":{"status":true,"end_time":"2025-06-12T12:55:00Z"},"staged_file_name":"d.sql"}}})");
    EXPECT_EQ(r.operation_end, at("2025-06-12T12:55:00Z"));
    EXPECT_EQ(refusal(R"({"agent_id":"a","databases":{}})"), "operation_end_time: missing, and no stage has a time");
}

TEST(Report, ZonesInAllSpellings) {
    const auto end = [](const std::string& text) {
        return read(R"({"agent_id":"a","operation_end_time":")" + text + R"(","databases":{}})").operation_end;
    };
    const auto noon = at("2025-06-12T12:00:00Z");
    EXPECT_EQ(end("2025-06-12T12:00:00Z"), noon);
    EXPECT_EQ(end("2025-06-12T13:00:00+01:00"), noon);
    EXPECT_EQ(end("2025-06-12 13:00:00+0100"), noon);
    EXPECT_EQ(end("2025-06-12 12:00:00 UTC"), noon);
    EXPECT_EQ(end("2025-06-12T12:00:00.250+00:00"), noon + milliseconds(250));
    EXPECT_EQ(end("2025-06-12 12:00:00"), noon);
}

TEST(Report, ABadFrameRefusesTheReport) {
    EXPECT_EQ(refusal("[]"), "the report is not a JSON object");
    EXPECT_EQ(refusal("17"), "the report is not a JSON object");
    EXPECT_EQ(refusal("{}"), "agent_id: missing");
    EXPECT_EQ(refusal(R"({"agent_id":"a","operation_end_time":"2025-06-12T12:56:06Z"})"), "databases: missing");
    EXPECT_THAT(refusal(R"({"agent_id":"a","operation_end_time":"2025-06-12T12:56:06Z","databases":[]})"), StartsWith("databases: not an object"));
    EXPECT_THAT(refusal(R"({"agent_id":"a","operation_end_time":"soon","databases":{}})"), StartsWith("operation_end_time: 'soon' is not a time"));
    EXPECT_THAT(refusal(R"({"agent_id":"a","operation_end_time":1749732966,"databases":{}})"), StartsWith("operation_end_time: not a time"));
    EXPECT_EQ(refusal(R"({"agent_id":{},"databases":{}})"), "agent_id: not a text");
    EXPECT_THAT(refusal(R"({"agent_id":")" + std::string(300, 'a') + R"(","databases":{}})"), StartsWith("agent_id: longer"));
}

// The list of hostile reports in the order of what people and machines do to files.
TEST(Report, TruncatedAtAnyByteIsRefused) {
    const auto whole = current();
    for (std::size_t n = 0; n < whole.size(); ++n) ASSERT_FALSE(parse_report(whole.substr(0, n), "UTC")) << n;
    EXPECT_THAT(refusal(whole.substr(0, 300)), HasSubstr("unexpected end of input"));
}

TEST(Report, EmptyIsRefused) {
    EXPECT_EQ(refusal(""), "it is empty");
    EXPECT_EQ(refusal(" \r\n\t"), "it is empty");
    EXPECT_EQ(refusal("\xEF\xBB\xBF"), "it is empty");
}

TEST(Report, AUtf8BomIsSkippedOthersAreRefused) {
    EXPECT_EQ(read("\xEF\xBB\xBF" + current()).agent_id, "sirpacam_douala_newbell");
    EXPECT_THAT(refusal(std::string("\xFF\xFE{\0}\0", 6)), HasSubstr("UTF-16"));
}

TEST(Report, TrailingBytesAreRefused) {
    EXPECT_EQ(read(current() + "\r\n").databases.size(), 1u);
    EXPECT_THAT(refusal(current() + "x"), HasSubstr("line"));
    EXPECT_THAT(refusal(current() + current()), HasSubstr("line"));
    EXPECT_THAT(refusal(current() + std::string("\0", 1)), HasSubstr("a NUL byte"));
    EXPECT_THAT(refusal(current() + std::string("\0{}", 3)), HasSubstr("line 8, column 104"));
}

TEST(Report, DuplicateKeysAreRefusedWithTheirPath) {
    EXPECT_EQ(refusal(R"({"agent_id":"a","agent_id":"b"})"), "the key 'agent_id' occurs twice");
    EXPECT_THAT(refusal(current("\"status\": true, \"status\": false")), HasSubstr("databases.SDMC_DOUALA_AKWA_2023.COMPRESS"));
    EXPECT_THAT(refusal(current("\"status\": true, \"stat\\u0075s\": false")), HasSubstr("the key 'status' occurs twice"));
}

TEST(Report, NumbersThatAreNoneAreRefused) {
    for (const auto* bad : {"NaN", "Infinity", "-", "01", "+1", "0x10", "1e400", "-1e400", ".5"})
        EXPECT_THAT(refusal(current(std::string(R"("status": true, "size": )") + bad)), HasSubstr("line 6, column")) << bad;
}

TEST(Report, DepthIsLimited) {
    EXPECT_THAT(refusal(std::string(10000, '[')), HasSubstr("nested deeper than 16"));
    std::string objects;
    for (int i = 0; i < 10000; ++i) objects += "{\"a\":";
    EXPECT_THAT(refusal(objects), HasSubstr("a.a.a"));
    EXPECT_THAT(refusal(std::string(16, '[') + std::string(16, ']')), HasSubstr("not a JSON object")) << "16 are allowed";
    EXPECT_THAT(refusal(std::string(17, '[') + std::string(17, ']')), HasSubstr("nested deeper"));
}

TEST(Report, SizeAndNumberOfValuesAreLimited) {
    auto most = current();
    most.resize(kMaxReportBytes, ' ');
    EXPECT_EQ(read(most).databases.size(), 1u);
    EXPECT_THAT(refusal(most + " "), HasSubstr("more than the 1048576"));
    std::string many = "[";
    for (int i = 0; i < 200000; ++i) many += "0,";
    EXPECT_THAT(refusal(many), HasSubstr("more than 100000 values"));
}

TEST(Report, InvalidUtf8IsRefusedWithItsPlace) {
    EXPECT_EQ(refusal("{\n \"a\xFF\": 1}"), "line 2, column 4: bytes that are no UTF-8");
    EXPECT_THAT(refusal("{\"\xC0\x80\": 1}"), HasSubstr("no UTF-8"));
    EXPECT_THAT(refusal("{\"\xED\xA0\x80\": 1}"), HasSubstr("no UTF-8"));
    EXPECT_THAT(refusal(R"({"agent_id": "\ud800"})"), HasSubstr("line 1"));
}

TEST(Report, WhatIsQuotedIsPrintable) {
    EXPECT_THAT(entry_problem(current("\"status\": \"\\u001b[31mred\\u202e\", \"size\": 1")), HasSubstr("'\\x1b[31mred\\u{202e}'"));
    const auto r = read(R"({"agent_id":"a\u0000b","operation_end_time":"2025-06-12T12:56:06Z","databases":{"x\ny":1}})");
    EXPECT_EQ(r.agent_id, std::string("a\0b", 3)) << "raw: whoever shows it escapes it";
    EXPECT_EQ(r.databases.at(0).invalid, "databases.x\\ny: not an object");
}

TEST(Report, UnknownMembersAreIgnored) {
    EXPECT_EQ(entry_problem(current(R"("status": true, "size": 5, "level": {"zstd": [19]}, "sha256_checksum": ")" + kSha + "\"")), "");
}

TEST(Report, AHundredDatabases) {
    std::string more;
    for (int i = 0; i < 100; ++i)
        more += ", \"DB" + std::to_string(i) + R"(": {"BACKUP": {"status": true, "size": 1, "sha256": ")" + kSha +
                R"("}, "TRANSFER": {"status": true}, "staged_file_name": "c.sql"})";
    EXPECT_EQ(read(current("\"status\": false", more)).databases.size(), 101u);
}

// What bkmon-report(5) shows to those who write agents must be what is read.
TEST(ReportManual, ItsExamplesAreReadAsTheirDialects) {
    std::ifstream in(std::string(BKMON_SOURCE_DIR) + "/etc/man/bkmon-report.5.scd");
    std::vector<std::string> blocks;
    bool inside = false;
    for (std::string line; std::getline(in, line);) {
        if (line == "```") {
            inside = !inside;
            if (inside) blocks.emplace_back();
        } else if (inside) {
            blocks.back() += line + "\n";
        }
    }
    ASSERT_EQ(blocks.size(), 3u);
    EXPECT_EQ(read(blocks[0]).dialect, Dialect::current);
    const auto framed = [](const std::string& entry) {
        return R"({"agent_id": "a", "operation_end_time": "2025-06-20T08:41:02Z", "databases": {)" + entry + "}}";
    };
    EXPECT_EQ(read(framed(blocks[1])).dialect, Dialect::older);
    EXPECT_EQ(read(framed(blocks[2])).dialect, Dialect::text);
    for (const auto& json : {blocks[0], framed(blocks[1]), framed(blocks[2])}) {
        const auto report = read(json);
        ASSERT_EQ(report.databases.size(), 1u);
        EXPECT_EQ(report.databases[0].invalid, "");
        EXPECT_EQ(sent_stage(report.databases[0]).sha256, kSha);
        EXPECT_EQ(report.databases[0].transfer.status, true);
    }
}

TEST(ReportName, KnowsTheNamesOfTheField) {
    for (const auto* good : {"STATUS.json", "20250612_125606_SIRPACAM_DOUALA_NEWBELL.json", "OPERATION_20250612_1300_sirpacam.json",
                             "HORODATAGE_sirpacam.json", "2025-06-12T12-56-06_sirpacam.json", "status.JSON"})
        EXPECT_TRUE(is_report_name(good)) << good;
    for (const auto* bad : {".STATUS.json.Ab12Cd", ".STATUS.json", ".json", "STATUS.json.tmp", "STATUS.jsonl", "json", "", "STATUS.json~"})
        EXPECT_FALSE(is_report_name(bad)) << bad;
    EXPECT_FALSE(is_report_name(std::string(300, 'a') + ".json"));
}

}  // namespace
}  // namespace bkmon::core
