#include "daemon/control/dispatcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "common/protocol/idl.h"
#include "daemon/control/introspection.h"

namespace bkmon::control {

using protocol::Role;

std::string Caller::text() const { return fmt::format("{} (uid {}, pid {})", user.empty() ? std::to_string(uid) : printable(user, 64), uid, pid); }

bool Caller::may_touch(std::string_view target) const {
    return targets.empty() || std::any_of(targets.begin(), targets.end(), [&](const std::string& glob) { return glob_match(glob, target); });
}

void Call::invalid(std::string_view parameter, std::string_view message) {
    JsonWriter w;
    w.begin_object().key("parameter");
    parameter.empty() ? w.null() : w.value(parameter);
    error("io.bkmon.Invalid", w.field("message", message).end_object().take());
}

void Call::fail(const Error& e) {
    JsonWriter w;
    switch (e.code) {
        case Errc::invalid: return invalid("", e.what);
        case Errc::busy: return error("io.bkmon.Busy", w.begin_object().field("message", e.what).end_object().take());
        case Errc::unavailable:
        case Errc::timeout: return error("io.bkmon.Unavailable", w.begin_object().field("message", e.what).end_object().take());
        default: return error("io.bkmon.Failed", w.begin_object().field("code", name_of(e.code)).field("message", e.what).end_object().take());
    }
}

void Call::not_allowed(std::string_view method, Role needed) {
    JsonWriter w;
    error("io.bkmon.NotAllowed", w.begin_object().field("method", method).field("role", protocol::name_of(needed)).end_object().take());
}

namespace {

/// Tells the audit how a call ended, and otherwise passes everything on.
class AuditedCall final : public Call {
public:
    AuditedCall(std::shared_ptr<Call> inner, Dispatcher::Audit audit, std::string_view method)
        : inner_(std::move(inner)), audit_(std::move(audit)), method_(method) {}
    ~AuditedCall() override { ended("io.bkmon.Failed"); }
    AuditedCall(const AuditedCall&) = delete;
    AuditedCall& operator=(const AuditedCall&) = delete;

    const Caller& caller() const override { return inner_->caller(); }
    const protocol::Params& params() const override { return inner_->params(); }
    bool more() const override { return inner_->more(); }
    void reply(std::string parameters_json) override {
        ended("ok");
        inner_->reply(std::move(parameters_json));
    }
    void stream(std::string parameters_json, bool droppable) override { inner_->stream(std::move(parameters_json), droppable); }
    bool ready() const override { return inner_->ready(); }
    void on_drain(std::function<void()> f) override { inner_->on_drain(std::move(f)); }
    void on_hangup(std::function<void()> f) override { inner_->on_hangup(std::move(f)); }
    void error(std::string name, std::string parameters_json) override {
        ended(name == "io.bkmon.NotAllowed" ? "denied" : name);
        inner_->error(std::move(name), std::move(parameters_json));
    }

private:
    void ended(std::string outcome) {
        if (ended_) return;
        ended_ = true;
        if (audit_) audit_(caller(), method_, params().dump(), std::move(outcome));
    }

    std::shared_ptr<Call> inner_;
    Dispatcher::Audit audit_;
    std::string method_;
    bool ended_ = false;
};

/// The first parameter that the method does not declare; a mistyped filter must not mean "no filter".
std::optional<std::string> undeclared(std::string_view method, const protocol::Params& params) {
    const auto& declared = protocol::parameter_names(method);
    for (auto& name : params.names())
        if (std::find(declared.begin(), declared.end(), name) == declared.end()) return name;
    return std::nullopt;
}

}  // namespace

void Dispatcher::bind(std::string_view method, Handler handler) {
    if (protocol::find_method(method) == nullptr || !handlers_.emplace(method, std::move(handler)).second) std::abort();
}

std::vector<std::string_view> Dispatcher::unbound() const {
    std::vector<std::string_view> names;
    for (const auto& spec : protocol::kMethods)
        if (handlers_.find(spec.name) == handlers_.end()) names.push_back(spec.name);
    return names;
}

void Dispatcher::dispatch(std::string_view method, std::shared_ptr<Call> call) {
    const auto refuse = [&](Role needed) { AuditedCall(call, audit, method).not_allowed(method, needed); };
    const auto& caller = call->caller();
    // Whether a method exists is nothing for strangers: they hear the same about each name.
    if (caller.role == Role::none) return refuse(Role::viewer);
    if (is_introspection(method)) return introspect(method, *call, version);
    const auto* spec = protocol::find_method(method);
    if (spec == nullptr) return answer_unknown(method, *call);
    if (caller.role < spec->role || (!spec->per_target && !caller.targets.empty())) return refuse(spec->role);
    const auto handler = handlers_.find(method);
    if (handler == handlers_.end())
        return call->error("org.varlink.service.MethodNotImplemented", JsonWriter().begin_object().field("method", method).end_object().take());
    if (spec->role > Role::viewer) call = std::make_shared<AuditedCall>(std::move(call), audit, method);
    if (const auto name = undeclared(method, call->params())) return call->invalid(*name, fmt::format("{} has no such parameter", method));
    handler->second(std::move(call));
}

}  // namespace bkmon::control
