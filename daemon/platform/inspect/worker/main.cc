#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <new>

#include "common/base/text.h"
#include "daemon/platform/inspect/worker/options.h"

#ifdef BKMON_SANITIZED
// The leak check at exit needs what the sandbox forbids.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }  // NOLINT
#endif

namespace {

using namespace bkmon;
using namespace bkmon::inspect;

constexpr int kUsageError = 2;

bool say(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto n = write(fd, text.data(), text.size());
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

/// What a growing file lacks comes soon, or its writer ends this process.
void wait_for_more() {
    const timespec pause{0, 2'000'000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
}

std::optional<std::size_t> read_input(std::uint64_t offset, std::span<unsigned char> to) {
    while (true) {
        const auto n = pread(STDIN_FILENO, to.data(), to.size(), static_cast<off_t>(offset));
        if (n >= 0) return static_cast<std::size_t>(n);
        if (errno != EINTR) return std::nullopt;
    }
}

/// Reads a file that still grows to `size` as if it were all there.
ReadAt follow(std::uint64_t size) {
    return [size](std::uint64_t offset, std::span<unsigned char> to) -> std::optional<std::size_t> {
        std::size_t done = 0;
        while (done < to.size()) {
            const auto n = read_input(offset + done, to.subspan(done));
            if (!n) return std::nullopt;
            done += *n;
            if (offset + done >= size) break;
            if (*n == 0) wait_for_more();
        }
        return done;
    };
}

/// Slow formats unpack half a megabyte a second of their own bytes on old machines.
std::uint64_t cpu_seconds(std::uint64_t size) { return 300 + size / 500000; }

Findings look(const CommandLine& line) {
    try {
        if (!line.growing) return inspect_stream(read_input, line.inquiry, line.limits);
        return inspect_stream(follow(line.inquiry.size), line.inquiry, line.limits);
    } catch (const std::bad_alloc&) {
        Findings f;
        apply(f, gave_up("it needs more memory than an inspection may have"));
        return f;
    }
}

int inspect_file(CommandLine line) {
    struct stat st {};
    if (!line.size_given) {
        if (fstat(STDIN_FILENO, &st) != 0 || !S_ISREG(st.st_mode)) {
            say(STDERR_FILENO, "bkmon-inspect: standard input is no plain file\n");
            return kUsageError;
        }
        line.inquiry.size = static_cast<std::uint64_t>(st.st_size);
    }
    posix_fadvise(STDIN_FILENO, 0, 0, POSIX_FADV_SEQUENTIAL);
    const auto state = enter_sandbox(cpu_seconds(line.inquiry.size), line.walls);
    if (!state) {
        say(STDERR_FILENO, "bkmon-inspect: the sandbox cannot be entered: " + state.error().what + "\n");
        return 1;
    }
    return say(STDOUT_FILENO, to_json(look(line)) + "\n") ? 0 : 1;
}

int self_test(const CommandLine& line) {
    const auto state = enter_sandbox(10, line.walls);
    if (!state) {
        say(STDERR_FILENO, "bkmon-inspect: the sandbox cannot be entered: " + state.error().what + "\n");
        return 1;
    }
    std::string report;
    const bool holds = sandbox_holds(*state, report);
    say(STDOUT_FILENO, report + "\n");
    return holds ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const auto line = parse_command_line(argc, argv);
    if (!line) {
        say(STDERR_FILENO, "bkmon-inspect: " + line.error().what + "\n" + kUsage);
        return kUsageError;
    }
    switch (line->action) {
        case CommandLine::Action::help: return say(STDOUT_FILENO, kUsage) ? 0 : 1;
        case CommandLine::Action::version: return say(STDOUT_FILENO, "bkmon-inspect " BKMON_VERSION "\n") ? 0 : 1;
        case CommandLine::Action::self_test: return self_test(*line);
        case CommandLine::Action::inspect: break;
    }
    return inspect_file(*line);
}
