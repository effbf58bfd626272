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
    Reason{"no_file",
           "The file is not where it should be: the agent says that it sent it, or nothing in the folder has a name that the mode looks for."},
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
    Reason{"future", "The backup is dated in the future: check the clock of the machine that made it."},
    Reason{"clock", "The report's time is implausible: check the agent's clock."},
    Reason{"size_band", "The size is outside the band of this target's own history."},
    Reason{"too_small", "The file is smaller than min_size."},
    Reason{"empty", "The backup is whole but holds nothing."},
    Reason{"other_database", "The backup is of another database than expected."},
    Reason{"fresh",
           "A fresh backup lies where it should. It was looked at where it lies, not copied; the reason says how far its content could be judged."},
    Reason{"growing", "The newest file is still being written: what was known before stays."},
    Reason{"empty_folder", "The folder is empty: did the backup job ever run, or was the folder cleared?"},
    Reason{"no_folder", "The share is there, the folder is not: check the mode's folder and the server's backup job."},
    Reason{"no_share", "The server has no such share: check the mode's shares, and whether that disk is still in the server."},
    Reason{"no_drive", "None of the mode's shares has the folder: is the backup drive plugged in?"},
    Reason{"too_old", "The newest backup is older than max_age allows: look at the backup job of that server."},
    Reason{"old_copy",
           "An old backup under a new time: the date in it is long before that of its file, so it was copied or touched. Look for the newer one."},
    Reason{"other_kind", "The backup is of another kind than the mode expects: a full one, a differential one, a log. Look at the backup job."},
    Reason{"other_format",
           "The file is in another format than SQL Server's: another program made it, or another file has its name. Name other patterns, or switch "
           "verify off."},
    Reason{"zeros",
           "The file holds nothing but zeros where it was read: a copy that was cut off, or a disk that fails. Make the backup again and check the "
           "disk."},
    Reason{"scrambled",
           "The file's bytes are as even as encrypted ones: if nobody encrypts it on purpose, think of malware and look at the server at once."},
    Reason{"lost_header",
           "The file does not begin as a backup does: its beginning was lost or overwritten. Make the backup again and check the disk."},
    Reason{"damaged", "Bytes of the backup are missing, or are those of another one. Make the backup again and check the disk."},
    Reason{"maybe_damaged", "The backup looks as if it were not whole, but its format does not prove it: restore it on trial, or make it again."},
    Reason{"aborted", "SQL Server itself gave the backup up: see its error log on that server."},
    Reason{"login_refused",
           "The server refuses the login: check user, domain and password of the mode. A refused account is not used again in the same scan, so that "
           "it is not locked."},
    Reason{"account_locked", "The account is locked: unlock it, and find out who tries with a wrong password."},
    Reason{"password_expired", "The account is disabled or expired, or its password is expired or must be changed: put the account right."},
    Reason{"clock_skew", "The login failed because the clocks differ: set the clock that is wrong, the server's or this machine's."},
    Reason{"access_denied", "The login works, but share or folder may not be read: give the account the right to read them."},
    Reason{"name_unknown", "The server's name cannot be resolved: check the address in the inventory, and DNS."},
    Reason{"refused", "Nothing listens on the server's port: is file sharing on, does a firewall refuse it?"},
    Reason{"unreachable", "There is no way to the server: is it on, is its network up?"},
    Reason{"timeout", "The server did not answer in time: is it on, does a firewall drop the packets, is the line slow?"},
    Reason{"reset", "The server cut the connection: look at its file sharing and at the way to it."},
    Reason{"protocol",
           "What answers does not speak SMB as it must (SMB 2 or newer, signed): look at the server's settings, or at what answers there instead of "
           "it."},
    Reason{"too_many", "The folder has more entries than are read: clear it, or name a smaller folder in the mode."},
    Reason{
        "worker_crashed",
        "The process that read the server's answers died of them; nothing else was touched. If it happens again, find out what that server sends."},
    Reason{"scan_fault", "bkmon itself could not look at the server: see its journal, and scan again."},
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
    Reason{
        "mail_login",
        "The mail server does not take the login: no alert goes out. Put the password right and run `bkmonctl reload`; try it with `bkmonctl alerts "
        "test`."},
    Reason{
        "mail_tls",
        "The mail server cannot be trusted (certificate, name, or no STARTTLS): nothing is sent to it. Put its certificate or mail.ca_file right."},
    Reason{"mail_down",
           "The mail server takes no mail: alerts wait in the outbox. Check the server and the way to it; see `bkmonctl alerts outbox`."},
    Reason{"mail_refused",
           "Mails were refused or given up: somebody was not told. See `bkmonctl alerts outbox`, and send them again with `bkmonctl alerts retry`."},
    Reason{"degraded", "This part of bkmon does not fully work; the reason says why."},
};

/// The entry of kReasons, or nullptr for a code that is not in it.
const Reason* find_reason(std::string_view code);

}  // namespace bkmon::core
