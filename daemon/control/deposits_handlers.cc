#include "daemon/control/deposits_handlers.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "daemon/control/selection.h"

namespace bkmon::control {

namespace {

using CallPtr = std::shared_ptr<Call>;

deposits::Part* part_or_refuse(DepositsDoor& door, const CallPtr& call) {
    auto* part = door.part();
    if (part == nullptr)
        call->error("io.bkmon.Unavailable", R"({"message":"no deposits are configured: add a 'deposits:' section to the configuration"})");
    return part;
}

JsonWriter& maybe(JsonWriter& w, std::string_view name, const std::string& text) {
    w.key(name);
    return text.empty() ? w.null() : w.value(text);
}

void list(DepositsDoor& door, const CallPtr& call) {
    auto* part = part_or_refuse(door, call);
    if (part == nullptr) return;
    auto glob = call->params().string("target");
    if (!glob) return call->fail(glob.error());
    JsonWriter w;
    w.begin_object().key("deposits").begin_array();
    for (const auto& v : part->list()) {
        if (!v.target.empty() && !call->caller().may_touch(v.target)) continue;
        if (v.target.empty() && !call->caller().targets.empty()) continue;
        if (*glob && !glob_match(**glob, v.target)) continue;
        w.begin_object().field("agent", v.agent);
        maybe(w, "database", v.database);
        maybe(w, "target", v.target);
        w.field("state", v.state);
        maybe(w, "file", v.file);
        w.field("size_bytes", v.size_bytes);
        maybe(w, "report", v.report);
        w.field("detail", v.detail).field("since", v.since).end_object();
    }
    w.end_array().end_object();
    call->reply(w.take());
}

void unexpected(DepositsDoor& door, const CallPtr& call) {
    auto* part = part_or_refuse(door, call);
    if (part == nullptr) return;
    JsonWriter w;
    w.begin_object().key("unexpected").begin_array();
    if (call->caller().targets.empty())
        for (const auto& v : part->unexpected()) {
            w.begin_object().field("agent", printable(v.agent));
            maybe(w, "database", printable(v.database));
            w.field("first_seen", v.first_seen);
            maybe(w, "report", printable(v.report));
            w.field("detail", v.detail).end_object();
        }
    w.end_array().end_object();
    call->reply(w.take());
}

/// The unexpected names that `agent` and `database` mean; every one with `all`.
std::vector<config::AdoptJob> chosen(deposits::Part& part, const std::optional<std::string>& agent, const std::optional<std::string>& database,
                                     bool all) {
    std::vector<config::AdoptJob> jobs;
    for (const auto& v : part.unexpected()) {
        if (v.database.empty()) continue;
        if (!all && !(agent && equal_ignoring_case(*agent, v.agent))) continue;
        if (database && !equal_ignoring_case(*database, v.database)) continue;
        jobs.push_back({v.agent, v.database});
    }
    return jobs;
}

void answer_adopt(const CallPtr& call, const std::string& yaml, const std::optional<std::string>& file, std::int64_t jobs,
                  std::optional<std::uint32_t> owner) {
    JsonWriter w;
    call->reply(w.begin_object().field("yaml", yaml).field("file", file).field("jobs", jobs).field("owner", owner).end_object().take());
}

/// The folder is in another's hands: nothing of it is known but that.
void adopt_folder(deposits::Part& part, const CallPtr& call, const deposits::RefusedFolder& folder, bool write) {
    if (!folder.owner) return call->fail(Error{Errc::invalid, printable(folder.agent) + ": " + folder.why});
    const std::string note = fmt::format("# {}: {}\n", printable(folder.agent), folder.why);
    if (!write) return answer_adopt(call, note, std::nullopt, 0, folder.owner);
    part.accept_owner(folder.agent, *folder.owner, call->caller().text(), [call, note, owner = folder.owner](Result<void> done) {
        done ? answer_adopt(call, note, std::nullopt, 0, owner) : call->fail(done.error());
    });
}

void adopt(DepositsDoor& door, const CallPtr& call) {
    auto* part = part_or_refuse(door, call);
    if (part == nullptr) return;
    auto agent = call->params().string("agent");
    auto database = call->params().string("database");
    auto write = call->params().boolean("write");
    auto all = call->params().boolean("all");
    if (!agent) return call->fail(agent.error());
    if (!database) return call->fail(database.error());
    if (!write) return call->fail(write.error());
    if (!all) return call->fail(all.error());
    if (!*agent && !all->value_or(false)) return call->invalid("agent", "name an agent, or ask for all");
    if (*agent && !*database)
        if (const auto refused = part->refused_folder(**agent)) return adopt_folder(*part, call, *refused, write->value_or(false));
    const auto jobs = chosen(*part, *agent, *database, all->value_or(false));
    if (jobs.empty()) {
        JsonWriter w;
        w.begin_object().field("agent", *agent).field("database", *database).end_object();
        return call->error("io.bkmon.Deposits.NothingUnexpected", w.take());
    }
    const std::string yaml = config::adopt_yaml(jobs);
    const auto count = static_cast<std::int64_t>(jobs.size());
    const auto answer = [call, yaml, count](const std::optional<std::string>& file) { answer_adopt(call, yaml, file, count, std::nullopt); };
    if (!write->value_or(false)) return answer(std::nullopt);
    door.write_jobs(yaml, [call, answer](Result<std::string> file) { file ? answer(*file) : call->fail(file.error()); });
}

void stream_run(runs::RunEngine& runs, const CallPtr& call, const std::string& id) {
    const auto text = [](const runs::Progress& p) {
        JsonWriter w;
        w.begin_object().field("run", p.row.id).field("done", p.row.done).field("total", p.row.total);
        maybe(w, "text", p.text);
        return w.field("final", p.final).end_object().take();
    };
    auto token = std::make_shared<std::shared_ptr<void>>();
    auto followed = runs.follow(id, [call, token, text](const runs::Progress& p) {
        if (!p.final) return call->stream(text(p), true);
        call->reply(text(p));
    });
    if (!followed) {  // over already
        JsonWriter w;
        return call->reply(
            w.begin_object().field("run", id).field("done", 1).field("total", 1).key("text").null().field("final", true).end_object().take());
    }
    *token = std::move(*followed);
    call->on_hangup([token] { token->reset(); });
}

void rescan(DepositsDoor& door, const CallPtr& call) {
    auto* part = part_or_refuse(door, call);
    if (part == nullptr) return;
    auto agent = call->params().string("agent");
    if (!agent) return call->fail(agent.error());
    auto id = part->rescan(agent->value_or(""));
    if (!id) return call->fail(id.error());
    if (call->more()) return stream_run(door.runs, call, *id);
    JsonWriter w;
    call->reply(w.begin_object().field("run", *id).field("done", 0).field("total", 0).key("text").null().field("final", false).end_object().take());
}

void verify(DepositsDoor& door, const CallPtr& call) {
    auto* part = part_or_refuse(door, call);
    if (part == nullptr) return;
    const auto chosen = Selection::read(call->params());
    if (!chosen) return call->fail(chosen.error());
    for (const auto& pattern : chosen->patterns)
        if (!is_known(door.registry, pattern, call->caller())) return refuse_unknown(door.registry, pattern, *call);
    std::string what = chosen->patterns.empty() ? "the vault" : "";
    for (const auto& pattern : chosen->patterns) what += (what.empty() ? "" : " ") + printable(pattern, 80);
    const auto id = part->verify(what.size() > 200 ? fmt::format("{} patterns", chosen->patterns.size()) : what,
                                 [selection = *chosen, caller = call->caller()](const TargetId& target) {
                                     return caller.may_touch(target.str()) && selection.picks_id(target.str());
                                 });
    if (!id) return call->fail(id.error());
    if (call->more()) return stream_run(door.runs, call, *id);
    JsonWriter w;
    call->reply(w.begin_object().field("run", *id).field("done", 0).field("total", 0).key("text").null().field("final", false).end_object().take());
}

struct HeldChoice {
    TargetId target;
    std::string sha256;
};

/// The target and the hash that release and reject name, or the refusal is sent.
std::optional<HeldChoice> held_choice(deposits::Part& part, const CallPtr& call) {
    auto target = call->params().string("target");
    auto sha = call->params().string("sha256");
    if (!target || !*target) return call->invalid("target", "the target's id is needed"), std::nullopt;
    if (!sha || !*sha || !is_sha256(**sha))
        return call->invalid("sha256", "the SHA-256 of the held file is needed, 64 hexadecimal digits"), std::nullopt;
    auto id = TargetId::parse(**target);
    if (!id) return call->invalid("target", id.error().what), std::nullopt;
    // What a limited caller may not touch is not there for him.
    if (!call->caller().may_touch(id->str()) || !part.held_sha256(*id)) {
        JsonWriter w;
        call->error("io.bkmon.Deposits.NotHeld", w.begin_object().field("target", id->str()).end_object().take());
        return std::nullopt;
    }
    return HeldChoice{*id, lower(**sha)};
}

void answer_error(DepositsDoor& door, const CallPtr& call, const TargetId& target, const Error& e) {
    JsonWriter w;
    const auto held = door.part() != nullptr ? door.part()->held_sha256(target) : std::nullopt;
    if (e.code == Errc::invalid && held)
        return call->error("io.bkmon.Deposits.WrongHash", w.begin_object().field("target", target.str()).field("held", *held).end_object().take());
    call->fail(e);
}

void release(DepositsDoor& door, const CallPtr& call) {
    auto* part = part_or_refuse(door, call);
    if (part == nullptr) return;
    const auto choice = held_choice(*part, call);
    if (!choice) return;
    part->release(choice->target, choice->sha256, call->caller().text(), [&door, call, choice](Result<std::string> path) {
        if (!path) return answer_error(door, call, choice->target, path.error());
        JsonWriter w;
        call->reply(w.begin_object().field("file", *path).end_object().take());
    });
}

void reject(DepositsDoor& door, const CallPtr& call) {
    auto* part = part_or_refuse(door, call);
    if (part == nullptr) return;
    const auto choice = held_choice(*part, call);
    if (!choice) return;
    part->reject(choice->target, choice->sha256, call->caller().text(),
                 [&door, call, choice](Result<void> done) { done ? call->reply("{}") : answer_error(door, call, choice->target, done.error()); });
}

void init(DepositsDoor& door, const CallPtr& call) {
    auto* part = part_or_refuse(door, call);
    if (part == nullptr) return;
    part->init([call, vault = part->settings().vault](Result<std::string> id) {
        if (!id) return call->fail(id.error());
        JsonWriter w;
        call->reply(w.begin_object().field("vault", vault).field("marker", *id).end_object().take());
    });
}

}  // namespace

void bind_deposits(Dispatcher& dispatcher, DepositsDoor& door) {
    const auto bind = [&](std::string_view method, void (*handler)(DepositsDoor&, const CallPtr&)) {
        dispatcher.bind(method, [&door, handler](CallPtr call) { handler(door, call); });
    };
    bind("io.bkmon.Deposits.List", list);
    bind("io.bkmon.Deposits.Unexpected", unexpected);
    bind("io.bkmon.Deposits.Adopt", adopt);
    bind("io.bkmon.Deposits.Rescan", rescan);
    bind("io.bkmon.Deposits.Verify", verify);
    bind("io.bkmon.Deposits.Release", release);
    bind("io.bkmon.Deposits.Reject", reject);
    bind("io.bkmon.Deposits.Init", init);
}

}  // namespace bkmon::control
