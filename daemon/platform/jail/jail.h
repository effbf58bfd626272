#pragma once
#include <seccomp.h>
#include <sys/resource.h>

#include <cstdint>
#include <functional>
#include <initializer_list>

#include "common/base/result.h"

namespace bkmon::jail {

/// What a process that reads foreign bytes gives up for ever. Each call is for a process with one thread.

/// No tracing, no core, no capabilities, no new privileges (which the other walls need).
Result<void> harden();

struct Limit {
    __rlimit_resource what;
    rlim_t soft, hard;
};
Result<void> set_limits(std::initializer_list<Limit> limits);

/// Landlock without any rule: no file, no folder and no TCP port to listen on, no signal and no abstract socket to the outside. With
/// `connects` TCP connections may still be made, without it they may not. Open descriptors stay as they are. False where the kernel has none.
Result<bool> wall_off_files(bool connects);

/// System calls: what was not allowed fails with EPERM.
class Calls {
public:
    Calls();
    ~Calls();
    Calls(const Calls&) = delete;
    Calls& operator=(const Calls&) = delete;

    Calls& allow(std::initializer_list<int> calls);
    Calls& allow(int call, std::initializer_list<scmp_arg_cmp> arguments);
    /// Memory, time, signals to itself, reading and closing of what is open, the end: what any program needs.
    Calls& allow_living();
    /// From now on and for ever.
    Result<void> load();

private:
    scmp_filter_ctx filter_;
    int bad_ = 0;
};

/// What SCMP_A0 … are, without C's compound literals. With SCMP_CMP_MASKED_EQ `value` is the mask, and what it leaves must be `masked`.
inline scmp_arg_cmp argument(unsigned n, scmp_compare op, scmp_datum_t value, scmp_datum_t masked = 0) { return {n, op, value, masked}; }

/// Which walls to put up: tests leave some out to see that each of them holds alone.
struct Walls {
    bool landlock = true, seccomp = true;
};

struct State {
    bool landlock = false;  ///< false where the kernel has none: seccomp then stands alone
    bool seccomp = false;
};

/// Landlock as in wall_off_files(), then `limits`, then `calls`. An error means that a wall that this kernel should have could not be put up: do
/// not go on.
Result<State> put_up(Walls walls, bool connects, const std::function<Result<void>()>& limits, const std::function<Result<void>()>& calls);

}  // namespace bkmon::jail
