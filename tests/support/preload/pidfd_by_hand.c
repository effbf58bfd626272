// LD_PRELOAD for a program under a valgrind that knows no pidfd_open: a pipe stands for it, whose other end a thread closes when the child has ended.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kMostFds = 4096 };
static pid_t owner[kMostFds];  // by descriptor; the caller opens, asks and closes on one thread

struct watched {
    pid_t pid;
    int end;
};

static void* wait_for_it(void* argument) {
    struct watched* w = argument;
    siginfo_t info;
    while (waitid(P_PID, (id_t)w->pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    close(w->end);
    free(w);
    return NULL;
}

static int open_by_hand(pid_t pid) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    struct watched* w = malloc(sizeof *w);
    pthread_t thread;
    if (!w || ends[0] >= kMostFds) abort();
    *w = (struct watched){pid, ends[1]};
    owner[ends[0]] = pid;
    if (pthread_create(&thread, NULL, wait_for_it, w) != 0) abort();
    pthread_detach(thread);
    return ends[0];
}

long syscall(long number, ...) {
    va_list list;
    va_start(list, number);
    long a[6];
    for (int i = 0; i < 6; ++i) a[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_pidfd_open) return open_by_hand((pid_t)a[0]);
    static long (*real)(long, ...);
    if (!real) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int waitid(idtype_t type, id_t id, siginfo_t* info, int options) {
    const pid_t pid = type == P_PIDFD && id < kMostFds ? owner[id] : 0;
    return (int)syscall(SYS_waitid, pid ? (long)P_PID : (long)type, pid ? (long)pid : (long)id, info, (long)options, NULL);
}
