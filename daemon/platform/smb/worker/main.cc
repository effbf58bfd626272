#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>

#include "common/base/unique_fd.h"
#include "daemon/platform/smb/envelope.h"
#include "daemon/platform/smb/worker/client/randomness.h"
#include "daemon/platform/smb/worker/client/sandbox.h"
#include "daemon/platform/smb/worker/client/smbclient_backend.h"
#include "daemon/platform/smb/worker/nursery.h"
#include "daemon/platform/smb/worker/visitor.h"

#ifdef BKMON_SANITIZED
// The leak check at exit needs what the sandbox forbids.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }  // NOLINT
#endif

namespace {

using namespace bkmon;
using namespace bkmon::smb;

constexpr int kUsageError = 2, kSocket = 0;
constexpr const char* kUsage =
    "bkmon-smb-worker\n"
    "bkmon-smb-worker --nursery\n"
    "bkmon-smb-worker --probe[=landlock|seccomp]\n"
    "Looks at servers for bkmond: orders come and answers go through standard input, which is a socket that keeps messages apart.\n"
    "A nursery makes such processes when it is sent the sockets that they shall have.\n";

void say(int fd, std::string_view text) {
    if (write(fd, text.data(), text.size()) < 0) return;  // nobody is there who could be told
}

milliseconds stopwatch() { return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()); }

void wipe(std::string& secret) {
    explicit_bzero(secret.data(), secret.size());
    secret.clear();
}

bool answer(const Visit& visit) {
    const auto text = to_json(visit);
    return send_with(kSocket, text.data(), text.size(), -1) == static_cast<ssize_t>(text.size());
}

Visit fault(std::string detail) {
    Visit visit;
    visit.detail = std::move(detail);
    return visit;
}

Visit obey(std::string_view text, UniqueFd connection, Backend& backend) {
    auto order = order_from_json(text);
    if (!order) return fault(order.error().what);
    auto visit = carry_out(*order, std::move(connection), backend, stopwatch);
    wipe(order->credential.user);
    wipe(order->credential.domain);
    wipe(order->credential.password);
    return visit;
}

int serve(Backend& backend) {
    static std::array<char, kMaxMessage> buffer;
    while (true) {
        UniqueFd connection;
        const auto received = receive_with(kSocket, buffer.data(), buffer.size(), connection);  // of what is longer, its beginning
        if (received <= 0) return 0;
        const auto length = static_cast<std::size_t>(received);
        const auto visit =
            length > buffer.size() ? fault("the order is too long") : obey(std::string_view(buffer.data(), length), std::move(connection), backend);
        explicit_bzero(buffer.data(), std::min(length, buffer.size()));
        if (!answer(visit)) return 1;
    }
}

/// Ends with its parent, and has nothing of it.
Result<std::unique_ptr<Backend>> begin() {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    closefrom(3);
    return client::make_smbclient_backend();
}

int run(jail::Walls walls, bool probe) {
    auto backend = begin();
    if (!backend) {
        say(STDERR_FILENO, "bkmon-smb-worker: libsmbclient cannot be used: " + backend.error().what + "\n");
        return 1;
    }
    const UniqueFd out(probe ? dup(STDOUT_FILENO) : -1);
    UniqueFd err(dup(STDERR_FILENO));
    const auto state = client::enter_sandbox(walls);
    if (!state) {
        say(err.get(), "bkmon-smb-worker: the sandbox cannot be entered: " + state.error().what + "\n");
        return 1;
    }
    err.reset();
    if (!probe) return serve(**backend);
    std::string report;
    const bool holds = client::sandbox_holds(*state, report);
    say(out.get(), report + "\n");
    return holds ? 0 : 1;
}

/// What --nursery is from then on, for whoever lists processes.
void take_away(char* argument) { memset(argument, 0, strlen(argument)); }

int be_nursery(char* argument) {
#ifdef BKMON_SANITIZED
    constexpr bool forks = false;  // a sanitizer wants to know of each fork, and has threads of its own: the pool starts each worker by itself then
#else
    constexpr bool forks = true;
#endif
    auto backend = begin();
    if (!backend) {
        say(STDERR_FILENO, "bkmon-smb-worker: libsmbclient cannot be used: " + backend.error().what + "\n");
        return 1;
    }
    UniqueFd err(dup(STDERR_FILENO));
    if (const auto done = client::enter_nursery(); !done) {
        say(err.get(), "bkmon-smb-worker: the sandbox cannot be entered: " + done.error().what + "\n");
        return 1;
    }
    err.reset();
    return run_nursery([] { return forks && !client::random_bytes_taken(); },
                       [argument, &backend] {
                           take_away(argument);
                           return client::enter_sandbox_in_nursery() ? serve(**backend) : 1;
                       });
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view argument = argc > 1 ? argv[1] : "";
    if (argc > 2) return say(STDERR_FILENO, kUsage), kUsageError;
    if (argument.empty()) return run({}, false);
    if (argument == "--nursery") return be_nursery(argv[1]);
    if (argument == "--probe") return run({}, true);
    if (argument == "--probe=landlock") return run({true, false}, true);
    if (argument == "--probe=seccomp") return run({false, true}, true);
    if (argument == "--version") return say(STDOUT_FILENO, "bkmon-smb-worker " BKMON_VERSION "\n"), 0;
    if (argument == "--help") return say(STDOUT_FILENO, kUsage), 0;
    return say(STDERR_FILENO, kUsage), kUsageError;
}
