#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "common/base/time.h"
#include "daemon/core/settings/deposits.h"
#include "daemon/core/verdict.h"

namespace bkmon::history {

/// Row types of the history. Targets are stored by TargetId::key(), with the display spelling beside it.

struct VerdictRow {
    std::int64_t id = 0;      ///< 0: assigned on insert; grows with time: the paging key
    TargetId target;
    core::Verdict verdict;
};

/// The one current verdict of a target; never expires, so that start and `status` do not depend on the history's length.
struct CurrentRow {
    TargetId target;
    core::Verdict verdict;
    Time since{};                        ///< when this status began
    std::optional<Time> last_ok_at;      ///< last ok (a new backup)
    std::optional<Time> last_proof_at;   ///< last ok or unchanged
    Time first_known{};                  ///< when bkmond first knew the target: earlier due times are never missing
    std::int64_t told_by = 0;            ///< when written: the row of the history that has the same evidence; 0: none has
};

/// What listeners and, later, mails are made of; written in the verdict's transaction.
struct EventRow {
    std::int64_t seq = 0;     ///< 0: assigned on insert
    Time at{};
    std::string type;         ///< "verdict", "run", "operator", "daemon"
    TargetId target;          ///< may be empty
    std::string run;          ///< may be empty
    std::string body = "{}";  ///< JSON object
};

/// One row per target and day (day of the due time in the target's zone): the newest verdict of that day's cycle, and of several cycles
/// that of the worst (days.h).
struct DailyRow {
    TargetId target;
    std::string date;         ///< YYYY-MM-DD
    core::Verdict verdict;
    std::int64_t told_by = 0; ///< as of CurrentRow
};

struct RunRow {
    std::string id;
    std::string kind;         ///< "intake", "rescan", …
    std::string what;         ///< target or description
    std::string state;        ///< queued running done failed cancelled interrupted
    std::optional<Time> started_at, ended_at;
    std::int64_t done = 0, total = 0;
    std::string error;
};

struct ScheduleStateRow {
    std::string id;
    std::optional<Time> last_at;
    std::string last_result;
    std::optional<Time> last_evaluated;  ///< due times up to here were handled: catch-up starts after it
};

struct PauseRow {
    TargetId target;
    std::string by;           ///< "alice (uid 1001)"
    std::string reason;
    Time since{};
    std::optional<Time> until;
};

struct AuditRow {
    Time at{};
    std::uint32_t uid = 0;
    std::int32_t pid = 0;     ///< both as the kernel said at connect
    std::string user;
    std::string method;
    std::string parameters;   ///< JSON, secrets masked
    std::string outcome;      ///< "ok", "denied", or the error's code
};

/// One server of the inventory as it was last read. Key: the code, in lower case.
struct OutletRow {
    std::string code, name, address;
    bool active = true;
    core::Labels labels;
    std::optional<Time> gone_at;  ///< since when the inventory does not name it any more: kept for the reports of its days
};

/// The share on which a target's folder was last found, to be tried first.
struct RememberedShareRow {
    TargetId target;
    std::string share;
    Time at{};
};

/// A healthy version of a target: the size baseline, the replay gate, and what lies where in the vault.
struct HealthyRow {
    std::int64_t id = 0;
    TargetId target;
    std::string sha256;
    std::uint64_t size_bytes = 0;
    std::uint64_t content_bytes = 0;   ///< after decompression; 0 when unknown
    std::optional<Time> backup_at;
    Time promoted_at{};
    std::string vault_path;            ///< relative to the vault; where it lies now; empty once removed
    bool was_empty = false;            ///< whole, but held nothing: an empty database is legal if it always was
    bool current = false;              ///< the file under the final name
    std::optional<Time> replaced_at;
    milliseconds replaced_uptime{0};   ///< how long bkmond has run since it was replaced: keep_replaced counts this
    std::optional<Time> verified_at{};   ///< when its bytes were last read back from the disk and hashed
    std::optional<Time> damaged_at{};    ///< since when it is known not to be what was recorded; such a version is not healthy any more
    std::string damage{};                ///< printable: what is wrong with it
    std::uint64_t damaged_ino = 0;     ///< the inode that was found under its name; 0: none was there
};

/// The promotion protocol's row: promises D. One per transaction; closed rows are deleted.
struct DepositStateRow {
    std::string tx;
    std::string phase;                 ///< copying ready promoted
    TargetId target;
    std::string agent, source_file;    ///< folder and file name in the deposit
    std::uint64_t source_dev = 0, source_ino = 0, source_size = 0;
    std::int64_t source_mtime_ns = 0, source_ctime_ns = 0;
    std::string claimed_sha256;
    std::string report_file, report_sha256;
    std::string temp_name;             ///< in <vault>/.tmp
    std::string final_path;            ///< relative to the vault
    std::string old_path;              ///< the last healthy one's path, relative; empty when there was none
    std::uint64_t temp_ino = 0, old_ino = 0;
    std::string old_sha256;
    std::string verdict_json;          ///< what the DONE transaction will publish, so that recovery can
};

/// "What was judged is no event": bytes that were judged for a target. Key: target, report_sha256, file identity.
struct JudgedRow {
    TargetId target;                   ///< empty: the report as a whole (refused, or too old)
    std::string agent;
    std::string report_sha256;
    std::string file_sha256;           ///< empty when no file was read
    std::string status;                ///< Status name
    std::string reason_code;
    Time at{};
    std::optional<Time> report_end;    ///< operation_end_time, as used
    std::string file_identity;         ///< "dev:ino:size:mtime_ns:ctime_ns" of the deposited file, or empty
};

struct HeldRow {
    TargetId target;
    std::string sha256;
    std::uint64_t size_bytes = 0;
    std::string path;                  ///< relative to the vault, under .held/
    std::string final_path;            ///< where release would put it
    Time held_at{};
    std::optional<Time> backup_at;
    std::string reason_code, reason;
    std::string verdict_json;
    std::optional<Time> verified_at{};   ///< as in HealthyRow
    std::optional<Time> damaged_at{};
    std::string damage{};
};

struct ReportRow {                     ///< archive of processed reports: bytes lie in <state>/reports/
    std::string agent, file, sha256;
    Time seen_at{};
    std::string outcome;               ///< "used", "refused: …", "too old"
    std::string archive_path;
};

}  // namespace bkmon::history
