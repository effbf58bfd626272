/* Runs a program and stands at the entry of its system calls on files: counts them over all threads, and at the k-th one kills it, holds it, or makes
 * the call fail. Children of the program run beside it unhindered.
 *
 * syscall_gate COMMANDS EVENTS PROGRAM ARGUMENT…
 *   COMMANDS and EVENTS are descriptors. A command is a line; each is answered by a line "done SEEN", where SEEN is how many calls matched since the
 *   last "arm". From "arm" on a call matches whose name is one of NAMES ("a,b"; * is all on files, talk those of talking to a server) and whose path
 *   begins with PREFIX (or *):
 *     arm count 0 0 NAMES PREFIX        lets all pass
 *     arm trace 0 0 NAMES PREFIX        lets all pass, and says "call N NAME PATH" of each one
 *     arm kill K 0 NAMES PREFIX         at the K-th one says "fired K NAME PATH" and kills the process group before the call is made
 *     arm hold K 0 NAMES PREFIX         the same, but the calling thread only waits, until "kill"
 *     arm once K ERRNO NAMES PREFIX     the K-th one fails, the first time it says "fired …"
 *     arm from K ERRNO NAMES PREFIX     the K-th one fails, and all that match after it
 *     off | stop | kill                 lets all pass from now on | asks the program to end (SIGTERM) | kills the process group
 *   The program starts after the first command.
 *   When the program has ended and all its children too, it says "ended STATUS" (128 + signal) and goes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#if !defined(__x86_64__)
int main(void) {
    fputs("syscall_gate knows the registers of x86-64 alone\n", stderr);
    return 77;
}
#else

/* Where the arguments of a call tell a path: of a descriptor, or of a name relative to a descriptor (or to the working directory). -1: not. */
struct call {
    int number;
    const char* name;
    int fd, text;
};

static const struct call kCalls[] = {
    {SYS_open, "open", -1, 0},           {SYS_creat, "creat", -1, 0},
    {SYS_openat, "openat", 0, 1},        {SYS_openat2, "openat2", 0, 1},
    {SYS_access, "access", -1, 0},       {SYS_readlink, "readlink", -1, 0},
    {SYS_stat, "stat", -1, 0},           {SYS_lstat, "lstat", -1, 0},
    {SYS_fstat, "fstat", 0, -1},         {SYS_newfstatat, "newfstatat", 0, 1},
    {SYS_statx, "statx", 0, 1},          {SYS_statfs, "statfs", -1, 0},
    {SYS_fstatfs, "fstatfs", 0, -1},     {SYS_getdents64, "getdents64", 0, -1},
    {SYS_pread64, "pread64", 0, -1},     {SYS_pwrite64, "pwrite64", 0, -1},
    {SYS_pwritev, "pwritev", 0, -1},     {SYS_copy_file_range, "copy_file_range", 2, -1},
    {SYS_ioctl, "ioctl", 0, -1},         {SYS_fallocate, "fallocate", 0, -1},
    {SYS_ftruncate, "ftruncate", 0, -1}, {SYS_fadvise64, "fadvise64", 0, -1},
    {SYS_fsync, "fsync", 0, -1},         {SYS_fdatasync, "fdatasync", 0, -1},
    {SYS_fchmod, "fchmod", 0, -1},       {SYS_fsetxattr, "fsetxattr", 0, -1},
    {SYS_fgetxattr, "fgetxattr", 0, -1}, {SYS_rename, "rename", -1, 0},
    {SYS_renameat2, "renameat2", 2, 3},  {SYS_link, "link", -1, 0},
    {SYS_linkat, "linkat", 2, 3},        {SYS_unlink, "unlink", -1, 0},
    {SYS_unlinkat, "unlinkat", 0, 1},    {SYS_mkdir, "mkdir", -1, 0},
    {SYS_mkdirat, "mkdirat", 0, 1},      {SYS_rmdir, "rmdir", -1, 0},
    {SYS_mmap, "mmap", 4, -1},           {SYS_inotify_add_watch, "inotify_add_watch", -1, 1},
    {SYS_pipe2, "pipe2", -1, -1},        {SYS_pidfd_open, "pidfd_open", -1, -1},
    {SYS_socket, "socket", -1, -1},      {SYS_connect, "connect", 0, -1},
    {SYS_sendto, "sendto", 0, -1},       {SYS_recvfrom, "recvfrom", 0, -1},
    {SYS_shutdown, "shutdown", 0, -1},
};
enum { kCount = sizeof kCalls / sizeof kCalls[0] };

static int talks(int number) {
    return number == SYS_socket || number == SYS_connect || number == SYS_sendto || number == SYS_recvfrom || number == SYS_shutdown;
}

