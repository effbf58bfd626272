// LD_PRELOAD for one process: a name service as bad as any. "slow.test" takes thirty seconds and is not found, "never.test" is not found at once, "many.test" has two
// hundred addresses (BKMON_TEST_MANY, then 1 to 200), "changing.test" another one each time (BKMON_TEST_CHANGING, then 1, 2, 1, …). All others are looked up.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// As freeaddrinfo takes it: each in one piece of memory.
static struct addrinfo *one(const char *prefix, int last, const char *service) {
    struct {
        struct addrinfo info;
        struct sockaddr_in to;
    } *a = calloc(1, sizeof *a);
    char text[64];
    if (!a || !prefix) abort();
    snprintf(text, sizeof text, "%s%d", prefix, last);
    a->to.sin_family = AF_INET;
    a->to.sin_port = htons((unsigned short)(service ? atoi(service) : 0));
    if (inet_pton(AF_INET, text, &a->to.sin_addr) != 1) abort();
    a->info.ai_family = AF_INET;
    a->info.ai_socktype = SOCK_STREAM;
    a->info.ai_addr = (struct sockaddr *)&a->to;
    a->info.ai_addrlen = sizeof a->to;
    return &a->info;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    static atomic_int asked;
    if (name && strcmp(name, "slow.test") == 0) {
        sleep(30);
        return EAI_AGAIN;
    }
    if (name && strcmp(name, "never.test") == 0) return EAI_NONAME;
    if (name && strcmp(name, "many.test") == 0) {
        for (int i = 1; i <= 200; ++i, found = &(*found)->ai_next) *found = one(getenv("BKMON_TEST_MANY"), i, service);
        return 0;
    }
    if (name && strcmp(name, "changing.test") == 0) {
        *found = one(getenv("BKMON_TEST_CHANGING"), 1 + asked++ % 2, service);
        return 0;
    }
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = (__typeof__(real))dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name, service, hints, found);
}
