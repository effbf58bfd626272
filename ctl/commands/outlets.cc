#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "common/protocol/codec.h"
#include "ctl/commands/command.h"
#include "ctl/commands/requests.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

using protocol::Params;

std::string joined(const std::vector<std::string>& words, std::string_view between) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : std::string(between)) + word;
    return out;
}

// ---- list

struct Listing {
    Params inventory;
    std::vector<Params> outlets;
};

Outcome<Listing> ask_list(const Session& session, const Arguments& arguments) {
    JsonWriter writer;
    writer.begin_object();
    put_list(writer, arguments, "outlet", "outlets");
    put_list(writer, arguments, "--label", "labels");
    Listing listing;
    const auto asked = session.pages("io.bkmon.Outlets.List", writer.end_object().take(), [&](const Params& page) {
        if (auto inventory = page.object("inventory")) listing.inventory = *inventory;
        for (Params& outlet : page.objects("outlets")) listing.outlets.push_back(std::move(outlet));
        return true;
    });
    if (!asked) return Refusal(asked.error());
    return listing;
}

int print_bad(Session& session, const Listing& listing) {
    const auto bad = listing.inventory.objects("bad");
    if (session.json()) return session.print_json("{\"bad\":" + array_json(bad) + "}");
    if (session.csv()) return session.print_csv({"where", "problem"}, bad);
    Table table({{"WHERE"}, {"PROBLEM", false, true, false, 24}});
    for (const Params& row : bad) table.add({{text_of(row, "where")}, {text_of(row, "problem"), Tone::warning}});
    return session.print_table(table, "no row of the inventory was skipped",
                               counted(static_cast<std::int64_t>(table.size()), "row") + " skipped; in " + text_of(listing.inventory, "source"));
}

/// One row per outlet and mode; one that is not active has one row without a mode.
std::vector<Params> flat(const std::vector<Params>& outlets) {
    std::vector<Params> rows;
    for (const Params& outlet : outlets) {
        const auto modes = outlet.objects("modes");
        for (std::size_t i = 0; i < std::max<std::size_t>(modes.size(), 1); ++i) {
            JsonWriter writer;
            writer.begin_object();
            for (const char* name : {"code", "name", "address", "active", "labels"}) writer.key(name).raw(outlet.dump(name));
            if (i < modes.size())
                for (const char* name : {"mode", "target", "status", "severity", "reason_code", "reason", "drive"})
                    writer.key(name).raw(modes[i].dump(name));
            if (auto row = Params::parse(writer.end_object().str())) rows.push_back(std::move(*row));
        }
    }
    return rows;
}

