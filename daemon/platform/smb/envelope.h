#pragma once
#include <sys/types.h>

#include <cstddef>

#include "common/base/unique_fd.h"

namespace bkmon::smb {

/// A message over a Unix socket with one descriptor in it, or none (-1). What sendmsg says; never SIGPIPE; an interrupted call is made again.
ssize_t send_with(int socket, const void* data, std::size_t size, int descriptor);

/// The next message and the descriptor that came with it, if any (close-on-exec); the kernel closes what is more than one. What recvmsg says with
/// MSG_TRUNC: the message's whole length.
ssize_t receive_with(int socket, void* data, std::size_t size, UniqueFd& descriptor);

}  // namespace bkmon::smb
