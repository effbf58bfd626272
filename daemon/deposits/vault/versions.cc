#include "daemon/deposits/vault/versions.h"

#include <algorithm>
#include <charconv>

#include "common/base/text.h"

namespace bkmon::deposits {
namespace {

constexpr std::size_t kLongestPart = 150;

/// "20261122T030405Z"
std::string stamp(Time t) {
    std::string out;
    for (const char c : rfc3339(std::chrono::floor<seconds>(t)))
        if (c != '-' && c != ':') out += c;
    return out;
}

std::string file_part(std::string part) {
    if (!part.empty() && part.front() == '.') part = "%2e" + part.substr(1);
    if (part.size() > kLongestPart) part = part.substr(0, kLongestPart - 17) + "~" + files::Sha256::of(part).substr(0, 16);
    return part;
}

template <class Number>
bool read_number(std::string_view text, Number& out) {
    const auto end = text.data() + text.size();
    return !text.empty() && std::from_chars(text.data(), end, out).ptr == end;
}

}  // namespace

std::string slot_of(const TargetId& target) {
    std::string out;
    for (const auto& part : split(target.key(), '/')) out += (out.empty() ? "" : "/") + file_part(part);
    return out;
}

std::string version_path(const history::HealthyRow& old, const std::vector<history::HealthyRow>& others, const std::string& tx) {
    const std::string path = std::string(disk::kVersions) + "/" + slot_of(old.target) + "/" + stamp(old.backup_at.value_or(old.promoted_at)) + "-" +
                             old.sha256.substr(0, 8);
    const bool taken = std::any_of(others.begin(), others.end(), [&](const auto& row) { return row.vault_path == path; });
    return taken ? path + "-" + tx.substr(0, 8) : path;
}

std::string held_path(const history::HeldRow& held, const std::string& tx) {
    const auto slash = held.final_path.rfind('/');
    std::string file = slash == std::string::npos ? held.final_path : held.final_path.substr(slash + 1);
    if (file.empty()) file = "file";
    return std::string(disk::kHeld) + "/" + slot_of(held.target) + "/" + held.sha256.substr(0, 8) + "-" + tx.substr(0, 8) + "-" + file;
}

std::string keep_setting_name(const TargetId& target) { return "vault_keep/" + target.key(); }

std::string keep_text(const KeepRule& rule) { return std::to_string(rule.keep) + " " + std::to_string(rule.keep_replaced.count()); }

KeepRule keep_from(const std::optional<std::string>& text) {
    KeepRule out;
    if (!text) return out;
    const auto parts = split(*text, ' ');
    int keep = 0;
    std::int64_t ms = 0;
    if (parts.size() == 2 && read_number(parts[0], keep) && read_number(parts[1], ms)) out = {std::max(keep, 1), milliseconds(ms)};
    return out;
}

std::vector<history::HealthyRow> expired_versions(const std::vector<history::HealthyRow>& rows, const KeepRule& rule) {
    std::vector<history::HealthyRow> there, damaged;
    bool has_current = false;
    for (const auto& row : rows) {
        if (row.vault_path.empty()) continue;
        has_current = has_current || (row.current && !row.damaged_at);
        (row.damaged_at ? damaged : there).push_back(row);
    }
    if (!has_current) return {};  // then a replaced one may be the last
    std::sort(there.begin(), there.end(),
              [](const auto& a, const auto& b) { return std::tuple(a.current, a.promoted_at, a.id) > std::tuple(b.current, b.promoted_at, b.id); });
    const auto over = [&](const history::HealthyRow& row) {
        const bool ours = row.vault_path.rfind(std::string(disk::kVersions) + "/", 0) == 0;  // nothing outside .versions is ever removed
        return !row.current && ours && row.replaced_at && row.replaced_uptime >= rule.keep_replaced;
    };
    std::vector<history::HealthyRow> out;
    for (std::size_t i = static_cast<std::size_t>(std::max(rule.keep, 1)); i < there.size(); ++i)
        if (over(there[i])) out.push_back(there[i]);
    for (const auto& row : damaged)
        if (over(row)) out.push_back(row);
    return out;
}

namespace disk {

Result<void> check_current(files::FileOps& ops, const Place& place, const history::HealthyRow& current) {
    auto tree = open_tree(ops, place);
    if (!tree) return fail(std::move(tree.error()));
    const auto doubt = [&](const std::string& why) {
        return fail(Errc::corrupt, "the current backup '" + printable(current.vault_path) + "' of " + current.target.str() + " " + why +
                                       ": its replaced versions stay");
    };
    auto file = ops.open_read(tree->root.get(), current.vault_path);
    if (!file && (file.error().code == Errc::not_found || file.error().code == Errc::denied)) return doubt("is not there");
    if (!file) return fail(std::move(file.error()));
    auto st = ops.stat(file->get());
    if (!st) return fail(std::move(st.error()));
    if (!st->is_regular() || st->size != current.size_bytes) return doubt("has another size than recorded");
    auto marked = ops.attribute(file->get(), kShaAttribute);
    if (marked && *marked != current.sha256) return doubt("is another file");
    if (!marked && marked.error().code != Errc::not_found) return fail(std::move(marked.error()));
    return {};
}

}  // namespace disk
}  // namespace bkmon::deposits
