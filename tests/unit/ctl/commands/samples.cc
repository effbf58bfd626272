#include "tests/unit/ctl/commands/samples.h"

#include <fmt/format.h>

#include <map>

#include "common/base/json_writer.h"

namespace bkmon::test {

std::string target_json(const Sample& s) {
    JsonWriter w;
    const auto text_or_null = [&](std::string_view name, const std::string& text) { text.empty() ? w.key(name).null() : w.field(name, text); };
    w.begin_object().field("id", s.id).field("kind", s.id.substr(0, s.id.find('/'))).field("status", s.status).field("severity", s.severity);
    w.field("reason_code", s.reason_code).field("reason", s.reason);
    text_or_null("since", s.since);
    w.field("judged_at", "2026-11-22T03:00:00Z");
    text_or_null("last_ok_at", s.last_ok_at);
    w.key("running_since").null().key("due_at").null().key("backup_at").null().key("file").null().key("size_bytes").raw(s.size);
    text_or_null("sha256", s.sha256);
    w.key("labels").raw("{\"city\":\"douala\"}").key("paused_by").null().key("paused_reason").null().key("paused_until").null();
    text_or_null("silenced", s.silenced);
    return w.end_object().take();
}

std::string status_page(const std::vector<Sample>& samples, const std::vector<std::string>& degraded, const std::vector<std::string>& stale) {
    std::map<std::string, int> counts{{"ok", 0},     {"unchanged", 0}, {"warning", 0},     {"held", 0},    {"late", 0},  {"missing", 0},
                                      {"failed", 0}, {"corrupt", 0},   {"unreachable", 0}, {"unknown", 0}, {"paused", 0}};
    for (const Sample& sample : samples) ++counts[sample.status];
    JsonWriter w;
    w.begin_object().field("as_of", "2026-11-22T03:04:05Z").field("site", "main").key("counts").begin_object();
    for (const auto& [status, n] : counts) w.field(status, n);
    w.end_object().field("total", static_cast<std::uint64_t>(samples.size())).key("targets").begin_array();
    for (const Sample& sample : samples) w.raw(target_json(sample));
    w.end_array().key("degraded").begin_array();
    for (const std::string& what : degraded) w.value(what);
    w.end_array().key("stale").begin_array();
    for (const std::string& what : stale) w.value(what);
    return w.end_array().end_object().take();
}

std::vector<Sample> healthy(int n) {
    std::vector<Sample> out;
    for (int i = 0; i < n; ++i) {
        out.push_back({fmt::format("deposit/agent_{:03}/db", i), "ok", "OK", "2026-11-01T00:00:00Z", "promoted", "promoted",
                       fmt::format("2026-11-21T{:02}:00:00Z", 20 - i % 10)});
    }
    return out;
}

}  // namespace bkmon::test
