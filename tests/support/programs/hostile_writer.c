/* An agent that does to its own deposits, as fast as it can, all that a file system allows.
 *
 * hostile_writer attack SEED MILLISECONDS THREADS
 *   stdin: a line per victim: MODE <tab> PATH <tab> STAGE <tab> A <tab> B <tab> C. PATH is the deposited file or report; STAGE a folder on
 *   the same file system outside of the deposit root; A and B are files whose bytes a report declares, C holds bytes that none declares.
 *   For so many milliseconds every thread takes one victim after the other and does one thing to it: puts A, B or C there by rename, writes,
 *   truncates or maps what lies there (and goes on writing through old descriptors and mappings after it was moved away), swaps names,
 *   links it elsewhere and back, takes it away. Then the end that MODE names is made:
 *     good   all is closed, A lies there         bad   all is closed, C lies there
 *     open   A lies there, and for twice MILLISECONDS the old descriptors and mappings are written to
 *     lurk   left alone until A lies there; for as long, who opens or reads it is watched: then it is opened for writing as well, and written to
 *            at once, a moment later, or when its name is gone
 *   stdout: the number of things done.
 *
 * hostile_writer flip MILLISECONDS PATH PATH
 *   Exchanges the two names without a pause. stdout: how often.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { kMaxVictims = 1024, kMaxThreads = 16, kSlots = 2, kBlock = 4096 };

struct Bytes {
    char* data;
    size_t size;
};
struct Victim {
    char mode[8], path[512], stage[512], dir[512];
    const char* name;
    struct Bytes kinds[3];
};
/* What one thread still holds of one victim. */
struct Hold {
    int fd[kSlots];
    char* map[kSlots];
    size_t map_size[kSlots];
};

static struct Victim victims[kMaxVictims];
static int victim_count;
static struct Hold holds[kMaxThreads][kMaxVictims];
static double deadline;
static atomic_long done_count, unique;
static __thread sigjmp_buf back;
static __thread volatile sig_atomic_t may_jump;
static __thread uint64_t state;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* splitmix64 */
static uint64_t draw(void) {
    uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}
static size_t below(size_t n) { return n == 0 ? 0 : (size_t)(draw() % n); }

/* A mapping of a file that was truncated meanwhile. */
static void bus(int sig) {
    if (may_jump) siglongjmp(back, 1);
    signal(sig, SIG_DFL);
    raise(sig);
}

static void temporary(const struct Victim* v, char* to, size_t size) {
    static const char kLetters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    uint64_t n = (uint64_t)atomic_fetch_add(&unique, 1) * 2654435761u + (uint64_t)getpid();
    char six[7] = "";
    for (int i = 0; i < 6; ++i, n /= 62) six[i] = kLetters[n % 62];
    snprintf(to, size, "%s/.%s.%s", v->dir, v->name, six);
}

static void write_all(int fd, const struct Bytes* b) {
    for (size_t at = 0; at < b->size;) {
        ssize_t n = pwrite(fd, b->data + at, b->size - at, (off_t)at);
        if (n <= 0) return;
        at += (size_t)n;
    }
}

static void place(const struct Victim* v, int kind) {
    char temp[700];
    temporary(v, temp, sizeof temp);
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0664);
    if (fd < 0) return;
    write_all(fd, &v->kinds[kind]);
    close(fd);
    if (rename(temp, v->path) != 0) {
        rmdir(v->path);
        if (rename(temp, v->path) != 0) unlink(temp);
    }
}

