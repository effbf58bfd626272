/* Makes children of its parent (CLONE_PARENT), who does not know of them, and says their numbers: sibling HOW...
 * They sleep for ever: "here" in its group, "apart" in a session of its own. Then it waits for the end of its fd 0.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
    for (int i = 1; i < argc; ++i) {
        long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
        if (pid < 0) return 1;
        if (pid == 0) {
            if (strcmp(argv[i], "apart") == 0) setsid();
            close(1);
            for (;;) pause();
        }
        printf("%ld\n", pid);
    }
    fclose(stdout);
    char c;
    return read(0, &c, 1) == 0 ? 0 : 2;
}
