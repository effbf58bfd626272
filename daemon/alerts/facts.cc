#include "daemon/alerts/facts.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "common/base/json_writer.h"
#include "common/base/text.h"

namespace bkmon::alerts {

namespace {

using nlohmann::json;

constexpr std::size_t kMostRows = 14, kDeepest = 4;
/// What the mail says elsewhere, or what only who looks further wants to know.
constexpr std::array<std::string_view, 30> kLeftOut{"cycle",
                                                    "rule",
                                                    "clock",
                                                    "arrived_at",
                                                    "backup_at",
                                                    "file",
                                                    "thresholds",
                                                    "report.agent_id",
                                                    "schema",
                                                    "outcome",
                                                    "detail",
                                                    "measured_at",
                                                    "age_s",
                                                    "newest",
                                                    "tries",
                                                    "logins",
                                                    "took_ms",
                                                    "share",
                                                    "content.looked",
                                                    "content.detail",
                                                    "content.bytes_read",
                                                    "content.reading.form",
                                                    "content.reading.why",
                                                    "content.reading.first_bytes",
                                                    "content.reading.times",
                                                    "content.reading.sets",
                                                    "content.reading.part",
                                                    "content.reading.started_at",
                                                    "not_scanned",
                                                    "own_faults"};
constexpr std::string_view kReport = "report.", kSaid = "error_message";

bool left_out(std::string_view path) { return std::find(kLeftOut.begin(), kLeftOut.end(), path) != kLeftOut.end(); }

/// Of a report what went wrong in it; of figures those that there are.
bool worth_a_row(std::string_view path, const json& value) {
    if (value.is_null() || value.is_array() || path.empty() || value == false || value == "" || value == 0) return false;
    return !path.starts_with(kReport) || path.ends_with(kSaid);
}

void put(JsonWriter& w, std::string_view name, const std::optional<Time>& t) { w.field(name, t); }

std::optional<Time> time_in(const json& j, const char* name) {
    const auto at = j.find(name);
    if (at == j.end() || !at->is_string()) return std::nullopt;
    auto t = parse_rfc3339(at->get<std::string>());
    return t ? std::optional(*t) : std::nullopt;
}

/// The scalars of the evidence, "gates.size.median" and its value, as far as a small table has room.
void flatten(const json& j, const std::string& path, std::size_t depth, std::vector<std::pair<std::string, std::string>>& rows) {
    if (rows.size() >= kMostRows || left_out(path)) return;
    if (j.is_object()) {
        if (depth >= kDeepest) return;
        for (const auto& [key, value] : j.items()) flatten(value, path.empty() ? key : path + "." + key, depth + 1, rows);
        return;
    }
    if (!worth_a_row(path, j)) return;
    rows.emplace_back(path, j.is_string() ? j.get<std::string>() : j.dump(-1, ' ', false, json::error_handler_t::replace));
}

json parsed(const std::string& text) { return json::parse(text, nullptr, false); }

void put_pairs(JsonWriter& w, std::string_view name, const std::vector<std::pair<std::string, std::string>>& pairs) {
    w.key(name).begin_array();
    for (const auto& [a, b] : pairs) w.begin_array().value(a).value(b).end_array();
    w.end_array();
}

std::vector<std::pair<std::string, std::string>> pairs_in(const json& j, const char* name) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& pair : j.at(name)) out.emplace_back(pair.at(0).get<std::string>(), pair.at(1).get<std::string>());
    return out;
}

template <class T>
T known(std::optional<T> value, const char* what) {
    if (!value) throw json::other_error::create(501, std::string("unknown ") + what, nullptr);
    return *value;
}

Facts read(const json& j) {
    Facts f;
    auto& t = f.told;
    if (auto id = TargetId::parse(j.at("target").get<std::string>())) t.target = *id;
    t.status = known(core::status_of(j.at("status").get<std::string>()), "status");
    t.before = known(core::status_of(j.at("before").get<std::string>()), "status");
    t.severity = known(core::severity_of(j.at("severity").get<std::string>()), "severity");
    t.reason_code = j.at("reason_code").get<std::string>();
    t.reason = j.at("reason").get<std::string>();
    t.problem_at = time_in(j, "problem_at").value_or(Time{});
    t.last_ok_at = time_in(j, "last_ok_at");
    if (j.at("lasted_ms").is_number()) t.lasted = milliseconds(j.at("lasted_ms").get<std::int64_t>());
    t.due = time_in(j, "due");
    t.backup_at = time_in(j, "backup_at");
    t.file = j.at("file").get<std::string>();
    if (j.at("size_bytes").is_number()) t.size_bytes = j.at("size_bytes").get<std::uint64_t>();
    t.sha256 = j.at("sha256").get<std::string>();
    t.evidence = pairs_in(j, "evidence");
    f.traits = pairs_in(j, "traits");
    return f;
}

}  // namespace

