// Names of this test program: "slow.test" takes three seconds to be looked up and is not found, "never.test" is not found at once.
// Defined here, getaddrinfo is this one for every library of the program.
#include <dlfcn.h>
#include <netdb.h>
#include <unistd.h>

#include <cstring>

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
    if (name != nullptr && std::strcmp(name, "slow.test") == 0) {
        ::sleep(3);
        return EAI_AGAIN;
    }
    if (name != nullptr && std::strcmp(name, "never.test") == 0) return EAI_NONAME;
    using Real = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
    static const auto real = reinterpret_cast<Real>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return real(name, service, hints, found);
}
