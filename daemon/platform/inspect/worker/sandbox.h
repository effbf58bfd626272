#pragma once
#include <cstdint>
#include <string>

#include "common/base/result.h"
#include "daemon/platform/jail/jail.h"

namespace bkmon::inspect {

/// Gives up everything that reading fd 0 and writing fd 1 and 2 does not need, for ever: limits of memory, time, file size and descriptors,
/// no core, no new privileges, no file or network access (Landlock), few system calls (seccomp: all others fail with EPERM).
/// An error means that a wall that this kernel should have could not be put up: do not go on.
Result<jail::State> enter_sandbox(std::uint64_t cpu_seconds, jail::Walls walls);

/// Tries from inside what must fail; one line of JSON: {"landlock":true,…,"open":"EACCES","socket":"EPERM",…}. True when all of it failed.
bool sandbox_holds(const jail::State& state, std::string& report);

}  // namespace bkmon::inspect
