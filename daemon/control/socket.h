#pragma once
#include <sys/types.h>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace bkmon::control {

/// A listening socket; takes its name away again when it was bound here and is still ours.
class ListeningSocket {
public:
    /// Binds `path` (absolute) so that it appears at once complete: mode 0666, listening. Roles decide who may do what.
    /// Refuses (Errc::denied) when others could have put something there or could replace it: a folder above it that others may write to
    /// (sticky ones like /tmp may be further up), a name that is taken by anything but a dead socket of our own user.
    /// Errc::busy when somebody listens there. Blocks for a moment on the file system: for the start.
    static Result<ListeningSocket> bind(const std::string& path);
    /// One that systemd passed. Errc::invalid when it is no listening unix stream socket. Never removed.
    static Result<ListeningSocket> adopt(UniqueFd fd);

    ListeningSocket(ListeningSocket&& other) noexcept;
    ListeningSocket& operator=(ListeningSocket&&) = delete;
    ~ListeningSocket();
    int fd() const { return fd_.get(); }

private:
    ListeningSocket(UniqueFd fd, std::string path, dev_t dev, ino_t ino) : fd_(std::move(fd)), path_(std::move(path)), dev_(dev), ino_(ino) {}

    UniqueFd fd_;
    std::string path_;  ///< empty: not ours to remove
    dev_t dev_;
    ino_t ino_;
};

}  // namespace bkmon::control
