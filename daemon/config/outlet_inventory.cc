// `outlets.inventory`.
#include <fmt/format.h>

#include <array>
#include <unordered_map>

#include "common/base/text.h"
#include "daemon/config/outlet_parts.h"
#include "daemon/config/url.h"
#include "daemon/core/outlet_names.h"

namespace bkmon::config {
namespace {

using core::Outlet;
using core::OutletInventory;
using Sql = core::OutletInventory::Sql;

constexpr double kSecond = 1000, kMinute = 60 * kSecond;
constexpr std::size_t kMostOfQuery = 16384, kMostArguments = 200;

const std::array<Setting<Outlet>, 5> kOutlet{{
    {{"code", Kind::text, "text", "of the target outlet/<code>/<mode>; case is ignored"}, [](Outlet& o) -> Slot { return &o.code; }},
    {{"address", Kind::text, "IPv4, IPv6 or host name", "where the server is"}, [](Outlet& o) -> Slot { return &o.address; }},
    {{"name", Kind::text, "text", "for people"}, [](Outlet& o) -> Slot { return &o.name; }},
    {{"active", Kind::flag, "true, false", "false: not a target"}, [](Outlet& o) -> Slot { return &o.active; }},
    {{"labels", Kind::labels, "map of texts", "for filters: {region: littoral}"}, [](Outlet& o) -> Slot { return &o.labels; }},
}};

/// Text that may have several lines.
void read_query(Context& context, const std::string& path, const Node& node, Sql& into) {
    const auto bad = [&](std::string_view what) { context.problem(node.mark, fmt::format("query: {}", what)); };
    if (node.kind != Node::Kind::scalar) return bad("expected one SQL statement as text");
    if (trim(node.text).empty()) return bad("is empty");
    if (node.text.size() > kMostOfQuery) return bad(fmt::format("is longer than {} bytes", kMostOfQuery));
    into.query = trim(node.text);
    context.effective(path, printable(into.query, kMostOfQuery), &node.mark);
}

const std::array<Setting<Sql>, 10> kSql{{
    {{"host", Kind::text, "IPv4, IPv6 or host name", "of the MariaDB or MySQL server"}, [](Sql& s) -> Slot { return &s.host; }},
    {{"port", Kind::whole, "1..65535", "its TCP port", 1, 65535}, [](Sql& s) -> Slot { return &s.port; }},
    {{"user", Kind::text, "text", "for the login; SELECT on the table is all it needs"}, [](Sql& s) -> Slot { return &s.user; }},
    {{"password_file", Kind::path, "absolute path", "holds the password and nothing else"}, [](Sql& s) -> Slot { return &s.password_file; }},
    {{"password_credential", Kind::name, "name", "the systemd credential that holds it, instead of a file"},
     [](Sql& s) -> Slot { return &s.password_credential; }},
    {{"database", Kind::text, "text", "the database of the table"}, [](Sql& s) -> Slot { return &s.database; }},
    {{"query", Kind::section, "SQL", "gives the columns code and address, and name, active and labels where there are"},
     [](Sql&) -> Slot { return {}; },
     &read_query},
    {{"tls", Kind::choice, "required, none", "default: none for a server on this machine (localhost, 127.0.0.0/8, ::1), else required", 0, 0,
      "required none"},
     [](Sql& s) -> Slot { return &s.tls; }},
    {{"ca_file", Kind::path, "absolute path", "certificates that are trusted instead of the system's"}, [](Sql& s) -> Slot { return &s.ca_file; }},
    {{"timeout", Kind::duration, "1s..10min", "how long connecting, and all that comes after it, may take", kSecond, 10 * kMinute},
     [](Sql& s) -> Slot { return &s.timeout; }},
}};

void read_elsewhere(Context&, const std::string&, const Node&, OutletInventory&) {}  // when it is known that it is the only one

const std::array<Setting<OutletInventory>, 5> kInventory{{
    {{"list", Kind::section, "list of maps", "the servers themselves"}, [](OutletInventory&) -> Slot { return {}; }, &read_elsewhere},
    {{"csv", Kind::path, "absolute path", "a file with the columns code and address, and name, active and labels where there are"},
     [](OutletInventory& i) -> Slot { return &i.csv; }},
    {{"sql", Kind::section, "map", "a query on a MariaDB or MySQL server"}, [](OutletInventory&) -> Slot { return {}; }, &read_elsewhere},
    {{"command", Kind::section, "list of texts", "a program and its arguments, which prints the CSV"},
     [](OutletInventory&) -> Slot { return {}; },
     &read_elsewhere},
    {{"timeout", Kind::section, "1s..1h", "how long the command may take"}, [](OutletInventory&) -> Slot { return {}; }, &read_elsewhere},
}};

constexpr Row kCommand{"command", Kind::words, "list of texts", ""};
constexpr Row kCommandTimeout{"timeout", Kind::duration, "1s..1h", "", kSecond, 60 * kMinute};

class ListReader {
public:
    ListReader(Context& context, const std::string& path) : context_(context), path_(path) {}

