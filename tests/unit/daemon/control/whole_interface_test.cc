// All binders together, as the daemon calls them.
#include "daemon/control/deposits_handlers.h"
#include "daemon/control/outlets_handlers.h"
#include "tests/unit/daemon/control/alerts_fixture.h"

namespace bkmon::control {
namespace {

class WholeInterface : public test::AlertsFixture {
protected:
    WholeInterface() {
        bind_deposits(dispatcher, deposits);
        bind_outlets(dispatcher, outlets);
    }
    DepositsDoor deposits{[]() -> deposits::Part* { return nullptr; }, runs, registry,
                          [](const std::string&, const std::function<void(Result<std::string>)>&) {}};
    OutletsDoor outlets{loop, store, runs, registry};
};

TEST_F(WholeInterface, EachMethodHasExactlyOneHandler) { EXPECT_TRUE(dispatcher.unbound().empty()); }

TEST_F(WholeInterface, EachMethodAnswersWhateverItIsGiven) {
    for (const auto& spec : protocol::kMethods)
        for (const char* given : {"1", "\"x\"", "true", "[]", "{}", "null", "-1", "1e300", "\"\"", "[1]", "[\"\\u0000\"]"}) {
            std::string params = "{";
            for (const auto& name : protocol::parameter_names(spec.name)) params += (params.size() > 1 ? ",\"" : "\"") + name + "\":" + given;
            params += "}";
            SCOPED_TRACE(std::string(spec.name) + params);
            const auto call = begin(spec.name, params, false);
            EXPECT_EQ(call->log->finals, 1);
            check(spec.name, *call->log);
        }
}

}  // namespace
}  // namespace bkmon::control