enum mode { MODE_OFF, MODE_COUNT, MODE_TRACE, MODE_KILL, MODE_HOLD, MODE_ONCE, MODE_FROM };
static const char* const kModes[] = {"off", "count", "trace", "kill", "hold", "once", "from"};

/* What the commands say and how far it came; under the mutex. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static enum mode mode = MODE_OFF;
static long seen, at;
static int error_number, fired;
static char wanted[kCount];
static char prefix[4096];
static int events;
static pid_t child;
static int start;

__attribute__((format(printf, 1, 2))) static void say(const char* format, ...) {
    char line[8192];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(line, sizeof line, format, list);
    va_end(list);
    if (n >= (int)sizeof line) n = sizeof line - 1;
    if (write(events, line, (size_t)n) != n) _exit(3);
}

static void die(const char* what) {
    fprintf(stderr, "syscall_gate: %s: %s\n", what, strerror(errno));
    if (child > 0) kill(-child, SIGKILL);
    _exit(3);
}

static void obey(char* line) {
    char verb[16] = "", how[16] = "", names[1024] = "", begin[4096] = "";
    int error = 0;
    long k = 0;
    sscanf(line, "%15s %15s %ld %d %1023s %4095s", verb, how, &k, &error, names, begin);
    pthread_mutex_lock(&mutex);
    if (strcmp(verb, "arm") == 0) {
        mode = MODE_OFF;
        memset(wanted, 0, sizeof wanted);
        for (char *rest = names, *name; (name = strsep(&rest, ",")) != NULL;)
            for (int i = 0; i < kCount; ++i)
                if (strcmp(name, talks(kCalls[i].number) ? "talk" : "*") == 0 || strcmp(kCalls[i].name, name) == 0) wanted[i] = 1;
        strcpy(prefix, strcmp(begin, "*") == 0 ? "" : begin);
        seen = fired = 0;
        at = k;
        error_number = error;
        for (int i = MODE_COUNT; i <= MODE_FROM; ++i)
            if (strcmp(kModes[i], how) == 0) mode = (enum mode)i;
    } else if (strcmp(verb, "off") == 0) {
        mode = MODE_OFF;
    } else if (strcmp(verb, "stop") == 0) {
        kill(child, SIGTERM);
    } else if (strcmp(verb, "kill") == 0) {
        mode = MODE_OFF;
        kill(-child, SIGKILL);
    }
    say("done %ld\n", seen);
    pthread_mutex_unlock(&mutex);
}

static void* command_thread(void* argument) {
    FILE* in = fdopen((int)(intptr_t)argument, "r");
    char line[8192];
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        obey(line);
        if (start >= 0 && write(start, "x", 1) != 1) die("start");
        if (start >= 0) close(start);
        start = -1;
    }
    kill(-child, SIGKILL); /* who started us is gone */
    return NULL;
}

/* Threads of the program itself; children of it are others. */
struct thread {
    pid_t id;
    int ours;
};
static struct thread threads[4096];
static int thread_count;

static int is_ours(pid_t id) {
    for (int i = 0; i < thread_count; ++i)
        if (threads[i].id == id) return threads[i].ours;
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", (int)id);
    int group = -1;
    FILE* f = fopen(path, "r");
    if (f == NULL) return 0;
    while (fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "Tgid: %d", &group) == 1) break;
    fclose(f);
    if (thread_count < (int)(sizeof threads / sizeof threads[0])) threads[thread_count++] = (struct thread){id, group == child};
    return group == child;
}

static void forget(pid_t id) {
    for (int i = 0; i < thread_count; ++i)
        if (threads[i].id == id) threads[i--] = threads[--thread_count];
}

static void path_of(pid_t id, const struct call* call, const uint64_t args[6], char* out, size_t size) {
    char link[64], name[4096] = "";
    out[0] = 0;
    if (call->text >= 0) {
        struct iovec to = {name, sizeof name - 1}, from = {(void*)args[call->text], 0};
        size_t room = 4096 - (args[call->text] & 4095); /* not over the end of a page: the next one may not be there */
        from.iov_len = room < sizeof name - 1 ? room : sizeof name - 1;
        if (process_vm_readv(id, &to, 1, &from, 1, 0) < 0) name[0] = 0;
    }
    if (name[0] != '/') {
        int fd = call->fd >= 0 ? (int)args[call->fd] : AT_FDCWD;
        snprintf(link, sizeof link, fd == AT_FDCWD ? "/proc/%d/cwd" : "/proc/%d/fd/%d", (int)id, fd);
        ssize_t n = readlink(link, out, size - 1);
        out[n < 0 ? 0 : n] = 0;
    }
    size_t used = strlen(out);
    if (name[0] != 0 && used + strlen(name) + 2 < size) sprintf(out + used, "%s%s", used > 0 ? "/" : "", name);
    for (char* c = out; *c != 0; ++c)
        if (*c == '\n' || *c == ' ') *c = '?';
}

