#pragma once
#include <array>
#include <string_view>

namespace bkmon::core {

struct Reason {
    std::string_view code;
    std::string_view meaning;  ///< what it means and what to do, in a sentence; shown by `explain` and in bkmonctl(1)
};

/// Every reason_code that a verdict may carry. Documented in bkmonctl(1); a test compares both.
inline constexpr std::array kReasons{
    Reason{"promoted", "A fresh backup was proven and is in the vault."},
    Reason{"same_content",
           "The backup is newer but byte-identical to the last healthy one: the database did not change, or the agent sends old dumps."},
    Reason{"overall_status", "All stages are true but the agent's overall status says otherwise: read the agent's log."},
    Reason{"no_checksum_in_frame", "The compressed file carries no checksum of its own: content could not be proven beyond its hash."},
    Reason{"report_late", "Due, and no report yet; the deadline has not passed."},
    Reason{"no_report", "The deadline has passed and no report came: is the agent running, does it reach this server?"},
    Reason{"not_in_report", "The agent reported, but did not name this database: was it dropped from the agent's list?"},
    Reason{"report_invalid", "The report cannot be used: fix what the reason names on the agent."},
    Reason{"agent_mismatch", "The report names another agent than the folder it lies in: two agents may share a folder."},
    Reason{"stage_failed", "The agent says that a stage failed: look at the quoted message on the agent's machine."},
    Reason{"no_file", "The agent says it sent the file, but it is not in its deposit folder."},
    Reason{"size_mismatch", "The file has another size than the report says: the transfer was cut or the file was changed."},
    Reason{"hash_mismatch", "The file's bytes are not those the agent hashed: damaged on the way or changed afterwards."},
    Reason{"never_finished", "The file was still being written when the deadline passed."},
    Reason{"not_a_file", "What lies under the name is a link, a directory, a device or has a second name: bkmon reads only plain files."},
    Reason{"unreadable", "bkmon may not read the file: check its mode and owner."},
    Reason{"bad_name", "The file name is not acceptable (letters, digits, . _ - only, not starting with a dot, at most 128 bytes)."},
    Reason{"too_large", "The file is larger than the limit (max_size)."},
    Reason{"truncated", "The data ends before its format says that it may."},
    Reason{"broken_archive", "The compressed data is damaged."},
    Reason{"wrong_type", "The content is not what the name says: encrypted by somebody else, or another file."},
    Reason{"no_end_mark", "The dump does not end with its completion line: it was cut, or the dump tool died."},
    Reason{"inspection_failed", "The content could not be inspected within the limits of time and memory."},
    Reason{"not_newer", "The backup is not newer than the last healthy one."},
    Reason{"replay", "These bytes were the backup at an earlier time: an old file was sent again."},
    Reason{"future", "The backup is dated in the future: check the agent's clock."},
    Reason{"clock", "The report's time is implausible: check the agent's clock."},
    Reason{"size_band", "The size is outside the band of this target's own history."},
    Reason{"too_small", "The file is smaller than min_size."},
    Reason{"empty", "The backup is whole but holds nothing."},
    Reason{"other_database", "The dump is of another database than expected."},
    Reason{"vault_conflict", "A name in the vault that bkmon does not know is in the way; nothing was overwritten."},
    Reason{"vault_unavailable", "The vault cannot be used now; the last healthy backup stays. See `bkmonctl explain bkmon/vault`."},
    Reason{"vault_damaged",
           "A file in the vault is not any more what was put there: it is kept and marked, and the next healthy backup replaces it. Check the disk, "
           "and let the agent send a backup again."},
    Reason{"vault_missing", "A backup is gone from the vault: somebody or something removed it. Let the agent send it again."},
    Reason{"vault_healed", "A backup in the vault that could not be read whole can be read again: check the disk all the same."},
    Reason{"deposit_unavailable",
           "The deposit root, or what bkmon recorded of the deposits, cannot be read now; it is tried again by itself. See `bkmonctl explain "
           "bkmon/deposits`."},
    Reason{"folder_changed",
           "The agent's folder has another owner than before, or is a link: somebody put it in place of the agent's. Find out who; put it right "
           "or accept the new owner."},
    Reason{"first_due", "Nothing is known yet; the first backup is due at the time named."},
    Reason{"no_evidence", "There is no fresh evidence: the last proof is older than twice the interval."},
    Reason{"released", "An operator released the held file."},
    Reason{"rejected", "An operator rejected the held file."},
    Reason{"paused", "Switched off by an operator."},
    Reason{"unexpected_agents", "There are agent folders or databases that no job names: see `bkmonctl deposits unexpected`."},
    Reason{"low_space", "A file system that bkmon needs is nearly full: make room before backups can no longer be taken in."},
    Reason{"disk_full", "The disk of bkmon's own records is full: make room; until then nothing is taken in, and only emergencies are recorded."},
    Reason{"working", "This part of bkmon works."},
    Reason{"history_unwritable",
           "The history cannot be written: nothing is judged or promoted until it can. Free space on the disk of history.path; bkmond goes on by "
           "itself."},
    Reason{"degraded", "This part of bkmon does not fully work; the reason says why."},
};

/// The entry of kReasons, or nullptr for a code that is not in it.
const Reason* find_reason(std::string_view code);

}  // namespace bkmon::core
