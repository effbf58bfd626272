#include "daemon/control/connection_call.h"

namespace bkmon::control {

ConnectionCall::ConnectionCall(const std::shared_ptr<Connection>& connection, Caller caller, const protocol::CallFrame& frame)
    : connection_(connection),
      loop_(connection->loop_),
      caller_(std::move(caller)),
      params_(frame.parameters),
      more_(frame.more),
      oneway_(frame.oneway) {}

ConnectionCall::~ConnectionCall() {
    if (!over_) end(protocol::error_frame("io.bkmon.Failed", R"({"code":"internal","message":"the call ended without an answer"})"));
}

std::shared_ptr<Connection> ConnectionCall::live() const { return over_ ? nullptr : connection_.lock(); }

void ConnectionCall::end(std::string frame) {
    const auto connection = live();
    over_ = true;
    // What they hold may be the last owner of this call but for our caller.
    const auto drain = std::move(on_drain_), hangup = std::move(on_hangup_);
    on_drain_ = on_hangup_ = nullptr;
    if (!connection) return;
    if (!oneway_) connection->send(std::move(frame), false);
    connection->finished();
}

void ConnectionCall::reply(std::string parameters_json) { end(protocol::reply_frame(parameters_json)); }
void ConnectionCall::error(std::string name, std::string parameters_json) { end(protocol::error_frame(name, parameters_json)); }

void ConnectionCall::stream(std::string parameters_json, bool droppable) {
    if (!more_ || oneway_) return;
    if (const auto connection = live()) connection->send(protocol::reply_frame(parameters_json, true), droppable);
}

bool ConnectionCall::ready() const {
    const auto connection = live();
    return connection && connection->has_room();
}

void ConnectionCall::on_drain(std::function<void()> f) {
    if (!live()) return;
    if (ready())
        static_cast<void>(loop_.post(Task(std::move(f))));
    else
        on_drain_ = std::move(f);
}

void ConnectionCall::on_hangup(std::function<void()> f) {
    if (gone_)
        static_cast<void>(loop_.post(Task(std::move(f))));
    else if (!over_)
        on_hangup_ = std::move(f);
}

void ConnectionCall::drained() {
    if (const auto f = std::exchange(on_drain_, nullptr)) f();
}

void ConnectionCall::hung_up() {
    over_ = gone_ = true;
    const auto drain = std::exchange(on_drain_, nullptr);
    if (const auto f = std::exchange(on_hangup_, nullptr)) f();
}

}  // namespace bkmon::control