/* Is it a call on a file that this is about? Maps of memory and the terminal's ioctls are not. */
static int on_file(const struct call* call, const uint64_t args[6]) {
    if (call->number == SYS_ioctl) return args[1] == FICLONE;
    if (call->number == SYS_mmap) return (int)args[4] >= 0;
    return 1;
}

/* At the entry of a call. 1: the thread may go on. */
static int pass(pid_t id) {
    struct user_regs_struct regs;
    if (!is_ours(id) || ptrace(PTRACE_GETREGS, id, NULL, &regs) != 0) return 1;
    int i = 0;
    while (i < kCount && kCalls[i].number != (int)regs.orig_rax) ++i;
    const uint64_t args[6] = {regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9};
    if (i == kCount || !on_file(&kCalls[i], args)) return 1;
    char path[4096 + 256] = "";
    int free_to_go = 1;
    pthread_mutex_lock(&mutex);
    if (mode == MODE_OFF || !wanted[i]) goto out;
    if (prefix[0] != 0 || mode == MODE_TRACE || seen + 1 == at) path_of(id, &kCalls[i], args, path, sizeof path);
    if (strncmp(path, prefix, strlen(prefix)) != 0) goto out;
    ++seen;
    if (mode == MODE_TRACE) say("call %ld %s %s\n", seen, kCalls[i].name, path);
    if (mode == MODE_COUNT || mode == MODE_TRACE || seen < at || (mode != MODE_FROM && seen > at)) goto out;
    if (!fired) say("fired %ld %s %s\n", seen, kCalls[i].name, path);
    fired = 1;
    if (mode == MODE_KILL) {
        mode = MODE_OFF;
        kill(-child, SIGKILL);
        free_to_go = 0;
    } else if (mode == MODE_HOLD) {
        mode = MODE_OFF;
        free_to_go = 0;
    } else {
        regs.orig_rax = (unsigned long long)-1; /* no call is made; this is its result */
        regs.rax = (unsigned long long)(long long)-error_number;
        if (ptrace(PTRACE_SETREGS, id, NULL, &regs) != 0 && errno != ESRCH) die("set registers");
    }
out:
    pthread_mutex_unlock(&mutex);
    return free_to_go;
}

static void install_filter(void) {
    struct sock_filter filter[kCount + 6];
    int n = 0;
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < kCount; ++i)
        filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)kCalls[i].number, (unsigned char)(kCount - i), 0);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    struct sock_fprog program = {(unsigned short)n, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) _exit(126);
}

static int run_child(char** argv, int go) {
    char c;
    setsid();
    if (read(go, &c, 1) != 1) _exit(126);
    close(go);
    install_filter();
    execvp(argv[0], argv);
    _exit(127);
}

static void resume(pid_t id, int status) {
    const int event = status >> 16, signal = WSTOPSIG(status);
    if (event == PTRACE_EVENT_SECCOMP) {
        if (!pass(id)) return;
        ptrace(PTRACE_CONT, id, NULL, NULL);
    } else if (event == PTRACE_EVENT_STOP && (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU)) {
        ptrace(PTRACE_LISTEN, id, NULL, NULL);
    } else {
        ptrace(PTRACE_CONT, id, NULL, (void*)(intptr_t)(event != 0 ? 0 : signal));
    }
}

int main(int argc, char** argv) {
    if (argc < 4) return 2;
    const int commands = atoi(argv[1]);
    events = atoi(argv[2]);
    fcntl(commands, F_SETFD, FD_CLOEXEC);
    fcntl(events, F_SETFD, FD_CLOEXEC);
    int go[2];
    if (pipe2(go, O_CLOEXEC) != 0) die("pipe");
    child = fork();
    if (child < 0) die("fork");
    if (child == 0) return run_child(argv + 3, go[0]);
    const long options =
        PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, child, NULL, (void*)options) != 0) die("trace");
    start = go[1];
    pthread_t thread;
    if (pthread_create(&thread, NULL, command_thread, (void*)(intptr_t)commands) != 0) die("thread");
    int end = 0;
    for (;;) {
        int status = 0;
        const pid_t id = waitpid(-1, &status, __WALL);
        if (id < 0 && errno == EINTR) continue;
        if (id < 0) break;
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            forget(id);
            if (id == child) end = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        } else if (WIFSTOPPED(status)) {
            resume(id, status);
        }
    }
    pthread_mutex_lock(&mutex);
    say("ended %d\n", end);
    _exit(0);
}
#endif
