#include "tests/support/temp_tree.h"

#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

namespace bkmon::test {

namespace fs = std::filesystem;

TempTree::TempTree() {
    const char* base = std::getenv("TMPDIR");
    std::string pattern = std::string(base != nullptr ? base : "/tmp") + "/bkmon-test-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
}

TempTree::~TempTree() {
    std::error_code ignored;
    for (const auto& entry : fs::recursive_directory_iterator(path_, fs::directory_options::skip_permission_denied, ignored))
        if (entry.is_directory(ignored) && !entry.is_symlink(ignored))
            fs::permissions(entry.path(), fs::perms::owner_all, fs::perm_options::add, ignored);
    fs::remove_all(path_, ignored);
}

void TempTree::make_dirs(const std::string& relative) const { fs::create_directories(at(relative)); }

void TempTree::put(const std::string& relative, const std::string& bytes) const {
    fs::create_directories(fs::path(at(relative)).parent_path());
    std::ofstream out(at(relative), std::ios::binary | std::ios::trunc);
    out << bytes;
    if (!out.flush()) throw std::runtime_error("cannot write " + relative);
}

std::string TempTree::get(const std::string& relative) const {
    std::ifstream in(at(relative), std::ios::binary);
    if (!in) return "<none>";
    return {std::istreambuf_iterator<char>(in), {}};
}

bool TempTree::has(const std::string& relative) const { return fs::exists(fs::symlink_status(at(relative))); }

std::string TempTree::names(const std::string& relative) const {
    std::vector<std::string> found;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(at(relative), ignored)) found.push_back(entry.path().filename().string());
    std::sort(found.begin(), found.end());
    std::string out;
    for (const auto& name : found) out += (out.empty() ? "" : " ") + name;
    return out;
}

int run_as(uid_t uid, int (*check)(void*), void* argument) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setgroups(0, nullptr) != 0 || ::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0) ::_exit(255);
        ::_exit(check(argument));
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status) == 255 ? -1 : WEXITSTATUS(status);
}

}  // namespace bkmon::test
