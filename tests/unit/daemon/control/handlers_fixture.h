#pragma once
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/protocol/idl.h"
#include "daemon/control/parts.h"
#include "tests/support/fake_call.h"
#include "tests/support/fake_store.h"
#include "tests/support/manual_loop.h"

namespace bkmon::test {

/// The common handlers on the real registry, runs and scheduler, with a history in memory. Whatever they answer must fit its declaration.
class HandlersFixture : public testing::Test {
protected:
    using Json = nlohmann::json;

    HandlersFixture() {
        settings.timezone = "Europe/Berlin";
        settings.site = "lab";
        settings.files = {"/etc/bkmon/bkmon.yaml"};
        bind_targets(dispatcher, parts);
        bind_runs(dispatcher, parts);
        bind_schedule(dispatcher, parts);
        bind_daemon(dispatcher, parts);
        registry.load([](const Result<void>& r) { EXPECT_TRUE(r); });
        runs.load([](const Result<void>& r) { EXPECT_TRUE(r); });
        scheduler.load([](const Result<void>& r) { EXPECT_TRUE(r); });
        loop.run_posted();
    }

    static TargetId id(std::string_view text) { return TargetId::parse(text).value(); }

    void define(const std::vector<std::string>& names, core::Labels labels = {}) {
        std::map<std::string, std::vector<targets::TargetSpec>> kinds;
        for (const auto& name : names) {
            targets::TargetSpec spec;
            spec.id = id(name);
            spec.labels = labels;
            spec.timezone = settings.timezone;
            spec.initial.reason_code = "first_due";
            spec.initial.reason = "Nothing is known yet.";
            kinds[spec.id.kind()].push_back(std::move(spec));
        }
        for (auto& [kind, specs] : kinds) registry.define(kind, std::move(specs), [](const Result<void>& r) { EXPECT_TRUE(r); });
        loop.run_posted();
    }

    core::Verdict verdict(core::Status status, std::string code) const {
        core::Verdict v;
        v.status = status;
        v.severity = severity_of(status);
        v.reason_code = std::move(code);
        v.reason = "Because \"so\".";
        v.at = loop.clock().now();
        v.due = v.at;
        v.evidence = R"({"rule":"test"})";
        if (core::is_good(status)) {
            v.file = "a.sql.gz";
            v.size_bytes = 1234;
            v.sha256 = std::string(64, 'a');
            v.duration = milliseconds(1500);
        }
        return v;
    }
    void publish(std::string_view name, core::Status status, std::string code) {
        registry.publish({id(name), verdict(status, std::move(code)), "", true, {}}, [](const Result<void>& r) { EXPECT_TRUE(r); });
        loop.run_posted();
    }

    std::shared_ptr<FakeCall> begin(std::string_view method, std::string_view params, bool more = false,
                                    control::Caller caller = caller_with(protocol::Role::admin)) {
        auto call = std::make_shared<FakeCall>(std::move(caller), params, more);
        dispatcher.dispatch(method, call);
        loop.run_posted();
        return call;
    }
    static void check(std::string_view method, const FakeCall::Log& log) {
        for (const auto& reply : log.replies) {
            const auto fits = protocol::check_reply(method, reply);
            EXPECT_TRUE(fits) << method << ": " << (fits ? "" : fits.error().what) << "\n" << reply;
        }
        if (log.error.empty()) return;
        const auto fits = protocol::check_error(log.error, log.error_parameters);
        EXPECT_TRUE(fits) << log.error << ": " << (fits ? "" : fits.error().what);
    }
    /// All replies of a call that ends; one of them without `more`.
    std::vector<Json> replies(std::string_view method, std::string_view params, bool more = false,
                              control::Caller caller = caller_with(protocol::Role::admin)) {
        const auto log = begin(method, params, more, std::move(caller))->log;
        EXPECT_EQ(log->finals, 1) << method << params;
        EXPECT_EQ(log->error, "") << log->error_parameters;
        EXPECT_TRUE(more || log->replies.size() == 1U) << method << params;
        check(method, *log);
        std::vector<Json> all;
        for (const auto& reply : log->replies) all.push_back(Json::parse(reply));
        return all;
    }
    Json reply(std::string_view method, std::string_view params, control::Caller caller = caller_with(protocol::Role::admin)) {
        const auto all = replies(method, params, false, std::move(caller));
        return all.empty() ? Json() : all.front();
    }
    /// The error's name and, behind a space, its parameters.
    std::string refusal(std::string_view method, std::string_view params, bool more = false,
                        control::Caller caller = caller_with(protocol::Role::admin)) {
        const auto log = begin(method, params, more, std::move(caller))->log;
        EXPECT_EQ(log->finals, 1) << method << params;
        EXPECT_TRUE(log->replies.empty()) << method << params;
        check(method, *log);
        return log->error + " " + log->error_parameters;
    }
    static std::vector<std::string> ids(const Json& rows, const char* member) {
        std::vector<std::string> all;
        for (const auto& row : rows) all.push_back(row[member]);
        return all;
    }

    ManualLoop loop;
    FakeStore store{loop};
    targets::Registry registry{loop, store};
    runs::RunEngine runs{loop, store};
    runs::Scheduler scheduler{loop, store};
    core::Settings settings;
    std::vector<std::string> degraded, stale;
    control::ReloadOutcome reload_outcome{true, {}};
    control::ControlParts parts{loop,
                                store,
                                registry,
                                runs,
                                scheduler,
                                "9.9.9",
                                loop.clock().now(),
                                loop.clock().boot(),
                                [this]() -> const core::Settings& { return settings; },
                                [this] { return degraded; },
                                [this] { return stale; },
                                [] {
                                    return std::vector<config::EffectiveSetting>{{"timezone", "UTC", "default"}};
                                },
                                [this](const std::function<void(control::ReloadOutcome)>& done) { done(reload_outcome); }};
    control::Dispatcher dispatcher;
};

using Strings = std::vector<std::string>;

}  // namespace bkmon::test
