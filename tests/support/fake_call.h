#pragma once
#include <string>
#include <utility>
#include <vector>

#include "daemon/control/dispatcher.h"

namespace bkmon::test {

/// A call whose answers are kept. What is answered after the end is counted: handlers must answer exactly once.
class FakeCall final : public control::Call {
public:
    struct Log {
        std::vector<std::string> replies;  ///< streamed ones first, the final one last
        std::string error, error_parameters;
        int finals = 0;
        int dropped_finals = 0;
    };

    FakeCall(control::Caller caller, std::string_view params, bool more = false)
        : log(std::make_shared<Log>()), caller_(std::move(caller)), params_(protocol::Params::parse(params).value()), more_(more) {}

    const control::Caller& caller() const override { return caller_; }
    const protocol::Params& params() const override { return params_; }
    bool more() const override { return more_; }
    void reply(std::string json) override {
        ++log->finals;
        log->replies.push_back(std::move(json));
        forget();
    }
    void stream(std::string json, bool) override { log->replies.push_back(std::move(json)); }
    bool ready() const override { return room > 0 ? (--room, true) : unlimited; }
    void on_drain(std::function<void()> f) override { drain_ = std::move(f); }
    void on_hangup(std::function<void()> f) override { hangup_ = std::move(f); }
    void error(std::string name, std::string json) override {
        ++log->finals;
        log->error = std::move(name);
        log->error_parameters = std::move(json);
        forget();
    }

    bool waits() const { return static_cast<bool>(drain_); }
    void drain() {
        if (const auto f = std::exchange(drain_, nullptr)) f();
    }
    void hang_up() {
        const auto drain = std::exchange(drain_, nullptr);
        if (const auto f = std::exchange(hangup_, nullptr)) f();
    }

    const std::shared_ptr<Log> log;  ///< outlives the call
    bool unlimited = true;           ///< false: ready() is true only `room` more times
    mutable int room = 0;

private:
    void forget() { const auto a = std::exchange(drain_, nullptr), b = std::exchange(hangup_, nullptr); }
    const control::Caller caller_;
    const protocol::Params params_;
    const bool more_;
    std::function<void()> drain_, hangup_;
};

inline control::Caller caller_with(protocol::Role role, std::vector<std::string> targets = {}) {
    return control::Caller{1001, 42, "alice", role, std::move(targets)};
}

}  // namespace bkmon::test
