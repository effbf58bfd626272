#include "daemon/app/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "common/base/text.h"
#include "common/base/unique_fd.h"
#include "daemon/platform/service/credential.h"

namespace bkmon::app {

namespace {

constexpr std::size_t kMost = 65536;  ///< tokens are some kilobytes

Result<std::string> read_file(const std::string& what, const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.get() < 0) return sys_fail(what, errno);
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return sys_fail(what, errno);
    if (!S_ISREG(st.st_mode)) return fail(Errc::invalid, what + " is no plain file");
    if ((st.st_mode & S_IRWXO) != 0) return fail(Errc::denied, what + " may be read by everybody: chmod o= it, and change the password");
    std::string text;
    std::array<char, 4096> part{};
    for (ssize_t n = 0; text.size() <= kMost && (n = ::read(fd.get(), part.data(), part.size())) != 0;) {
        if (n < 0) return sys_fail(what, errno);
        text.append(part.data(), static_cast<std::size_t>(n));
    }
    if (text.size() > kMost) return fail(Errc::invalid, what + " is larger than 64 KiB: no secret is");
    return text;
}

}  // namespace

Result<std::string> read_secret(const std::string& setting, const std::string& file, const std::string& credential) {
    const auto what = setting + " '" + printable(file) + "'";
    auto text = credential.empty() ? read_file(what, file) : service::read_credential(credential, kMost);
    if (!text) return text;
    while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
    if (text->empty()) return fail(Errc::invalid, (credential.empty() ? what : "credential '" + credential + "'") + " is empty");
    return text;
}

}  // namespace bkmon::app
