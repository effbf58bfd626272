#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "ctl/commands/session.h"

namespace bkmon::ctl {

/// What may stand in a place: checked where the list is closed, and offered by completion.
enum class Words : std::uint8_t {
    none,
    target,
    held,
    agent,
    outlet,
    mode,
    run,
    incident,
    silence,
    mail,
    mail_state,
    kind,
    status,
    file,
    colour,
    json_form
};

struct Option {
    std::string_view name;   ///< "--kind", or "target" for an argument without dashes
    std::string_view value;  ///< how help names the value; empty: a switch
    std::string_view help;
    Words words = Words::none;
    bool many = false;  ///< several values
    bool required = false;
};

struct Command {
    std::string_view path;  ///< "deposits adopt"
    std::string_view help;  ///< one line
    std::span<const Option> options;
    int (*run)(Session&, const Arguments&);
    std::string_view method;  ///< of the control interface; empty: works offline
    bool csv = false;         ///< knows --csv
};

/// Every command in the order of help; the command line, completion and the tests read this one table.
std::span<const Command> commands();
std::span<const Option> global_options();
const Command* find_command(std::string_view path);
/// The first words of commands that have a second one, with a line of help.
struct Group {
    std::string_view name, help;
};
std::span<const Group> groups();

/// Closed lists; empty for the open ones.
std::span<const std::string_view> closed_words(Words words);

// One function per command, one file per area.
int run_status(Session& session, const Arguments& arguments);
int run_explain(Session& session, const Arguments& arguments);
int run_history(Session& session, const Arguments& arguments);
int run_report(Session& session, const Arguments& arguments);
int run_summary(Session& session, const Arguments& arguments);
int run_watch(Session& session, const Arguments& arguments);
int run_check(Session& session, const Arguments& arguments);
int run_pause(Session& session, const Arguments& arguments);
int run_resume(Session& session, const Arguments& arguments);
int run_runs_list(Session& session, const Arguments& arguments);
int run_runs_show(Session& session, const Arguments& arguments);
int run_runs_cancel(Session& session, const Arguments& arguments);
int run_runs_follow(Session& session, const Arguments& arguments);
int run_schedule_list(Session& session, const Arguments& arguments);
int run_deposits_list(Session& session, const Arguments& arguments);
int run_deposits_rescan(Session& session, const Arguments& arguments);
int run_deposits_verify(Session& session, const Arguments& arguments);
int run_deposits_unexpected(Session& session, const Arguments& arguments);
int run_deposits_adopt(Session& session, const Arguments& arguments);
int run_deposits_release(Session& session, const Arguments& arguments);
int run_deposits_reject(Session& session, const Arguments& arguments);
int run_deposits_init(Session& session, const Arguments& arguments);
int run_outlets_list(Session& session, const Arguments& arguments);
int run_outlets_modes(Session& session, const Arguments& arguments);
int run_outlets_scan(Session& session, const Arguments& arguments);
int run_outlets_follow(Session& session, const Arguments& arguments);
int run_outlets_import(Session& session, const Arguments& arguments);
int run_alerts_list(Session& session, const Arguments& arguments);
int run_alerts_show(Session& session, const Arguments& arguments);
int run_alerts_ack(Session& session, const Arguments& arguments);
int run_alerts_explain(Session& session, const Arguments& arguments);
int run_alerts_expect(Session& session, const Arguments& arguments);
int run_alerts_silence(Session& session, const Arguments& arguments);
int run_alerts_silences(Session& session, const Arguments& arguments);
int run_alerts_unsilence(Session& session, const Arguments& arguments);
int run_alerts_outbox(Session& session, const Arguments& arguments);
int run_alerts_retry(Session& session, const Arguments& arguments);
int run_alerts_test(Session& session, const Arguments& arguments);
int run_config_check(Session& session, const Arguments& arguments);
int run_config_show(Session& session, const Arguments& arguments);
int run_reload(Session& session, const Arguments& arguments);
int run_version(Session& session, const Arguments& arguments);
int run_complete(Session& session, const Arguments& arguments);

/// The plugin line of `check` when nothing could be asked: UNKNOWN (3).
int check_unknown(World& world, std::string_view why);

}  // namespace bkmon::ctl
