#pragma once
#include <functional>

namespace bkmon::smb {

/// Makes workers for whoever is at the other end of fd 0 (a socket that keeps messages apart): for each message, which encloses the socket that the
/// worker shall have, a copy of this process is made and answered with a Birth and its pidfd. In the copy, `worker` runs with that socket as fd 0,
/// no other descriptors but 1 and 2, in a session of its own, and its result ends it; it dies when the process does that started this one.
/// The copies are children of that process, not of this one, and it can tell how they end. They leave this one's process group only when the answer
/// has been sent: whoever reaps this one with its group misses none.
///
/// For a process with one thread, which holds no lock then; SIGPIPE must be ignored. What fork() of the C library does besides copying is here:
///   - the thread's own number, by which its locks know their owner, is that of the copy (the kernel writes it where the C library keeps it);
///   - locks of malloc and stdio are free, for nobody else could hold them;
///   - the kernel keeps the registration of restartable sequences, and forgets the list of robust locks, which nobody uses here;
///   - handlers of pthread_atfork are not called. Those of the libraries let generators of random numbers notice the copy: so there must not be
///     one with a state yet. `may_fork` is asked before each; false is answered with ENOSYS.
/// clone, not clone3: a filter of system calls can look at its flags, and systemd's RestrictNamespaces= refuses clone3 for that reason.
/// Returns when the other end hung up: 0, or 1 when talking failed.
int run_nursery(const std::function<bool()>& may_fork, const std::function<int()>& worker);

/// The flags of its clone: what a filter of system calls has to let through.
unsigned long nursery_clone_flags();

}  // namespace bkmon::smb