static void hold_open(const struct Victim* v, struct Hold* h) {
    int slot = (int)below(kSlots);
    int fd = open(v->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return;
    if (h->fd[slot] > 0) close(h->fd[slot]);
    h->fd[slot] = fd;
}

static void scribble(const struct Victim* v, struct Hold* h) {
    int fd = h->fd[below(kSlots)];
    if (fd <= 0) return;
    const struct Bytes* b = &v->kinds[below(3)];
    if (b->size == 0) return;
    size_t at = below(b->size), n = b->size - at < kBlock ? b->size - at : kBlock;
    ssize_t ignored = pwrite(fd, b->data + at, 1 + below(n), (off_t)at);
    (void)ignored;
}

static void rewrite(const struct Victim* v, struct Hold* h) {
    int fd = h->fd[below(kSlots)];
    if (fd <= 0) return;
    const struct Bytes* b = &v->kinds[below(3)];
    if (draw() % 2) {
        int ignored = ftruncate(fd, (off_t)below(b->size + 1));
        (void)ignored;
    }
    if (draw() % 2) write_all(fd, b);
    if (draw() % 4 == 0) {
        int ignored = ftruncate(fd, (off_t)b->size);
        (void)ignored;
    }
}

static void map(const struct Victim* v, struct Hold* h) {
    int slot = (int)below(kSlots);
    int fd = open(v->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return;
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        char* m = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (m != MAP_FAILED) {
            if (h->map[slot] != NULL) munmap(h->map[slot], h->map_size[slot]);
            h->map[slot] = m;
            h->map_size[slot] = (size_t)st.st_size;
        }
    }
    close(fd);
}

static void store(const struct Victim* v, struct Hold* h) {
    int slot = (int)below(kSlots);
    if (h->map[slot] == NULL) return;
    const struct Bytes* b = &v->kinds[below(3)];
    size_t size = h->map_size[slot] < b->size ? h->map_size[slot] : b->size;
    if (size == 0) return;
    const size_t at = below(size);
    if (sigsetjmp(back, 1) == 0) {
        may_jump = 1;
        memcpy(h->map[slot] + at, b->data + at, size - at < 64 ? size - at : 64);
    }
    may_jump = 0;
}

static void swap(const struct Victim* v) {
    char twin[700];
    temporary(v, twin, sizeof twin);
    int fd = open(twin, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0664);
    if (fd < 0) return;
    write_all(fd, &v->kinds[below(3)]);
    close(fd);
    for (size_t i = 0, n = 1 + below(6); i < n; ++i) renameat2(AT_FDCWD, twin, AT_FDCWD, v->path, RENAME_EXCHANGE);
    unlink(twin);
    rmdir(twin);
}

static void relink(const struct Victim* v) {
    char out[700];
    snprintf(out, sizeof out, "%s/l%ld", v->stage, atomic_fetch_add(&unique, 1));
    if (link(v->path, out) != 0) return;
    if (draw() % 2) unlink(v->path);
    if (draw() % 2) usleep((useconds_t)below(2000));
    if (link(out, v->path) != 0 && draw() % 2) rename(out, v->path);
    unlink(out);
}

static void other_kind(const struct Victim* v) {
    switch (below(4)) {
        case 0: unlink(v->path); break;
        case 1:
            unlink(v->path);
            if (symlink(v->stage, v->path) != 0) break;
            break;
        case 2:
            unlink(v->path);
            mkfifo(v->path, 0664);
            break;
        default: unlink(v->path); mkdir(v->path, 0775);
    }
    if (draw() % 2) usleep((useconds_t)below(1000));
    if (draw() % 2) place(v, (int)below(3));
}

/* The time of change cannot be set back, that of the last write can. */
static void old_times(const struct Victim* v) {
    struct timespec at[2] = {{1000000000, 0}, {1000000000 + (time_t)below(3), 0}};
    utimensat(AT_FDCWD, v->path, at, AT_SYMLINK_NOFOLLOW);
}

static void one_thing(const struct Victim* v, struct Hold* h) {
    switch (below(16)) {
        case 0:
        case 1: place(v, 0); break;
        case 2: place(v, 1); break;
        case 3: place(v, 2); break;
        case 4:
        case 5: hold_open(v, h); break;
        case 6:
        case 7: scribble(v, h); break;
        case 8: rewrite(v, h); break;
        case 9: map(v, h); break;
        case 10:
        case 11: store(v, h); break;
        case 12: swap(v); break;
        case 13: relink(v); break;
        case 14: old_times(v); break;
        default: other_kind(v);
    }
    atomic_fetch_add(&done_count, 1);
}

static void let_go(struct Hold* h) {
    for (int i = 0; i < kSlots; ++i) {
        if (h->fd[i] > 0) close(h->fd[i]);
        if (h->map[i] != NULL) munmap(h->map[i], h->map_size[i]);
    }
    memset(h, 0, sizeof *h);
}

struct Job {
    pthread_t thread;
    int number;
    uint64_t seed;
    int only_held;
};

static void* work(void* arg) {
    struct Job* job = arg;
    state = job->seed;
    while (now() < deadline) {
        int i = (int)below((size_t)victim_count);
        struct Hold* h = &holds[job->number][i];
        if (job->only_held) {
            if (strcmp(victims[i].mode, "open") == 0) {
                if (draw() % 2)
                    scribble(&victims[i], h);
                else
                    store(&victims[i], h);
                atomic_fetch_add(&done_count, 1);
            }
        } else if (strcmp(victims[i].mode, "lurk") != 0) {
            /* A few things in a row, then a pause of this victim: some intakes must get far. */
            for (size_t n = 1 + below(6); n > 0; --n) one_thing(&victims[i], h);
        }
        if (draw() % 2) usleep((useconds_t)below(1500));
    }
    return NULL;
}

static void run(struct Job* jobs, int threads, uint64_t seed, double seconds, int only_held) {
    deadline = now() + seconds;
    for (int i = 0; i < threads; ++i) {
        jobs[i] = (struct Job){.number = i, .seed = seed * 1000003 + (uint64_t)i * 7919 + (uint64_t)only_held, .only_held = only_held};
        pthread_create(&jobs[i].thread, NULL, work, &jobs[i]);
    }
    for (int i = 0; i < threads; ++i) pthread_join(jobs[i].thread, NULL);
}

static int writing_ends(const struct Victim* v, int fd) {
    struct stat by_name, by_fd;
    if (fstat(fd, &by_fd) != 0 || lstat(v->path, &by_name) != 0) return 1;
    return by_name.st_ino != by_fd.st_ino;
}

/* What the reader has begun is what it has already looked at: now is the time to open it. */
static void notice(int watch, uint32_t what, const char* name, const int* watches, struct Hold* mine) {
    for (int i = 0; i < victim_count; ++i) {
        if (watches[i] != watch || strcmp(victims[i].mode, "lurk") != 0 || strcmp(victims[i].name, name) != 0) continue;
        if (mine[i].fd[0] > 0 || (what & IN_ACCESS ? 0 : draw() % 4)) return;
        mine[i].fd[0] = open(victims[i].path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        atomic_fetch_add(&done_count, 1);
        if (mine[i].fd[0] > 0 && draw() % 4 == 0) {
            mine[i].fd[1] = mine[i].fd[0];
            scribble(&victims[i], &mine[i]);
            mine[i].fd[1] = 0;
        }
        return;
    }
}

static void* lurk(void* arg) {
    static struct Hold mine[kMaxVictims];
    static int watches[kMaxVictims];
    state = *(uint64_t*)arg;
    int queue = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    for (int i = 0; i < victim_count; ++i)
        watches[i] = strcmp(victims[i].mode, "lurk") == 0 ? inotify_add_watch(queue, victims[i].dir, IN_OPEN | IN_ACCESS) : -1;
    _Alignas(struct inotify_event) char events[1 << 16];
    for (int round = 0; now() < deadline; ++round) {
        ssize_t n = read(queue, events, sizeof events);
        for (char* at = events; n > 0 && at < events + n;) {
            struct inotify_event e;
            memcpy(&e, at, sizeof e);
            if (e.len > 0) notice(e.wd, e.mask, at + sizeof e, watches, mine);
            at += sizeof e + e.len;
        }
        if (n <= 0) usleep(200);
        for (int i = 0; i < victim_count && round % 8 == 0; ++i) {
            if (mine[i].fd[0] <= 0 || (!writing_ends(&victims[i], mine[i].fd[0]) && draw() % 256)) continue;
            mine[i].fd[1] = mine[i].fd[0];
            scribble(&victims[i], &mine[i]);
            atomic_fetch_add(&done_count, 1);
        }
    }
    close(queue);
    for (int i = 0; i < victim_count; ++i)
        if (mine[i].fd[0] > 0) close(mine[i].fd[0]);
    return NULL;
}

static struct Bytes slurp(const char* path) {
    struct Bytes b = {NULL, 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        perror(path);
        exit(2);
    }
    b.data = malloc((size_t)st.st_size + 1);
    ssize_t n = read(fd, b.data, (size_t)st.st_size);
    b.size = n > 0 ? (size_t)n : 0;
    close(fd);
    return b;
}

static int attack(uint64_t seed, double seconds, int threads) {
    char line[4096];
    while (victim_count < kMaxVictims && fgets(line, sizeof line, stdin) != NULL) {
        struct Victim* v = &victims[victim_count++];
        char* at = line;
        line[strcspn(line, "\n")] = '\0';
        snprintf(v->mode, sizeof v->mode, "%s", strsep(&at, "\t"));
        snprintf(v->path, sizeof v->path, "%s", strsep(&at, "\t"));
        snprintf(v->stage, sizeof v->stage, "%s", strsep(&at, "\t"));
        for (int i = 0; i < 3; ++i) v->kinds[i] = slurp(strsep(&at, "\t"));
        memcpy(v->dir, v->path, sizeof v->dir);
        char* slash = strrchr(v->dir, '/');
        *slash = '\0';
        v->name = strrchr(v->path, '/') + 1;
    }
    struct Job jobs[kMaxThreads];
    run(jobs, threads, seed, seconds, 0);
    for (int i = 0; i < victim_count; ++i) {
        const int open_end = strcmp(victims[i].mode, "open") == 0;
        for (int t = 0; t < threads && !open_end; ++t) let_go(&holds[t][i]);
        place(&victims[i], strcmp(victims[i].mode, "bad") == 0 ? 2 : 0);
        for (int t = 0; t < threads && open_end; ++t) {
            state = seed + (uint64_t)t;
            if (draw() % 2)
                map(&victims[i], &holds[t][i]);
            else
                hold_open(&victims[i], &holds[t][i]);
        }
    }
    pthread_t lurker;
    deadline = now() + 2 * seconds;
    pthread_create(&lurker, NULL, lurk, &seed);
    run(jobs, threads, seed, 2 * seconds, 1);
    pthread_join(lurker, NULL);
    printf("%ld\n", atomic_load(&done_count));
    return 0;
}

static int flip(double seconds, const char* a, const char* b) {
    long n = 0, worked = 0;
    /* Through the parents' descriptors: a parent may itself be flipped by another one. */
    char parent[2][512];
    int at[2];
    const char* names[2] = {a, b};
    for (int i = 0; i < 2; ++i) {
        snprintf(parent[i], sizeof parent[i], "%s", names[i]);
        char* slash = strrchr(parent[i], '/');
        *slash = '\0';
        names[i] = strrchr(names[i], '/') + 1;
        at[i] = open(parent[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (at[i] < 0) {
            perror(parent[i]);
            return 2;
        }
    }
    deadline = now() + seconds;
    state = 1;
    while (++n % 64 != 0 || now() < deadline) {
        if (renameat2(at[0], names[0], at[1], names[1], RENAME_EXCHANGE) == 0) ++worked;
        /* Now and then it rests, so that the intake comes to each of its steps before the next flip. */
        if (draw() % 32 == 0) usleep((useconds_t)below(3000));
    }
    printf("%ld\n", worked);
    return 0;
}

int main(int argc, char** argv) {
    struct sigaction action = {.sa_handler = bus};
    sigaction(SIGBUS, &action, NULL);
    umask(0);
    if (argc == 5 && strcmp(argv[1], "attack") == 0) {
        const int threads = atoi(argv[4]);
        return attack(strtoull(argv[2], NULL, 10), atof(argv[3]) / 1000, threads > kMaxThreads ? kMaxThreads : threads);
    }
    if (argc == 5 && strcmp(argv[1], "flip") == 0) return flip(atof(argv[2]) / 1000, argv[3], argv[4]);
    fputs("hostile_writer attack SEED MILLISECONDS THREADS | flip MILLISECONDS PATH PATH\n", stderr);
    return 2;
}
