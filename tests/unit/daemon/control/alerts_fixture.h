#pragma once
#include "daemon/control/alerts_handlers.h"
#include "tests/unit/daemon/control/handlers_fixture.h"

namespace bkmon::test {

/// The handlers of alerts on a history in memory; what the part would do is written down, and answered as told.
class AlertsFixture : public HandlersFixture {
protected:
    AlertsFixture() {
        bind_alerts(dispatcher, door);
        settings.mail.configured = true;
        define({"deposit/acme_lyon/crm", "deposit/acme_lyon/shop", "deposit/beta_oslo/crm", "outlet/X/d-drive"}, {{"city", "Lyon"}});
    }

    /// An incident of the history.
    std::int64_t put(const std::string& target, const std::string& thread = "", core::Status status = core::Status::missing, bool open = true) {
        core::Incident row;
        row.target = id(target);
        row.status = status;
        row.severity = core::severity_of(status);
        row.reason_code = "no_report";
        row.reason = "no report came";
        row.problem_at = row.opened_at = loop.clock().now();
        row.thread = thread;
        if (!thread.empty()) {
            row.said = status;
            row.said_at = row.opened_at;
        }
        if (!open) row.closed_at = loop.clock().now();
        return store.tables().put_incident(row).value();
    }
    std::int64_t put_mail(const std::string& state, std::vector<std::int64_t> about) {
        history::MailRow row;
        row.kind = "alert";
        row.message_id = "<" + std::to_string(++mails_) + "@bkmon>";
        row.recipient = "ops@example.org";
        row.subject = "[CRITICAL] something";
        row.state = state;
        row.created_at = row.next_at = loop.clock().now();
        if (state == "sent" || state == "failed") row.ended_at = loop.clock().now();
        if (state == "failed") {
            row.code = 550;
            row.last_error = "no such user";
        }
        row.incidents = std::move(about);
        return store.tables().put_mail(row).value();
    }
    static control::Caller acme(protocol::Role role = protocol::Role::oper) { return caller_with(role, {"deposit/acme_*"}); }

    int mails_ = 0;
    std::vector<std::string> done;  ///< what the part was asked for
    std::vector<core::Silence> asked;
    std::vector<core::Silence> known;
    std::optional<Error> error;  ///< what the part says
    alerts::Explanation explanation;
    std::vector<alerts::Tested> tested;
    std::map<std::string, std::string> silenced;

    template <class T>
    Result<T> outcome(T value) const {
        if (error) return fail(*error);
        return value;
    }
    control::AlertsDoor door{
        loop.clock(),
        store,
        registry,
        [this]() -> const core::Settings& { return settings; },
        [this](std::int64_t incident, const std::string& by, const std::string& note, const std::function<void(Result<core::Incident>)>& then) {
            done.push_back("ack " + std::to_string(incident) + " by " + by + ": " + note);
            const auto row = store.tables().incident(incident).value().value();
            history::IncidentQuery query;
            query.open_only = true;
            query.thread = row.thread;
            auto all = row.thread.empty() ? std::vector{row} : store.tables().incidents(query).value();
            for (auto& one : all) {
                one.acked_by = by;
                one.note = note;
                one.acked_at = loop.clock().now();
                EXPECT_TRUE(error || store.tables().put_incident(one));
            }
            then(outcome(row));
        },
        [this](const core::Silence& silence, const std::function<void(Result<std::int64_t>)>& then) {
            asked.push_back(silence);
            then(outcome<std::int64_t>(4));
        },
        [this](std::int64_t silence, const std::string& by, const std::function<void(Result<void>)>& then) {
            done.push_back("unsilence " + std::to_string(silence) + " by " + by);
            then(error ? Result<void>(fail(*error)) : Result<void>());
        },
        [this](const TargetId& target, const std::string& by, const std::string& note, const std::function<void(Result<std::uint64_t>)>& then) {
            done.push_back("expect " + target.str() + " by " + by + ": " + note);
            then(outcome<std::uint64_t>(1536));
        },
        [this](const std::vector<std::int64_t>& mails, const std::function<void(Result<int>)>& then) {
            std::string text = "retry";
            for (const auto mail : mails) text += " " + std::to_string(mail);
            done.push_back(text);
            then(outcome(3));
        },
        [this](const std::string& to, const std::string& by, const std::function<void(Result<std::vector<alerts::Tested>>)>& then) {
            done.push_back("test " + to + " by " + by);
            then(outcome(tested));
        },
        [this](const TargetId& target, const std::function<void(Result<alerts::Explanation>)>& then) {
            explanation.target = target;
            then(outcome(explanation));
        },
        [this](bool, const std::function<void(Result<std::vector<core::Silence>>)>& then) { then(outcome(known)); },
        [this](const TargetId& target) { return silenced[target.str()]; },
    };
};

}  // namespace bkmon::test
