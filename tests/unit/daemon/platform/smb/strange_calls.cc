// Calls of this test program that go wrong when a test says so. Names: "slow….test" takes as long as
// slow_milliseconds says, "never.test" is not found, "later.test" is no answer yet, "many.test" has the addresses of addresses_of_many. Sockets: none
// while no_descriptors. (Really to use them up would blind sanitizers.) Defined here, they are these for the whole program.
#include "strange_calls.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <thread>

namespace bkmon::test {

std::atomic<int> slow_milliseconds{300}, names_asked{0};
std::atomic<bool> no_descriptors{false};
std::vector<std::string> addresses_of_many;

}  // namespace bkmon::test

namespace {

/// As freeaddrinfo takes it: each in one piece of memory.
addrinfo* list_of(const std::vector<std::string>& addresses, const char* port) {
    addrinfo *first = nullptr, **last = &first;
    for (const auto& text : addresses) {
        void* memory = std::calloc(1, sizeof(addrinfo) + sizeof(sockaddr_in));
        if (memory == nullptr) throw std::bad_alloc();
        auto* const a = static_cast<addrinfo*>(memory);
        auto* const to = reinterpret_cast<sockaddr_in*>(a + 1);
        to->sin_family = AF_INET;
        to->sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
        ::inet_pton(AF_INET, text.c_str(), &to->sin_addr);
        a->ai_family = AF_INET;
        a->ai_socktype = SOCK_STREAM;
        a->ai_addr = reinterpret_cast<sockaddr*>(to);
        a->ai_addrlen = sizeof *to;
        *last = a;
        last = &a->ai_next;
    }
    return first;
}

}  // namespace

extern "C" int socket(int family, int type, int protocol) noexcept {
    if (bkmon::test::no_descriptors) {
        errno = EMFILE;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_socket, family, type, protocol));
}

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
    using namespace bkmon::test;
    ++names_asked;
    const std::string n = name == nullptr ? "" : name;
    if (n.rfind("slow", 0) == 0 && n.find(".test") != std::string::npos) {
        std::this_thread::sleep_for(std::chrono::milliseconds(slow_milliseconds));
        return EAI_AGAIN;
    }
    if (n == "never.test") return EAI_NONAME;
    if (n == "later.test") return EAI_AGAIN;
    if (n == "many.test") {
        *found = list_of(addresses_of_many, service);
        return 0;
    }
    using Real = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
    static const auto real = reinterpret_cast<Real>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return real(name, service, hints, found);
}
