#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace bkmon::deposits {

/// One inotify instance. Watches directories by descriptor, so that no link and no rename between opening and watching can turn the
/// watch elsewhere. Watching the same directory again gives the same number.
class Watcher {
public:
    enum class What { root, agent, folder };
    struct Event {
        int watch = -1;           ///< -1: the queue overflowed, events were lost
        bool ended = false;       ///< the watch is gone: directory removed or file system unmounted
        bool self = false;        ///< it concerns the directory itself
        bool taken_away = false;  ///< a judged file got the name under which it is removed, or was removed under it
        std::string name;         ///< of the entry; empty for the directory
    };

    static Result<std::shared_ptr<Watcher>> create();
    int fd() const { return fd_.get(); }
    /// Any thread. Errc::no_space when the user's limit of watches is reached.
    Result<int> add(int directory, What what);
    /// Any thread.
    void remove(int watch);
    /// Loop thread: at most some thousand of the events that wait; true when there may be more.
    bool drain(const std::function<void(const Event&)>& handle);

private:
    explicit Watcher(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

}  // namespace bkmon::deposits
