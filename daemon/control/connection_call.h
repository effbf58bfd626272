#pragma once
#include <functional>
#include <memory>
#include <string>

#include "common/protocol/codec.h"
#include "daemon/control/connection.h"

namespace bkmon::control {

/// One call of one connection. The handler owns it; the connection only points at it while it is under way.
class ConnectionCall final : public Call {
public:
    ConnectionCall(const std::shared_ptr<Connection>& connection, Caller caller, const protocol::CallFrame& frame);
    ~ConnectionCall() override;
    ConnectionCall(const ConnectionCall&) = delete;
    ConnectionCall& operator=(const ConnectionCall&) = delete;

    const Caller& caller() const override { return caller_; }
    const protocol::Params& params() const override { return params_; }
    bool more() const override { return more_; }
    void reply(std::string parameters_json) override;
    void stream(std::string parameters_json, bool droppable) override;
    bool ready() const override;
    void on_drain(std::function<void()> f) override;
    void on_hangup(std::function<void()> f) override;
    void error(std::string name, std::string parameters_json) override;

    /// By the connection, from the loop: never while a handler is on the stack.
    void drained();
    void hung_up();

private:
    std::shared_ptr<Connection> live() const;
    void end(std::string frame);

    const std::weak_ptr<Connection> connection_;
    loop::EventLoop& loop_;
    const Caller caller_;
    const protocol::Params params_;
    const bool more_, oneway_;
    bool over_ = false;  ///< answered, or the client is gone
    bool gone_ = false;
    std::function<void()> on_drain_, on_hangup_;
};

}  // namespace bkmon::control
