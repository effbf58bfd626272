#include <fmt/format.h>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "ctl/commands/command.h"
#include "ctl/commands/status_reply.h"
#include "ctl/commands/times.h"
#include "ctl/render/json.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

using protocol::Params;

struct Parts {
    Params target, verdict;
    std::string evidence, advice;
    std::vector<Params> recent, vault;
};

Parts parts_of(const Params& reply) {
    return {reply.object("target").value_or(Params()),
            reply.object("verdict").value_or(Params()),
            reply.dump("evidence"),
            text_of(reply, "advice"),
            reply.objects("recent"),
            reply.objects("vault")};
}

/// The verdict with its evidence as one object; what else bkmond says stands beside it.
std::string document(const Parts& parts) {
    JsonWriter writer;
    writer.begin_object();
    for (const std::string& name : parts.verdict.names()) writer.key(name).raw(parts.verdict.dump(name));
    writer.key("evidence").raw(parts.evidence == "null" ? "{}" : parts.evidence).field("advice", parts.advice);
    return writer.key("current")
        .raw(parts.target.dump())
        .key("recent")
        .raw(array_json(parts.recent))
        .key("vault")
        .raw(array_json(parts.vault))
        .end_object()
        .take();
}

std::string paragraph(const std::string& text, std::size_t indent, std::size_t width) {
    std::string out;
    for (const std::string& line : wrap(shown(text), width > indent + 20 ? width - indent : 0)) out += std::string(indent, ' ') + line + "\n";
    return out;
}

std::string heading(const Terminal& terminal, std::string_view text) { return "\n" + paint(terminal, Tone::strong, text) + "\n"; }

/// What is known, as pairs; only what there is.
std::string facts(const Parts& parts, Time now, std::size_t width) {
    JsonWriter writer;
    writer.begin_object();
    const auto copy = [&](const Params& from, std::string_view name, std::string_view as) {
        const std::string value = from.dump(name);
        if (value != "null" && value != "\"\"" && value != "{}") writer.key(as).raw(value);
    };
    copy(parts.verdict, "at", "judged");
    copy(parts.verdict, "due_at", "due");
    copy(parts.verdict, "backup_at", "backup made");
    copy(parts.target, "last_ok_at", "last proof");
    copy(parts.target, "running_since", "running since");
    copy(parts.verdict, "file", "file");
    copy(parts.verdict, "size_bytes", "size_bytes");
    copy(parts.verdict, "sha256", "sha256");
    copy(parts.verdict, "run", "run");
    copy(parts.verdict, "duration", "duration");
    copy(parts.target, "paused_by", "paused by");
    copy(parts.target, "paused_reason", "paused because");
    copy(parts.target, "paused_until", "paused until");
    copy(parts.target, "silenced", "silenced");
    copy(parts.target, "labels", "labels");
    std::string text = json_tree(writer.end_object().str(), now, width);
    const auto at = text.find("  size bytes");
    return at == std::string::npos ? text : text.replace(at, 12, "  size      ");
}

/// What the file itself says: each answer behind how sure it is, and under it the fields it rests on, whole.
std::string claims_text(const Terminal& terminal, const std::vector<Params>& claims) {
    std::string out;
    for (const Params& claim : claims) {
        const std::string sure = shown(text_of(claim, "sure"), 16);
        const Tone tone = sure == "proven" ? Tone::good : sure == "likely" ? Tone::notice : Tone::unknown;
        std::string text = paragraph(text_of(claim, "question") + ": " + text_of(claim, "answer"), 11, terminal.width);
        text.replace(2, std::min<std::size_t>(sure.size(), 8), paint(terminal, tone, sure.substr(0, 8)));
        out += text;
        for (const std::string& line : split(paragraph(text_of(claim, "rests_on"), 11, terminal.width), '\n'))
            if (!line.empty()) out += paint(terminal, Tone::dim, line) + "\n";
    }
    return out;
}