std::vector<std::string> mode_names(const std::vector<Params>& outlets) {
    std::vector<std::string> names;
    for (const Params& outlet : outlets)
        for (const Params& mode : outlet.objects("modes"))
            if (const std::string name = text_of(mode, "mode"); std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    return names;
}

std::string labels_cell(const Params& outlet) {
    std::string out;
    if (const auto labels = outlet.object("labels"))
        for (const std::string& key : labels->names()) out += (out.empty() ? "" : " ") + key + "=" + text_of(*labels, key);
    return out;
}

Table list_table(const std::vector<Params>& outlets) {
    std::vector<Column> columns{{"OUTLET", false, true, true, 12}, {"NAME", false, true, false, 12, 2}, {"ADDRESS", false, true, true, 15, 1}};
    const auto modes = mode_names(outlets);
    for (const std::string& mode : modes) columns.push_back({mode});
    columns.push_back({"LABELS", false, true, false, 12, 3});
    Table table(columns);
    for (const Params& outlet : outlets) {
        std::vector<Cell> cells{{text_of(outlet, "code")}, {text_of(outlet, "name")}, {text_of(outlet, "address")}};
        const auto active = outlet.boolean("active");
        std::map<std::string, Cell> by_mode;
        for (const Params& mode : outlet.objects("modes")) {
            const std::string drive = text_of(mode, "drive");
            const std::string status = text_of(mode, "status");
            by_mode[text_of(mode, "mode")] = {status + (drive.empty() ? "" : " " + drive), tone_of(status, text_of(mode, "severity"))};
        }
        for (const std::string& mode : modes) {
            const auto cell = by_mode.find(mode);
            cells.push_back(cell != by_mode.end() ? cell->second : Cell{active && *active && !**active ? "not active" : "-", Tone::dim});
        }
        cells.push_back({labels_cell(outlet)});
        table.add(std::move(cells));
    }
    return table;
}

std::string list_legend(const Params& inventory, std::size_t shown_outlets, Time now) {
    std::string out = counted(static_cast<std::int64_t>(shown_outlets), "outlet");
    out += fmt::format("; the inventory has {} and {} that are not active, from {}", number_of(inventory, "active"), number_of(inventory, "inactive"),
                       shown(text_of(inventory, "source")));
    if (const auto read_at = time_of(inventory, "read_at")) out += ", read " + age(*read_at, now) + " ago";
    if (const std::string problem = text_of(inventory, "problem"); !problem.empty())
        out += "\nit cannot be read now, the one of then is in use: " + shown(problem);
    if (const auto bad = inventory.objects("bad").size(); bad > 0)
        out += fmt::format("\n{} skipped: bkmonctl outlets list --bad", counted(static_cast<std::int64_t>(bad), "row"));
    return out;
}

// ---- import

Outcome<std::string> read_csv(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (file) text << file.rdbuf();
    if (!file) return refuse(kFailed, "read_failed", fmt::format("cannot read {}", path));
    if (!valid_utf8(text.str()))
        return refuse(kFailed, "not_utf8", fmt::format("{} is not UTF-8: save it as \"CSV UTF-8\", or convert it with iconv", path));
    return text.str();
}

Outcome<Params> ask_import(const Session& session, const std::string& csv, bool write) {
    JsonWriter writer;
    const std::string parameters = writer.begin_object().field("csv", csv).field("write", write).end_object().take();
    if (parameters.size() + 256 > protocol::kMaxCallBytes)
        return refuse(kFailed, "too_large",
                      fmt::format("the file is too large for one call ({}, at most {}): put it in place by hand; bkmond reads it before each scan",
                                  size_words(parameters.size()), size_words(protocol::kMaxCallBytes)));
    return session.call("io.bkmon.Outlets.Import", parameters);
}

constexpr struct {
    const char* member;
    const char* word;
    Tone tone;
} kChanges[] = {{"added", "added", Tone::good},
                {"changed", "changed", Tone::notice},
                {"deactivated", "deactivated", Tone::warning},
                {"reactivated", "reactivated", Tone::good}};

/// One row per change and per bad row, for CSV.
std::vector<Params> difference_rows(const Params& reply) {
    std::vector<Params> rows;
    const auto add = [&](std::string_view change, const std::string& outlet, const std::string& where, const std::string& problem) {
        JsonWriter writer;
        writer.begin_object().field("change", change).field("outlet", outlet).field("where", where).field("problem", problem);
        if (auto row = Params::parse(writer.end_object().str())) rows.push_back(std::move(*row));
    };
    for (const auto& change : kChanges)
        for (const std::string& code : texts_of(reply, change.member)) add(change.word, code, "", "");
    for (const Params& bad : reply.objects("bad")) add("bad", "", text_of(bad, "where"), text_of(bad, "problem"));
    return rows;
}

void show_difference(Session& session, const Params& reply) {
    Table table({{"CHANGE"}, {"OUTLET", false, true, false, 24}});
    for (const auto& change : kChanges)
        for (const std::string& code : texts_of(reply, change.member)) table.add({{change.word, change.tone}, {code}});
    for (const Params& bad : reply.objects("bad")) table.add({{"bad row", Tone::critical}, {text_of(bad, "where") + ": " + text_of(bad, "problem")}});
    std::string legend = counted(number_of(reply, "outlets"), "good row");
    for (const auto& change : kChanges)
        if (const auto n = texts_of(reply, change.member).size(); n > 0) legend += fmt::format(", {} {}", n, change.word);
    if (const auto n = reply.objects("bad").size(); n > 0) legend += ", " + counted(static_cast<std::int64_t>(n), "bad row");
    session.print_table(table, fmt::format("the same as the inventory in use: {}", legend), legend);
}

bool is_same(const Params& reply) {
    return std::all_of(std::begin(kChanges), std::end(kChanges), [&](const auto& change) { return texts_of(reply, change.member).empty(); });
}

}  // namespace