    void read(const Node& node, std::vector<Outlet>& into) {
        if (node.kind != Node::Kind::map) return context_.problem(node.mark, "an outlet is a map: {code: …, address: …}");
        Outlet outlet;
        const auto* code = node.find("code");
        const auto name = code && code->kind == Node::Kind::scalar ? printable(code->text, 100) : std::string("?");
        const auto keys = read_map<Outlet>(context_, path_ + "." + name, node, kOutlet, outlet, false);
        bool good = check(node, keys, "code", "which names it", core::check_outlet_code(outlet.code));
        good = check(node, keys, "address", "where it is", core::check_address(outlet.address)) && good;
        if (keys.contains("name")) good = check(node, keys, "name", "", core::check_outlet_name(outlet.name)) && good;
        if (!good || keys.size() != node.keys.size()) return;  // said where it stands
        const auto [first, fresh] = seen_.try_emplace(lower(outlet.code), node.mark);
        if (!fresh)
            return context_.problem(keys.at("code"), fmt::format("the outlet '{}' is there twice: also at {}", name, context_.where(first->second)));
        into.push_back(std::move(outlet));
    }

private:
    /// What is there but could not be read was named by its reader.
    bool check(const Node& node, const KeyMarks& keys, std::string_view key, std::string_view what, const Result<void>& checked) {
        if (!node.find(key)) return context_.problem(node.mark, fmt::format("an outlet needs '{}' ({})", key, what)), false;
        const auto at = keys.find(key);
        if (at == keys.end()) return false;
        if (!checked) return context_.problem(at->second, fmt::format("{}: {}", key, checked.error().what)), false;
        return true;
    }

