#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "daemon/core/settings/deposits.h"
#include "daemon/core/status.h"

namespace bkmon::core {

/// Texts in mustache; what is empty is the built-in one.
struct MailTemplate {
    std::string subject, text, html;
    bool operator==(const MailTemplate&) const = default;
};

/// How mails leave: `mail:`.
struct MailSettings {
    bool configured = false;  ///< the section is there
    std::string server;       ///< smtp://host:port or smtps://host:port
    std::string user;
    std::string password_file, password_credential;  ///< one of them, where there is a user
    bool token = false;                              ///< what they hold is an OAuth 2 token (XOAUTH2)
    bool tls = true;                                 ///< tls: required; none is accepted for a server on loopback alone
    std::string ca_file;
    std::string language = "en";  ///< en, es, fr
    std::string from;
    std::vector<std::string> to;
    std::optional<std::string> digest = "0 8 * * *";  ///< schedule of the daily mail; absent ("none"): there is none
    std::string templates;                            ///< folder with texts that replace the built-in ones; empty: none
    std::map<std::string, MailTemplate> texts;        ///< what is in it, checked: `default`, `digest`, and those that rules name
};

/// One line of `alerts.rules`: the first that fits a bad verdict says what is done about it.
struct AlertRule {
    std::vector<std::string> kinds, targets;  ///< globs; empty: all
    std::vector<Status> statuses;             ///< empty: all
    Labels labels;                            ///< each must be there, its value is a glob
    enum class Mail { at_once, digest, never };
    std::optional<Mail> mail;            ///< absent: as without a rule
    std::vector<std::string> to;         ///< empty: the target's recipients, else mail.to
    int after = 1;                       ///< bad verdicts in a row until it is said; a run that did not happen is said at once
    std::optional<milliseconds> remind;  ///< absent: alerts.remind; 0: never
    std::optional<int> reminders;        ///< at most so many
    std::optional<Severity> severity;    ///< instead of the verdict's
    std::string text;                    ///< name of the template; empty: the built-in one
    std::string origin;                  ///< file:line:col, for `alerts explain`
};

/// A time in which nothing is mailed about what it covers: from the configuration, or asked for by an operator. What happened meanwhile and
/// still stands when it ends is said then.
struct Silence {
    std::int64_t id = 0;                      ///< 0: of the configuration
    std::vector<std::string> targets, kinds;  ///< globs; empty: all
    Labels labels;                            ///< each must be there, its value is a glob
    std::optional<Time> from, until;          ///< from: inclusive; until: exclusive; absent: open. An operator's always has an end
    std::vector<std::string> windows;         ///< weekly, "mon-fri 22:00-06:00": inside one of them only; empty: always
    std::string timezone = "UTC";             ///< of the windows
    std::string reason, by;                   ///< by: empty for those of the configuration
    Time at{};                                ///< when it was asked for
    std::string origin;                       ///< file:line:col of those of the configuration
};

/// The sign of life for somebody outside: GET `url` each `every` while bkmon itself is well. As Healthchecks takes it.
struct PingSettings {
    std::string url;      ///< http:// or https://; empty: none
    std::string failure;  ///< asked for instead while bkmon is degraded; empty: nothing is then
    milliseconds every{std::chrono::minutes(5)};
    milliseconds timeout{std::chrono::seconds(10)};
    std::string ca_file;  ///< trusted instead of the system's; empty: the system's
    bool operator==(const PingSettings&) const = default;
};

struct AlertSettings {
    milliseconds remind{std::chrono::hours(24)};
    int reminders = 6;
    milliseconds group{std::chrono::seconds(30)};
    int hourly = 30;       ///< mails an hour to one recipient; what comes above waits and becomes one mail that says how many
    int flap_changes = 3;  ///< more openings than this within flap_within is flapping
    milliseconds flap_within{std::chrono::hours(24)};
    milliseconds flap_hold{std::chrono::minutes(30)};  ///< how long a target must keep a status that changes all the time until it is said again
    milliseconds give_up{std::chrono::hours(72)};      ///< how long a mail is tried
    std::vector<AlertRule> rules;
    std::vector<Silence> silences;
    PingSettings ping;
};

}  // namespace bkmon::core
