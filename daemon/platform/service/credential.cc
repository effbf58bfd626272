#include "daemon/platform/service/credential.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "common/base/text.h"
#include "common/base/unique_fd.h"

namespace bkmon::service {
namespace {

/// A name is one component of a path, and a word that needs no quoting in a unit file.
bool acceptable(std::string_view name) {
    const auto good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    };
    return !name.empty() && name.size() <= 255 && name.front() != '.' && std::all_of(name.begin(), name.end(), good);
}

Result<std::string> read_all(int fd, std::size_t most, const std::string& what) {
    std::string bytes;
    char buffer[16384];
    while (bytes.size() <= most) {
        const auto n = ::read(fd, buffer, sizeof buffer);
        if (n == 0) return bytes;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return sys_fail(what + " cannot be read", errno);
        bytes.append(buffer, static_cast<std::size_t>(n));
    }
    return fail(Errc::invalid, fmt::format("{} is larger than {}", what, size_words(most)));
}

}  // namespace

Result<std::string> read_credential(std::string_view name, std::size_t most) {
    const std::string what = fmt::format("credential {}", printable(name, 64));
    if (!acceptable(name)) return fail(Errc::invalid, what + ": no credential can have this name (letters, digits, '.', '_', '-')");
    const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
    if (folder == nullptr || *folder == '\0') return fail(Errc::not_found, what + ": the service manager passed no credentials");
    if (*folder != '/') return fail(Errc::invalid, what + ": $CREDENTIALS_DIRECTORY is no absolute path");
    const UniqueFd dir(::open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!dir) return sys_fail(what + ": $CREDENTIALS_DIRECTORY cannot be entered", errno);
    // Non-blocking: a FIFO must not stop the start.
    const UniqueFd file(::openat(dir.get(), std::string(name).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file && errno == ENOENT) return fail(Errc::not_found, what + " was not passed by the service manager");
    if (!file && errno == ELOOP) return fail(Errc::invalid, what + " is a symbolic link");
    if (!file) return sys_fail(what + " cannot be read", errno);
    struct stat st {};
    if (::fstat(file.get(), &st) != 0) return sys_fail(what + " cannot be read", errno);
    if (!S_ISREG(st.st_mode)) return fail(Errc::invalid, what + " is no plain file");
    return read_all(file.get(), most, what);
}

}  // namespace bkmon::service
