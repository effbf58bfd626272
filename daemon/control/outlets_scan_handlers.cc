#include <fmt/format.h>

#include <algorithm>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "daemon/control/outlets_handlers.h"
#include "daemon/control/rows_json.h"
#include "daemon/core/day.h"
#include "daemon/core/schedule.h"

namespace bkmon::control {

namespace {

using CallPtr = std::shared_ptr<Call>;

constexpr std::size_t kMostWorst = 20;

double in_seconds(milliseconds d) { return static_cast<double>(d.count()) / 1000.0; }

void put_worst(JsonWriter& w, const std::vector<outlets::ScanView::Worst>& worst) {
    w.key("worst").begin_array();
    for (const auto& one : worst)
        w.begin_object()
            .field("target", one.target.str())
            .field("status", core::name_of(one.status))
            .field("reason", one.reason)
            .field("reason_code", one.reason_code)
            .field("alike", static_cast<std::uint64_t>(one.alike))
            .end_object();
    w.end_array();
}

void put_scan(JsonWriter& w, const outlets::ScanView& view, const std::string& state, const std::string& error) {
    w.begin_object();
    put_text(w, "run", view.run).field("mode", view.mode).field("date", view.date).field("back_dated", view.back_dated).field("state", state);
    put_text(w, "error", error).field("done", view.done).field("total", view.total).key("counts");
    put_counts(w, view.counts);
    w.field("rate", view.rate).field("left", view.left ? std::optional(in_seconds(*view.left)) : std::nullopt);
    w.field("duration", in_seconds(view.took));
    put_text(w, "text", view.last);
    const auto count = [&](std::string_view name, std::size_t n) { w.field(name, static_cast<std::uint64_t>(n)); };
    count("growing", view.growing);
    count("in_future", view.in_future);
    count("retried", view.retried);
    count("added", view.added);
    count("changed", view.changed);
    count("deactivated", view.deactivated);
    count("bad_rows", view.bad_rows);
    put_text(w, "inventory_problem", view.inventory_problem);
    put_worst(w, view.worst);
    w.end_object();
}

/// What a caller with a limit hears of a scan that others began: their own outlets as they are now, and how far the scan is.
outlets::ScanView narrowed(const OutletsDoor& door, const outlets::ScanView& whole, const Caller& caller) {
    outlets::ScanView own;
    own.run = whole.run;
    own.mode = whole.mode;
    own.date = whole.date;
    own.back_dated = whole.back_dated;
    own.took = whole.took;
    own.left = whole.left;
    own.final = whole.final;
    const std::string end = "/" + lower(encode_component(whole.mode));
    for (const auto* target : door.registry.match({}, "outlet")) {
        if (!target->spec.id.key().ends_with(end) || !caller.may_touch(target->spec.id.str())) continue;
        ++own.total;
        if (!own.back_dated) ++own.counts[static_cast<std::size_t>(door.registry.status(*target))];
    }
    own.done = whole.total > 0 ? own.total * std::min(whole.done, whole.total) / whole.total : 0;
    for (const auto& one : whole.worst)
        if (caller.may_touch(one.target.str()) && own.worst.size() < kMostWorst) own.worst.push_back(one), own.worst.back().alike = 0;
    return own;
}

/// One who follows a scan; lives as long as the engine's listener, or until the client leaves.
struct Following : std::enable_shared_from_this<Following> {
    Following(OutletsDoor& d, CallPtr c, std::optional<bool> j) : door(d), call(std::move(c)), joined(j) {}

    std::string text(const outlets::ScanView& view, const std::string& state, const std::string& error, bool final) const {
        JsonWriter w;
        w.begin_object();
        if (joined) w.field("joined", *joined);
        w.key("scan");
        put_scan(w, is_own_scan(door, call->caller(), view.run) ? view : narrowed(door, view, call->caller()), state, error);
        return w.field("final", final).end_object().take();
    }
    void tell(const runs::Progress& progress) {
        if (over) return;
        // Outlets that are not watched any more (a reload) end their scan: the last that was seen of it counts.
        if (auto now = door.configured() ? door.view(progress.row.id) : std::nullopt) seen = std::move(now);
        if (!seen && !progress.final) return;
        if (!seen) return end(), lost(progress.row.id);
        // Final is what the run says: its row is durable then.
        if (!progress.final) return call->stream(text(*seen, progress.row.state, progress.row.error, false), true);
        call->reply(text(*seen, progress.row.state, progress.row.error, true));
        end();
    }
    void lost(const std::string& run) const {
        call->error("io.bkmon.Outlets.NoSuchScan", JsonWriter().begin_object().field("run", run).end_object().take());
    }
    /// Not at once: it may be the engine that calls.
    void end() {
        over = true;
        static_cast<void>(door.loop.post(Task([self = shared_from_this()] { self->token.reset(); })));
    }

