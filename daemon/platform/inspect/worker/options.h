#pragma once
#include <optional>
#include <string>

#include "daemon/platform/inspect/worker/sandbox.h"
#include "daemon/platform/inspect/worker/stream.h"

namespace bkmon::inspect {

struct CommandLine {
    enum class Action { inspect, self_test, version, help };
    Action action = Action::inspect;
    Inquiry inquiry;
    bool size_given = false;
    bool growing = false;
    Limits limits;
    jail::Walls walls;
};

inline constexpr const char* kUsage =
    "bkmon-inspect [--name NAME] [--content auto|mysql|postgresql|sqlite|mssql|archive|opaque] [--end-mark yes|no] [--size BYTES]\n"
    "              [--output-limit BYTES] [--growing] < FILE\n"
    "bkmon-inspect --self-test[=landlock|seccomp]\n"
    "Reads FILE to its last byte in a sandbox and prints one line of JSON that says what it is and whether it is whole.\n"
    "--growing: FILE is still being written; it is waited for until it has the BYTES of --size.\n";

Result<CommandLine> parse_command_line(int argc, char** argv);

}  // namespace bkmon::inspect