/// The evidence without the object that holds claims, whose answers they repeat; these are taken out.
std::string lift_claims(const Params& evidence, std::vector<Params>& claims) {
    JsonWriter writer;
    writer.begin_object();
    for (const std::string& name : evidence.names()) {
        const auto inner = evidence.object(name);
        auto found = inner ? inner->objects("claims") : std::vector<Params>();
        if (!found.empty())
            claims = std::move(found);
        else
            writer.key(name).raw(inner ? lift_claims(*inner, claims) : evidence.dump(name));
    }
    return writer.end_object().take();
}

std::string evidence_text(const Terminal& terminal, const std::string& json, Time now) {
    const auto evidence = Params::parse(json);
    std::vector<Params> claims;
    const std::string tree = json_tree(evidence ? lift_claims(*evidence, claims) : json, now, terminal.width);
    std::string out;
    if (!claims.empty()) out += heading(terminal, "what the file says of itself") + claims_text(terminal, claims);
    if (!tree.empty()) out += heading(terminal, "evidence") + tree;
    return out;
}

std::string recent_table(const Terminal& terminal, const std::vector<Params>& recent) {
    Table table({{""}, {"WHEN"}, {"STATUS"}, {"REASON", false, true, false, 24}});
    for (const Params& verdict : recent) {
        const std::string status = text_of(verdict, "status");
        table.add({{""}, {time_cell(verdict, "at")}, {status, tone_of(status, text_of(verdict, "severity"))}, {text_of(verdict, "reason")}});
    }
    return table.text(terminal, false);
}

std::string vault_table(const Terminal& terminal, const std::vector<Params>& files) {
    Table table({{""}, {"KIND"}, {"FILE", false, true, true, 24}, {"SIZE", true}, {"LAST READ"}, {"STATE", false, true, false, 16}});
    for (const Params& file : files) {
        const std::string damage = text_of(file, "damage");
        const bool bad = !text_of(file, "damaged_at").empty();
        table.add({{""},
                   {text_of(file, "kind")},
                   {text_of(file, "path")},
                   {size_cell(file, "size_bytes")},
                   {time_cell(file, "read_at")},
                   {bad ? "damaged: " + damage : "whole", bad ? Tone::critical : Tone::plain}});
    }
    return table.text(terminal, false);
}

/// "outlet/SHOP1/d-drive": look at it again now.
std::optional<std::string> outlet_step(const std::string& id) {
    const auto parts = split(shown(id), '/');
    if (parts.size() != 3 || parts[0] != "outlet" || id.find('%') != std::string::npos) return std::nullopt;
    return fmt::format("bkmonctl outlets scan --mode {} --outlet {}", shell_word(parts[2]), shell_word(parts[1]));
}

/// Commands that lead on from here.
std::vector<std::string> next_steps(const Parts& parts) {
    const std::string raw = text_of(parts.target, "id");
    const std::string id = shell_word(shown(raw));
    const std::string status = text_of(parts.target, "status");
    const std::string code = text_of(parts.target, "reason_code");
    const bool deposit = raw.rfind("deposit/", 0) == 0;
    std::vector<std::string> steps;
    if (status == "held" && deposit) {
        const std::string sha = text_of(text_of(parts.target, "sha256").empty() ? parts.verdict : parts.target, "sha256");
        const std::string hash = is_sha256(sha) ? sha : "HASH";
        steps.push_back(fmt::format("bkmonctl deposits release {} --sha256 {}", id, hash));
        steps.push_back(fmt::format("bkmonctl deposits reject {} --sha256 {}", id, hash));
    }
    if (code == "unexpected_agents") steps.emplace_back("bkmonctl deposits unexpected");
    if (status == "paused") steps.push_back("bkmonctl resume " + id);
    if (const auto outlet = outlet_step(raw)) steps.push_back(*outlet);
    if (deposit && (status == "missing" || status == "late")) steps.push_back("bkmonctl deposits list " + id);
    if (code.rfind("vault_", 0) == 0 && deposit && code != "vault_unavailable" && code != "vault_conflict")
        steps.push_back("bkmonctl deposits verify " + id);
    steps.push_back("bkmonctl history " + id);
    return steps;
}

