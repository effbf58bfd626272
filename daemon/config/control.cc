#include "daemon/config/control.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/text.h"

namespace bkmon::config {
namespace {

using core::ControlSettings;
using Grant = ControlSettings::Grant;

constexpr std::size_t kMaxSocketPath = 107;  // sun_path without its end
constexpr std::string_view kRoles = "admin operator viewer";

/// A user, or @group.
bool check_who(Context& context, const Mark& at, std::string_view who) {
    const auto name = who.substr(who.starts_with('@') ? 1 : 0);
    const bool good = !name.empty() && name.size() <= 256 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '$' ||
               c == '\\' || c == '@';
    });
    if (!good) context.problem(at, fmt::format("roles: '{}' is neither a user nor a group (\"@name\")", printable(who, 100)));
    return good;
}

void read_members(Context& context, std::string_view role, const Node& node, std::vector<std::string>& into) {
    const Row row{role, Kind::words, "list of users and @groups", ""};
    if (!read_value(context, row, node, &into)) return;
    for (std::size_t i = 0; i < into.size(); ++i) check_who(context, node.items[i].mark, into[i]);
}

void read_map_of_roles(Context& context, const std::string& path, const Node& node, ControlSettings& into) {
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
        const auto& key = node.keys[i];
        if (key.text == "admin")
            read_members(context, key.text, node.items[i], into.admin);
        else if (key.text == "operator")
            read_members(context, key.text, node.items[i], into.oper);
        else if (key.text == "viewer")
            read_members(context, key.text, node.items[i], into.viewer);
        else
            context.problem(key.mark, unknown_key(key.text, split(kRoles, ' ')));
    }
    for (const auto& [role, members] : {std::pair("admin", &into.admin), std::pair("operator", &into.oper), std::pair("viewer", &into.viewer)})
        context.effective(path + "." + role, fmt::format("[{}]", fmt::join(*members, ", ")), node.find(role) ? &node.find(role)->mark : nullptr);
}

struct GrantText {
    std::string user, group, role;
    std::vector<std::string> targets;
};
const std::array<Setting<GrantText>, 4> kGrant{{
    {{"user", Kind::text, "user", "who gets the role; either user or group"}, [](GrantText& g) -> Slot { return &g.user; }},
    {{"group", Kind::text, "@group", "whose members get the role"}, [](GrantText& g) -> Slot { return &g.group; }},
    {{"role", Kind::choice, "admin, operator, viewer", "what they may do", 0, 0, kRoles}, [](GrantText& g) -> Slot { return &g.role; }},
    {{"targets", Kind::words, "list of patterns", "for which targets; default: all"}, [](GrantText& g) -> Slot { return &g.targets; }},
}};

void read_grant(Context& context, const std::string& path, const Node& node, ControlSettings& into) {
    if (node.kind != Node::Kind::map)
        return context.problem(node.mark, "roles: expected {group: \"@name\", role: operator}, or {user: name, role: …}");
    GrantText text;
    const auto keys = read_map<GrantText>(context, path, node, kGrant, text, false);
    if (node.find("user") && node.find("group")) return context.problem(node.mark, "roles: either user or group, not both");
    if (!node.find("user") && !node.find("group")) return context.problem(node.mark, "roles: who? (user: name, or group: \"@name\")");
    if (!node.find("role")) return context.problem(node.mark, "roles: which role? (admin, operator or viewer)");
    if (node.find("targets") && text.targets.empty() && keys.contains("targets"))
        return context.problem(keys.at("targets"), "targets: an empty list grants nothing; leave it out for all targets");
    if (!text.group.empty() && !text.group.starts_with('@')) text.group.insert(0, "@");
    if (!text.user.empty() && text.user.starts_with('@')) return context.problem(keys.at("user"), "user: a name with '@' is a group: write group:");
    const auto& who = text.user.empty() ? text.group : text.user;
    if (who.empty() || text.role.empty() || !check_who(context, node.mark, who)) return;  // what is wrong was said
    into.grants.push_back({who, text.role, text.targets});
}

void read_roles(Context& context, const std::string& path, const Node& node, ControlSettings& into) {
    if (node.kind == Node::Kind::null) return context.problem(node.mark, "roles: is empty; leave it out, or name users and groups");
    into.roles_given = true;
    if (node.kind == Node::Kind::map) return read_map_of_roles(context, path, node, into);
    if (node.kind != Node::Kind::list) return context.problem(node.mark, "roles: expected a map {admin: [root]} or a list of {group, role, targets}");
    for (std::size_t i = 0; i < node.items.size(); ++i) read_grant(context, fmt::format("{}.{}", path, i), node.items[i], into);
}

const std::array<Setting<ControlSettings>, 2> kControl{{
    {{"socket", Kind::path, "absolute path", "where bkmonctl finds the daemon"}, [](ControlSettings& c) -> Slot { return &c.socket; }},
    {{"roles", Kind::section, "map or list",
      "users and @groups as admin, operator, viewer; absent: root and the daemon's own user are admins, nobody else may do anything"},
     [](ControlSettings&) -> Slot { return {}; },
     &read_roles},
}};

}  // namespace

void read_control(Context& context, const std::string& path, const Node& node, core::Settings& into) {
    const auto keys = read_map<ControlSettings>(context, path, node, kControl, into.control, true);
    if (into.control.socket.size() > kMaxSocketPath)
        if (const auto at = keys.find("socket"); at != keys.end())
            context.problem(at->second, fmt::format("socket: a path of more than {} bytes cannot be a socket", kMaxSocketPath));
}

void list_control_settings(std::vector<std::pair<std::string, Row>>& into) {
    for (const auto& s : kControl) into.emplace_back("control." + std::string(s.row.name), s.row);
    for (const auto& s : kGrant) into.emplace_back("control.roles." + std::string(s.row.name), s.row);
}

}  // namespace bkmon::config
