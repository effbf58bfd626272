// LD_PRELOAD for one process: its wall clock and its clock since boot stand where a file says, both moved by the same amount, and its timers fire
// when they are due by these clocks; files were changed when it was by these clocks. What libfaketime cannot do: timerfd. CLOCK_MONOTONIC and the
// clocks of processor time stay real.
//
// BKMON_TEST_CLOCK names the file: two 64-bit numbers, native order. The first is written by the test: nanoseconds ahead of the real clocks; it only
// grows. The second is written here, once every timer was set again for it.
//
// BKMON_TEST_MONOTONIC=N lets CLOCK_MONOTONIC run N times as fast, for the deadlines of libcurl. Whoever sleeps by it in the kernel sleeps too long.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { kMostTimers = 4096, kMostMoves = 1 << 16 };
static const int64_t kSecond = 1000000000;

struct shared {
    _Atomic int64_t ahead, seen;
};
struct timer {
    int64_t due;  // by the moved clock; 0: none
    int flags;
};
static struct shared* shared;
static struct timer timers[kMostTimers];
// How far ahead the clocks were from which real moment on: for times that the kernel wrote into files.
static struct move { int64_t from, ahead; } moves[kMostMoves];
static _Atomic int moves_made;
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int64_t monotonic_speed = 1, monotonic_start;

static void open_file(void) {
    const char* speed = getenv("BKMON_TEST_MONOTONIC");
    struct timespec t;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
    monotonic_start = t.tv_sec * kSecond + t.tv_nsec;
    if (speed) monotonic_speed = atoi(speed);
    const char* path = getenv("BKMON_TEST_CLOCK");
    const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void* at = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at != MAP_FAILED) shared = at;
}

static int64_t ahead(void) {
    pthread_once(&once, open_file);
    return shared ? shared->ahead : 0;
}

static int moved(clockid_t id) { return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_BOOTTIME; }

int clock_gettime(clockid_t id, struct timespec* t) {
    const int result = (int)syscall(SYS_clock_gettime, id, t);
    if (result == 0 && moved(id)) {
        const int64_t n = t->tv_sec * kSecond + t->tv_nsec + ahead();
        t->tv_sec = n / kSecond;
        t->tv_nsec = n % kSecond;
    }
    if (result == 0 && id == CLOCK_MONOTONIC && ahead() >= 0 && monotonic_speed != 1) {
        const int64_t n = monotonic_start + (t->tv_sec * kSecond + t->tv_nsec - monotonic_start) * monotonic_speed;
        t->tv_sec = n / kSecond;
        t->tv_nsec = n % kSecond;
    }
    return result;
}

time_t time(time_t* to) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (to) *to = t.tv_sec;
    return t.tv_sec;
}

static int set_in_kernel(int fd, const struct timer* timer, int64_t ahead_now) {
    struct itimerspec when = {{0, 0}, {0, 0}};
    if (timer->due != 0) {
        // Long past: at once, and not never.
        const int64_t due = timer->due > ahead_now + 1 ? timer->due - ahead_now : 1;
        when.it_value.tv_sec = due / kSecond;
        when.it_value.tv_nsec = due % kSecond;
    }
    return (int)syscall(SYS_timerfd_settime, fd, timer->flags, &when, NULL);
}

static void* follow(void* unused) {
    (void)unused;
    int64_t done = 0;
    for (;;) {
        const int64_t now = ahead();
        if (now != done) {
            struct timespec t;
            syscall(SYS_clock_gettime, CLOCK_REALTIME, &t);
            if (moves_made == kMostMoves) abort();
            moves[moves_made] = (struct move){t.tv_sec * kSecond + t.tv_nsec, now};
            ++moves_made;
            pthread_mutex_lock(&guard);
            for (int fd = 0; fd < kMostTimers; ++fd)
                if (timers[fd].due != 0) set_in_kernel(fd, &timers[fd], now);  // one that was closed answers with an error, which is fine
            pthread_mutex_unlock(&guard);
            shared->seen = done = now;
        }
        usleep(1000);
    }
    return NULL;
}

static void begin_following(void) {
    pthread_t thread;
    if (ahead() >= 0 && shared && pthread_create(&thread, NULL, follow, NULL) == 0) pthread_detach(thread);
}

// Absolute times alone are moved; nobody here sets others.
int timerfd_settime(int fd, int flags, const struct itimerspec* when, struct itimerspec* old) {
    static pthread_once_t follower = PTHREAD_ONCE_INIT;
    if ((flags & TFD_TIMER_ABSTIME) == 0 || fd < 0 || fd >= kMostTimers || old) return (int)syscall(SYS_timerfd_settime, fd, flags, when, old);
    pthread_once(&follower, begin_following);
    pthread_mutex_lock(&guard);
    timers[fd].due = when->it_value.tv_sec * kSecond + when->it_value.tv_nsec;
    timers[fd].flags = flags;
    const int result = set_in_kernel(fd, &timers[fd], ahead());
    pthread_mutex_unlock(&guard);
    return result;
}

static void shift(struct timespec* t) {
    const int64_t real = t->tv_sec * kSecond + t->tv_nsec;
    int low = 0, high = moves_made;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (moves[middle].from <= real)
            low = middle + 1;
        else
            high = middle;
    }
    const int64_t n = real + (low == 0 ? 0 : moves[low - 1].ahead);
    t->tv_sec = n / kSecond;
    t->tv_nsec = n % kSecond;
}

int fstatat(int folder, const char* restrict path, struct stat* restrict st, int flags) {
    const int result = (int)syscall(SYS_newfstatat, folder, path, st, flags);
    if (result == 0) {
        shift(&st->st_mtim);
        shift(&st->st_ctim);
    }
    return result;
}

int fstat(int fd, struct stat* st) { return fstatat(fd, "", st, AT_EMPTY_PATH); }
int stat(const char* restrict path, struct stat* restrict st) { return fstatat(AT_FDCWD, path, st, 0); }
int lstat(const char* restrict path, struct stat* restrict st) { return fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW); }
