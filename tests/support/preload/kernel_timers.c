// Loaded before libfaketime, which moves the moments of every timer by as much as the wall clock, those on CLOCK_BOOTTIME too: they would
// never come. Timers go to the kernel as they are.
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

int timerfd_settime(int fd, int flags, const struct itimerspec* when, struct itimerspec* before) {
    return (int)syscall(SYS_timerfd_settime, fd, flags, when, before);
}