    Context& context_;
    std::string path_;
    std::unordered_map<std::string, Mark> seen_;
};

void read_list(Context& context, const std::string& path, const Node& node, OutletInventory& into) {
    if (node.kind == Node::Kind::null) return;
    if (node.kind != Node::Kind::list) return context.problem(node.mark, "list: expected a list of outlets ('- {code: SHOP001, address: 10.0.0.1}')");
    ListReader reader(context, path);
    into.list.reserve(node.items.size());
    for (const auto& item : node.items) reader.read(item, into.list);
}

void read_sql(Context& context, const std::string& path, const Node& node, OutletInventory& into) {
    auto& sql = into.sql.emplace();
    const auto* host = node.find("host");
    sql.tls = host && !is_loopback(host->text);
    const auto keys = read_map<Sql>(context, path, node, kSql, sql, true);
    if (!node.find("query")) context.effective(path + ".query", sql.query, nullptr);
    if (node.kind != Node::Kind::map && node.kind != Node::Kind::null) return;  // said
    const auto at = [&](std::string_view key, std::string what) { context.problem(keys.find(key)->second, fmt::format("{}: {}", key, what)); };
    for (const auto& [key, what] : {std::pair("user", "for the login"), std::pair("database", "where the table is")})
        if (!node.find(key)) context.problem(node.mark, fmt::format("sql: '{}' is missing ({})", key, what));
    if (keys.contains("host"))
        if (const auto good = core::check_address(sql.host); !good) at("host", good.error().what);
    check_login(context, node.mark, node, keys, "sql");
    if (keys.contains("ca_file") && !sql.tls) at("ca_file", "with 'tls: none' there is no certificate to verify");
}

/// The arguments may hold a password: they are not listed.
void read_command(Context& context, const std::string& path, const Node& node, const Node* timeout, OutletInventory& into) {
    auto& command = into.command.emplace();
    if (node.kind == Node::Kind::scalar)
        return context.problem(node.mark, "command: expected a list: [/usr/local/bin/outlets, --csv]; it is not run by a shell");
    if (!read_value(context, kCommand, node, &command.argv)) return;
    if (command.argv.empty()) return context.problem(node.mark, "command: the list is empty");
    if (!command.argv[0].starts_with('/'))
        return context.problem(node.items[0].mark, fmt::format("command: '{}' is not an absolute path", printable(command.argv[0], 120)));
    if (command.argv.size() > kMostArguments) return context.problem(node.mark, fmt::format("command: more than {} arguments", kMostArguments));
    const auto more = command.argv.size() - 1;
    context.effective(path + ".command", fmt::format("[{}{}]", command.argv[0], more == 0 ? "" : fmt::format(", … {} more", more)), &node.mark);
    if (timeout && !read_value(context, kCommandTimeout, *timeout, &command.timeout)) return;
    context.effective(path + ".timeout", duration_text(command.timeout), timeout ? &timeout->mark : nullptr);
}

}  // namespace

void check_login(Context& context, const Mark& at, const Node& node, const KeyMarks& keys, std::string_view who) {
    if (node.find("password_file") && node.find("password_credential")) {
        const auto second = keys.find("password_credential");
        return context.problem(second == keys.end() ? at : second->second, "password_credential: either this or password_file, not both");
    }
    if (!node.find("password_file") && !node.find("password_credential"))
        context.problem(at, fmt::format("{}: 'password_file' is missing (or password_credential): it names what holds the password", who));
}

void read_inventory(Context& context, const std::string& path, const Node& node, OutletInventory& into) {
    const auto keys = read_map<OutletInventory>(context, path, node, kInventory, into, false);
    constexpr std::array<std::string_view, 4> kSources{"list", "csv", "sql", "command"};
    std::string_view source;
    for (const auto name : kSources) {
        if (!node.find(name)) continue;
        if (!source.empty())
            return context.problem(node.find(name)->mark, fmt::format("{}: the inventory comes from one place, and {} is one already (at {})", name,
                                                                      source, context.where(node.find(source)->mark)));
        source = name;
    }
    if (node.kind != Node::Kind::map && node.kind != Node::Kind::null) return;  // said
    if (source.empty()) return context.problem(node.mark, "inventory: where does it come from? (one of list, csv, sql, command)");
    const auto* timeout = node.find("timeout");
    if (timeout && source != "command")
        context.problem(timeout->mark, source == "sql" ? "timeout: that of a query stands in sql" : "timeout: only a command has one here");
    const auto& from = *node.find(source);
    const auto below = path + "." + std::string(source);
    if (source == "list") read_list(context, below, from, into);
    if (source == "sql") read_sql(context, below, from, into);
    if (source == "command") read_command(context, path, from, timeout, into);
}

void list_inventory_settings(std::vector<std::pair<std::string, Row>>& into) {
    for (const auto& s : kInventory) into.emplace_back("outlets.inventory." + std::string(s.row.name), s.row);
    for (const auto& s : kOutlet) into.emplace_back("outlets.inventory.list." + std::string(s.row.name), s.row);
    for (const auto& s : kSql) into.emplace_back("outlets.inventory.sql." + std::string(s.row.name), s.row);
}

}  // namespace bkmon::config
