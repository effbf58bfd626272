#include "daemon/core/verdict_json.h"

#include <fmt/format.h>

#include <charconv>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "daemon/core/json_tree.h"

namespace bkmon::core {
namespace {

constexpr JsonLimits kLimits{.bytes = std::size_t{16} << 20, .depth = 32, .nodes = 1000000};

void write(JsonWriter& w, std::string_view name, const std::string& text) {
    w.key(name);
    if (valid_utf8(text)) {
        w.value(text);
        return;
    }
    std::string hex;
    for (const char c : text) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
    w.begin_object().field("hex", hex).end_object();
}

void write(JsonWriter& w, std::string_view name, const std::optional<Time>& t) {
    w.key(name);
    t ? w.value(to_ms(*t)) : w.null();
}

/// Takes members out of the object; the first that is not as it should be is kept in `problem`.
class Reader {
public:
    explicit Reader(const JsonNode& object) : object_(object) {}
    std::string problem;

    std::string text(std::string_view name) {
        const auto* n = member(name);
        if (!n) return {};
        if (n->kind == JsonNode::Kind::text) return n->text;
        const auto* hex = n->find("hex");
        if (hex && hex->kind == JsonNode::Kind::text && hex->text.size() % 2 == 0) return from_hex(name, hex->text);
        return bad(name);
    }
    template <class N>
    std::optional<N> number(std::string_view name) {
        const auto* n = member(name);
        if (!n || n->kind == JsonNode::Kind::null) return {};
        N value{};
        const auto* end = n->text.data() + n->text.size();
        if (n->kind == JsonNode::Kind::number)
            if (const auto [stop, error] = std::from_chars(n->text.data(), end, value); error == std::errc() && stop == end) return value;
        bad(name);
        return {};
    }
    std::optional<Time> time(std::string_view name) {
        const auto ms = number<std::int64_t>(name);
        return ms ? std::optional(from_ms(*ms)) : std::nullopt;
    }
    std::string bad(std::string_view name) {
        if (problem.empty()) problem = fmt::format("{}: not as a verdict has it", name);
        return {};
    }

private:
    const JsonNode* member(std::string_view name) {
        const auto* n = object_.find(name);
        if (!n) bad(name);
        return n;
    }
    std::string from_hex(std::string_view name, const std::string& hex) {
        std::string out;
        for (std::size_t i = 0; i < hex.size(); i += 2) {
            unsigned char byte = 0;
            const auto [stop, error] = std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
            if (error != std::errc() || stop != hex.data() + i + 2) return bad(name);
            out += static_cast<char>(byte);
        }
        return out;
    }
    const JsonNode& object_;
};

}  // namespace

std::string to_json(const Verdict& v) {
    JsonWriter w;
    w.begin_object().field("status", name_of(v.status)).field("severity", name_of(v.severity));
    write(w, "reason_code", v.reason_code);
    write(w, "reason", v.reason);
    w.field("at_ms", to_ms(v.at));
    write(w, "due_ms", v.due);
    write(w, "backup_at_ms", v.backup_at);
    write(w, "file", v.file);
    w.field("size_bytes", v.size_bytes);
    write(w, "sha256", v.sha256);
    write(w, "run", v.run);
    w.key("duration_ms");
    v.duration ? w.value(std::int64_t{v.duration->count()}) : w.null();
    if (!v.place.empty()) write(w, "place", v.place);  // younger than what was written before: absent is empty
    write(w, "evidence", v.evidence);  // as a text: what comes back is the same to the byte
    return w.end_object().take();
}

Result<Verdict> verdict_from_json(std::string_view text) {
    auto tree = parse_json(text, kLimits);
    if (!tree) return fail(in("verdict", std::move(tree.error())));
    if (tree->kind != JsonNode::Kind::object) return fail(Errc::invalid, "verdict: not an object");
    Reader r(*tree);
    Verdict v;
    const auto status = status_of(r.text("status"));
    const auto severity = severity_of(r.text("severity"));
    if (!status) r.bad("status");
    if (!severity) r.bad("severity");
    v.reason_code = r.text("reason_code");
    v.reason = r.text("reason");
    const auto at = r.time("at_ms");
    if (!at) r.bad("at_ms");
    v.due = r.time("due_ms");
    v.backup_at = r.time("backup_at_ms");
    v.file = r.text("file");
    v.size_bytes = r.number<std::uint64_t>("size_bytes");
    v.sha256 = r.text("sha256");
    v.run = r.text("run");
    const auto duration = r.number<std::int64_t>("duration_ms");
    if (duration) v.duration = milliseconds(*duration);
    if (tree->find("place") != nullptr) v.place = r.text("place");
    v.evidence = r.text("evidence");
    // Not parsed: a recovery must not fail over evidence that some rule wrote badly.
    if (!v.evidence.starts_with('{') || !v.evidence.ends_with('}')) r.bad("evidence");
    if (!r.problem.empty()) return fail(Errc::invalid, "verdict: " + r.problem);
    v.status = *status;
    v.severity = *severity;
    v.at = *at;
    return v;
}

}  // namespace bkmon::core
