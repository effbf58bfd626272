#include "daemon/outlets/shortfall.h"

#include <fmt/format.h>

#include <vector>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "daemon/core/json_tree.h"

namespace bkmon::outlets {
namespace {

using ByMode = std::map<std::string, std::string>;
constexpr std::string_view kNotScanned = "not_scanned", kOwnFaults = "own_faults";

void write(JsonWriter& w, std::string_view key, const ByMode& modes) {
    w.key(key).begin_object();
    for (const auto& [mode, what] : modes) w.field(mode, what);
    w.end_object();
}

ByMode read(const core::JsonNode& all, std::string_view key) {
    ByMode modes;
    const auto* node = all.find(key);
    for (std::size_t i = 0; node != nullptr && i < node->keys.size(); ++i)
        if (node->items[i].kind == core::JsonNode::Kind::text) modes[node->keys[i]] = node->items[i].text;
    return modes;
}

}  // namespace

void Shortfall::forget(const std::function<bool(const std::string& mode)>& gone) {
    for (auto* modes : {&not_scanned_, &own_faults_}) std::erase_if(*modes, [&](const auto& entry) { return gone(entry.first); });
}

std::string Shortfall::sentence() const {
    std::vector<std::string> all;
    for (const auto& [mode, why] : not_scanned_) all.push_back(fmt::format("not scanned: {}: {}", printable(mode, 64), why));
    for (const auto& [mode, what] : own_faults_) all.push_back(fmt::format("{}: bkmon itself could not look at {}", printable(mode, 64), what));
    return fmt::format("{}", fmt::join(all, "; "));
}

std::string Shortfall::evidence() const {
    JsonWriter w;
    w.begin_object();
    write(w, kNotScanned, not_scanned_);
    write(w, kOwnFaults, own_faults_);
    return w.end_object().take();
}

Shortfall Shortfall::from(std::string_view evidence) {
    Shortfall it;
    const auto all = core::parse_json(evidence);
    if (!all) return it;
    it.not_scanned_ = read(*all, kNotScanned);
    it.own_faults_ = read(*all, kOwnFaults);
    return it;
}

}  // namespace bkmon::outlets
