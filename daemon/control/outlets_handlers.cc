#include "daemon/control/outlets_handlers.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "daemon/control/pages.h"
#include "daemon/control/rows_json.h"
#include "daemon/control/selection.h"

namespace bkmon::control {

namespace {

using CallPtr = std::shared_ptr<Call>;

constexpr std::size_t kAtOnce = 400;  // outlets that are written in one turn of the loop

bool may_see(const Caller& caller, const outlets::OutletView& view) {
    return caller.targets.empty() ||
           std::any_of(view.modes.begin(), view.modes.end(), [&](const auto& m) { return caller.may_touch(m.target.str()); });
}

void put_in_mode(JsonWriter& w, const OutletsDoor& door, const outlets::OutletView::InMode& in) {
    w.begin_object().field("mode", in.mode).field("target", in.target.str());
    const auto* target = door.registry.find(in.target);
    const auto verdict = target != nullptr ? door.registry.shown(*target) : core::Verdict{};
    w.field("status", core::name_of(verdict.status)).field("severity", core::name_of(verdict.severity));
    w.field("reason_code", verdict.reason_code).field("reason", verdict.reason);
    put_text(w, "drive", in.drive).end_object();
}

void put_outlet(JsonWriter& w, const OutletsDoor& door, const outlets::OutletView& view, const Caller& caller) {
    w.begin_object().field("code", view.outlet.code).field("name", view.outlet.name).field("address", view.outlet.address);
    w.field("active", view.outlet.active).key("labels").begin_object();
    for (const auto& [key, value] : view.outlet.labels) w.field(key, value);
    w.end_object().key("modes").begin_array();
    for (const auto& in : view.modes)
        if (caller.may_touch(in.target.str())) put_in_mode(w, door, in);
    w.end_array().end_object();
}

void put_bad(JsonWriter& w, const std::vector<outlets::BadRow>& rows) {
    w.key("bad").begin_array();
    for (const auto& row : rows) w.begin_object().field("where", row.where).field("problem", row.problem).end_object();
    w.end_array();
}

/// Whoever is limited to some targets is told where the inventory comes from and nothing about the others in it.
void put_inventory(JsonWriter& w, const outlets::InventoryView& inventory, bool whole, std::size_t active, std::size_t inactive) {
    w.begin_object().field("source", inventory.source).field("read_at", inventory.read_at);
    put_text(w, "problem", inventory.problem);
    put_bad(w, whole ? inventory.bad : std::vector<outlets::BadRow>());
    w.field("active", static_cast<std::uint64_t>(active)).field("inactive", static_cast<std::uint64_t>(inactive)).end_object();
}

/// The outlets of one List; some hundred of them are written at a time, as the client reads.
struct Listing {
    std::string inventory;  ///< JSON
    std::vector<outlets::OutletView> outlets;
    std::size_t next = 0;

