#include "daemon/config/deposits.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/text.h"
#include "daemon/core/job_names.h"

namespace bkmon::config {
namespace {

using core::DepositJob;
using core::DepositSettings;
using core::GateSettings;
using core::SizeGate;

constexpr double kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour, kYear = 366 * kDay;
constexpr double kGiB = 1024.0 * 1024 * 1024, kPiB = kGiB * 1024 * 1024;

const std::array<Setting<SizeGate>, 4> kSize{{
    {{"z", Kind::number, "0..1000; 0: off", "how many spreads from the median of the last 10 healthy sizes are still plausible", 0, 1000},
     [](SizeGate& g) -> Slot { return &g.z; }},
    {{"floor", Kind::number, "0..1; 0: off", "below this part of the median a backup is held whatever z says", 0, 1},
     [](SizeGate& g) -> Slot { return &g.floor_factor; }},
    {{"ceiling", Kind::number, "0..1000000; 0: off", "above this multiple of the median a backup is held", 0, 1e6},
     [](SizeGate& g) -> Slot { return &g.ceiling_factor; }},
    {{"min_size", Kind::size, "size", "smaller files are held from the first one on", 0, kPiB}, [](SizeGate& g) -> Slot { return &g.min_size; }},
}};

void read_size(Context& context, const std::string& path, const Node& node, GateSettings& gates) {
    if (node.kind != Node::Kind::scalar) {
        const auto marks = read_map<SizeGate>(context, path, node, kSize, gates.size, path.starts_with("deposits.defaults"));
        if (gates.size.ceiling_factor > 0 && gates.size.ceiling_factor < 1)
            if (const auto at = marks.find("ceiling"); at != marks.end())
                context.problem(at->second, "ceiling: below 1 it would hold every usual backup; 0 switches it off");
        return;
    }
    const Row row{"size", Kind::flag, "a map, true or false", ""};
    if (read_value(context, row, node, &gates.size.enabled)) context.effective(path, gates.size.enabled ? "true" : "false", &node.mark);
}

const std::array<Setting<GateSettings>, 6> kGates{{
    {{"not_newer", Kind::flag, "true, false", "hold a backup that is not newer than the last healthy one"},
     [](GateSettings& g) -> Slot { return &g.not_newer; }},
    {{"replay", Kind::flag, "true, false", "hold bytes that were the backup at an earlier time"}, [](GateSettings& g) -> Slot { return &g.replay; }},
    {{"future", Kind::flag, "true, false", "hold a backup that is dated in the future, or by a clock that was never set"},
     [](GateSettings& g) -> Slot { return &g.future; }},
    {{"empty", Kind::flag, "true, false", "hold a whole backup that holds nothing, unless it always did"},
     [](GateSettings& g) -> Slot { return &g.empty; }},
    {{"database", Kind::flag, "true, false", "hold a dump that says that it is of another database"},
     [](GateSettings& g) -> Slot { return &g.database; }},
    {{"size", Kind::section, "a map, true or false", "hold a size outside the band of the job's own history; false switches the band off"},
     [](GateSettings&) -> Slot { return {}; },
     &read_size},
}};

void read_gates(Context& context, const std::string& path, const Node& node, DepositJob& job) {
    const bool defaults = path.starts_with("deposits.defaults");
    const auto marks = read_map<GateSettings>(context, path, node, kGates, job.gates, defaults);
    if (defaults && !marks.contains("size")) read_size(context, path + ".size", Node{}, job.gates);
}

constexpr std::string_view kContents = "auto mysql postgresql sqlite mssql archive opaque";

const std::array<Setting<DepositJob>, 26> kJob{{
    {{"agent", Kind::text, "text", "the agent's folder in the deposit root; case is ignored"}, [](DepositJob& j) -> Slot { return &j.agent; }},
    {{"database", Kind::text, "text",
      "the database's name in the agent's report; {year} stands for four digits, so that a new year continues the same target"},
     [](DepositJob& j) -> Slot { return &j.database; }},
    {{"active", Kind::flag, "true, false", "false: not a target; nothing is expected, nothing is taken in"},
     [](DepositJob& j) -> Slot { return &j.active; }},
    {{"schedule", Kind::schedule, "schedule, none",
      "when a backup is due: a cron expression, @daily, @every 36h from …; none: it is never missing, but unknown at twice max_age"},
     [](DepositJob& j) -> Slot { return &j.schedule; }},
    {{"timezone", Kind::zone, "time zone", "of the schedule and of dates; default: the global timezone"},
     [](DepositJob& j) -> Slot { return &j.timezone; }},
    {{"early", Kind::duration, "0s..366d", "a report this long before the due time belongs to the coming cycle", 0, kYear},
     [](DepositJob& j) -> Slot { return &j.early; }},
    {{"deadline", Kind::duration, "1s..366d", "this long after the due time a backup that is not there is missing", kSecond, kYear},
     [](DepositJob& j) -> Slot { return &j.deadline; }},
    {{"max_age", Kind::duration, "1min..366d", "only without a schedule: at twice this age the last backup proves nothing any more", kMinute, kYear},
     [](DepositJob& j) -> Slot { return &j.max_age; }},
    {{"max_report_age", Kind::duration, "1min..366d", "older reports are ignored", kMinute, kYear},
     [](DepositJob& j) -> Slot { return &j.max_report_age; }},
    {{"path", Kind::layout, "path with fields",
      "where the backup goes in the vault: {agent} {company} {city} {district} {database} {year} {month} {day} {file}"},
     [](DepositJob& j) -> Slot { return &j.path; }},
    {{"keep", Kind::whole, "1..1000", "healthy versions to keep, the current one included", 1, 1000}, [](DepositJob& j) -> Slot { return &j.keep; }},
    {{"keep_replaced", Kind::duration, "0s..366d", "how long a replaced version stays in the vault beyond keep", 0, kYear},
     [](DepositJob& j) -> Slot { return &j.keep_replaced; }},
    {{"consume", Kind::flag, "true, false", "remove file and report from the deposit after the final verdict"},
     [](DepositJob& j) -> Slot { return &j.consume; }},
    {{"content", Kind::choice, "auto, mysql, postgresql, sqlite, mssql, archive, opaque", "what the file holds; opaque: nothing is asked of it", 0, 0,
      kContents},
     [](DepositJob& j) -> Slot { return &j.content; }},
    {{"end_mark", Kind::flag, "true, false", "false for dumps that are made without their completion line (--skip-comments)"},
     [](DepositJob& j) -> Slot { return &j.end_mark; }},
    {{"unchanged", Kind::choice, "ok, warning", "how bad a newer backup with the same bytes is", 0, 0, "ok warning"},
     [](DepositJob& j) -> Slot { return &j.unchanged_ok; }},
    {{"max_size", Kind::size, "1..1 PiB", "larger files are refused before they are copied", 1, kPiB},
     [](DepositJob& j) -> Slot { return &j.max_size; }},
    {{"gates", Kind::section, "map", "what makes bkmon hold a whole backup instead of believing it"},
     [](DepositJob&) -> Slot { return {}; },
     &read_gates},
    {{"company", Kind::text, "text", "for {company}; default: the first part of the agent's folder"},
     [](DepositJob& j) -> Slot { return &j.company; }},
    {{"city", Kind::text, "text", "for {city}; default: the second part"}, [](DepositJob& j) -> Slot { return &j.city; }},
    {{"district", Kind::text, "text", "for {district}; default: the rest"}, [](DepositJob& j) -> Slot { return &j.district; }},
    {{"year", Kind::year, "four digits", "for {year} in the path; default: the backup's"}, [](DepositJob& j) -> Slot { return &j.year; }},
    {{"report_timezone", Kind::zone, "time zone", "of times that the agent writes without a zone"},
     [](DepositJob& j) -> Slot { return &j.report_timezone; }},
    {{"owner", Kind::text, "user", "only files of this user are taken in; default: anybody's"}, [](DepositJob& j) -> Slot { return &j.owner; }},
    {{"labels", Kind::labels, "map of texts", "for filters: {region: littoral}; a job adds to those of defaults"},
     [](DepositJob& j) -> Slot { return &j.labels; }},
    {{"recipients", Kind::addresses, "list of mail addresses", "who is told; a job's list replaces that of defaults"},
     [](DepositJob& j) -> Slot { return &j.recipients; }},
}};

/// What only one job can have.
bool of_one_job(std::string_view name) {
    for (const std::string_view own : {"agent", "database", "active", "city", "district"})
        if (name == own) return true;
    return false;
}

std::span<const Setting<DepositJob>> defaults_table() {
    static const auto table = [] {
        std::vector<Setting<DepositJob>> rows;
        for (const auto& s : kJob)
            if (!of_one_job(s.row.name)) rows.push_back(s);
        return rows;
    }();
    return table;
}

void read_elsewhere(Context&, const std::string&, const Node&, DepositSettings&) {}  // defaults and jobs: in this order, whatever the file's is

const std::array<Setting<DepositSettings>, 12> kDeposits{{
    {{"root", Kind::path, "absolute path", "the folder of the agents' deposits: <root>/<agent>/log and <root>/<agent>/database"},
     [](DepositSettings& d) -> Slot { return &d.root; }},
    {{"vault", Kind::path, "absolute path", "the tree of validated backups; only bkmond writes there"},
     [](DepositSettings& d) -> Slot { return &d.vault; }},
    {{"rescan", Kind::duration, "1s..1h", "a full look at all deposits at least this often", kSecond, kHour},
     [](DepositSettings& d) -> Slot { return &d.rescan; }},
    {{"settle", Kind::duration, "0s..1h", "quiet time before bytes that do not match are called damaged", 0, kHour},
     [](DepositSettings& d) -> Slot { return &d.settle; }},
    {{"held_days", Kind::whole, "1..3650", "held files expire after so many days", 1, 3650}, [](DepositSettings& d) -> Slot { return &d.held_days; }},
    {{"held_max_bytes", Kind::size, "size", "held files together take no more than this", 0, kPiB},
     [](DepositSettings& d) -> Slot { return &d.held_max_bytes; }},
    {{"reserve_bytes", Kind::size, "size", "so much of the vault's file system is never filled", 0, kPiB},
     [](DepositSettings& d) -> Slot { return &d.reserve_bytes; }},
    {{"verify_every", Kind::duration, "1min..366d, off", "each file of the vault is read again and hashed at least this often; off: only on demand",
      kMinute, kYear, "off"},
     [](DepositSettings& d) -> Slot { return &d.verify_every; }},
    {{"verify_rate", Kind::size, "size; 0: no bound",
      "so many bytes in a second may be read for that; more where verify_every could not be kept otherwise", 0, kPiB},
     [](DepositSettings& d) -> Slot { return &d.verify_rate; }},
    {{"auto_adopt", Kind::words, "list of patterns", "agents (with * and ?) whose unexpected databases become jobs by themselves"},
     [](DepositSettings& d) -> Slot { return &d.auto_adopt; }},
    {{"defaults", Kind::section, "map", "what jobs have that say nothing else"}, [](DepositSettings&) -> Slot { return {}; }, &read_elsewhere},
    {{"jobs", Kind::section, "list of maps", "the backups that are expected"}, [](DepositSettings&) -> Slot { return {}; }, &read_elsewhere},
}};

std::string text_of(const Node& job, std::string_view key) {
    const auto* n = job.find(key);
    return n && n->kind == Node::Kind::scalar ? n->text : "?";
}

/// False after a problem: such a job takes no part in what compares jobs.
bool check_names(Context& context, const DepositJob& job, const JobPlace& place) {
    const auto agent = place.keys.find("agent"), database = place.keys.find("database");
    const auto bad = [&](const Mark& at, std::string what) {
        context.problem(at, std::move(what));
        return false;
    };
    if (agent == place.keys.end()) return bad(place.at, "a job needs an agent (the name of its folder in the deposit root)");
    if (database == place.keys.end()) return bad(place.at, "a job needs a database (its name in the agent's report)");
    if (job.agent.find('/') != std::string::npos || job.agent.starts_with('.') || job.agent.size() > 128)
        return bad(agent->second, fmt::format("agent: '{}' cannot be the name of a deposit folder", printable(job.agent, 140)));
    if (const auto pattern = core::check_database_pattern(job.database); !pattern)
        return bad(database->second, fmt::format("database: '{}': {}", printable(job.database, 140), pattern.error().what));
    return true;
}

void read_job(Context& context, const Node& node, DepositSettings& settings, DepositPlaces& places) {
    if (node.kind != Node::Kind::map) return context.problem(node.mark, "a job is a map: {agent: …, database: …}");
    DepositJob job = settings.defaults;
    JobPlace place;
    place.at = node.mark;
    const auto path = fmt::format("deposits.jobs.{}/{}", printable(text_of(node, "agent"), 140), printable(text_of(node, "database"), 140));
    place.keys = read_map<DepositJob>(context, path, node, kJob, job, false);
    // An agent or database that is there but wrong was named by its reader: only absent ones are named again.
    for (const std::string_view key : {"agent", "database"})
        if (node.find(key) && !place.keys.contains(key)) return;
    if (!check_names(context, job, place)) return;
    job.origin = context.where(place.at);
    settings.jobs.push_back(std::move(job));
    places.jobs.push_back(std::move(place));
}

}  // namespace

DepositPlaces read_deposits(Context& context, const Node& node, const std::string& timezone, DepositSettings& into) {
    DepositPlaces places;
    into.configured = node.kind == Node::Kind::map;
    into.defaults.timezone = timezone;
    places.section = read_map<DepositSettings>(context, "deposits", node, kDeposits, into, true);
    const Node none;
    const auto* defaults = node.find("defaults");
    places.defaults = read_map<DepositJob>(context, "deposits.defaults", defaults ? *defaults : none, defaults_table(), into.defaults, true);
    if (!places.defaults.contains("gates")) read_gates(context, "deposits.defaults.gates", none, into.defaults);
    const auto* jobs = node.find("jobs");
    if (!jobs || jobs->kind == Node::Kind::null) return places;
    if (jobs->kind != Node::Kind::list) {
        context.problem(jobs->mark, "deposits.jobs: expected a list of jobs ('- {agent: …, database: …}')");
        return places;
    }
    into.jobs.reserve(jobs->items.size());
    for (const auto& job : jobs->items) read_job(context, job, into, places);
    return places;
}

void list_deposit_settings(std::vector<std::pair<std::string, Row>>& into) {
    for (const auto& s : kDeposits) into.emplace_back("deposits." + std::string(s.row.name), s.row);
    for (const auto& s : defaults_table()) into.emplace_back("deposits.defaults." + std::string(s.row.name), s.row);
    for (const auto& s : kJob) into.emplace_back("deposits.jobs." + std::string(s.row.name), s.row);
    for (const auto& s : kGates) into.emplace_back("deposits.defaults.gates." + std::string(s.row.name), s.row);
    for (const auto& s : kSize) into.emplace_back("deposits.defaults.gates.size." + std::string(s.row.name), s.row);
}

}  // namespace bkmon::config
