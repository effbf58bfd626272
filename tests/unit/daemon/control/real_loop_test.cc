// The control socket on the real loop, with clients of their own: a Varlink client in another language, and one that measures.
#include <array>
#include <cstdio>
#include <thread>

#include "daemon/control/parts.h"
#include "daemon/platform/loop/libevent.h"
#include "tests/support/fake_store.h"
#include "tests/unit/daemon/control/server_fixture.h"

namespace bkmon::control {
namespace {

class RealLoop : public testing::Test {
protected:
    RealLoop() {
        bind_targets(dispatcher, parts);
        bind_daemon(dispatcher, parts);
        dispatcher.version = "9.9.9";
        auto s = Server::create(*loop, dispatcher, journal, {tree.at("control.sock"), {}, {}});
        EXPECT_TRUE(s);
        server = std::move(*s);
        server->set_roles(test::roles_of({std::to_string(::geteuid())}));
        registry.load([](const Result<void>& r) { EXPECT_TRUE(r); });
    }
    void define(int count) {
        std::vector<targets::TargetSpec> specs(static_cast<std::size_t>(count));
        for (int i = 0; i < count; ++i) {
            auto& spec = specs[static_cast<std::size_t>(i)];
            spec.id = TargetId::of("deposit", {"company_city_district_" + std::to_string(i / 10), "database_" + std::to_string(i)});
            spec.labels = {{"company", "company"}, {"city", "city"}};
            spec.initial.reason_code = "first_due";
            spec.initial.reason = "Nothing is known yet; the first backup is due at 2026-11-22T12:00:00Z.";
            spec.initial.evidence = R"({"rule":")" + std::string(500, 'x') + "\"}";
        }
        defined = false;
        registry.define("deposit", std::move(specs), [this](const Result<void>& r) {
            EXPECT_TRUE(r);
            defined = true;
        });
    }
    /// Runs `client` in a thread of its own while the loop runs.
    void with_client(const std::function<void()>& client) {
        std::thread thread;
        begin(client, thread);
        loop->run();
        thread.join();
    }
    /// Once everything that was queued before is done, and every target is defined.
    void begin(const std::function<void()>& client, std::thread& thread) {
        static_cast<void>(loop->post(Task([this, &client, &thread] {
            if (!defined) return begin(client, thread);
            loop->probe().reset();
            thread = std::thread([&client, this] {
                client();
                loop->stop();
            });
        })));
    }
    bool defined = true;
    /// What the Python client prints.
    std::string python(const std::string& arguments) const {
        const std::string command = std::string("/usr/bin/python3 '" BKMON_SOURCE_DIR "/tests/support/varlink_client.py' '") +
                                    tree.at("control.sock") + "' " + arguments + " 2>&1";
        std::string out;
        FILE* pipe = ::popen(command.c_str(), "r");
        std::array<char, 4096> bytes{};
        for (std::size_t n = 0; pipe != nullptr && (n = ::fread(bytes.data(), 1, bytes.size(), pipe)) > 0;) out.append(bytes.data(), n);
        if (pipe != nullptr) ::pclose(pipe);
        return out;
    }

    test::TempTree tree;
    std::unique_ptr<loop::LibeventLoop> loop = std::move(*loop::LibeventLoop::create());
    test::FakeStore store{*loop};
    targets::Registry registry{*loop, store};
    runs::RunEngine runs{*loop, store};
    runs::Scheduler scheduler{*loop, store};
    core::Settings settings;
    test::RecordingJournal journal;
    ControlParts parts{*loop,
                       store,
                       registry,
                       runs,
                       scheduler,
                       "9.9.9",
                       {},
                       {},
                       [this]() -> const core::Settings& { return settings; },
                       [] { return std::vector<std::string>{}; },
                       [] { return std::vector<std::string>{}; },
                       [] { return std::vector<config::EffectiveSetting>{}; },
                       [](const std::function<void(ReloadOutcome)>& done) { done({}); }};
    Dispatcher dispatcher;
    std::unique_ptr<Server> server;
};

TEST_F(RealLoop, AClientInAnotherLanguageUnderstandsUs) {
    define(450);
    std::string info, description, status, error;
    with_client([&] {
        info = python("org.varlink.service.GetInfo");
        description = python(R"(org.varlink.service.GetInterfaceDescription '{"interface": "io.bkmon.Targets"}')");
        status = python("io.bkmon.Targets.Status --more");
        error = python(R"(io.bkmon.Targets.Explain '{"target": "deposit/x/y"}')");
    });
    EXPECT_NE(info.find(R"("product": "bkmond")"), std::string::npos) << info;
    EXPECT_NE(info.find("io.bkmon.Deposits"), std::string::npos);
    EXPECT_NE(description.find("interface io.bkmon.Targets"), std::string::npos) << description;
    EXPECT_EQ(std::count(status.begin(), status.end(), '\n'), 2) << status.substr(0, 500);
    EXPECT_EQ(error, "io.bkmon.Targets.NoSuchTarget {\"target\": \"deposit/x/y\", \"nearest\": null}\n");
}

TEST_F(RealLoop, TenThousandTargetsNeverHoldTheLoop) {
    constexpr std::size_t kTargets = 10000;
    define(kTargets);
    std::size_t paged = 0, whole = 0;
    const auto count = [](const std::string& path, bool more) {
        test::SocketClient client(path);
        client.call("io.bkmon.Targets.Status", "{}", more);
        std::size_t rows = 0;
        for (;;) {
            const auto reply = client.reply();
            if (!reply) {
                if (client.at_end()) return rows;
                std::this_thread::yield();
                continue;
            }
            rows += reply->parameters.objects("targets").size();
            if (!reply->continues) return rows;
        }
    };
    with_client([&] {
        paged = count(tree.at("control.sock"), true);
        whole = count(tree.at("control.sock"), false);
    });
    EXPECT_EQ(paged, kTargets);
    EXPECT_EQ(whole, kTargets);
#ifndef BKMON_SANITIZED
    EXPECT_LT(loop->probe().longest().cpu, milliseconds(50));
#endif
    RecordProperty("longest_turn_us", static_cast<int>(loop->probe().longest().cpu.count()));
}

TEST_F(RealLoop, AMegabyteThatIsNoCallNeverHoldsTheLoop) {
    with_client([&] {
        for (const char* filling : {"0,", "[", "\"a\",", "{\"a\":1},", "x"}) {
            test::SocketClient client(tree.at("control.sock"));
            std::string frame = R"({"method":"io.bkmon.Daemon.Version","parameters":{"a":[)";
            while (frame.size() < protocol::kMaxCallBytes - 20) frame += filling;
            frame += '\0';
            for (std::size_t at = 0; at < frame.size() && !client.at_end();) at += client.send(std::string_view(frame).substr(at));
            while (!client.reply() && !client.at_end()) std::this_thread::yield();
        }
    });
#ifndef BKMON_SANITIZED
    EXPECT_LT(loop->probe().longest().cpu, milliseconds(50));
#endif
    RecordProperty("longest_turn_us", static_cast<int>(loop->probe().longest().cpu.count()));
}

}  // namespace
}  // namespace bkmon::control
