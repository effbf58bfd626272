#include "daemon/app/mail_secret.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "daemon/app/secret.h"

namespace bkmon::app {

std::function<Result<std::string>()> mail_secret(const core::MailSettings& mail) {
    return [user = mail.user, file = mail.password_file, credential = mail.password_credential]() -> Result<std::string> {
        if (user.empty()) return std::string();
        return read_secret("mail.password_file", file, credential);
    };
}

std::string mail_host() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    const std::string host(name.data());
    const bool fine =
        !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '-'; });
    return fine && host.front() != '-' && host.front() != '.' ? host : "localhost";
}

}  // namespace bkmon::app
