#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "daemon/control/server.h"
#include "tests/support/poll_loop.h"
#include "tests/support/recording_journal.h"
#include "tests/support/temp_tree.h"
#include "tests/unit/daemon/control/socket_client.h"

namespace bkmon::test {

inline std::size_t open_fds() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator()));
}

/// Everybody's role by number: "1234" -> viewer.
inline control::Roles roles_of(std::vector<std::string> admin, std::vector<std::string> oper = {}, std::vector<std::string> viewer = {}) {
    core::ControlSettings s;
    s.roles_given = true;
    s.admin = std::move(admin);
    s.oper = std::move(oper);
    s.viewer = std::move(viewer);
    return control::Roles::resolve(s, ::geteuid());
}

/// A real server on a real socket, with time that stands still. Version answers at once; Status (a stream with `more`) and List of runs
/// wait in `held` for the test.
class ServerFixture : public testing::Test {
protected:
    static constexpr const char* kVersion = "io.bkmon.Daemon.Version";
    static constexpr const char* kStatus = "io.bkmon.Targets.Status";
    static constexpr const char* kRuns = "io.bkmon.Runs.List";

    ServerFixture() {
        dispatcher.bind(kVersion, [this](const std::shared_ptr<control::Call>& call) {
            call->reply(R"({"n":)" + std::to_string(++answered) + "}");
            if (const auto f = std::exchange(after_first_answer, nullptr)) f();
        });
        for (const char* method : {kStatus, kRuns})
            dispatcher.bind(method, [this](std::shared_ptr<control::Call> call) { held.push_back(std::move(call)); });
    }
    ~ServerFixture() override {
        held.clear();
        server.reset();
    }
    void start(control::Roles roles = roles_of({std::to_string(::geteuid())})) {
        auto s = control::Server::create(loop, dispatcher, journal, {path(), {}, limits});
        ASSERT_TRUE(s) << s.error().what;
        server = std::move(*s);
        server->set_roles(std::move(roles));
    }
    std::string path() const { return tree.at("control.sock"); }
    SocketClient connect() {
        SocketClient c(path());
        loop.spin();
        return c;
    }

    TempTree tree;
    PollLoop loop;
    RecordingJournal journal;
    control::Dispatcher dispatcher;
    control::Limits limits;
    std::vector<std::shared_ptr<control::Call>> held;
    int answered = 0;
    std::function<void()> after_first_answer;
    std::unique_ptr<control::Server> server;
};

}  // namespace bkmon::test
