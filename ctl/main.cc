#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <iostream>

#include "ctl/commands/cli.h"

namespace {

std::string own_folder() {
    char path[PATH_MAX];
    const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
    if (n <= 0) return {};
    const std::string file(path, static_cast<std::size_t>(n));
    return file.substr(0, file.rfind('/'));
}

std::string from_environment(const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

}  // namespace

int main(int argc, char** argv) {
    std::ios::sync_with_stdio(false);
    bkmon::ctl::World world{std::cout,
                            std::cerr,
                            std::cin,
                            bkmon::ctl::look_at_terminal(STDOUT_FILENO, from_environment),
                            bkmon::ctl::look_at_terminal(STDERR_FILENO, from_environment),
                            ::isatty(STDIN_FILENO) == 1,
                            from_environment,
                            bkmon::system_clock(),
                            BKMON_VERSION,
                            own_folder()};
    return bkmon::ctl::run({argv + 1, argv + argc}, world);
}
