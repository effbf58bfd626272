#include "daemon/control/dispatcher.h"

#include <gtest/gtest.h>

#include <set>

#include "common/protocol/idl.h"
#include "tests/support/fake_call.h"

namespace bkmon::control {
namespace {

using protocol::Role;
using test::caller_with;
using test::FakeCall;

struct Audited {
    std::string method, outcome;
};

class DispatcherTest : public testing::Test {
protected:
    DispatcherTest() {
        dispatcher_.version = "1.2.3";
        dispatcher_.audit = [this](const Caller&, std::string_view method, std::string, std::string outcome) {
            audited_.push_back({std::string(method), std::move(outcome)});
        };
        for (const auto& spec : protocol::kMethods)
            dispatcher_.bind(spec.name, [this, name = spec.name](const std::shared_ptr<Call>& call) {
                reached_.insert(std::string(name));
                call->reply("{}");
            });
    }
    std::shared_ptr<FakeCall::Log> call(std::string_view method, Caller caller, std::string_view params = "{}") {
        auto c = std::make_shared<FakeCall>(std::move(caller), params);
        auto log = c->log;
        dispatcher_.dispatch(method, std::move(c));
        return log;
    }

    Dispatcher dispatcher_;
    std::vector<Audited> audited_;
    std::set<std::string> reached_;
};

TEST_F(DispatcherTest, EveryMethodByEveryRole) {
    for (const auto& spec : protocol::kMethods)
        for (const auto role : {Role::none, Role::viewer, Role::oper, Role::admin}) {
            SCOPED_TRACE(std::string(spec.name) + " by " + std::string(protocol::name_of(role)));
            reached_.clear();
            audited_.clear();
            const auto log = call(spec.name, caller_with(role));
            const bool allowed = role != Role::none && role >= spec.role;
            EXPECT_EQ(log->finals, 1);
            EXPECT_EQ(reached_.size(), allowed ? 1U : 0U);
            if (allowed) {
                EXPECT_TRUE(log->error.empty());
                EXPECT_EQ(audited_.size(), spec.role > Role::viewer ? 1U : 0U);
                if (!audited_.empty()) {
                    EXPECT_EQ(audited_[0].outcome, "ok");
                }
            } else {
                EXPECT_EQ(log->error, "io.bkmon.NotAllowed");
                EXPECT_TRUE(protocol::check_error(log->error, log->error_parameters));
                EXPECT_TRUE(log->replies.empty());
                ASSERT_EQ(audited_.size(), 1U);
                EXPECT_EQ(audited_[0].outcome, "denied");
                EXPECT_EQ(audited_[0].method, spec.name);
            }
        }
}

TEST_F(DispatcherTest, AStrangerHearsTheSameAboutEachName) {
    std::set<std::string> answers;
    for (const char* method :
         {"io.bkmon.Targets.Status", "io.bkmon.Deposits.Release", "io.bkmon.Nothing.Here", "org.varlink.service.GetInfo", "x", ""}) {
        const auto log = call(method, caller_with(Role::none));
        EXPECT_TRUE(log->replies.empty());
        EXPECT_EQ(log->finals, 1);
        auto answer = log->error_parameters;
        const auto at = answer.find(method);
        answers.insert(log->error + answer.erase(at, std::string_view(method).size()));
    }
    EXPECT_EQ(answers, (std::set<std::string>{R"(io.bkmon.NotAllowed{"method":"","role":"viewer"})"}));
    EXPECT_TRUE(reached_.empty());
}

TEST_F(DispatcherTest, ACallerLimitedToTargetsReachesOnlyMethodsThatKnowOfTargets) {
    for (const auto& spec : protocol::kMethods) {
        SCOPED_TRACE(spec.name);
        const auto log = call(spec.name, caller_with(Role::admin, {"deposit/acme*"}));
        EXPECT_EQ(log->error.empty(), spec.per_target);
    }
    for (const char* whole : {"io.bkmon.Daemon.Reload", "io.bkmon.Daemon.Settings", "io.bkmon.Deposits.Adopt", "io.bkmon.Deposits.Init"})
        EXPECT_FALSE(protocol::find_method(whole)->per_target) << whole;
    EXPECT_FALSE(protocol::MethodSpec{}.per_target);
}

TEST_F(DispatcherTest, UnknownNames) {
    EXPECT_EQ(call("io.bkmon.Targets.Nothing", caller_with(Role::viewer))->error, "org.varlink.service.MethodNotFound");
    EXPECT_EQ(call("io.bkmon.Nothing.Here", caller_with(Role::viewer))->error, "org.varlink.service.InterfaceNotFound");
    EXPECT_EQ(call("nodots", caller_with(Role::viewer))->error, "org.varlink.service.InterfaceNotFound");
    Dispatcher empty;
    const auto c = std::make_shared<FakeCall>(caller_with(Role::viewer), "{}");
    empty.dispatch("io.bkmon.Targets.Status", c);
    EXPECT_EQ(c->log->error, "org.varlink.service.MethodNotImplemented");
    EXPECT_EQ(empty.unbound().size(), protocol::kMethods.size());
    EXPECT_TRUE(dispatcher_.unbound().empty());
}

TEST_F(DispatcherTest, AMistypedParameterIsRefusedNotIgnored) {
    const auto log = call("io.bkmon.Targets.Status", caller_with(Role::viewer), R"({"problem":true})");
    EXPECT_EQ(log->error, "io.bkmon.Invalid");
    EXPECT_NE(log->error_parameters.find("\"parameter\":\"problem\""), std::string::npos);
    EXPECT_TRUE(reached_.empty());
}

TEST_F(DispatcherTest, Introspection) {
    const auto info = call("org.varlink.service.GetInfo", caller_with(Role::viewer));
    ASSERT_EQ(info->replies.size(), 1U);
    EXPECT_TRUE(protocol::check_reply("org.varlink.service.GetInfo", info->replies[0]));
    EXPECT_NE(info->replies[0].find(R"("version":"1.2.3")"), std::string::npos);
    EXPECT_NE(info->replies[0].find(R"("io.bkmon.Targets")"), std::string::npos);
    const auto text = call("org.varlink.service.GetInterfaceDescription", caller_with(Role::viewer), R"({"interface":"io.bkmon.Runs"})");
    ASSERT_EQ(text->replies.size(), 1U);
    const auto description = protocol::Params::parse(text->replies[0])->string("description");
    EXPECT_EQ(protocol::parse_interface(**description)->name, "io.bkmon.Runs");
    EXPECT_EQ(call("org.varlink.service.GetInterfaceDescription", caller_with(Role::viewer), R"({"interface":"a.b"})")->error,
              "org.varlink.service.InterfaceNotFound");
    EXPECT_EQ(call("org.varlink.service.GetInterfaceDescription", caller_with(Role::viewer))->error, "org.varlink.service.InvalidParameter");
    EXPECT_EQ(call("org.varlink.service.GetNothing", caller_with(Role::viewer))->error, "org.varlink.service.MethodNotFound");
}

TEST(DispatcherAudit, SaysHowACallEnded) {
    Dispatcher dispatcher;
    std::vector<std::string> outcomes;
    dispatcher.audit = [&](const Caller&, std::string_view, std::string params, std::string outcome) { outcomes.push_back(outcome + params); };
    std::shared_ptr<Call> kept;
    dispatcher.bind("io.bkmon.Targets.Pause", [&](std::shared_ptr<Call> c) { kept = std::move(c); });
    const auto begin = [&] {
        dispatcher.dispatch("io.bkmon.Targets.Pause", std::make_shared<FakeCall>(caller_with(Role::oper), R"({"target":"t"})"));
    };
    begin();
    EXPECT_TRUE(outcomes.empty());
    kept->error("io.bkmon.Targets.NoSuchTarget", "{}");
    begin();
    kept.reset();  // died unanswered
    begin();
    kept->fail({Errc::busy, "later"});
    kept->reply("{}");  // too late: counted once
    EXPECT_EQ(outcomes, (std::vector<std::string>{R"(io.bkmon.Targets.NoSuchTarget{"target":"t"})", R"(io.bkmon.Failed{"target":"t"})",
                                                  R"(io.bkmon.Busy{"target":"t"})"}));
}

TEST(Call, ErrorsFitTheirDeclarations) {
    for (int code = 0; code <= static_cast<int>(Errc::internal); ++code) {
        FakeCall c(caller_with(Role::viewer), "{}");
        static_cast<Call&>(c).fail({static_cast<Errc>(code), "why \"quoted\""});
        EXPECT_TRUE(protocol::check_error(c.log->error, c.log->error_parameters)) << c.log->error << c.log->error_parameters;
    }
    FakeCall c(caller_with(Role::viewer), "{}");
    c.invalid("limit", "too big");
    EXPECT_TRUE(protocol::check_error(c.log->error, c.log->error_parameters));
}

TEST(Caller, TouchesOnlyItsTargets) {
    EXPECT_TRUE(caller_with(Role::viewer).may_touch("deposit/x/y"));
    const auto limited = caller_with(Role::viewer, {"deposit/acme_*", "instance/acme-1"});
    EXPECT_TRUE(limited.may_touch("deposit/ACME_lyon/db"));
    EXPECT_TRUE(limited.may_touch("instance/acme-1"));
    EXPECT_FALSE(limited.may_touch("instance/acme-12"));
    EXPECT_FALSE(limited.may_touch("bkmon/vault"));
    EXPECT_EQ(limited.text(), "alice (uid 1001, pid 42)");
}

TEST(DispatcherDeath, BindingTwiceOrWhatIsNotListedIsABug) {
    Dispatcher d;
    d.bind("io.bkmon.Runs.List", [](const std::shared_ptr<Call>&) {});
    EXPECT_DEATH(d.bind("io.bkmon.Runs.List", [](const std::shared_ptr<Call>&) {}), "");
    EXPECT_DEATH(d.bind("io.bkmon.Runs.Nothing", [](const std::shared_ptr<Call>&) {}), "");
}

}  // namespace
}  // namespace bkmon::control
