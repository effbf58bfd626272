#include "daemon/deposits/arrival/watcher.h"

#include <fmt/format.h>
#include <sys/inotify.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/deposits/arrival/snapshot.h"

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

namespace {

struct Head {
    std::int32_t watch = -1;
    std::uint32_t mask = 0, cookie = 0, length = 0;
};
static_assert(sizeof(Head) == sizeof(inotify_event));

struct Raw {
    Head head;
    std::string_view name;
    std::size_t size = 0;
};

/// The event at `at` of a buffer's bytes; size 0 at their end.
Raw raw_at(std::string_view bytes, std::size_t at) {
    Raw raw;
    if (at + sizeof raw.head > bytes.size()) return raw;
    std::memcpy(&raw.head, bytes.data() + at, sizeof raw.head);
    const char* name = bytes.data() + at + sizeof raw.head;
    raw.name = {name, strnlen(name, raw.head.length)};
    raw.size = sizeof raw.head + raw.head.length;
    return raw;
}

/// The first half of a rename is judged by the second, which follows it at once.
bool is_taken_away(const Raw& one, const Raw& next) {
    if (one.name.starts_with(kJudgedPrefix)) return true;
    return (one.head.mask & IN_MOVED_FROM) != 0 && (next.head.mask & IN_MOVED_TO) != 0 && one.head.cookie == next.head.cookie &&
           next.name.starts_with(kJudgedPrefix);
}

}  // namespace

bool Watcher::drain(const std::function<void(const Event&)>& handle) {
    alignas(inotify_event) std::array<char, 1 << 16> buffer;
    for (int round = 0; round < 4; ++round) {
        const auto n = ::read(fd_.get(), buffer.data(), buffer.size());
        if (n <= 0) return n < 0 && errno == EINTR;
        const std::string_view bytes(buffer.data(), static_cast<std::size_t>(n));
        std::size_t at = 0;
        for (Raw one = raw_at(bytes, at); one.size > 0; at += one.size, one = raw_at(bytes, at)) {
            const auto& raw = one.head;
            Event event;
            event.watch = (raw.mask & IN_Q_OVERFLOW) != 0 ? -1 : raw.watch;
            event.ended = (raw.mask & (IN_IGNORED | IN_UNMOUNT)) != 0;
            event.self = event.ended || (raw.mask & kSelf) != 0 || raw.length == 0;
            event.name = one.name;
            event.taken_away = is_taken_away(one, raw_at(bytes, at + one.size));
            handle(event);
        }
    }
    return true;
}

}  // namespace bkmon::deposits
