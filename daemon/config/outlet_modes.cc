// `outlets.modes`.
#include <fmt/format.h>

#include <array>
#include <unordered_map>

#include "common/base/text.h"
#include "daemon/config/outlet_parts.h"
#include "daemon/core/outlet_names.h"
#include "daemon/core/schedule.h"

namespace bkmon::config {
namespace {

using core::OutletMode;
using core::OutletSchedule;
using core::SmbCredential;

constexpr double kSecond = 1000, kMinute = 60 * kSecond, kDay = 24 * 60 * kMinute;
constexpr std::size_t kMostOfAList = 100;
constexpr milliseconds kShortestPeriod{std::chrono::minutes(1)};
constexpr double kPiB = 1024.0 * 1024 * 1024 * 1024 * 1024;

/// A mode while it is read.
struct ModeText {
    OutletMode mode;
    bool header = true;
    milliseconds max_age{std::chrono::hours(26)};  ///< 0: none
    std::vector<Mark> schedules;                   ///< parallel to mode.schedules
};

const std::array<Setting<SmbCredential>, 4> kCredential{{
    {{"user", Kind::text, "text", "who bkmon is to the servers; reading the folders is all it needs"},
     [](SmbCredential& c) -> Slot { return &c.user; }},
    {{"domain", Kind::text, "text", "of the user; default: none"}, [](SmbCredential& c) -> Slot { return &c.domain; }},
    {{"password_file", Kind::path, "absolute path", "holds the password and nothing else; read anew for each scan"},
     [](SmbCredential& c) -> Slot { return &c.password_file; }},
    {{"password_credential", Kind::name, "name", "the systemd credential that holds it, instead of a file"},
     [](SmbCredential& c) -> Slot { return &c.password_credential; }},
}};

void read_credential(Context& context, const std::string& path, const Node& node, ModeText& into) {
    auto& credential = into.mode.credential;
    const auto keys = read_map<SmbCredential>(context, path, node, kCredential, credential, true);
    if (node.kind != Node::Kind::map && node.kind != Node::Kind::null) return;  // said
    const auto user = keys.find("user");
    const auto bad = [&](std::string what) { context.problem(user->second, "user: " + std::move(what)); };
    if (!node.find("user")) context.problem(node.mark, "credentials: 'user' is missing: bkmon looks at no server as a guest");
    if (user != keys.end() && (equal_ignoring_case(credential.user, "guest") || equal_ignoring_case(credential.user, "anonymous")))
        bad("bkmon looks at no server as a guest");
    if (user != keys.end() && credential.user.find_first_of("\\/") != std::string::npos) bad("write the domain in front of it as 'domain: …'");
    for (const auto& [key, value] : {std::pair("user", &credential.user), std::pair("domain", &credential.domain)})
        if (keys.contains(key) && value->size() > 255) context.problem(keys.at(key), fmt::format("{}: is longer than 255 bytes", key));
    check_login(context, node.mark, node, keys, "credentials");
}

const std::array<Setting<OutletSchedule>, 2> kSchedule{{
    {{"at", Kind::text, "schedule", "when: \"0 7 * * *\""}, [](OutletSchedule& s) -> Slot { return &s.expression; }},
    {{"only", Kind::choice, "pending, problems", "pending: those without a result today; problems: those whose verdict is bad", 0, 0,
      "pending problems"},
     [](OutletSchedule& s) -> Slot { return &s.only; }},
}};

/// One schedule: a text, or {at: …, only: …}.
void read_one_schedule(Context& context, const std::string& path, const Node& node, ModeText& into) {
    OutletSchedule schedule;
    if (node.kind == Node::Kind::map) {
        const auto keys = read_map<OutletSchedule>(context, path, node, kSchedule, schedule, false);
        if (!node.find("at")) return context.problem(node.mark, "schedule: 'at' is missing ({at: \"0 7 * * *\", only: pending})");
        if (keys.size() != node.keys.size()) return;
    } else {
        const Row row{"schedule", Kind::text, "schedule", ""};
        if (!read_value(context, row, node, &schedule.expression)) return;
        context.effective(path, schedule.expression, &node.mark);
    }
    into.mode.schedules.push_back(std::move(schedule));
    into.schedules.push_back(node.mark);
}

void read_schedules(Context& context, const std::string& path, const Node& node, ModeText& into) {
    if (node.kind == Node::Kind::null) return context.problem(node.mark, "schedule: is empty; expected a schedule such as \"0 7 * * *\", or none");
    if (node.kind != Node::Kind::list) {
        if (node.kind != Node::Kind::scalar || node.text != "none") return read_one_schedule(context, path, node, into);
        return context.effective(path, "none", &node.mark);
    }
    if (node.items.size() > kMostOfAList) return context.problem(node.mark, fmt::format("schedule: more than {}", kMostOfAList));
    if (node.items.empty()) context.effective(path, "none", &node.mark);
    for (std::size_t i = 0; i < node.items.size(); ++i) read_one_schedule(context, fmt::format("{}.{}", path, i), node.items[i], into);
}

const std::array<Setting<ModeText>, 18> kMode{{
    {{"name", Kind::name, "name", "of the target outlet/<code>/<name>; case is ignored"}, [](ModeText& m) -> Slot { return &m.mode.name; }},
    {{"shares", Kind::words, "list of shares", "looked for in this order; the first that has the folder counts"},
     [](ModeText& m) -> Slot { return &m.mode.shares; }},
    {{"folder", Kind::text, "path in the share", "where the backups lie; default: the share's root"},
     [](ModeText& m) -> Slot { return &m.mode.folder; }},
    {{"patterns", Kind::patterns, "pattern or list", "of the backups' names, with * and ?; case is ignored"},
     [](ModeText& m) -> Slot { return &m.mode.patterns; }},
    {{"min_size", Kind::size, "size", "smaller files are no backups", 0, kPiB}, [](ModeText& m) -> Slot { return &m.mode.min_size; }},
    {{"max_age", Kind::duration, "1min..3660d, none", "the newest backup may be so old; none: any age is fine", kMinute, 3660 * kDay, "none"},
     [](ModeText& m) -> Slot { return &m.max_age; }},
    {{"clock_tolerance", Kind::duration, "0s..7d", "a backup that is dated further in the future is held", 0, 7 * kDay},
     [](ModeText& m) -> Slot { return &m.mode.clock_tolerance; }},
    {{"verify", Kind::choice, "header, none", "header: the beginning and the end of the newest backup are read and judged", 0, 0, "header none"},
     [](ModeText& m) -> Slot { return &m.header; }},
    {{"database", Kind::text, "pattern", "what the newest backup must be of; with {code} and {label:NAME}; default: anything"},
     [](ModeText& m) -> Slot { return &m.mode.database; }},
    {{"kinds", Kind::choices, "full, differential, log, copy_only", "what kind of backup it must be; default: any", 0, 0,
      "full differential log copy_only"},
     [](ModeText& m) -> Slot { return &m.mode.kinds; }},
    {{"schedule", Kind::section, "schedule, list or none", "when all servers are looked at; default: on demand"},
     [](ModeText&) -> Slot { return {}; },
     &read_schedules},
    {{"timezone", Kind::zone, "time zone", "of the schedule and of days; default: the global timezone"},
     [](ModeText& m) -> Slot { return &m.mode.timezone; }},
    {{"port", Kind::whole, "1..65535", "of the servers", 1, 65535}, [](ModeText& m) -> Slot { return &m.mode.port; }},
    {{"signing", Kind::choice, "required, optional", "optional: servers that cannot sign are looked at too", 0, 0, "required optional"},
     [](ModeText& m) -> Slot { return &m.mode.signing; }},
    {{"credentials", Kind::section, "map", "who bkmon is to the servers"}, [](ModeText&) -> Slot { return {}; }, &read_credential},
    {{"labels", Kind::labels, "map of texts", "for filters; those of an outlet come before them"},
     [](ModeText& m) -> Slot { return &m.mode.labels; }},
    {{"recipients", Kind::addresses, "list of mail addresses", "who is told"}, [](ModeText& m) -> Slot { return &m.mode.recipients; }},
    {{"active", Kind::flag, "true, false", "false: nothing is looked at in this mode, and there are no targets of it"},
     [](ModeText& m) -> Slot { return &m.mode.active; }},
}};

class Checks {
public:
    Checks(Context& context, const Node& node, const KeyMarks& keys, ModeText& text) : context_(context), node_(node), keys_(keys), text_(text) {}

