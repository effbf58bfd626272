#pragma once
#include <string>

#include "common/base/result.h"
#include "daemon/platform/jail/jail.h"

namespace bkmon::smb::client {

/// Gives up everything that talking to servers and to fd 0 does not need, for ever: limits of memory, descriptors and file size, no core, no
/// new privileges, no files (Landlock), no new programs or processes, no sockets but those of outgoing TCP (seccomp). fd 1 and 2 lead to
/// nowhere from then on. After the library has read what it wants.
Result<jail::State> enter_sandbox(jail::Walls walls);

/// The part of it that can be given up before a process makes workers (run_nursery): files, core, privileges, memory, and all system calls but those
/// of a worker, of making one, and of its own enter_sandbox_in_nursery(). Workers inherit it. fd 1 and 2 lead to nowhere from then on.
Result<void> enter_nursery();
/// The rest, in the worker: the same as enter_sandbox(), within what it inherited.
Result<jail::State> enter_sandbox_in_nursery();

/// Tries from inside what must fail; one line of JSON: {"landlock":true,…,"open":"EACCES","udp_socket":"EPERM",…}. True when all of it failed.
bool sandbox_holds(const jail::State& state, std::string& report);

}  // namespace bkmon::smb::client
