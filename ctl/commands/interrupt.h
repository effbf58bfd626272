#pragma once
#include <csignal>

#include "common/base/time.h"
#include "common/base/unique_fd.h"

namespace bkmon::ctl {

/// While it lives, SIGINT and SIGTERM make fd() readable instead of ending the program. One at a time.
class Interrupt {
public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;
    int fd() const { return reading_.get(); }
    /// Sleeps; true at once when interrupted.
    bool wait(milliseconds time) const;

private:
    UniqueFd reading_, writing_;
    struct sigaction old_int_ {};
    struct sigaction old_term_ {};
};

}  // namespace bkmon::ctl
