#include "daemon/config/outlets.h"

#include <fmt/format.h>

#include <array>

#include "common/base/text.h"
#include "daemon/config/outlet_parts.h"

namespace bkmon::config {
namespace {

using core::OutletSettings;

constexpr double kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute;

void read_elsewhere(Context&, const std::string&, const Node&, OutletSettings&) {}  // in an order of their own, and only when the section is there

const std::array<Setting<OutletSettings>, 6> kOutlets{{
    {{"inventory", Kind::section, "map", "which servers there are: exactly one of list, csv, sql and command"},
     [](OutletSettings&) -> Slot { return {}; },
     &read_elsewhere},
    {{"modes", Kind::section, "list of maps", "the places to look at on every one of them"},
     [](OutletSettings&) -> Slot { return {}; },
     &read_elsewhere},
    {{"workers", Kind::whole, "1..256", "processes that look at servers at the same time", 1, 256},
     [](OutletSettings& o) -> Slot { return &o.workers; }},
    {{"connect_timeout", Kind::duration, "100ms..1min", "how long a server may take to take a connection", 100, kMinute},
     [](OutletSettings& o) -> Slot { return &o.connect_timeout; }},
    {{"request_timeout", Kind::duration, "100ms..5min", "how long it may take to answer one request", 100, 5 * kMinute},
     [](OutletSettings& o) -> Slot { return &o.request_timeout; }},
    {{"deadline", Kind::duration, "1s..1h", "how long looking at one server may take in all", kSecond, kHour},
     [](OutletSettings& o) -> Slot { return &o.deadline; }},
}};

void check_times(Context& context, const KeyMarks& keys, const OutletSettings& s) {
    if (s.connect_timeout <= s.deadline && s.request_timeout <= s.deadline) return;
    for (const std::string_view key : {"deadline", "request_timeout", "connect_timeout"})
        if (const auto at = keys.find(key); at != keys.end())
            return context.problem(at->second,
                                   fmt::format("{}: connect_timeout ({}) and request_timeout ({}) may not be longer than deadline ({})", key,
                                               duration_text(s.connect_timeout), duration_text(s.request_timeout), duration_text(s.deadline)));
}

}  // namespace

void read_outlets(Context& context, const Node& node, const std::string& timezone, OutletSettings& into) {
    into.configured = node.kind == Node::Kind::map;
    const auto keys = read_map<OutletSettings>(context, "outlets", node, kOutlets, into, true);
    if (!into.configured) return;
    check_times(context, keys, into);
    if (const auto* inventory = node.find("inventory"))
        read_inventory(context, "outlets.inventory", *inventory, into.inventory);
    else
        context.problem(node.mark, "outlets: 'inventory' is missing (which servers there are)");
    if (const auto* modes = node.find("modes"))
        read_modes(context, "outlets.modes", *modes, timezone, into.modes);
    else
        context.problem(node.mark, "outlets: 'modes' is missing (where to look for backups on each of them)");
}

void list_outlet_settings(std::vector<std::pair<std::string, Row>>& into) {
    for (const auto& s : kOutlets) into.emplace_back("outlets." + std::string(s.row.name), s.row);
    list_inventory_settings(into);
    list_mode_settings(into);
}

}  // namespace bkmon::config