int run_outlets_list(Session& session, const Arguments& arguments) {
    const auto listing = ask_list(session, arguments);
    if (!listing) return session.fail(listing.error());
    if (arguments.has("--bad")) return print_bad(session, *listing);
    if (session.json())
        return session.print_json("{\"inventory\":" + listing->inventory.dump() + ",\"outlets\":" + array_json(listing->outlets) + "}");
    if (session.csv())
        return session.print_csv(
            {"code", "name", "address", "active", "mode", "target", "status", "severity", "reason_code", "reason", "drive", "labels"},
            flat(listing->outlets));
    return session.print_table(list_table(listing->outlets), "no outlet matches; " + list_legend(listing->inventory, 0, session.now()),
                               list_legend(listing->inventory, listing->outlets.size(), session.now()));
}

int run_outlets_modes(Session& session, const Arguments&) {
    const auto reply = session.call("io.bkmon.Outlets.Modes");
    if (!reply) return session.fail(reply.error());
    const auto modes = reply->objects("modes");
    if (session.json()) return session.print_json("{\"modes\":" + array_json(modes) + "}");
    if (session.csv())
        return session.print_csv(
            {"name", "shares", "folder", "patterns", "min_size", "max_age", "verify", "schedules", "timezone", "targets", "scanning"}, modes);
    Table table({{"MODE"},
                 {"SHARES", false, true, false, 8},
                 {"FOLDER", false, true, true, 12},
                 {"PATTERNS", false, true, false, 8, 1},
                 {"MAX AGE", true},
                 {"INSIDE", false, false, false, 8, 2},
                 {"SCHEDULE", false, true, false, 16},
                 {"OUTLETS", true},
                 {"SCANNING", false, false, false, 8, 3}});
    for (const Params& mode : modes) {
        const auto max_age = mode.number("max_age");
        table.add({{text_of(mode, "name")},
                   {joined(texts_of(mode, "shares"), ",")},
                   {text_of(mode, "folder")},
                   {joined(texts_of(mode, "patterns"), ",")},
                   {max_age && *max_age ? duration_words(milliseconds(static_cast<std::int64_t>(**max_age * 1000))) : "any"},
                   {text_of(mode, "verify")},
                   {joined(texts_of(mode, "schedules"), "; ")},
                   {std::to_string(number_of(mode, "targets"))},
                   {text_of(mode, "scanning").empty() ? "-" : text_of(mode, "scanning"), Tone::notice}});
    }
    return session.print_table(table, "no modes are configured (outlets.modes)", "look now: bkmonctl outlets scan --mode MODE");
}

int run_outlets_import(Session& session, const Arguments& arguments) {
    const auto csv = read_csv(arguments.one("file"));
    if (!csv) return session.fail(csv.error());
    auto reply = ask_import(session, *csv, false);
    if (!reply) return session.fail(reply.error());
    const bool write = arguments.has("--write");
    const auto bad = static_cast<std::int64_t>(reply->objects("bad").size());
    if (session.csv()) session.print_csv({"change", "outlet", "where", "problem"}, difference_rows(*reply));
    if (!session.csv() && !session.json()) show_difference(session, *reply);
    if (write && bad > 0)
        return session.fail({kFailed, "bad_rows", fmt::format("{}: nothing was written; mend them first", counted(bad, "bad row"))});
    if (write && !is_same(*reply)) {
        const auto sure =
            session.confirmed(fmt::format("make this the inventory, in {}?", text_of(*reply, "file")), true, "this replaces the inventory");
        if (!sure) return session.fail(sure.error());
        if (!*sure) return session.fail({kFailed, "declined", "nothing was changed"});
        reply = ask_import(session, *csv, true);
        if (!reply) return session.fail(reply.error());
        if (!session.csv()) session.note(fmt::format("written to {}; the one before is beside it as .old", text_of(*reply, "file")));
    } else if (write && !session.csv()) {
        session.note("nothing to write");
    } else if (session.globals().legend && bad == 0 && !is_same(*reply)) {
        session.note(fmt::format("nothing was written; with --write it becomes {}", text_of(*reply, "file")));
    }
    return session.json() ? session.print_json(reply->dump()) : kDone;
}

}  // namespace bkmon::ctl
