#include "daemon/deposits/vault/done_record.h"

#include <nlohmann/json.hpp>

#include "common/base/json_writer.h"
#include "daemon/core/verdict_json.h"

namespace bkmon::deposits {
namespace {

using nlohmann::json;

std::optional<std::int64_t> ms(const std::optional<Time>& t) { return t ? std::optional(to_ms(*t)) : std::nullopt; }

void write_healthy(JsonWriter& w, const history::HealthyRow& row) {
    w.begin_object().field("target", row.target.str()).field("sha256", row.sha256).field("size_bytes", row.size_bytes);
    w.field("content_bytes", row.content_bytes).field("backup_ms", ms(row.backup_at)).field("was_empty", row.was_empty).end_object();
}

void write_held(JsonWriter& w, const history::HeldRow& row) {
    w.begin_object().field("target", row.target.str()).field("sha256", row.sha256).field("size_bytes", row.size_bytes).field("path", row.path);
    w.field("final_path", row.final_path).field("held_ms", to_ms(row.held_at)).field("backup_ms", ms(row.backup_at));
    w.field("reason_code", row.reason_code).field("reason", row.reason).field("verdict", row.verdict_json).end_object();
}

std::optional<Time> time_in(const json& j, const char* name) {
    const auto& value = j.at(name);
    return value.is_null() ? std::nullopt : std::optional(from_ms(value.get<std::int64_t>()));
}

TargetId target_in(const json& j) {
    auto id = TargetId::parse(j.at("target").get<std::string>());
    return id ? *id : TargetId();
}

history::HealthyRow read_healthy(const json& j) {
    history::HealthyRow row;
    row.target = target_in(j);
    row.sha256 = j.at("sha256").get<std::string>();
    row.size_bytes = j.at("size_bytes").get<std::uint64_t>();
    row.content_bytes = j.at("content_bytes").get<std::uint64_t>();
    row.backup_at = time_in(j, "backup_ms");
    row.was_empty = j.at("was_empty").get<bool>();
    return row;
}

history::HeldRow read_held(const json& j) {
    history::HeldRow row;
    row.target = target_in(j);
    row.sha256 = j.at("sha256").get<std::string>();
    row.size_bytes = j.at("size_bytes").get<std::uint64_t>();
    row.path = j.at("path").get<std::string>();
    row.final_path = j.at("final_path").get<std::string>();
    row.held_at = from_ms(j.at("held_ms").get<std::int64_t>());
    row.backup_at = time_in(j, "backup_ms");
    row.reason_code = j.at("reason_code").get<std::string>();
    row.reason = j.at("reason").get<std::string>();
    row.verdict_json = j.at("verdict").get<std::string>();
    return row;
}

Result<DoneRecord> read(const json& j) {
    auto verdict = core::verdict_from_json(j.at("verdict").dump(-1, ' ', false, json::error_handler_t::replace));
    if (!verdict) return fail(std::move(verdict.error()));
    DoneRecord out;
    out.verdict = std::move(*verdict);
    out.date = j.at("date").get<std::string>();
    out.current = j.at("current").get<bool>();
    if (!j.at("healthy").is_null()) out.healthy = read_healthy(j.at("healthy"));
    if (!j.at("held").is_null()) out.held = read_held(j.at("held"));
    out.keep = j.at("keep").get<int>();
    out.keep_replaced = milliseconds(j.at("keep_replaced_ms").get<std::int64_t>());
    out.old_to = j.at("old_to").get<std::string>();
    return out;
}

}  // namespace

std::string to_json(const DoneRecord& r) {
    JsonWriter w;
    w.begin_object();
    w.key("verdict").raw(core::to_json(r.verdict));
    w.field("date", r.date).field("current", r.current);
    w.key("healthy");
    if (r.healthy)
        write_healthy(w, *r.healthy);
    else
        w.null();
    w.key("held");
    if (r.held)
        write_held(w, *r.held);
    else
        w.null();
    w.field("keep", r.keep).field("keep_replaced_ms", std::int64_t{r.keep_replaced.count()}).field("old_to", r.old_to).end_object();
    return w.take();
}

Result<DoneRecord> done_record_from_json(const std::string& text) {
    try {
        return read(json::parse(text));
    } catch (const json::exception& e) {
        return fail(Errc::invalid, std::string("what was to be published cannot be read: ") + e.what());
    }
}

}  // namespace bkmon::deposits