    Rows rows(const OutletsDoor& door, const Caller& caller) {
        Chunks chunks;
        const auto end = std::min(outlets.size(), next + kAtOnce);
        for (; next < end; ++next) chunks.add([&](JsonWriter& w) { put_outlet(w, door, outlets[next], caller); });
        Rows rows;
        rows.count = chunks.count();
        rows.chunks = chunks.take();
        rows.last = next == outlets.size();
        return rows;
    }
};

void list(OutletsDoor& door, const CallPtr& call) {
    const auto codes = call->params().strings("outlets");
    if (!codes) return call->fail(codes.error());
    const auto selection = Selection::read(call->params());  // labels
    if (!selection) return call->fail(selection.error());
    const auto patterns = codes->value_or(std::vector<std::string>());
    if (!outlets_known(door, patterns, call)) return;
    const auto listing = std::make_shared<Listing>();
    listing->outlets = door.list();
    std::erase_if(listing->outlets, [&](const auto& view) { return !may_see(call->caller(), view); });
    const auto active = static_cast<std::size_t>(
        std::count_if(listing->outlets.begin(), listing->outlets.end(), [](const auto& view) { return view.outlet.active; }));
    JsonWriter inventory;
    put_inventory(inventory, door.inventory(), call->caller().targets.empty(), active, listing->outlets.size() - active);
    listing->inventory = inventory.take();
    std::erase_if(listing->outlets, [&](const auto& view) {
        const auto is_meant = [&](const std::string& pattern) { return glob_match(pattern, view.outlet.code); };
        return !(patterns.empty() || std::any_of(patterns.begin(), patterns.end(), is_meant)) || !selection->picks_labels(view.outlet.labels);
    });
    LongAnswer answer;
    answer.fetch = [&door, listing, caller = call->caller()](const std::function<void(Result<Rows>)>& done) { done(listing->rows(door, caller)); };
    answer.wrap = [listing](std::string_view rows, bool first) {
        JsonWriter w;
        w.begin_object().key("inventory").raw(first ? std::string_view(listing->inventory) : "null");
        w.field("total", static_cast<std::uint64_t>(listing->outlets.size())).key("outlets").begin_array();
        if (!rows.empty()) w.raw(rows);
        return w.end_array().end_object().take();
    };
    send_rows(door.loop, call, std::move(answer));
}

std::map<std::string, std::string> scanning(const OutletsDoor& door) {
    std::map<std::string, std::string> runs;
    for (const auto& progress : door.runs.active())
        if (const auto view = door.view(progress.row.id); view && !view->final) runs[view->mode] = view->run;
    return runs;
}

void put_mode(JsonWriter& w, const core::OutletMode& mode, std::size_t targets, const std::string& run) {
    w.begin_object().field("name", mode.name).key("shares").begin_array();
    for (const auto& share : mode.shares) w.value(share);
    w.end_array().field("folder", mode.folder).key("patterns").begin_array();
    for (const auto& pattern : mode.patterns) w.value(pattern);
    w.end_array().field("min_size", mode.min_size);
    w.field("max_age", mode.max_age ? std::optional(static_cast<double>(mode.max_age->count()) / 1000.0) : std::nullopt);
    w.field("verify", mode.verify == core::OutletVerify::header ? "header" : "none").key("schedules").begin_array();
    for (const auto& schedule : mode.schedules)
        w.value(schedule.only.empty() ? schedule.expression : fmt::format("{} (only {})", schedule.expression, schedule.only));
    w.end_array().field("timezone", mode.timezone).field("targets", static_cast<std::uint64_t>(targets));
    put_text(w, "scanning", run).end_object();
}

void modes(OutletsDoor& door, const CallPtr& call) {
    std::map<std::string, std::size_t> targets;
    for (const auto* target : door.registry.match({}, "outlet"))
        if (const auto& id = target->spec.id; call->caller().may_touch(id.str())) ++targets[id.key().substr(id.key().rfind('/') + 1)];
    const auto runs = scanning(door);
    JsonWriter w;
    w.begin_object().key("modes").begin_array();
    for (const auto& mode : door.settings().modes) {
        const auto run = runs.find(mode.name);
        put_mode(w, mode, targets[lower(encode_component(mode.name))], run == runs.end() ? "" : run->second);
    }
    call->reply(w.end_array().end_object().take());
}

void put_codes(JsonWriter& w, std::string_view name, const std::vector<std::string>& codes) {
    w.key(name).begin_array();
    for (const auto& code : codes) w.value(code);
    w.end_array();
}

void import(OutletsDoor& door, const CallPtr& call) {
    const auto csv = call->params().string("csv");
    const auto write = call->params().boolean("write");
    if (!csv || !*csv) return call->invalid("csv", "the text of a CSV file is needed");
    if (!write) return call->fail(write.error());
    const bool written = write->value_or(false);
    door.import(**csv, written, [call, written](Result<outlets::Part::Import> done) {
        JsonWriter w;
        if (!done && done.error().code == Errc::invalid)
            return call->error("io.bkmon.Outlets.BadInventory", w.begin_object().field("message", done.error().what).end_object().take());
        if (!done) return call->fail(done.error());
        w.begin_object().field("file", done->file).field("outlets", static_cast<std::uint64_t>(done->inventory.outlets.size()));
        put_codes(w, "added", done->difference.added);
        put_codes(w, "changed", done->difference.changed);
        put_codes(w, "deactivated", done->difference.deactivated);
        put_codes(w, "reactivated", done->difference.reactivated);
        put_bad(w, done->inventory.bad);
        call->reply(w.field("written", written).end_object().take());
    });
}

}  // namespace

bool outlets_known(OutletsDoor& door, const std::vector<std::string>& codes, const CallPtr& call) {
    if (std::all_of(codes.begin(), codes.end(), [](const std::string& code) { return !is_literal(code); })) return true;
    std::vector<std::string> all;
    for (const auto& view : door.list())
        if (may_see(call->caller(), view)) all.push_back(view.outlet.code);
    for (const auto& code : codes) {
        if (!is_literal(code) || std::any_of(all.begin(), all.end(), [&](const std::string& c) { return equal_ignoring_case(c, code); })) continue;
        std::erase_if(all, [&](const std::string& c) { return c.size() + 2 < code.size() || c.size() > code.size() + 2; });
        if (all.size() > 1000) all.resize(1000);  // comparing is quadratic in the names' length
        JsonWriter w;
        w.begin_object().field("outlet", code);
        put_text(w, "nearest", nearest(code, all)).end_object();
        call->error("io.bkmon.Outlets.NoSuchOutlet", w.take());
        return false;
    }
    return true;
}

void bind_outlets(Dispatcher& dispatcher, OutletsDoor& door) {
    const auto bind = [&](std::string_view method, void (*handler)(OutletsDoor&, const CallPtr&)) {
        dispatcher.bind(method, [&door, handler](CallPtr call) {
            if (door.configured()) return handler(door, call);
            call->error("io.bkmon.Unavailable", R"({"message":"no outlets are configured: add an 'outlets:' section to the configuration"})");
        });
    };
    bind("io.bkmon.Outlets.List", list);
    bind("io.bkmon.Outlets.Modes", modes);
    bind("io.bkmon.Outlets.Scan", handle_outlets_scan);
    bind("io.bkmon.Outlets.Follow", handle_outlets_follow);
    bind("io.bkmon.Outlets.Import", import);
}

}  // namespace bkmon::control