    OutletsDoor& door;
    const CallPtr call;
    const std::optional<bool> joined;
    std::optional<outlets::ScanView> seen;  ///< the newest
    std::shared_ptr<void> token;
    bool over = false;
};

/// The scan is over: how it ended stands in its run's row.
void answer_ended(const std::shared_ptr<Following>& following, const outlets::ScanView& view) {
    const auto row = std::make_shared<std::optional<history::RunRow>>();
    following->door.store.read(
        [row, id = view.run](history::Reader& reader) -> Result<void> {
            auto found = reader.run_of(id);
            if (!found) return fail(std::move(found.error()));
            *row = std::move(*found);
            return {};
        },
        [following, row, view](Result<void> done) {
            if (!done) return following->call->fail(done.error());
            if (!*row) return following->lost(view.run);
            following->call->reply(following->text(view, (*row)->state, (*row)->error, true));
        });
}

std::optional<runs::Progress> active_run(const OutletsDoor& door, const std::string& id) {
    for (auto& progress : door.runs.active())
        if (progress.row.id == id) return std::move(progress);
    return std::nullopt;
}

/// Streams a scan with more; otherwise answers how it stands.
void tell_of(OutletsDoor& door, const CallPtr& call, const std::string& run, std::optional<bool> joined) {
    const auto following = std::make_shared<Following>(door, call, joined);
    const auto view = door.view(run);
    if (!view) return following->lost(run);
    if (!call->more()) {
        const auto progress = active_run(door, run);
        return progress ? call->reply(following->text(*view, progress->row.state, progress->row.error, progress->final))
                        : answer_ended(following, *view);
    }
    auto token = door.runs.follow(run, [following](const runs::Progress& progress) { following->tell(progress); });
    if (!token) return answer_ended(following, *view);
    following->token = std::move(*token);
    if (following->over) following->token.reset();
    call->on_hangup([weak = std::weak_ptr(following)] {
        if (const auto f = weak.lock()) f->end();
    });
}

/// The mode that is meant, or the call is answered.
const core::OutletMode* mode_or_refuse(const OutletsDoor& door, const std::optional<std::string>& name, const CallPtr& call) {
    const auto& modes = door.settings().modes;
    if (!name && modes.size() == 1) return &modes.front();
    const auto it = std::find_if(modes.begin(), modes.end(), [&](const auto& mode) { return name && equal_ignoring_case(mode.name, *name); });
    if (it != modes.end()) return &*it;
    JsonWriter w;
    w.begin_object().field("mode", name.value_or("")).key("modes").begin_array();
    for (const auto& mode : modes) w.value(mode.name);
    call->error("io.bkmon.Outlets.NoSuchMode", w.end_array().end_object().take());
    return nullptr;
}

/// What the call asks for, or the refusal is sent.
std::optional<outlets::ScanRequest> read_request(OutletsDoor& door, const CallPtr& call) {
    const auto& params = call->params();
    const auto mode = params.string("mode");
    const auto codes = params.strings("outlets");
    const auto problems = params.boolean("problems");
    const auto pending = params.boolean("pending");
    const auto date = params.string("date");
    const auto refuse = [&](const Error& e) { return call->fail(e), std::nullopt; };
    if (!mode) return refuse(mode.error());
    if (!codes) return refuse(codes.error());
    if (!problems) return refuse(problems.error());
    if (!pending) return refuse(pending.error());
    if (!date) return refuse(date.error());
    if (*date && !core::parse_date(**date)) return call->invalid("date", "a day like 2026-11-22"), std::nullopt;
    const auto* found = mode_or_refuse(door, *mode, call);
    if (found == nullptr) return std::nullopt;
    outlets::ScanRequest request;
    request.mode = found->name;
    request.outlets = codes->value_or(std::vector<std::string>());
    request.problems = problems->value_or(false);
    request.pending = pending->value_or(false);
    request.date = date->value_or("");
    if (!outlets_known(door, request.outlets, call)) return std::nullopt;
    if (!call->caller().targets.empty())
        request.permits = [caller = call->caller()](const TargetId& target) { return caller.may_touch(target.str()); };
    return request;
}

/// Nothing is bad, or nothing is pending: that is an answer, not an error.
void answer_nothing(OutletsDoor& door, const CallPtr& call, const outlets::ScanRequest& request) {
    outlets::ScanView view;
    view.mode = request.mode;
    view.back_dated = !request.date.empty();
    const auto& modes = door.settings().modes;
    const auto mode = std::find_if(modes.begin(), modes.end(), [&](const auto& m) { return m.name == request.mode; });
    view.date = request.date.empty() ? core::local_date(door.loop.clock().now(), mode == modes.end() ? "UTC" : mode->timezone) : request.date;
    JsonWriter w;
    w.begin_object().field("joined", false).key("scan");
    put_scan(w, view, "done", "");
    call->reply(w.field("final", true).end_object().take());
}

/// Forgets the runs of which nothing is known any more.
void remember(OutletsDoor& door, const std::string& run, const std::vector<std::string>& grants) {
    std::erase_if(door.begun_by, [&](const auto& entry) { return !door.view(entry.first); });
    if (!grants.empty()) door.begun_by[run] = grants;
}

}  // namespace

bool is_own_scan(const OutletsDoor& door, const Caller& caller, const std::string& run) {
    if (caller.targets.empty()) return true;
    const auto it = door.begun_by.find(run);
    if (it == door.begun_by.end()) return false;
    const auto& mine = caller.targets;  // by this method, which may be more
    return std::all_of(it->second.begin(), it->second.end(),
                       [&](const std::string& glob) { return std::find(mine.begin(), mine.end(), glob) != mine.end(); });
}

void handle_outlets_scan(OutletsDoor& door, const CallPtr& call) {
    const auto request = read_request(door, call);
    if (!request) return;
    const auto begun = door.scan(*request);
    if (!begun && begun.error().code == Errc::not_found && (request->problems || request->pending)) return answer_nothing(door, call, *request);
    if (!begun && (begun.error().code == Errc::invalid || begun.error().code == Errc::not_found)) {
        JsonWriter w;
        return call->error("io.bkmon.Outlets.CannotScan", w.begin_object().field("message", begun.error().what).end_object().take());
    }
    if (!begun) return call->fail(begun.error());
    if (!begun->joined) remember(door, begun->run, call->caller().targets);
    tell_of(door, call, begun->run, begun->joined);
}

void handle_outlets_follow(OutletsDoor& door, const CallPtr& call) {
    const auto run = call->params().string("run");
    if (!run || !*run || (*run)->empty()) return call->invalid("run", "the run's id is needed");
    tell_of(door, call, **run, std::nullopt);
}

}  // namespace bkmon::control