    bool all() {
        needed("name", "of its targets");
        needed("shares", "such as [\"d$\"]");
        needed("credentials", "who bkmon is to the servers");
        shares();
        folder();
        patterns();
        if (keys_.contains("database"))
            if (const auto glob = core::check_database_glob(text_.mode.database); !glob) bad("database", glob.error().what);
        schedules();
        return good_;
    }

private:
    void bad(std::string_view key, std::string what) { bad_at(keys_.find(key)->second, fmt::format("{}: {}", key, what)); }
    void bad_at(const Mark& at, std::string what) {
        context_.problem(at, std::move(what));
        good_ = false;
    }
    /// What is there but wrong was named by its reader.
    void needed(std::string_view key, std::string_view what) {
        if (!node_.find(key)) bad_at(node_.mark, fmt::format("a mode needs '{}' ({})", key, what));
    }
    const Mark& item(std::string_view key, std::size_t i) const {
        const auto* list = node_.find(key);
        return list->kind == Node::Kind::list ? list->items[i].mark : list->mark;
    }
    void shares() {
        if (!keys_.contains("shares")) return;
        const auto& all = text_.mode.shares;
        if (all.empty()) bad("shares", "the list is empty");
        if (all.size() > kMostOfAList) return bad("shares", fmt::format("more than {}", kMostOfAList));
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (const auto share = core::check_share(all[i]); !share) bad_at(item("shares", i), "shares: " + share.error().what);
            for (std::size_t k = 0; k < i; ++k)
                if (equal_ignoring_case(all[i], all[k]))
                    bad_at(item("shares", i), fmt::format("shares: '{}' is there twice", printable(all[i], 100)));
        }
    }
    void folder() {
        if (!keys_.contains("folder")) return;
        auto normal = core::normal_folder(text_.mode.folder);
        if (!normal) return bad("folder", fmt::format("'{}': {}", printable(text_.mode.folder, 200), normal.error().what));
        text_.mode.folder = std::move(*normal);
    }
    void patterns() {
        if (!keys_.contains("patterns")) return;
        const auto& all = text_.mode.patterns;
        if (all.empty()) bad("patterns", "the list is empty");
        if (all.size() > kMostOfAList) return bad("patterns", fmt::format("more than {}", kMostOfAList));
        for (std::size_t i = 0; i < all.size(); ++i)
            if (all[i].find_first_of("/\\") != std::string::npos)
                bad_at(item("patterns", i),
                       fmt::format("patterns: '{}' is compared with names of files, which hold no '/' and no '\\'; the folder is "
                                   "a setting of its own",
                                   printable(all[i], 100)));
    }
    void schedules() {
        const auto now = system_clock().now();
        const auto& all = text_.mode.schedules;
        for (std::size_t i = 0; i < all.size(); ++i) {
            const auto say = [&](std::string_view what) {
                bad_at(text_.schedules[i], fmt::format("schedule: '{}': {}", printable(all[i].expression, 120), what));
            };
            for (std::size_t k = 0; k < i; ++k)
                if (all[k].expression == all[i].expression && all[k].only == all[i].only) say("is there twice");
            const auto schedule = core::Schedule::parse(all[i].expression, text_.mode.timezone);
            if (!schedule) {
                say(printable(schedule.error().what, 300));
                continue;
            }
            if (!schedule->next_after(now) && !schedule->last_at_or_before(now)) say("it never comes");
            const auto shortest = schedule->shortest_period(now);
            if (shortest && *shortest < kShortestPeriod) say(fmt::format("it comes every {}; at most once in a minute", duration_text(*shortest)));
        }
    }

