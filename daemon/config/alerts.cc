#include "daemon/config/alerts.h"

#include <fmt/format.h>

#include <array>
#include <functional>

#include "common/base/text.h"
#include "daemon/config/alert_parts.h"

namespace bkmon::config {
namespace {

using core::AlertSettings;
using core::PingSettings;

constexpr double kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
constexpr std::size_t kMostOfAList = 1000;

const std::array<Setting<PingSettings>, 5> kPing{{
    {{"url", Kind::url, "http(s)://…", "asked for with GET while bkmon itself is well", 0, 0, "https http"},
     [](PingSettings& p) -> Slot { return &p.url; }},
    {{"failure", Kind::url, "http(s)://…", "asked for instead while bkmon is degraded; default: nothing is asked for then", 0, 0, "https http"},
     [](PingSettings& p) -> Slot { return &p.failure; }},
    {{"every", Kind::duration, "10s..1d", "how often", 10 * kSecond, kDay}, [](PingSettings& p) -> Slot { return &p.every; }},
    {{"timeout", Kind::duration, "1s..1min", "how long an answer may take", kSecond, kMinute}, [](PingSettings& p) -> Slot { return &p.timeout; }},
    {{"ca_file", Kind::path, "absolute path", "certificates that are trusted instead of the system's"},
     [](PingSettings& p) -> Slot { return &p.ca_file; }},
}};

const std::array<Setting<AlertSettings>, 3> kFlap{{
    {{"changes", Kind::whole, "1..1000", "a target that gets bad more often than this within `within` flaps", 1, 1000},
     [](AlertSettings& a) -> Slot { return &a.flap_changes; }},
    {{"within", Kind::duration, "1min..30d", "see changes", kMinute, 30 * kDay}, [](AlertSettings& a) -> Slot { return &a.flap_within; }},
    {{"hold", Kind::duration, "1min..1d", "so long one that flaps must stay as it is until that is said", kMinute, kDay},
     [](AlertSettings& a) -> Slot { return &a.flap_hold; }},
}};

void read_ping(Context& context, const std::string& path, const Node& node, AlertSettings& into) {
    auto& ping = into.ping;
    const auto keys = read_map<PingSettings>(context, path, node, kPing, ping, true);
    const auto bad = [&](const Mark& mark, std::string what) { context.problem(mark, std::move(what)); };
    if (node.kind == Node::Kind::map && !node.find("url")) return bad(node.mark, "ping: 'url' is missing (what is asked for)");
    if (ping.timeout < ping.every) return;
    for (const std::string_view key : {"timeout", "every"})
        if (const auto at = keys.find(key); at != keys.end())
            return bad(at->second,
                       fmt::format("{}: timeout ({}) must be shorter than every ({})", key, duration_text(ping.timeout), duration_text(ping.every)));
}

void read_flap(Context& context, const std::string& path, const Node& node, AlertSettings& into) {
    read_map<AlertSettings>(context, path, node, kFlap, into, true);
}

void read_elsewhere(Context&, const std::string&, const Node&, AlertSettings&) {}  // in an order of their own, and also when they are absent

const std::array<Setting<AlertSettings>, 9> kAlerts{{
    {{"remind", Kind::duration, "1min..366d, never", "how long a problem stands until it is said again", kMinute, 366 * kDay, "never"},
     [](AlertSettings& a) -> Slot { return &a.remind; }},
    {{"reminders", Kind::whole, "0..1000", "how often at most", 0, 1000}, [](AlertSettings& a) -> Slot { return &a.reminders; }},
    {{"group", Kind::duration, "0s..1h", "so long a mail waits for others with the same cause", 0, kHour},
     [](AlertSettings& a) -> Slot { return &a.group; }},
    {{"hourly", Kind::whole, "1..10000", "mails in an hour to one recipient; what comes above becomes one mail that says how many", 1, 10000},
     [](AlertSettings& a) -> Slot { return &a.hourly; }},
    {{"give_up", Kind::duration, "1min..30d", "how long a mail is tried that the server does not take", kMinute, 30 * kDay},
     [](AlertSettings& a) -> Slot { return &a.give_up; }},
    {{"flap", Kind::section, "map", "what is a target that changes all the time"}, [](AlertSettings&) -> Slot { return {}; }, &read_elsewhere},
    {{"ping", Kind::section, "map", "the sign of life for somebody outside, such as Healthchecks"},
     [](AlertSettings&) -> Slot { return {}; },
     &read_elsewhere},
    {{"rules", Kind::section, "list of maps", "who is told of what; the first that fits counts"},
     [](AlertSettings&) -> Slot { return {}; },
     &read_elsewhere},
    {{"silences", Kind::section, "list of maps", "when nothing is mailed"}, [](AlertSettings&) -> Slot { return {}; }, &read_elsewhere},
}};

/// The items of a list of maps, each to `use`.
void each_item(Context& context, const Node& node, std::string_view name, const std::function<void(const Node&, std::size_t)>& use) {
    const auto* list = node.find(name);
    if (!list || list->kind == Node::Kind::null) return;
    if (list->kind != Node::Kind::list) return context.problem(list->mark, fmt::format("alerts.{}: expected a list of maps ('- {{…}}')", name));
    if (list->items.size() > kMostOfAList) return context.problem(list->mark, fmt::format("alerts.{}: more than {}", name, kMostOfAList));
    for (std::size_t i = 0; i < list->items.size(); ++i) {
        const auto& item = list->items[i];
        if (item.kind == Node::Kind::map)
            use(item, i);
        else
            context.problem(item.mark, fmt::format("alerts.{}: expected a map ('- {{target: \"deposit/*\", …}}')", name));
    }
}

}  // namespace

void read_alerts(Context& context, const Node& node, const std::string& timezone, const core::MailSettings& mail, bool texts_known,
                 AlertSettings& into) {
    read_map<AlertSettings>(context, "alerts", node, kAlerts, into, true);
    const Node none;
    const auto section = [&](std::string_view name) -> const Node& {
        const auto* found = node.find(name);
        return found ? *found : none;
    };
    read_flap(context, "alerts.flap", section("flap"), into);
    read_ping(context, "alerts.ping", section("ping"), into);
    RuleReader rules(context, mail, texts_known);
    each_item(context, node, "rules", [&](const Node& item, std::size_t i) { rules.read(fmt::format("alerts.rules.{}", i), item, into.rules); });
    each_item(context, node, "silences",
              [&](const Node& item, std::size_t i) { read_silence(context, fmt::format("alerts.silences.{}", i), item, timezone, into.silences); });
}

void list_alert_settings(std::vector<std::pair<std::string, Row>>& into) {
    for (const auto& s : kAlerts) into.emplace_back("alerts." + std::string(s.row.name), s.row);
    for (const auto& s : kFlap) into.emplace_back("alerts.flap." + std::string(s.row.name), s.row);
    for (const auto& s : kPing) into.emplace_back("alerts.ping." + std::string(s.row.name), s.row);
    list_rule_settings(into);
    list_silence_settings(into);
}

}  // namespace bkmon::config
