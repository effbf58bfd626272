/* For a program that is to be copied: somebody in it has drawn random numbers already (DRAWN=yes). SIGUSR1 makes it abort; or end with 3, when
 * what the C library keeps as the number of its thread is another one's.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

static int *place;

static void give_up(int signal) {
    (void)signal;
    if (!place || *place != gettid()) _exit(3);
    abort();
}

__attribute__((constructor)) static void begin(void) {
    static char drawn[16];
    prctl(PR_GET_TID_ADDRESS, &place);
    signal(SIGUSR1, give_up);
    if (getenv("DRAWN") && getrandom(drawn, sizeof drawn, 0) < 0) abort();
}
