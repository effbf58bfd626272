#include <array>

#include "ctl/commands/command.h"

namespace bkmon::ctl {

namespace {

constexpr Option kTarget{"target", "TARGET", "id or glob of a target, e.g. 'deposit/acme_*/*'", Words::target, false, true};
constexpr Option kOneTarget{"target", "TARGET", "id of a target, or a glob that only one matches", Words::target, false, true};
constexpr Option kTargets{"target", "TARGET", "ids or globs of targets; all when left out", Words::target, true};
constexpr Option kHeldTarget{"target", "TARGET", "the target whose file is held", Words::held, false, true};
constexpr Option kSha256{"--sha256", "HASH", "SHA-256 of the held file, as `explain` shows it", Words::none, false, true};
constexpr Option kKind{"--kind", "KIND", "only targets of this kind", Words::kind};
constexpr Option kStatus{"--status", "STATUS", "only this status", Words::status};
constexpr Option kLabel{"--label", "KEY=VALUE", "only targets with this label; may be repeated", Words::none, true};
constexpr Option kMode{"--mode", "MODE", "only targets of this mode", Words::mode};
constexpr Option kRun{"run", "RUN", "id of the run", Words::run, false, true};

constexpr std::array kStatusOptions{kTargets, kKind, kStatus, Option{"--problems", "", "only what is not ok, unchanged or paused"}, kLabel};
constexpr std::array kExplainOptions{kOneTarget,
                                     Option{"--as-of", "DATE", "the newest verdict of that day (or before that time) instead of the current one"}};
constexpr std::array kHistoryOptions{Option{"target", "TARGET", "id or glob of a target; all when left out", Words::target},
                                     kKind,
                                     Option{"--since", "TIME", "not before: a time, a date, or how long ago (3d)"},
                                     Option{"--until", "TIME", "not after: a time, a date, or how long ago (12h)"},
                                     kStatus,
                                     Option{"--limit", "N", "at most so many (100); 0: all"}};
constexpr std::array kReportOptions{kKind,
                                    kMode,
                                    Option{"--target", "TARGET", "only these targets: ids, globs or codes", Words::target, true},
                                    Option{"--from", "DATE", "first day: a date, today, yesterday, or how long ago (7d)"},
                                    Option{"--to", "DATE", "last day"},
                                    kStatus,
                                    kLabel,
                                    Option{"--html", "FILE", "write a page that needs no other file", Words::file},
                                    Option{"--legacy", "", "with --csv of outlets: nine columns, Successful or Error, sizes as 2.45 GB"}};
constexpr std::array kSummaryOptions{kKind, kMode, Option{"--days", "N", "how many days back (30)"}};
constexpr std::array kWatchOptions{kKind};
constexpr std::array kCheckOptions{kTargets, kKind};
constexpr std::array kPauseOptions{kTarget, Option{"--until", "TIME", "ends by itself then: a time, a date, or how long (2h, 7d)"},
                                   Option{"--reason", "TEXT", "why; shown wherever the pause is", Words::none, false, true}};
constexpr std::array kResumeOptions{kTarget};
constexpr std::array kRunsListOptions{Option{"--limit", "N", "at most so many (50)"}};
constexpr std::array kRunOptions{kRun};
constexpr std::array kDepositsListOptions{Option{"target", "TARGET", "id or glob of a target; all when left out", Words::target}};
constexpr std::array kRescanOptions{Option{"agent", "AGENT", "only this agent's folder", Words::agent},
                                    Option{"--detach", "", "start it and do not wait for its end"}};
constexpr std::array kVerifyOptions{kTargets, Option{"--detach", "", "start it and do not wait for its end"}};
constexpr std::array kAdoptOptions{Option{"agent", "AGENT", "agent folder that no job names", Words::agent},
                                   Option{"database", "DATABASE", "only this database"}, Option{"--all", "", "everything unexpected, of every agent"},
                                   Option{"--write", "", "write it to conf.d and reload, instead of printing it"}};
constexpr std::array kHeldOptions{kHeldTarget, kSha256};
constexpr std::array kOutletsListOptions{Option{"outlet", "CODE", "codes or globs of codes; all when left out", Words::outlet, true},
                                         Option{"--label", "KEY=VALUE", "only outlets with this label; may be repeated", Words::none, true},
                                         Option{"--bad", "", "the inventory's rows that were skipped, and why"}};
constexpr std::array kScanOptions{Option{"--mode", "MODE", "only this mode; all, one after the other, when left out", Words::mode},
                                  Option{"--outlet", "CODE", "only these outlets: codes or globs of codes", Words::outlet, true},
                                  Option{"--problems", "", "only those whose verdict is bad"},
                                  Option{"--pending", "", "only those without a result today"},
                                  Option{"--date", "DATE", "as it was at the end of that day; changes no current verdict"},
                                  Option{"--detach", "", "start it and do not wait for its end"}};
constexpr std::array kImportOptions{Option{"file", "FILE", "CSV with the columns code and address", Words::file, false, true},
                                    Option{"--write", "", "make it the inventory, after a question"}};
constexpr Option kIncident{"incident", "ID", "number of the incident", Words::incident, false, true};
constexpr std::array kAlertsListOptions{Option{"--open", "", "only what is not over, worst first"},
                                        Option{"--target", "TARGET", "only about this target: id or glob", Words::target},
                                        Option{"--since", "TIME", "opened or closed then or later: a time, a date, or how long ago (3d)"},
                                        Option{"--limit", "N", "at most so many (100)"}};
constexpr std::array kIncidentOptions{kIncident};
constexpr std::array kAckOptions{kIncident, Option{"--note", "TEXT", "what is being done; shown with it"}};
constexpr std::array kSilenceOptions{
    Option{"target", "TARGET", "ids or globs of targets", Words::target, true},
    Option{"--kind", "KIND", "only targets of this kind; may be repeated", Words::kind, true},
    Option{"--label", "KEY=VALUE", "only targets with this label, VALUE may be a glob; may be repeated", Words::none, true},
    Option{"--from", "TIME", "begins then (now): a time, a date, or in how long (2h)"},
    Option{"--until", "TIME", "ends then: a time, a date, or in how long (2h, 7d)"},
    Option{"--for", "DURATION", "ends so long after its beginning (2h, 7d)"},
    Option{"--window", "WINDOW", "only weekly then: 'mon-fri 22:00-06:00', 'sat,sun'; may be repeated", Words::none, true},
    Option{"--timezone", "ZONE", "of the windows, e.g. Europe/Berlin (that of the configuration)"},
    Option{"--reason", "TEXT", "why; shown wherever it hides something", Words::none, false, true}};
constexpr std::array kSilencesOptions{Option{"--all", "", "those that have ended, too"}};
constexpr std::array kUnsilenceOptions{Option{"silence", "ID", "number of the silence", Words::silence, false, true}};
constexpr std::array kExpectOptions{Option{"target", "TARGET", "id of the target", Words::target, false, true},
                                    Option{"--note", "TEXT", "why; kept with it"}};
constexpr std::array kOutboxOptions{Option{"--state", "STATE", "only mails in this state", Words::mail_state},
                                    Option{"--limit", "N", "at most so many (100)"}};
constexpr std::array kRetryOptions{Option{"mail", "ID", "numbers of mails; all that wait or failed when left out", Words::mail, true}};
constexpr std::array kTestOptions{Option{"--to", "ADDRESS", "to this address instead of those of mail.to"}};
constexpr std::array kAlertsExplainOptions{Option{"target", "TARGET", "id of the target", Words::target, false, true}};
constexpr std::array kConfigCheckOptions{Option{"--file", "FILE", "the configuration to check (/etc/bkmon/bkmon.yaml)", Words::file}};
constexpr std::array kConfigShowOptions{Option{"--effective", "", "defaults too, not only what the files set"}};
constexpr std::array kCompleteOptions{Option{"words", "WORD", "SHELL N WORDS…", Words::none, true}};
constexpr std::span<const Option> kNoOptions{};

constexpr std::array kCommands{
    Command{"status", "What is well and what is not: problems worst first", kStatusOptions, run_status, "io.bkmon.Targets.Status", true},
    Command{"explain", "Why a target has its status: evidence, advice, next steps", kExplainOptions, run_explain, "io.bkmon.Targets.Explain"},
    Command{"history", "Past verdicts, newest first", kHistoryOptions, run_history, "io.bkmon.Targets.History", true},
    Command{"report", "One row per target and day", kReportOptions, run_report, "io.bkmon.Targets.Report", true},
    Command{"summary", "One row per day: how many were good", kSummaryOptions, run_summary, "io.bkmon.Targets.Summary", true},
    Command{"watch", "Events as they happen, one a line, until interrupted", kWatchOptions, run_watch, "io.bkmon.Targets.Watch"},
    Command{"check", "Monitoring plugin: one line with perfdata, 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN", kCheckOptions, run_check,
            "io.bkmon.Targets.Status"},
    Command{"pause", "Switch targets off for a while; shown with who, when and why", kPauseOptions, run_pause, "io.bkmon.Targets.Pause"},
    Command{"resume", "End a pause", kResumeOptions, run_resume, "io.bkmon.Targets.Resume"},
    Command{"runs list", "Pieces of work, newest first", kRunsListOptions, run_runs_list, "io.bkmon.Runs.List", true},
    Command{"runs show", "One run", kRunOptions, run_runs_show, "io.bkmon.Runs.Show"},
    Command{"runs cancel", "Stop a run", kRunOptions, run_runs_cancel, "io.bkmon.Runs.Cancel"},
    Command{"runs follow", "Watch a run until its end; Ctrl-C detaches, the run goes on", kRunOptions, run_runs_follow, "io.bkmon.Runs.Follow"},
    Command{"schedule list", "What is due when", kNoOptions, run_schedule_list, "io.bkmon.Schedule.List", true},
    Command{"deposits list", "What lies in the agents' folders", kDepositsListOptions, run_deposits_list, "io.bkmon.Deposits.List", true},
    Command{"deposits rescan", "Look at the deposit folders now", kRescanOptions, run_deposits_rescan, "io.bkmon.Deposits.Rescan"},
    Command{"deposits verify", "Read the vault's files again and hash them", kVerifyOptions, run_deposits_verify, "io.bkmon.Deposits.Verify"},
    Command{"deposits unexpected", "Agents and databases that no job names", kNoOptions, run_deposits_unexpected, "io.bkmon.Deposits.Unexpected",
            true},
    Command{"deposits adopt", "The configuration that would expect them", kAdoptOptions, run_deposits_adopt, "io.bkmon.Deposits.Adopt"},
    Command{"deposits release", "Promote a held file to the vault", kHeldOptions, run_deposits_release, "io.bkmon.Deposits.Release"},
    Command{"deposits reject", "Drop a held file", kHeldOptions, run_deposits_reject, "io.bkmon.Deposits.Reject"},
    Command{"deposits init", "Mark vault and deposit root as bkmon's", kNoOptions, run_deposits_init, "io.bkmon.Deposits.Init"},
    Command{"outlets list", "Outlets, where they are and how their backups are", kOutletsListOptions, run_outlets_list, "io.bkmon.Outlets.List",
            true},
    Command{"outlets modes", "Where on each outlet bkmon looks, and when", kNoOptions, run_outlets_modes, "io.bkmon.Outlets.Modes", true},
    Command{"outlets scan", "Look at the outlets now; Ctrl-C detaches, the scan goes on", kScanOptions, run_outlets_scan, "io.bkmon.Outlets.Scan",
            true},
    Command{"outlets follow", "Watch a scan until its end; Ctrl-C detaches, the scan goes on", kRunOptions, run_outlets_follow,
            "io.bkmon.Outlets.Follow", true},
    Command{"outlets import", "What a CSV would change in the inventory; --write takes it", kImportOptions, run_outlets_import,
            "io.bkmon.Outlets.Import", true},
    Command{"alerts list", "Problems, who was told, who works on them", kAlertsListOptions, run_alerts_list, "io.bkmon.Alerts.List", true},
    Command{"alerts show", "One incident and the mails about it", kIncidentOptions, run_alerts_show, "io.bkmon.Alerts.Show"},
    Command{"alerts ack", "Say that somebody works on it: no more reminders", kAckOptions, run_alerts_ack, "io.bkmon.Alerts.Ack"},
    Command{"alerts silence", "Mail nothing about some targets for a while", kSilenceOptions, run_alerts_silence, "io.bkmon.Alerts.Silence"},
    Command{"alerts silences", "Silences, and what they hide", kSilencesOptions, run_alerts_silences, "io.bkmon.Alerts.Silences", true},
    Command{"alerts unsilence", "End a silence", kUnsilenceOptions, run_alerts_unsilence, "io.bkmon.Alerts.Unsilence"},
    Command{"alerts expect", "The newest backup's size is the new normal", kExpectOptions, run_alerts_expect, "io.bkmon.Alerts.Expect"},
    Command{"alerts outbox", "Mails: waiting, sent, failed", kOutboxOptions, run_alerts_outbox, "io.bkmon.Alerts.Outbox", true},
    Command{"alerts retry", "Try to send now what waits or failed", kRetryOptions, run_alerts_retry, "io.bkmon.Alerts.Retry"},
    Command{"alerts test", "Send a test mail and wait for the server's answer", kTestOptions, run_alerts_test, "io.bkmon.Alerts.Test", true},
    Command{"alerts explain", "Which rule applies to a target, and what would be mailed to whom", kAlertsExplainOptions, run_alerts_explain,
            "io.bkmon.Alerts.Explain"},
    Command{"config check", "Check a configuration without the daemon; all errors at once", kConfigCheckOptions, run_config_check, ""},
    Command{"config show", "Settings in effect with their origin, secrets masked", kConfigShowOptions, run_config_show, "io.bkmon.Daemon.Settings",
            true},
    Command{"reload", "Read the configuration again; a bad one changes nothing", kNoOptions, run_reload, "io.bkmon.Daemon.Reload"},
    Command{"version", "Versions of bkmonctl and bkmond, and how bkmond does", kNoOptions, run_version, "io.bkmon.Daemon.Version"},
    Command{"__complete", "", kCompleteOptions, run_complete, "io.bkmon.Daemon.Complete"},
};

constexpr std::array kGroups{
    Group{"runs", "Pieces of work: intakes, rescans"},
    Group{"schedule", "When things are due"},
    Group{"deposits", "Deposits of agents: what lies there, is held, was not expected"},
    Group{"outlets", "Servers of outlets, looked at over SMB: inventory, modes, scans"},
    Group{"alerts", "Problems and mails: who knows, who works on it, what is silenced"},
    Group{"config", "The configuration"},
};

constexpr std::array kGlobalOptions{
    Option{"--socket", "PATH", "control socket of bkmond (/run/bkmon/control.sock, or BKMON_SOCKET)", Words::file},
    Option{"--json", "FORM", "JSON instead of text: --json, --json=short, --json=pretty", Words::json_form},
    Option{"--csv", "", "CSV (RFC 4180) instead of a table"},
    Option{"--no-pager", "", "never show long output through a pager"},
    Option{"--no-legend", "", "no headings, no closing lines"},
    Option{"--color", "WHEN", "auto, always or never", Words::colour},
    Option{"--yes", "", "do not ask before what cannot be undone"},
    Option{"--timeout", "SECONDS", "longest wait for an answer (30)"},
    Option{"--version", "", "version of bkmonctl"},
    Option{"--help", "", "this help; after a command its own"},
};

constexpr std::array<std::string_view, 6> kKinds{"deposit", "outlet", "client", "instance", "consolidation", "bkmon"};
constexpr std::array<std::string_view, 11> kStatuses{"ok",     "unchanged", "warning",     "held",    "late",  "missing",
                                                     "failed", "corrupt",   "unreachable", "unknown", "paused"};
constexpr std::array<std::string_view, 4> kMailStates{"waiting", "leased", "sent", "failed"};
constexpr std::array<std::string_view, 3> kColours{"auto", "always", "never"};
constexpr std::array<std::string_view, 2> kJsonForms{"short", "pretty"};

}  // namespace

std::span<const Command> commands() { return kCommands; }
std::span<const Option> global_options() { return kGlobalOptions; }
std::span<const Group> groups() { return kGroups; }

const Command* find_command(std::string_view path) {
    for (const Command& command : kCommands) {
        if (command.path == path) return &command;
    }
    return nullptr;
}

std::span<const std::string_view> closed_words(Words words) {
    switch (words) {
        case Words::kind: return kKinds;
        case Words::status: return kStatuses;
        case Words::mail_state: return kMailStates;
        case Words::colour: return kColours;
        case Words::json_form: return kJsonForms;
        default: return {};
    }
}

}  // namespace bkmon::ctl
