#pragma once
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "common/base/unique_fd.h"
#include "tests/unit/daemon/platform/loop/loop_fixture.h"

namespace bkmon::test {

/// One of tests/support/*_peer.py, as a process on loopback that ends with this. `options` is JSON.
class Peer {
public:
    Peer(const std::string& script, const std::string& options) {
        std::array<int, 2> in{}, out{};
        EXPECT_EQ(::pipe2(in.data(), O_CLOEXEC), 0);
        EXPECT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
        stdin_.reset(in[1]);
        stdout_.reset(out[0]);
        const UniqueFd theirs_in(in[0]), theirs_out(out[1]);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, in[0], 0);
        ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
        const std::string file = std::string(BKMON_SOURCE_DIR "/tests/support/") + script;
        std::string python = "/usr/bin/python3", flag = "-B", path = file, json = options;
        std::array<char*, 5> argv{python.data(), flag.data(), path.data(), json.data(), nullptr};
        EXPECT_EQ(::posix_spawn(&pid_, python.c_str(), &actions, nullptr, argv.data(), environ), 0);
        ::posix_spawn_file_actions_destroy(&actions);
        std::istringstream first(line());
        first >> port >> ca_file;
    }
    ~Peer() {
        stdin_.reset();
        ::waitpid(pid_, nullptr, 0);
    }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    /// What it said until now, and within `quiet` of its last word.
    const std::vector<std::string>& heard(milliseconds quiet = std::chrono::milliseconds(200)) {
        for (;;) {
            pollfd p{stdout_.get(), POLLIN, 0};
            if (::poll(&p, 1, static_cast<int>(quiet.count())) <= 0) return lines_;
            lines_.push_back(line());
            if (lines_.back().empty()) return lines_;
        }
    }
    std::size_t count(const std::string& beginning) {
        std::size_t n = 0;
        for (const auto& l : heard()) n += l.rfind(beginning, 0) == 0 ? 1U : 0U;
        return n;
    }
    std::string url(const std::string& scheme) const { return scheme + "://127.0.0.1:" + std::to_string(port); }

    int port = 0;
    std::string ca_file;

private:
    std::string line() {
        std::string text;
        for (char c = 0; ::read(stdout_.get(), &c, 1) == 1 && c != '\n';) text += c;
        return text;
    }
    pid_t pid_ = -1;
    UniqueFd stdin_, stdout_;
    std::vector<std::string> lines_;
};

}  // namespace bkmon::test
