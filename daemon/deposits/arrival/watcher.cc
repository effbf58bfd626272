#include "daemon/deposits/arrival/watcher.h"

#include <fmt/format.h>
#include <sys/inotify.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace bkmon::deposits {
namespace {

constexpr std::uint32_t kEntries = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
constexpr std::uint32_t kSelf = IN_DELETE_SELF | IN_MOVE_SELF;

/// A file's end is CLOSE_WRITE, or MOVED_TO, or CREATE for a hard link; ATTRIB for a mode that now lets it be read. Not MODIFY: a
/// growing file would give one for each write.
std::uint32_t mask_of(Watcher::What what) {
    return IN_ONLYDIR | IN_EXCL_UNLINK | kEntries | kSelf |
           (what == Watcher::What::folder  ? IN_CLOSE_WRITE | IN_ATTRIB
            : what == Watcher::What::agent ? IN_ATTRIB
                                           : 0U);
}

}  // namespace

Result<std::shared_ptr<Watcher>> Watcher::create() {
    UniqueFd fd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!fd) return sys_fail("inotify_init1", errno);
    return std::shared_ptr<Watcher>(new Watcher(std::move(fd)));
}

Result<int> Watcher::add(int directory, What what) {
    const int watch = inotify_add_watch(fd_.get(), fmt::format("/proc/self/fd/{}", directory).c_str(), mask_of(what));
    if (watch < 0) return sys_fail("inotify_add_watch", errno);
    return watch;
}

void Watcher::remove(int watch) { static_cast<void>(inotify_rm_watch(fd_.get(), watch)); }

bool Watcher::drain(const std::function<void(const Event&)>& handle) {
    alignas(inotify_event) std::array<char, 1 << 16> buffer;
    for (int round = 0; round < 4; ++round) {
        const auto n = ::read(fd_.get(), buffer.data(), buffer.size());
        if (n <= 0) return n < 0 && errno == EINTR;
        for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(n);) {
            inotify_event raw;
            std::memcpy(&raw, buffer.data() + at, sizeof raw);
            const char* name = buffer.data() + at + sizeof raw;
            Event event;
            event.watch = (raw.mask & IN_Q_OVERFLOW) != 0 ? -1 : raw.wd;
            event.ended = (raw.mask & (IN_IGNORED | IN_UNMOUNT)) != 0;
            event.self = event.ended || (raw.mask & kSelf) != 0 || raw.len == 0;
            if (raw.len > 0) event.name.assign(name, strnlen(name, raw.len));
            handle(event);
            at += sizeof raw + raw.len;
        }
    }
    return true;
}

}  // namespace bkmon::deposits
