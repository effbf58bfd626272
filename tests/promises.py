#!/usr/bin/python3
"""Writes tests/PROMISES.md: what bkmon promises, which tests prove it, and what the last full run counted (tests/facts/*.json).
`promises.py --check` says whether the page is what this would write."""
import json
import pathlib
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[1]

# (promise, what it says, the tests that prove it: file or suite, [names of facts])
# tests/meta/promises_test.py holds that each of these tests exists.
PROMISES = [
    ("R1", "A file under a final name in the vault hashes to its recorded SHA-256, and that hash was taken from bkmond's own copy.",
     ["tests/sweeps/deposit_race_test.py", "tests/unit/daemon/deposits/vault", "tests/integration/hostile_test.py"], ["hostile_deposits"]),
    ("R2", "Once a database had a healthy backup, a complete healthy one is in the vault at every instant and after any crash.",
     ["tests/sweeps/crash_test.py::test_at_every_call_of_a_promotion", "tests/sweeps/crash_test.py::test_again_in_the_recovery",
      "tests/unit/daemon/deposits/vault"], ["crash_points", "crash_points_in_the_recovery"]),
    ("R3", "Nothing acknowledged depends on data that was not synced.",
     ["tests/sweeps/power_test.py", "tests/unit/daemon/deposits/vault/crash_sweep_test.cc", "tests/unit/daemon/deposits/vault/crash_test.cc"],
     ["simulated_crashes", "fsyncs_left_out", "power_cuts"]),
    ("R4", "Started again after any crash, bkmond reaches the state before or after by itself within 10 s, without a second row for anything and "
     "with nothing stranded.",
     ["tests/sweeps/crash_test.py"], ["crash_points", "crash_points_in_the_recovery", "random_kills"]),
    ("R5", "No agent makes bkmond read, write, move or remove anything outside of its own deposit and its own place in the vault.",
     ["tests/sweeps/link_race_test.py::test_names_that_flip", "tests/sweeps/link_race_test.py::test_names_that_flip_under_the_rights_of_the_service",
      "tests/sweeps/link_race_test.py::test_no_open_outside_of_the_roots", "tests/integration/hostile_test.py"],
     ["link_flips", "link_flips_as_service", "traced_opens"]),
    ("R6", "An agent that floods delays the promotion of another one's backup of 100 MB to at most twice its idle time and 5 s.",
     ["tests/sweeps/overload_test.py::test_one_agent_floods", "tests/sweeps/overload_test.py::test_one_agent_never_has_all_places",
      "tests/sweeps/overload_test.py::test_tiny_files_and_deep_folders"], ["flood", "tiny_and_deep"]),
    ("R7", "A file that is still under way, a temporary or a partial one is never promoted, and never called corrupt before its deadline.",
     ["tests/sweeps/rsync_test.py", "tests/integration/hostile_test.py::test_g25_writer_closes_just_before_the_deadline"], ["rsync_ways"]),
    ("R8", "Each complete deposit is decided within 60 s, whatever the watch did not tell.",
     ["tests/sweeps/overload_test.py::test_events_that_never_come", "tests/sweeps/overload_test.py::test_twenty_thousand_events",
      "tests/sweeps/overload_test.py::test_watches_used_up", "tests/sweeps/overload_test.py::test_no_watch_at_all"],
     ["events_that_never_come", "inotify_overflow", "watches_used_up", "no_watch_at_all"]),
    ("R10", "Whatever must be mailed is recorded together with the verdict that caused it, survives any death, and arrives at least once, each time as the "
     "same message; what a server does not take is tried for 72 hours and then shown as failed.",
     ["tests/sweeps/alerts_test.py::test_killed_at_every_call_until_the_server_took_it", "tests/sweeps/alerts_test.py::test_killed_at_random_moments",
      "tests/unit/daemon/alerts/crash_test.cc", "tests/unit/daemon/alerts/outbox", "tests/integration/mail_faults_test.py"],
     ["mail_crash_points", "mail_random_kills", "alert_crash_points"]),
    ("R11", "One cause is one mail, one problem one opening and one end; what comes and goes all the time is held down, and neither the first state nor "
     "the last is swallowed.",
     ["tests/unit/daemon/alerts/quiet_test.cc", "tests/unit/daemon/alerts/outlets_test.cc", "tests/unit/daemon/alerts/rules",
      "tests/integration/alerts_test.py::test_one_cause_is_one_mail_and_the_other_one_is_not_hidden"], []),
    ("R12", "A backup that does not come is missing once for each due time, through changes of the clock, jumps of hours and years, sleep and "
     "restarts; a clock that was wrong for a while swallows nothing. bkmond's own end is mailed without it.",
     ["tests/unit/daemon/core/schedule_sweep_test.cc", "tests/unit/daemon/deposits/time_sweep_test.cc", "tests/sweeps/time_test.py",
      "tests/integration/mailer_test.py"],
     ["schedule_changes", "clock_jumps", "time_end_to_end"]),
    ("R13", "No byte from outside reaches a terminal, a journal line, a table, a page, a mail, JSON, YAML, SQL or a path as syntax.",
     ["tests/sweeps/names_test.py", "tests/unit/common/base", "tests/unit/ctl/render", "tests/unit/daemon/alerts/text/hostile_test.cc",
      "tests/integration/mail_pages_test.py", "tests/integration/mail_faults_test.py::test_i12_words_of_agents",
      "tests/integration/mail_faults_test.py::test_i12_labels_and_people"],
     ["names_of_agents", "names_in_the_journal", "words_of_reports", "names_as_paths"]),
    ("R14", "No SMB server keeps bkmond waiting, ends it, learns another server's secret, sends a worker elsewhere, or is believed about a name; a refused "
     "login is tried once.",
     ["tests/integration/smb_worker_test.py", "tests/integration/smb_nursery_test.py", "tests/integration/outlets_hostile_test.py", "tests/sweeps/smb_test.py",
      "tests/unit/daemon/platform/smb"],
     ["smb_bit_flips", "smb_flips_of_outlets", "smb_bad_among_good"]),
    ("R15", "Only users and groups with a role may call what their role allows; everybody else gets one refusal and no data, and no client keeps "
     "others waiting.",
     ["tests/sweeps/control_test.py::test_the_whole_matrix", "tests/unit/daemon/control", "tests/integration/control_test.py"],
     ["control_matrix", "control_frames", "control_connections"]),
    ("R16", "No password is seen in the arguments or environment of a process that does not need it, in a log, a report or a core; nobody else "
     "of the same user reads bkmond's memory.",
     ["tests/integration/agent_test.py::test_no_password_is_seen_mariadb", "tests/integration/agent_test.py::test_no_password_is_seen_postgresql",
      "tests/integration/verify_test.py::test_a_forced_abort_leaves_no_core", "tests/integration/verify_test.py::test_same_user_cannot_look_inside",
      "tests/integration/config_test.py::test_what_it_holds_is_seen_nowhere_else",
      "tests/integration/mailer_test.py::test_the_password_is_nowhere_to_be_seen",
      "tests/integration/smb_worker_test.py::test_limits_and_secrets", "tests/integration/smb_nursery_test.py::test_it_never_knows_a_secret"],
     ["agent_secrets_mariadb", "agent_secrets_postgresql", "own_secrets"]),
    ("R17", "A full file system loses no healthy backup and no alert: it is said before, the emergency itself is still recorded, and everything "
     "goes on by itself when there is room again.",
     ["tests/sweeps/faults_test.py", "tests/integration/hostile_test.py::test_g43_state_disk_full", "tests/integration/verify_test.py::test_space_runs_out",
      "tests/integration/mail_faults_test.py::test_i15_the_history_cannot_be_written",
      "tests/unit/daemon/app/space_keeper_test.cc", "tests/unit/daemon/platform/files/space_marks_test.cc",
      "tests/unit/daemon/deposits/vault/fault_sweep_test.cc", "tests/unit/daemon/deposits/fault_sweep_test.cc"],
     ["faults_in_process", "faults_of_an_intake", "faults_once", "faults_from_then_on", "faults_at_the_start", "full_file_systems", "read_only_file_systems"]),
    ("R18", "No database server that bkmon asks reads a file of this machine, learns a password that it does not have, answers for another one where "
     "TLS is required, or takes more than its time and its bytes.",
     ["tests/unit/daemon/platform/mariadb/hostile_test.cc", "tests/unit/daemon/platform/mariadb/real_server_test.cc"], []),
    ("R19", "Each file of the vault is read again and hashed at least every 7 days; a damaged one is told in that turn, marked and kept.",
     ["tests/unit/daemon/deposits/vault/verify_test.cc", "tests/unit/daemon/deposits/scrub_test.cc", "tests/integration/verify_test.py"],
     ["vault_bits_each", "vault_bits_random"]),
    ("R20", "Over days of load descriptors, threads, children, memory, database and log stay flat, and no input crashes a parser.",
     ["tests/sweeps/flatness_test.py", "tests/valgrind/run", "tests/fuzz"], ["flatness", "fuzz"]),
    ("G1-G55", "Hostile, broken and unlucky deposits: 55 scenarios, each named by a test against the real daemon.",
     ["tests/integration/hostile_test.py::test_g01"], []),
    ("H1-H22", "Hostile and faulty SMB servers: 22 scenarios, each named by a test against the real daemon, with its verdict, the others' and the loop's.",
     ["tests/integration/outlets_hostile_test.py::test_h01"], []),
    ("I1-I17", "Mail servers that refuse, lie, hang and break off, and a bkmond that dies amid it: 17 scenarios.",
     ["tests/integration/mail_faults_test.py::test_i01", "tests/unit/daemon/alerts/outbox/sender_test.cc"], []),
    ("Outlets", "Whatever a server shows becomes one verdict that may be shown, and never a good one without a fresh file; only what is proven is held "
     "against a backup.",
     ["tests/integration/outlets_test.py", "tests/integration/outlets_content_test.py", "tests/unit/daemon/outlets/judgement"], ["visits_judged"]),
    ("Inventory", "A bad row costs itself alone; half a file, an emptied table or a source that fails closes no shop; an import is there whole or not at all.",
     ["tests/unit/daemon/outlets/inventory", "tests/unit/daemon/outlets/inventory_files_test.cc", "tests/unit/daemon/outlets/inventory_source_test.cc",
      "tests/integration/outlets_inventory_test.py", "tests/integration/outlets_example_test.py"], []),
    ("Scans", "bkmond, workers or servers that die in the middle of a scan lose nothing that was recorded, nothing is recorded twice, and the next scan is right; a "
     "credential that is refused three times in a row is not used again in it; with ten thousand outlets no turn of the loop is long.",
     ["tests/unit/daemon/outlets/scan_test.cc", "tests/unit/daemon/outlets/guard_test.cc", "tests/unit/daemon/outlets/schedule_test.cc",
      "tests/unit/daemon/outlets/turns_test.cc", "tests/integration/outlets_faults_test.py", "tests/integration/outlets_scans_test.py",
      "tests/integration/outlets_reload_test.py"], []),
    ("Headers", "A backup of SQL Server that lost its end, its beginning or bytes between is found by its first and last 64 KiB where its format proves it; "
     "what it does not prove is unknown, and no whole one is called broken.",
     ["tests/unit/daemon/mtf", "tests/unit/daemon/platform/inspect/worker/mtf_test.cc", "tests/fuzz/mtf_fuzz.cc"],
     ["backup_cuts", "backup_losses", "packed_backup_cuts", "backup_flips"]),
    ("J1-J16", "Abuse of the control socket: 16 scenarios, each a test of its own name.", ["tests/integration/control_test.py::test_j01"], []),
    ("Mutants", "Each protection that is taken out is missed by a test that is named for it.",
     ["tests/mutants/run", "tests/meta/mutants_test.py"], ["mutants"]),
]


def facts():
    return {p.stem: json.loads(p.read_text()) for p in sorted((SOURCE / "tests/facts").glob("*.json"))}


def counted(fact):
    text = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in fact["counts"].items())
    took = f", {fact['seconds']:,} s" if "seconds" in fact else ""
    return f"{fact['proof'].replace('_', ' ')}: {text} ({fact['date']}{took})"


def page():
    known = facts()
    lines = ["# What bkmon promises, and what proves it", "",
             "Written by `tests/sweeps/run`: the figures are those of the last full run of each proof. `./check` runs a slice of every one.", "",
             "| promise | proven by | last full run |", "|---|---|---|"]
    for name, says, tests, names in PROMISES:
        figures = "<br>".join(counted(known[n]) if n in known else f"{n.replace('_', ' ')}: not run in full yet" for n in names)
        lines.append(f"| **{name}** {says} | {'<br>'.join(f'`{t}`' for t in tests)} | {figures} |")
    return "\n".join(lines) + "\n"


def main():
    path = SOURCE / "tests/PROMISES.md"
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if path.exists() and path.read_text() == page() else "tests/PROMISES.md is not what tests/promises.py writes: run it")
    path.write_text(page())


if __name__ == "__main__":
    main()
