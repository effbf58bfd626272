/* A worker of the pool that behaves as its orders say: daemon/platform/smb/pool.h from the other side, without a server.
 *
 * An order names it in its folder, "do:WHAT ARGUMENT". Files beside the program, named after it as it was called:
 *   .answer   what it answers; "TAGTAG" in it becomes the argument
 *   .pids     a line with its process id for each that was started
 *   .seen     environment and descriptors of the last one
 *   .said     written after "twice" and "unasked" have sent all
 *   .bad      when it is there, a worker ends with code 5 before it reads anything
 * As a nursery (--nursery) it makes none, but answers with the errno in its file .refuses, or, when that is negative, with nothing.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

extern char **environ;
static const char *me;
static char order[1 << 17], answer[1 << 17];

static FILE *beside(const char *suffix, const char *mode) {
    char path[4096];
    snprintf(path, sizeof path, "%s%s", me, suffix);
    return fopen(path, mode);
}

static void leave_word(const char *suffix, const char *mode) {
    FILE *f = beside(suffix, mode);
    if (!f) exit(9);
    if (strcmp(suffix, ".seen") == 0) {
        for (char **e = environ; *e; ++e) fprintf(f, "env %s\n", *e);
        DIR *fds = opendir("/proc/self/fd");
        for (struct dirent *d; fds && (d = readdir(fds));)
            if (d->d_name[0] != '.' && atoi(d->d_name) != dirfd(fds) && atoi(d->d_name) != fileno(f)) fprintf(f, "fd %s\n", d->d_name);
        if (fds) closedir(fds);
    } else {
        fprintf(f, "%d\n", (int)getpid());
    }
    fclose(f);
}

static void say(const char *tag) {
    FILE *f = beside(".answer", "r");
    if (!f) exit(9);
    size_t n = fread(answer, 1, sizeof answer - 1, f);
    fclose(f);
    answer[n] = 0;
    char *place = strstr(answer, "TAGTAG");
    if (place && strlen(tag) == 6) memcpy(place, tag, 6);
    send(0, answer, n, 0);
}

static void give_descriptors(void) {
    enum { MANY = 100 };
    int fds[MANY];
    for (int i = 0; i < MANY; ++i) fds[i] = 2;
    char control[CMSG_SPACE(sizeof fds)] = {0};
    FILE *f = beside(".answer", "r");
    if (!f) exit(9);
    size_t n = fread(answer, 1, sizeof answer, f);
    fclose(f);
    struct iovec data = {answer, n};
    struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(c), fds, sizeof fds);
    sendmsg(0, &m, 0);
}

static void for_ever(void) {
    for (;;) pause();
}

static void eat_descriptors(void) {
    struct rlimit few = {200, 200};
    setrlimit(RLIMIT_NOFILE, &few);
    while (open("/dev/null", O_RDONLY) >= 0) continue;
    for_ever();
}

static void obey(const char *what, const char *argument) {
    if (strcmp(what, "ok") == 0) return say(argument);
    if (strcmp(what, "slow") == 0) {
        usleep((useconds_t)atoi(argument) * 1000);
        return say("");
    }
    if (strcmp(what, "die") == 0) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    if (strcmp(what, "exit") == 0) {
        fprintf(stderr, "noise of before\nthe \033[31mreason\n");
        _exit(3);
    }
    if (strcmp(what, "resigns") == 0) { /* as Samba does it */
        printf("ERROR: nothing can be done\n");
        fflush(stdout);
        _exit(1);
    }
    if (strcmp(what, "last") == 0) {
        say(argument);
        _exit(0);
    }
    if (strcmp(what, "garbage") == 0) send(0, "\x01not json", 9, 0);
    if (strcmp(what, "empty") == 0) {
        send(0, "", 0, 0);
        for_ever();
    }
    if (strcmp(what, "long") == 0) {
        memset(answer, ' ', sizeof answer);
        send(0, answer, 65537, 0);
    }
    if (strcmp(what, "twice") == 0 || strcmp(what, "unasked") == 0) {
        say(argument);
        say(argument);
        leave_word(".said", "w");
    }
    if (strcmp(what, "hangup") == 0) {
        close(0);
        for_ever();
    }
    if (strcmp(what, "prints") == 0) {
        memset(answer, 'x', sizeof answer);
        for (;;) (void)!write(1, answer, sizeof answer);
    }
    if (strcmp(what, "gives") == 0) return give_descriptors();
    if (strcmp(what, "eats") == 0) eat_descriptors();
    if (strcmp(what, "silent") == 0) for_ever();
    if (strcmp(what, "stubborn") == 0) {
        for (int s = 1; s < 32; ++s) signal(s, SIG_IGN);
        if (fork() == 0) for_ever();  /* and leaves somebody behind */
        for_ever();
    }
}

int main(int argc, char **argv) {
    me = argv[0];
    leave_word(".pids", "a");
    leave_word(".seen", "w");
    FILE *bad = beside(".bad", "r");
    if (bad) {
        fprintf(stderr, "cannot shut myself in\n");
        return 5;
    }
    if (argc > 1 && strcmp(argv[1], "--nursery") == 0) {
        int birth[2] = {0, 0};
        FILE *refuses = beside(".refuses", "r");
        if (!refuses || fscanf(refuses, "%d", birth) != 1) return 6;
        if (birth[0] < 0) for_ever();
        while (recv(0, order, sizeof order, 0) > 0) send(0, birth, sizeof birth, 0);
        return 0;
    }
    for (;;) {
        ssize_t n = recv(0, order, sizeof order - 1, 0);
        if (n <= 0) return 0;
        order[n] = 0;
        char what[32] = "", argument[32] = "";
        const char *place = strstr(order, "\"do:");
        if (place) sscanf(place, "\"do:%31[a-z] %31[0-9A-Za-z]", what, argument);
        obey(what, argument);
    }
}
