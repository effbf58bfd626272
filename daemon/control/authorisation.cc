#include "daemon/control/authorisation.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <system_error>

#include "common/base/text.h"

namespace bkmon::control {

using protocol::Role;

namespace {

constexpr std::uint32_t kNobody = 65534;

std::uint32_t read_number(const char* file, std::uint32_t otherwise) {
    std::ifstream in(file);
    std::uint32_t n = 0;
    return in >> n ? n : otherwise;
}

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return n;
}

Result<std::vector<std::uint32_t>> groups_of(int socket) {
    std::vector<gid_t> gids(32);
    for (;;) {
        auto length = static_cast<socklen_t>(gids.size() * sizeof(gid_t));
        if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, gids.data(), &length) == 0) {
            gids.resize(length / sizeof(gid_t));
            return std::vector<std::uint32_t>(gids.begin(), gids.end());
        }
        if (errno != ERANGE || gids.size() >= length / sizeof(gid_t)) return sys_fail("groups of the caller", errno);
        gids.resize(length / sizeof(gid_t));
    }
}

/// Calls getpwnam_r or getgrnam_r with as much room as it wants. 0 and a null entry: no such name.
template <class Entry, class Look>
int look_up(const std::string& name, Look look, Entry& entry, Entry*& found, std::vector<char>& room) {
    room.resize(4096);
    for (;;) {
        const int rc = look(name.c_str(), &entry, room.data(), room.size(), &found);
        if (rc != ERANGE || room.size() > (std::size_t{1} << 22)) return rc;
        room.resize(room.size() * 2);
    }
}

/// getpwnam_r(3) lists these for "not found" beside 0.
std::string trouble(int rc) {
    if (rc == 0 || rc == ENOENT || rc == ESRCH || rc == EBADF || rc == EPERM) return "";
    return fmt::format(" (the name service says: {})", std::generic_category().message(rc));
}

}  // namespace

Result<Peer> peer_of(int socket) {
    ucred cred{};
    socklen_t length = sizeof cred;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &cred, &length) != 0) return sys_fail("credentials of the caller", errno);
    auto groups = groups_of(socket);
    if (!groups) return fail(std::move(groups.error()));
    groups->push_back(cred.gid);
    return Peer{cred.uid, cred.pid, std::move(*groups)};
}

Roles Roles::resolve(const core::ControlSettings& settings, std::uint32_t own_uid) {
    Roles roles;
    roles.overflow_uid_ = read_number("/proc/sys/kernel/overflowuid", kNobody);
    roles.overflow_gid_ = read_number("/proc/sys/kernel/overflowgid", kNobody);
    roles.names_[0] = "root";
    if (!settings.roles_given && settings.grants.empty()) {
        roles.rules_.push_back({false, 0, Role::admin, {}});
        if (own_uid != 0) roles.rules_.push_back({false, own_uid, Role::admin, {}});
        return roles;
    }
    for (const auto& who : settings.admin) roles.add(who, Role::admin, {});
    for (const auto& who : settings.oper) roles.add(who, Role::oper, {});
    for (const auto& who : settings.viewer) roles.add(who, Role::viewer, {});
    for (const auto& grant : settings.grants) {
        const auto role = protocol::role_of(grant.role);
        if (role && *role != Role::none)
            roles.add(grant.who, *role, grant.targets);
        else
            roles.warnings_.push_back(
                fmt::format("'{}' is no role: {} may do nothing by it", printable(grant.role), printable(grant.who)));
    }
    return roles;
}

void Roles::add(const std::string& who, Role role, const std::vector<std::string>& targets) {
    Rule rule;
    rule.role = role;
    rule.targets = targets;
    if (!who.empty() && who[0] == '@') {
        rule.group = true;
        return add_group(who.substr(1), std::move(rule));
    }
    add_user(who, std::move(rule));
}

void Roles::add_user(const std::string& name, Rule rule) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> room;
    const int rc = look_up(name, ::getpwnam_r, entry, found, room);
    if (found != nullptr) {
        rule.id = found->pw_uid;
        names_[rule.id] = name;
    } else if (const auto id = number(name)) {
        rule.id = *id;
    } else {
        warnings_.push_back(fmt::format("there is no user '{}'{}: nobody has that right", printable(name), trouble(rc)));
        return;
    }
    if (is_overflow(rule.id))
        warnings_.push_back(fmt::format("'{}' stands for users that have no number here: it can have no role", printable(name)));
    else
        rules_.push_back(std::move(rule));
}

void Roles::add_group(const std::string& name, Rule rule) {
    group entry{};
    group* found = nullptr;
    std::vector<char> room;
    const int rc = look_up(name, ::getgrnam_r, entry, found, room);
    if (found != nullptr) {
        rule.id = found->gr_gid;
    } else if (const auto id = number(name)) {
        rule.id = *id;
    } else {
        warnings_.push_back(fmt::format("there is no group '{}'{}: nobody has that right", printable(name), trouble(rc)));
        return;
    }
    if (rule.id == kNobody || rule.id == overflow_gid_) {
        warnings_.push_back(fmt::format("'@{}' stands for groups that have no number here: it can have no role", printable(name)));
        return;
    }
    rules_.push_back(std::move(rule));
    if (found == nullptr) return;
    for (char** member = found->gr_mem; *member != nullptr; ++member) {  // their names, for the audit
        passwd user{};
        passwd* known = nullptr;
        std::vector<char> more;
        if (look_up(std::string(*member), ::getpwnam_r, user, known, more) == 0 && known != nullptr) names_.emplace(known->pw_uid, *member);
    }
}

bool Roles::is_overflow(std::uint32_t id) const { return id == kNobody || id == overflow_uid_ || id == static_cast<std::uint32_t>(-1); }

Access Roles::access(const Peer& peer) const {
    Access access;
    if (is_overflow(peer.uid)) return access;
    std::array<bool, 4> all{};  // a rule without limits gives this role
    for (const auto& rule : rules_) {
        const bool hit = rule.group ? std::find(peer.groups.begin(), peer.groups.end(), rule.id) != peer.groups.end() : rule.id == peer.uid;
        if (!hit) continue;
        access.role = std::max(access.role, rule.role);
        for (std::size_t needed = 1; needed <= static_cast<std::size_t>(rule.role); ++needed) {
            if (rule.targets.empty()) all[needed] = true;
            access.targets[needed].insert(access.targets[needed].end(), rule.targets.begin(), rule.targets.end());
        }
    }
    for (std::size_t i = 0; i < all.size(); ++i)
        if (all[i]) access.targets[i].clear();
    return access;
}

std::string Roles::user_name(std::uint32_t uid) const {
    const auto it = names_.find(uid);
    return it == names_.end() ? std::to_string(uid) : it->second;
}

Caller Roles::caller(const Peer& peer, const Access& access, Role needed) const {
    return Caller{peer.uid, peer.pid, user_name(peer.uid), access.role, access.targets[static_cast<std::size_t>(needed)]};
}

}  // namespace bkmon::control