std::string text_of(const Facts& facts) {
    const auto& t = facts.told;
    JsonWriter w;
    w.begin_object().field("target", t.target.str()).field("status", name_of(t.status)).field("before", name_of(t.before));
    w.field("severity", name_of(t.severity)).field("reason_code", t.reason_code).field("reason", t.reason);
    put(w, "problem_at", t.problem_at);
    put(w, "last_ok_at", t.last_ok_at);
    w.key("lasted_ms");
    t.lasted ? w.value(static_cast<std::int64_t>(t.lasted->count())) : w.null();
    put(w, "due", t.due);
    put(w, "backup_at", t.backup_at);
    w.field("file", t.file).field("size_bytes", t.size_bytes).field("sha256", t.sha256);
    put_pairs(w, "evidence", t.evidence);
    put_pairs(w, "traits", facts.traits);
    return w.end_object().take();
}

Result<Facts> facts_of(const std::string& text) {
    try {
        return read(parsed(text));
    } catch (const json::exception& e) {
        return fail(Errc::corrupt, std::string("the facts of a notice cannot be read: ") + e.what());
    }
}

Told told_of(const history::CurrentRow& current) {
    const auto& v = current.verdict;
    Told t;
    t.target = current.target;
    t.status = v.status;
    t.severity = v.severity;
    t.reason_code = v.reason_code;
    t.reason = v.reason;
    t.problem_at = problem_time(v);
    t.last_ok_at = current.last_ok_at;
    t.due = v.due;
    t.backup_at = v.backup_at;
    t.file = v.file;
    t.size_bytes = v.size_bytes;
    t.sha256 = v.sha256;
    const auto evidence = parsed(v.evidence);
    if (evidence.is_object()) flatten(evidence, "", 0, t.evidence);
    return t;
}

Time problem_time(const core::Verdict& v) {
    const bool did_not_come = v.status == core::Status::missing || v.reason_code == "never_finished" || v.reason_code == "no_file";
    if (!v.due || !did_not_come) return v.at;
    const auto evidence = parsed(v.evidence);
    if (!evidence.is_object() || !evidence.contains("cycle") || !evidence["cycle"].is_object()) return v.at;
    const auto deadline = time_in(evidence["cycle"], "deadline");
    return deadline && *deadline <= v.at ? *deadline : v.at;
}

Traits traits_of(const TargetId& target, const core::Labels& labels) {
    Traits traits;
    if (target.kind() == "deposit") {
        const auto parts = split(target.str(), '/');
        if (parts.size() > 1) traits.emplace_back("agent", parts[1]);
    }
    for (const auto& [name, value] : labels) traits.emplace_back(name, value);
    // Last: every outlet has one, so that it explains little where anything else does.
    if (const auto mode = mode_of(target); !mode.empty()) traits.emplace_back("mode", mode);
    return traits;
}

std::string mode_of(const TargetId& target) {
    if (target.kind() != "outlet") return {};
    const auto parts = split(target.str(), '/');
    return parts.size() > 2 ? parts[2] : std::string();
}

std::string subnet_of(const std::string& address) {
    std::array<unsigned char, 16> bytes{};
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool four = ::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1;
    if (!four && ::inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) return {};
    std::fill(bytes.begin() + (four ? 3 : 8), bytes.end(), static_cast<unsigned char>(0));
    ::inet_ntop(four ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
    return std::string(text.data()) + (four ? "/24" : "/64");
}

Traits causes_of(const core::Verdict& v) {
    constexpr std::array<std::string_view, 3> kRefused{"login_refused", "account_locked", "password_expired"};
    constexpr std::array<std::string_view, 4> kShare{"no_share", "no_folder", "no_drive", "access_denied"};
    constexpr std::array<std::string_view, 4> kNetwork{"timeout", "refused", "unreachable", "reset"};
    const auto is_of = [&](const auto& codes) { return std::find(codes.begin(), codes.end(), v.reason_code) != codes.end(); };
    if (!is_of(kRefused) && !is_of(kShare) && !is_of(kNetwork)) return {};
    const auto evidence = parsed(v.evidence);
    if (!evidence.is_object()) return {};
    const auto text = [&](const char* name) {
        const auto at = evidence.find(name);
        return at != evidence.end() && at->is_string() ? at->get<std::string>() : std::string();
    };
    Traits causes;
    const auto add = [&](const char* trait, std::string value) {
        if (!value.empty()) causes.emplace_back(trait, std::move(value));
    };
    if (is_of(kRefused)) add("credential", text("credential"));
    if (is_of(kShare)) {
        auto share = text("share");
        const auto shares = evidence.find("shares");
        if (share.empty() && shares != evidence.end() && shares->is_array())
            for (const auto& one : *shares)
                if (one.is_string()) share += (share.empty() ? "" : ", ") + one.get<std::string>();
        add("share", std::move(share));
    }
    if (is_of(kNetwork)) add("subnet", subnet_of(text("address")));
    return causes;
}

}  // namespace bkmon::alerts
