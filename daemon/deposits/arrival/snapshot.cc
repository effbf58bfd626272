#include "daemon/deposits/arrival/snapshot.h"

#include <fmt/format.h>

#include <algorithm>

namespace bkmon::deposits {
namespace {

bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

}  // namespace

std::string FileIdentity::text() const { return fmt::format("{}:{}:{}:{}:{}", dev, ino, size, mtime_ns, ctime_ns); }

bool is_rsync_temporary(std::string_view name) {
    if (name == ".~tmp~" || name == ".rsync-partial" || name == ".rsync-tmp") return true;
    // rsync's get_tmpname(): a dot, the name (which may be cut), a dot, six characters of mkstemp.
    if (name.size() < 9 || name.front() != '.' || name[name.size() - 7] != '.') return false;
    const auto suffix = name.substr(name.size() - 6);
    return std::all_of(suffix.begin(), suffix.end(), letter_or_digit);
}

bool acceptable_name(std::string_view name) {
    if (name.empty() || name.size() > 128 || name.front() == '.') return false;
    return std::all_of(name.begin(), name.end(), [](char c) { return letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
}

}  // namespace bkmon::deposits
