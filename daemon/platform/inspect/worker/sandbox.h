#pragma once
#include <cstdint>
#include <string>

#include "common/base/result.h"

namespace bkmon::inspect {

/// Which walls to put up: tests leave some out to see that each of them holds alone.
struct Walls {
    bool landlock = true, seccomp = true;
};

struct SandboxState {
    bool landlock = false;  ///< false where the kernel has none: seccomp then stands alone
    bool seccomp = false;
};

/// Gives up everything that reading fd 0 and writing fd 1 and 2 does not need, for ever: limits of memory, time, file size and descriptors,
/// no core, no new privileges, no file or network access (Landlock), few system calls (seccomp: all others fail with EPERM).
/// An error means that a wall that this kernel should have could not be put up: do not go on.
Result<SandboxState> enter_sandbox(std::uint64_t cpu_seconds, Walls walls);

/// Tries from inside what must fail; one line of JSON: {"landlock":true,…,"open":"EACCES","socket":"EPERM",…}. True when all of it failed.
bool sandbox_holds(const SandboxState& state, std::string& report);

}  // namespace bkmon::inspect