std::string for_people(const Session& session, const Parts& parts, bool past) {
    const Terminal& terminal = session.terminal();
    const Time now = session.now();
    const std::string status = text_of(parts.verdict, "status");
    const std::string severity = text_of(parts.verdict, "severity");
    const std::string id = text_of(parts.target, "id");
    std::string out = paint(terminal, Tone::strong, shown(id)) + " is " + paint(terminal, tone_of(status, severity), shown(status));
    if (past) {
        const auto at = time_of(parts.verdict, "at");
        out.replace(out.find(" is "), 4, " was ");
        out += fmt::format(" ({})", shown(severity)) + (at ? " at " + local_time(*at) + " " + zone_name(*at) : "");
    } else {
        const auto since = time_of(parts.target, "since");
        out += fmt::format(" ({})", shown(severity)) + (since ? " since " + age(*since, now) : "");
    }
    out += "\n" + paragraph(text_of(parts.verdict, "reason"), 2, terminal.width) + "\n";
    out += facts(parts, now, terminal.width);
    const std::string code = text_of(parts.verdict, "reason_code");
    if (!parts.advice.empty()) out += heading(terminal, "what it means (" + shown(code) + ")") + paragraph(parts.advice, 2, terminal.width);
    out += evidence_text(terminal, parts.evidence, now);
    if (!parts.recent.empty()) out += heading(terminal, "recent verdicts") + recent_table(terminal, parts.recent);
    if (!parts.vault.empty()) out += heading(terminal, "in the vault") + vault_table(terminal, parts.vault);
    if (!session.globals().legend) return out;
    out += heading(terminal, "next");
    for (const std::string& step : next_steps(parts)) out += "  " + step + "\n";
    return out;
}

constexpr std::size_t kMostNamed = 10;

/// The one target that is meant; a glob must match no more.
Outcome<std::string> one_target(const Session& session, const std::string& text) {
    if (text.find_first_of("*?[") == std::string::npos) return text;
    JsonWriter writer;
    writer.begin_object().key("targets").begin_array().value(text).end_array();
    const auto reply = ask_status(session, writer.end_object().take());
    if (!reply) return Refusal(reply.error());
    const auto& targets = reply->targets;
    if (targets.size() == 1) return text_of(targets.front(), "id");
    if (targets.empty()) return refuse(kNoSuchObject, "no_such_target", fmt::format("no target matches '{}'", text));
    std::string names;
    for (std::size_t i = 0; i < targets.size() && i < kMostNamed; ++i) names += (i == 0 ? "" : ", ") + text_of(targets[i], "id");
    if (targets.size() > kMostNamed) names += ", …";
    return refuse(kNoSuchObject, "no_such_target", fmt::format("'{}' matches {} targets, name one: {}", text, targets.size(), names));
}

}  // namespace

int run_explain(Session& session, const Arguments& arguments) {
    const auto target = one_target(session, arguments.one("target"));
    if (!target) return session.fail(target.error());
    JsonWriter writer;
    writer.begin_object().field("target", *target);
    if (const auto as_of = arguments.maybe("--as-of")) {
        // A plain day goes as it is: bkmond knows in which zone the target's days are.
        const bool day = as_of->size() == 10 && (*as_of)[4] == '-' && (*as_of)[7] == '-';
        const auto moment = read_moment("--as-of", *as_of, Direction::back, session.now());
        if (!moment) return session.fail(moment.error());
        writer.field("as_of", day ? *as_of : rfc3339(*moment));
    }
    const auto reply = session.call("io.bkmon.Targets.Explain", writer.end_object().str());
    if (!reply) return session.fail(reply.error());
    const Parts parts = parts_of(*reply);
    if (session.json()) return session.print_json(document(parts));
    session.print(for_people(session, parts, arguments.has("--as-of")));
    return kDone;
}

}  // namespace bkmon::ctl
