#include "ctl/render/pager.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <vector>

#include "common/base/unique_fd.h"

namespace bkmon::ctl {

namespace {

/// A pager that was left early is no error, and Ctrl-C belongs to the pager while it runs.
class QuietSignals {
public:
    QuietSignals() {
        struct sigaction ignore {};
        ignore.sa_handler = SIG_IGN;
        ::sigaction(SIGPIPE, &ignore, &pipe_);
        ::sigaction(SIGINT, &ignore, &interrupt_);
    }
    QuietSignals(const QuietSignals&) = delete;
    QuietSignals& operator=(const QuietSignals&) = delete;
    ~QuietSignals() {
        ::sigaction(SIGPIPE, &pipe_, nullptr);
        ::sigaction(SIGINT, &interrupt_, nullptr);
    }

private:
    struct sigaction pipe_ {};
    struct sigaction interrupt_ {};
};

void write_all(int fd, const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t n = ::write(fd, text.data() + at, text.size() - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        at += static_cast<std::size_t>(n);
    }
}

}  // namespace

std::string pager_command(const Env& env) {
    std::string command = env("BKMON_PAGER");
    if (command.empty()) command = env("PAGER");
    if (command.empty()) return "less -FRSX";
    return command == "cat" ? std::string() : command;
}

bool page(const std::string& command, const std::string& text) {
    int ends[2];
    if (::pipe(ends) != 0) return false;
    UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    // less of a bare PAGER=less shows colours only with R; what the user set himself counts.
    ::setenv("LESS", "FRSX", 0);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_adddup2(&actions, reading.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_addclose(&actions, writing.get());
    std::string shell = "sh";
    std::string option = "-c";
    std::string line = command;
    std::vector<char*> argv{shell.data(), option.data(), line.data(), nullptr};
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGINT);
    ::posix_spawnattr_setsigdefault(&attributes, &defaults);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    const QuietSignals quiet;
    pid_t child = -1;
    const int failed = ::posix_spawn(&child, "/bin/sh", &actions, &attributes, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (failed != 0) return false;
    reading.reset();
    write_all(writing.get(), text);
    writing.reset();
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    // 127 is the shell's "not found": nothing was read, nothing shown.
    return !(WIFEXITED(status) && (WEXITSTATUS(status) == 127 || WEXITSTATUS(status) == 126));
}

}  // namespace bkmon::ctl
