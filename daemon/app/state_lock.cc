#include "daemon/app/state_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>

#include "common/base/text.h"

namespace bkmon::app {

Result<UniqueFd> lock_state(const std::string& state_dir) {
    if (::mkdir(state_dir.c_str(), 0750) != 0 && errno != EEXIST) return sys_fail(fmt::format("make the state directory '{}'", state_dir), errno);
    const std::string path = state_dir + "/lock";
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (!fd) return sys_fail(fmt::format("open '{}'", path), errno);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return sys_fail(fmt::format("lock '{}'", path), errno);
        std::array<char, 32> owner{};
        const auto n = ::pread(fd.get(), owner.data(), owner.size() - 1, 0);
        const std::string pid = n > 0 ? trim(std::string(owner.data(), static_cast<std::size_t>(n))) : "unknown";
        return fail(Errc::busy,
                    fmt::format("another bkmond (process {}) uses the state directory '{}': stop it first, or give this one a 'state:' of its own",
                                printable(pid, 20), state_dir));
    }
    const std::string pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0) return sys_fail(fmt::format("write '{}'", path), errno);
    return fd;
}

}  // namespace bkmon::app
