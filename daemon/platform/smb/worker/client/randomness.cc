#include "daemon/platform/smb/worker/client/randomness.h"

#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace {

bool taken = false;

}  // namespace

extern "C" {

ssize_t getrandom(void* to, size_t size, unsigned flags) {
    if (size > 1) taken = true;
    return syscall(SYS_getrandom, to, size, flags);
}

int getentropy(void* to, size_t size) {
    if (size > 256) {
        errno = EIO;
        return -1;
    }
    for (auto* at = static_cast<char*>(to); size > 0;) {
        const auto n = getrandom(at, size, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return -1;
        at += n;
        size -= static_cast<size_t>(n);
    }
    return 0;
}
}

namespace bkmon::smb::client {

bool random_bytes_taken() { return taken; }

}  // namespace bkmon::smb::client
