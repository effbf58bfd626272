#include "daemon/control/audit.h"

#include <fmt/format.h>

#include <memory>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "daemon/control/throttle.h"

namespace bkmon::control {

namespace {
constexpr std::size_t kMostParameters = 4096;  // of one call, kept

void write_row(history::Store& store, history::AuditRow row) {
    store.write([row = std::move(row)](history::Session& session) { return session.add_audit(row); },
                [](Result<void>) { /* the journal has it, and the store tells of its own trouble */ });
}
}  // namespace

void record_audit(Dispatcher& dispatcher, loop::EventLoop& loop, history::Store& store, journal::Journal& journal) {
    dispatcher.audit = [&loop, &store, &journal, throttle = std::make_shared<Throttle>(10, seconds(6))](const Caller& caller, std::string_view method,
                                                                                                        std::string parameters, std::string outcome) {
        const bool denied = outcome == "denied";
        if (denied) {
            const auto held_back = throttle->pass(caller.uid, loop.clock().boot());
            if (!held_back) return;
            if (*held_back > 0) outcome += fmt::format(", {} more before it", *held_back);
        }
        if (parameters.size() > kMostParameters)
            parameters = JsonWriter().begin_object().field("omitted_bytes", parameters.size()).end_object().take();
        const auto name = printable(method, 128);
        journal.log(denied ? journal::Level::warning : journal::Level::notice, denied ? journal::msg::access_denied : journal::msg::operator_action,
                    fmt::format("{} called {}: {}", caller.text(), name, outcome),
                    {{"BKMON_UID", std::to_string(caller.uid)}, {"BKMON_PID", std::to_string(caller.pid)}, {"BKMON_METHOD", name}});
        write_row(store, {loop.clock().now(), caller.uid, caller.pid, caller.user, name, std::move(parameters), std::move(outcome)});
    };
}

}  // namespace bkmon::control
