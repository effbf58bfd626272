#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/json_writer.h"
#include "daemon/alerts/part.h"
#include "daemon/control/dispatcher.h"
#include "daemon/control/incident_groups.h"
#include "daemon/core/settings/settings.h"
#include "daemon/history/store.h"
#include "daemon/targets/registry.h"

namespace bkmon::control {

/// What alerts are asked for. The functions are those of alerts::Part by the same names; lists come from the history. All on the loop thread,
/// none may be empty. Errc::not_found of a change means that there is no such incident, silence, backup.
struct AlertsDoor {
    const Clock& clock;
    history::Store& store;
    const targets::Registry& registry;
    std::function<const core::Settings&()> settings;  ///< those in force

    /// Of an incident that is open, and of all with its thread.
    std::function<void(std::int64_t id, const std::string& by, const std::string& note, std::function<void(Result<core::Incident>)>)> ack;
    std::function<void(core::Silence, std::function<void(Result<std::int64_t>)>)> silence;
    std::function<void(std::int64_t id, const std::string& by, std::function<void(Result<void>)>)> unsilence;
    std::function<void(const TargetId&, const std::string& by, const std::string& note, std::function<void(Result<std::uint64_t>)>)> expect;
    std::function<void(std::vector<std::int64_t> ids, std::function<void(Result<int>)>)> retry;
    std::function<void(const std::string& to, const std::string& by, std::function<void(Result<std::vector<alerts::Tested>>)>)> test;
    std::function<void(const TargetId&, std::function<void(Result<alerts::Explanation>)>)> explain;
    std::function<void(bool all, std::function<void(Result<std::vector<core::Silence>>)>)> silences;
    std::function<std::string(const TargetId&)> silenced;
};

/// io.bkmon.Alerts. `door` must outlive the dispatcher and every call.
void bind_alerts(Dispatcher& dispatcher, AlertsDoor& door);

// ---- for the files of this area

/// Longest note and reason, in bytes.
inline constexpr std::size_t kMostNote = 500;

/// "alice (uid 1001)": who did it, as it is stored.
std::string by_text(const Caller& caller);
/// As a type of the interface; `silenced` by what, empty for nothing.
void put_incident(JsonWriter& w, const AlertsDoor& door, const IncidentGroup& group);
void put_mail(JsonWriter& w, const history::MailRow& row);
/// The caller's view, to be asked on any thread.
MayTouch may_touch_of(const Caller& caller);

using AlertsHandler = void (*)(AlertsDoor&, const std::shared_ptr<Call>&);
void handle_silence(AlertsDoor& door, const std::shared_ptr<Call>& call);
void handle_silences(AlertsDoor& door, const std::shared_ptr<Call>& call);
void handle_unsilence(AlertsDoor& door, const std::shared_ptr<Call>& call);
void handle_outbox(AlertsDoor& door, const std::shared_ptr<Call>& call);
void handle_retry(AlertsDoor& door, const std::shared_ptr<Call>& call);
void handle_test(AlertsDoor& door, const std::shared_ptr<Call>& call);

}  // namespace bkmon::control
