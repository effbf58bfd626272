#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "daemon/core/incident.h"
#include "daemon/core/settings/alerts.h"

namespace bkmon::history {

/// Something to be said to one recipient that is in no mail yet. At most one waits for an incident, recipient and kind: what happens
/// meanwhile changes it.
struct NoticeRow {
    std::int64_t id = 0;  ///< 0: assigned on insert
    std::int64_t incident = 0;
    TargetId target;
    std::string recipient;  ///< as configured
    core::Word word{};
    bool at_once = true;  ///< false: for the digest
    core::Status from = core::Status::unknown, to = core::Status::unknown;
    core::Severity severity = core::Severity::unknown;
    Time at{};                 ///< when the first of it was noticed
    std::string text;          ///< name of the template; empty: the built-in one
    std::string facts = "{}";  ///< JSON object: what the mail shows of the verdict
};

/// A mail to one recipient, durable before it is sent.
struct MailRow {
    std::int64_t id = 0;     ///< 0: assigned on insert
    std::string kind;        ///< alert, digest, test
    std::string message_id;  ///< unique together with the recipient
    std::string recipient;   ///< as configured
    std::string subject;
    std::string bytes;  ///< as it goes over the wire; empty once accepted, and in lists
    std::string state;  ///< waiting, leased, sent, failed
    int attempts = 0;
    Time created_at{};
    Time next_at{};  ///< not tried before
    Time give_up_at{};
    std::optional<Time> lease_until;  ///< while leased: whoever has it has it until then
    std::string lease_by;
    std::optional<Time> ended_at;  ///< sent or failed
    int code = 0;                  ///< the server's last answer; 0: none
    std::string last_error;        ///< printable
    std::vector<std::int64_t> incidents;
};

/// "This figure is the new normal."
struct ExpectationRow {
    TargetId target;
    std::uint64_t size_bytes = 0;
    Time at{};
    std::string by, note;
};

struct IncidentQuery {
    std::string target_glob;  ///< empty: all
    bool open_only = false;
    std::optional<Time> since;   ///< opened or closed then or later
    std::int64_t before_id = 0;  ///< 0: from the newest
    int limit = 100;
    std::string thread;  ///< empty: all
};

struct MailQuery {
    std::string state;           ///< empty: all
    std::int64_t before_id = 0;  ///< 0: from the newest
    int limit = 100;
};

/// Errc::invalid for an unknown state, leased without lease_until, and an ended_at that does not go with the state: sent and failed have one,
/// the others have none.
Result<void> check(const MailRow& row);

/// What alerts read, inside one transaction; threads as for Reader.
class AlertReader {
public:
    virtual ~AlertReader() = default;
    virtual Result<std::vector<core::Incident>> incidents(const IncidentQuery& query) = 0;  ///< newest id first
    virtual Result<std::optional<core::Incident>> incident(std::int64_t id) = 0;
    virtual Result<std::optional<core::Incident>> last_incident(const TargetId& target) = 0;  ///< the one with the greatest id
    virtual Result<std::vector<core::Incident>> incidents_due(Time now, int limit) = 0;       ///< next_at has come; by next_at
    virtual Result<std::optional<Time>> next_incident_at() = 0;                               ///< the smallest next_at
    virtual Result<std::vector<NoticeRow>> notices(bool at_once, int limit) = 0;              ///< oldest id first
    virtual Result<std::vector<MailRow>> mails(const MailQuery& query) = 0;                   ///< newest id first, without bytes
    virtual Result<std::optional<MailRow>> mail(std::int64_t id) = 0;                         ///< with its bytes
    /// Those that may be sent: waiting whose next_at has come, leased whose lease has ended; by next_at, without bytes.
    virtual Result<std::vector<MailRow>> mails_due(Time now, int limit) = 0;
    virtual Result<std::optional<Time>> next_mail_at() = 0;                                                  ///< when mails_due gives the next one
    virtual Result<int> mails_since(const std::string& recipient, const std::string& kind, Time since) = 0;  ///< how many were created
    virtual Result<int> mails_in(const std::string& state) = 0;                                              ///< how many
    virtual Result<std::vector<core::Silence>> silences() = 0;                                               ///< by id; those that ended included
    virtual Result<std::optional<ExpectationRow>> expectation(const TargetId& target) = 0;
};

/// What alerts write, inside one transaction. Updating a row that is not there is Errc::not_found.
class AlertWriter {
public:
    virtual ~AlertWriter() = default;
    virtual Result<std::int64_t> put_incident(const core::Incident& row) = 0;  ///< id 0 inserts, else updates
    virtual Result<int> touch_incidents(const std::optional<TargetId>& target,
                                        Time at) = 0;                   ///< next_at of the open and flapping ones (of one target); how many
    /// id 0 inserts, or takes the place of the one of this incident, recipient and kind that waits already; else updates.
    virtual Result<std::int64_t> put_notice(const NoticeRow& row) = 0;
    virtual Result<void> remove_notice(std::int64_t id) = 0;
    virtual Result<std::optional<NoticeRow>> notice_of(std::int64_t incident, const std::string& recipient, bool at_once) = 0;
    /// id 0 inserts, else updates. Inserting a Message-ID that this recipient has already does nothing and gives the id of that row. An update
    /// without bytes (a row of a list) leaves those that are stored; state sent drops them. Errc::invalid for what would wait for ever or be
    /// forgotten: see check().
    virtual Result<std::int64_t> put_mail(const MailRow& row) = 0;
    virtual Result<std::int64_t> put_silence(const core::Silence& row) = 0;  ///< id 0 inserts, else updates
    virtual Result<void> put_expectation(const ExpectationRow& row) = 0;     ///< replaces that of its target
};

}  // namespace bkmon::history
