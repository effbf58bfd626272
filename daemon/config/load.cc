#include "daemon/config/load.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <array>

#include "common/base/text.h"
#include "daemon/config/alerts.h"
#include "daemon/config/control.h"
#include "daemon/config/deposits.h"
#include "daemon/config/mail.h"
#include "daemon/config/merge.h"
#include "daemon/config/outlets.h"
#include "daemon/config/sources.h"
#include "daemon/config/templates.h"
#include "daemon/config/yaml_tree.h"

namespace bkmon::config {
namespace {

using core::HistorySettings;
using core::Settings;
using core::SpaceSettings;

constexpr double kDay = 24.0 * 3600 * 1000;

const std::array<Setting<HistorySettings>, 3> kHistory{{
    {{"engine", Kind::choice, "sqlite", "where the history lies", 0, 0, "sqlite mariadb"}, [](HistorySettings& h) -> Slot { return &h.engine; }},
    {{"path", Kind::path, "absolute path", "the database file; default: history.db in state"}, [](HistorySettings& h) -> Slot { return &h.path; }},
    {{"keep", Kind::duration, "1d..36500d", "older verdicts are deleted; the current ones never are", kDay, 36500 * kDay},
     [](HistorySettings& h) -> Slot { return &h.keep; }},
}};

const std::array<Setting<SpaceSettings>, 3> kSpace{{
    {{"low_percent", Kind::whole, "0..50; 0: off", "a file system with less than this part free, and less than low_bytes, is low on space", 0, 50},
     [](SpaceSettings& s) -> Slot { return &s.low_percent; }},
    {{"low_bytes", Kind::size, "size", "a file system with less than this free, and less than low_percent, is low on space", 0, 1e18},
     [](SpaceSettings& s) -> Slot { return &s.low_bytes; }},
    {{"reserve", Kind::size, "0..1 GiB; 0: none", "kept beside the history, and given back when its disk is full, so that this can still be recorded",
      0, 1024.0 * 1024 * 1024},
     [](SpaceSettings& s) -> Slot { return &s.reserve; }},
}};

void read_history(Context& context, const std::string& path, const Node& node, Settings& into) {
    const auto* engine = node.find("engine");
    if (engine && engine->text == "mariadb")  // its other keys are unknown for the same reason
        return context.problem(engine->mark, "engine: 'mariadb' is not supported by this version; use sqlite");
    read_map<HistorySettings>(context, path, node, kHistory, into.history, true);
}

void read_later(Context&, const std::string&, const Node&, Settings&) {}  // needs what other sections say

const std::array<Setting<Settings>, 10> kRoot{{
    {{"timezone", Kind::zone, "time zone", "for display and for schedules that name none"}, [](Settings& s) -> Slot { return &s.timezone; }},
    {{"site", Kind::name, "name", "this daemon's name in a shared history"}, [](Settings& s) -> Slot { return &s.site; }},
    {{"state", Kind::path, "absolute path", "lock, archive of processed reports, history"}, [](Settings& s) -> Slot { return &s.state; }},
    {{"control", Kind::section, "map", "the control socket"}, [](Settings&) -> Slot { return {}; }, &read_later},
    {{"history", Kind::section, "map", "the history of verdicts"}, [](Settings&) -> Slot { return {}; }, &read_later},
    {{"space", Kind::section, "map", "room on the file systems that bkmond needs"}, [](Settings&) -> Slot { return {}; }, &read_later},
    {{"mail", Kind::section, "map", "how mails leave, and to whom"}, [](Settings&) -> Slot { return {}; }, &read_later},
    {{"alerts", Kind::section, "map", "who is told of what, and when"}, [](Settings&) -> Slot { return {}; }, &read_later},
    {{"deposits", Kind::section, "map", "backups that agents deposit"}, [](Settings&) -> Slot { return {}; }, &read_later},
    {{"outlets", Kind::section, "map", "servers whose backups are looked at over SMB"}, [](Settings&) -> Slot { return {}; }, &read_later},
}};

/// Sections that configurations may have one day. A word about them beats "unknown key".
constexpr std::array<std::string_view, 4> kNotBuilt{"clients", "instances", "consolidation", "site_html"};

/// Takes out what this version does not know how to do.
void refuse_later_sections(Context& context, Node& root) {
    for (std::size_t i = root.keys.size(); i-- > 0;) {
        const auto& key = root.keys[i];
        if (std::find(kNotBuilt.begin(), kNotBuilt.end(), key.text) == kNotBuilt.end()) continue;
        context.problem(key.mark, fmt::format("section '{}' is not supported by this version", key.text));
        root.keys.erase(root.keys.begin() + static_cast<std::ptrdiff_t>(i));
        root.items.erase(root.items.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

/// What bkmond runs is for the operator's own file to say.
void refuse_command(Context& context, const char* why, const Node& drop_in) {
    const auto* node = drop_in.find("outlets");
    for (const char* const key : {"inventory", "command"}) node = node ? node->find(key) : nullptr;
    if (node) context.problem(node->mark, fmt::format("outlets.inventory.command may only stand in the main file{}", why));
}

/// Who may do what is for the operator's own file to say.
void refuse_control(Context& context, const char* why, Node& drop_in) {
    for (std::size_t i = drop_in.keys.size(); i-- > 0;) {
        if (drop_in.keys[i].text != "control") continue;
        context.problem(drop_in.keys[i].mark, fmt::format("control may only stand in the main file{}", why));
        drop_in.keys.erase(drop_in.keys.begin() + static_cast<std::ptrdiff_t>(i));
        drop_in.items.erase(drop_in.items.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

void read_root(Context& context, Node& root, const TemplateCheck& check, Settings& into) {
    refuse_later_sections(context, root);
    read_map<Settings>(context, "", root, kRoot, into, true);
    const Node none;
    const auto section = [&](std::string_view name) -> const Node& {
        const auto* node = root.find(name);
        return node ? *node : none;
    };
    into.history.path = into.state + "/history.db";
    read_control(context, "control", section("control"), into);
    read_history(context, "history", section("history"), into);
    read_map<SpaceSettings>(context, "space", section("space"), kSpace, into.space, true);
    const auto mail = read_mail(context, section("mail"), into.timezone, into.mail);
    const auto templates = mail.find("templates");
    const bool texts_known = check && templates != mail.end();
    if (texts_known) read_templates(context, templates->second, check, into.mail);
    read_alerts(context, section("alerts"), into.timezone, into.mail, texts_known, into.alerts);
    const auto places = read_deposits(context, section("deposits"), into.timezone, into.deposits);
    check_deposits(context, into.deposits, places);
    read_outlets(context, section("outlets"), into.timezone, into.outlets);
}

}  // namespace

Loaded load_sources(const std::vector<Source>& sources, const TemplateCheck& check) {
    Loaded loaded;
    for (const auto& s : sources) loaded.settings.files.push_back(s.path);
    Context context(loaded.settings.files);
    Node root;
    std::size_t nodes = 0;
    for (std::size_t i = 0; i < sources.size(); ++i) {
        auto tree = parse_tree(static_cast<std::uint32_t>(i), sources[i].bytes, {}, nodes,
                               [&](Mark at, std::string what) { context.problem(at, std::move(what)); });
        if (!expect_map(context, "", tree)) continue;
        if (sources[i].kind != Source::Kind::main) {
            const char* const why = sources[i].kind == Source::Kind::drop_in ? ": conf.d may be written by bkmond" : "";
            refuse_control(context, why, tree);
            refuse_command(context, why, tree);
        }
        merge(context, root, std::move(tree));
    }
    read_root(context, root, check, loaded.settings);
    loaded.problems = context.take_problems();
    loaded.effective = context.take_effective();
    return loaded;
}

Loaded load(const std::string& file, const std::optional<Extra>& extra, const TemplateCheck& check) {
    std::vector<Problem> unreadable;
    auto sources = read_sources(file, unreadable);
    if (extra && extra->bytes)
        sources.push_back({extra->name, *extra->bytes, Source::Kind::extra});
    else if (extra && extra->bytes.error().code != Errc::not_found)
        unreadable.push_back({"", extra->bytes.error().what});
    auto loaded = load_sources(sources, check);
    loaded.problems.insert(loaded.problems.begin(), unreadable.begin(), unreadable.end());
    ::malloc_trim(0);  // thousands of jobs leave tens of megabytes of small free blocks behind
    return loaded;
}

std::string Loaded::text() const {
    std::string out;
    for (const auto& p : problems) out += p.where.empty() ? p.message + "\n" : p.where + ": " + p.message + "\n";
    return out;
}

std::vector<std::pair<std::string, Row>> all_settings() {
    std::vector<std::pair<std::string, Row>> all;
    for (const auto& s : kRoot) all.emplace_back(s.row.name, s.row);
    list_control_settings(all);
    for (const auto& s : kHistory) all.emplace_back("history." + std::string(s.row.name), s.row);
    for (const auto& s : kSpace) all.emplace_back("space." + std::string(s.row.name), s.row);
    list_mail_settings(all);
    list_alert_settings(all);
    list_deposit_settings(all);
    list_outlet_settings(all);
    return all;
}

}  // namespace bkmon::config