    Context& context_;
    const Node& node_;
    const KeyMarks& keys_;
    ModeText& text_;
    bool good_ = true;
};

/// The mode, when there is nothing wrong with it alone.
void read_mode(Context& context, const std::string& path, const Node& node, const std::string& timezone, std::vector<OutletMode>& into) {
    if (node.kind != Node::Kind::map) return context.problem(node.mark, "a mode is a map: {name: …, shares: […], folder: …, credentials: {…}}");
    ModeText text;
    text.mode.timezone = timezone;
    const auto* name = node.find("name");
    const auto shown = name && name->kind == Node::Kind::scalar ? printable(name->text, 100) : std::string("?");
    const auto keys = read_map<ModeText>(context, path + "." + shown, node, kMode, text, true);
    if (!node.find("schedule")) context.effective(path + "." + shown + ".schedule", "none", nullptr);
    if (!Checks(context, node, keys, text).all() || !keys.contains("name")) return;
    for (const auto& other : into)
        if (equal_ignoring_case(other.name, text.mode.name))
            return context.problem(keys.at("name"), fmt::format("the mode '{}' is there twice: also at {}", text.mode.name, other.origin));
    text.mode.verify = text.header ? core::OutletVerify::header : core::OutletVerify::none;
    text.mode.max_age.reset();
    if (text.max_age != milliseconds(0)) text.mode.max_age = text.max_age;
    text.mode.origin = context.where(node.mark);
    into.push_back(std::move(text.mode));
}

}  // namespace

void read_modes(Context& context, const std::string& path, const Node& node, const std::string& timezone, std::vector<OutletMode>& into) {
    if (node.kind != Node::Kind::list)
        return context.problem(node.mark, "modes: expected a list of modes ('- {name: d-drive, shares: [\"d$\"], folder: BackupFull, …}')");
    if (node.items.empty()) return context.problem(node.mark, "modes: the list is empty");
    if (node.items.size() > kMostOfAList) return context.problem(node.mark, fmt::format("modes: more than {}", kMostOfAList));
    for (const auto& item : node.items) read_mode(context, path, item, timezone, into);
}

void list_mode_settings(std::vector<std::pair<std::string, Row>>& into) {
    for (const auto& s : kMode) into.emplace_back("outlets.modes." + std::string(s.row.name), s.row);
    for (const auto& s : kSchedule) into.emplace_back("outlets.modes.schedule." + std::string(s.row.name), s.row);
    for (const auto& s : kCredential) into.emplace_back("outlets.modes.credentials." + std::string(s.row.name), s.row);
}

}  // namespace bkmon::config
