#include "daemon/config/sources.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "common/base/c_ptr.h"
#include "common/base/text.h"
#include "common/base/unique_fd.h"

namespace bkmon::config {
namespace {

constexpr std::size_t kMaxFile = std::size_t{16} << 20, kMaxAll = std::size_t{64} << 20, kMaxFiles = 2000;

std::string folder_of(const std::string& file) {
    const auto slash = file.rfind('/');
    return slash == std::string::npos ? "" : file.substr(0, slash + 1);
}

/// The names of conf.d that count. A missing folder is no problem.
std::vector<std::string> drop_ins(const std::string& folder, std::vector<Problem>& problems) {
    std::vector<std::string> names;
    const CPtr<DIR, &::closedir> dir(::opendir(folder.c_str()));
    if (!dir) {
        if (errno != ENOENT) problems.push_back({folder, Error(sys_fail("cannot be read", errno).value()).what});
        return names;
    }
    while (const auto* entry = ::readdir(dir.get())) {
        const std::string name = entry->d_name;
        if (name.starts_with('.')) continue;
        if (name.ends_with(".yaml")) names.push_back(name);
        if (name.ends_with(".yml")) problems.push_back({printable(folder + "/" + name, 4096), "only *.yaml is read here: rename it"});
    }
    std::sort(names.begin(), names.end());
    if (names.size() > kMaxFiles) {
        problems.push_back({folder, fmt::format("more than {} files", kMaxFiles)});
        names.resize(kMaxFiles);
    }
    return names;
}

}  // namespace

Result<std::string> read_plain_file(const std::string& path, std::size_t most) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));  // non-blocking: a FIFO must not stop the start
    if (!fd) return sys_fail("cannot be read", errno);
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return sys_fail("cannot be read", errno);
    if (!S_ISREG(st.st_mode)) return fail(Errc::invalid, "is no plain file");
    std::string bytes;
    char buffer[65536];
    while (bytes.size() <= most) {
        const auto n = ::read(fd.get(), buffer, sizeof buffer);
        if (n == 0) return bytes;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return sys_fail("cannot be read", errno);
        bytes.append(buffer, static_cast<std::size_t>(n));
    }
    return fail(Errc::invalid, fmt::format("is larger than {}", size_words(most)));
}

std::vector<Source> read_sources(const std::string& file, std::vector<Problem>& problems) {
    std::vector<std::string> paths{file};
    const auto folder = folder_of(file) + "conf.d";
    for (const auto& name : drop_ins(folder, problems)) paths.push_back(folder + "/" + name);
    std::vector<Source> sources;
    std::size_t all = 0;
    for (const auto& path : paths) {
        auto bytes = read_plain_file(path, kMaxFile);
        if (!bytes) {
            problems.push_back({printable(path, 4096), bytes.error().what});
            continue;
        }
        all += bytes->size();
        if (all > kMaxAll) {
            problems.push_back({printable(path, 4096), fmt::format("all files together are larger than {}", size_words(kMaxAll))});
            break;
        }
        sources.push_back({printable(path, 4096), std::move(*bytes), &path == &paths.front() ? Source::Kind::main : Source::Kind::drop_in});
    }
    return sources;
}

}  // namespace bkmon::config
