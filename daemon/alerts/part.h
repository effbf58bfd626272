#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/settings/alerts.h"
#include "daemon/history/store.h"
#include "daemon/platform/journal/journal.h"
#include "daemon/platform/loop/event_loop.h"
#include "daemon/platform/loop/lane.h"
#include "daemon/platform/net/mail_server.h"
#include "daemon/runs/scheduler.h"
#include "daemon/targets/registry.h"

namespace bkmon::alerts {

/// What is known about a target's alerts: `alerts explain`.
struct Explanation {
    TargetId target;
    core::Status status = core::Status::unknown;
    core::Severity severity = core::Severity::unknown;
    std::string rule;  ///< file:line:col; empty: none fits
    core::AlertRule::Mail mail = core::AlertRule::Mail::never;
    std::vector<std::string> to;
    int after = 1;
    milliseconds remind{0};
    int reminders = 0;
    std::string text;      ///< name of the template; empty: the built-in one
    std::string silenced;  ///< why nothing is said now; empty: it would be
    bool paused = false;
    std::optional<core::Incident> incident;  ///< the open one
    std::string subject, body;               ///< of the mail that its present status would make; empty where none is made
};

/// How a test mail to one recipient went.
struct Tested {
    std::string to;
    bool sent = false;
    int code = 0;
    std::string answer;
};

/// From verdicts to mails that somebody got.
///
/// 1. The registry writes an event in the transaction of the verdict that caused it.
/// 2. Reading: events after the last one read become changes of incidents and notices (rules/), in one transaction that also moves the
///    mark on: after a crash it is done again from the mark, and nothing twice.
/// 3. Writing: notices whose grouping window has passed become mails in the outbox, one for each recipient, in one transaction with the
///    notices' end. A mail's Message-ID is made of what it says: composed again it is the same mail.
/// 4. Sending (outbox/): a row is leased, sent, and marked as accepted, as given up, or as to be tried again later; at most four at once.
///    What a crash leaves leased is free again when the lease ends.
///
/// bkmon/mail tells how that goes. Loop thread only; callbacks on the loop.
class Part {
public:
    struct Rooms {
        loop::EventLoop& loop;
        loop::Lane& lane;  ///< reads secrets and templates
        history::Store& store;
        targets::Registry& registry;
        runs::Scheduler& scheduler;
        net::MailTransport& transport;
        journal::Journal& journal;
    };
    struct Options {
        core::MailSettings mail;
        core::AlertSettings alerts;
        std::string site, version, timezone, host;    ///< host: our name, for Message-IDs and EHLO
        std::function<Result<std::string>()> secret;  ///< password or token, read anew for each attempt; runs on the lane
        std::function<bool()> complete;               ///< every part has defined its targets: what is not there is gone
    };
    Part(Rooms rooms, Options options);
    ~Part();
    /// Goes on where it was, when the history can be read; until then it is tried again and again.
    void start();
    void reconfigure(Options options);
    void clock_changed(milliseconds by);
    /// The history cannot be written, so that no event, no incident and no outbox can be: it is mailed without them, at most once an hour.
    void cannot_record(const std::string& reason);
    /// Sentences for `status` and STATUS=: what is in the way of a mail now. Empty: nothing.
    std::string trouble() const;

    void ack(std::int64_t id, const std::string& by, const std::string& note, std::function<void(Result<core::Incident>)> done);
    void silence(core::Silence silence, std::function<void(Result<std::int64_t>)> done);
    void unsilence(std::int64_t id, const std::string& by, std::function<void(Result<void>)> done);
    void expect(const TargetId& target, const std::string& by, const std::string& note, std::function<void(Result<std::uint64_t>)> done);
    void retry(std::vector<std::int64_t> ids, std::function<void(Result<int>)> done);  ///< no ids: all
    void test(const std::string& to, const std::string& by, std::function<void(Result<std::vector<Tested>>)> done);
    void explain(const TargetId& target, std::function<void(Result<Explanation>)> done);
    /// Those in force or to come, the configuration's included; with `all` those that ended too.
    void silences(bool all, std::function<void(Result<std::vector<core::Silence>>)> done);
    /// The silence that covers the target now, as a text for people; empty: none.
    std::string silenced(const TargetId& target) const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace bkmon::alerts
