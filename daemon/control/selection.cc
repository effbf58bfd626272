#include "daemon/control/selection.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/json_writer.h"
#include "common/base/text.h"

namespace bkmon::control {

namespace {

constexpr std::size_t kMostCandidates = 1000;  // comparing with each is quadratic in the names' length

std::string nearest_target(const targets::Registry& registry, const std::string& text, const Caller& caller) {
    const bool whole = text.find('/') != std::string::npos;
    std::vector<std::string> names, ids;
    for (const auto* t : registry.match({}, "")) {
        const auto& id = t->spec.id.str();
        std::string name = whole ? id : id.substr(id.rfind('/') + 1);
        if (name.size() + 2 < text.size() || name.size() > text.size() + 2 || !caller.may_touch(id)) continue;
        names.push_back(std::move(name));
        ids.push_back(id);
        if (names.size() == kMostCandidates) break;
    }
    const auto best = nearest(text, names);
    const auto it = std::find(names.begin(), names.end(), best);
    return best.empty() || it == names.end() ? "" : ids[static_cast<std::size_t>(it - names.begin())];
}

Result<std::vector<core::Status>> read_statuses(const std::string& text) {
    std::vector<core::Status> statuses;
    for (const auto& part : split(text, ',')) {
        const auto status = core::status_of(lower(trim(part)));
        if (!status) return fail(Errc::invalid, fmt::format("'{}' is no status", printable(part, 64)));
        statuses.push_back(*status);
    }
    return statuses;
}

}  // namespace

bool is_literal(std::string_view pattern) { return pattern.find_first_of("*?[") == std::string_view::npos; }

bool means(std::string_view pattern, std::string_view id) {
    if (pattern.find('/') != std::string_view::npos || pattern == "*") return glob_match(pattern, id);
    for (auto slash = id.find('/'); slash != std::string_view::npos;) {
        id.remove_prefix(slash + 1);
        slash = id.find('/');
        if (glob_match(pattern, id.substr(0, slash))) return true;
    }
    return false;
}

Result<Selection> Selection::read(const protocol::Params& params) {
    Selection s;
    auto targets = params.strings("targets");
    if (!targets) {
        return fail(targets.error());
    }
    s.patterns = targets->value_or(std::vector<std::string>{});
    const auto text = [&](const char* name, std::string& into) -> Result<void> {
        auto value = params.string(name);
        if (!value) return fail(value.error());
        into = value->value_or("");
        return {};
    };
    std::string target, status;
    if (auto r = text("target", target); !r) return fail(r.error());
    if (!target.empty()) s.patterns.push_back(std::move(target));
    if (auto r = text("kind", s.kind); !r) return fail(r.error());
    if (auto r = text("mode", s.mode); !r) return fail(r.error());
    if (auto r = text("status", status); !r) return fail(r.error());
    if (!status.empty()) {
        auto statuses = read_statuses(status);
        if (!statuses) return fail(statuses.error());
        s.statuses = std::move(*statuses);
    }
    const auto labels = params.strings("labels");
    if (!labels) return fail(labels.error());
    for (const auto& label : labels->value_or(std::vector<std::string>{})) {
        const auto equals = label.find('=');
        if (equals == std::string::npos || equals == 0) return fail(Errc::invalid, fmt::format("label '{}' is not key=value", printable(label, 64)));
        s.labels.emplace_back(label.substr(0, equals), label.substr(equals + 1));
    }
    const auto problems = params.boolean("problems");
    if (!problems) return fail(problems.error());
    s.problems = problems->value_or(false);
    return s;
}

bool Selection::picks_id(std::string_view id) const {
    if (!kind.empty() && !equal_ignoring_case(id.substr(0, id.find('/')), kind)) return false;
    if (!mode.empty() && !equal_ignoring_case(id.substr(id.rfind('/') + 1), mode)) return false;
    return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) { return means(p, id); });
}

bool Selection::picks_labels(const core::Labels& have) const {
    return std::all_of(labels.begin(), labels.end(), [&](const auto& wanted) {
        const auto it = have.find(wanted.first);
        return it != have.end() && equal_ignoring_case(it->second, wanted.second);
    });
}

bool Selection::picks_status(core::Status status) const {
    if (problems && (core::is_good(status) || status == core::Status::paused)) return false;
    return statuses.empty() || std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

bool is_known(const targets::Registry& registry, const std::string& pattern, const Caller& caller) {
    const auto all = registry.match({}, "");
    return std::any_of(all.begin(), all.end(), [&](const targets::Target* t) {
        const auto& id = t->spec.id.str();
        return means(pattern, id) && caller.may_touch(id);
    });
}

void refuse_unknown(const targets::Registry& registry, const std::string& text, Call& call) {
    const auto near = nearest_target(registry, text, call.caller());
    JsonWriter w;
    w.begin_object().field("target", text).key("nearest");
    near.empty() ? w.null() : w.value(near);
    call.error("io.bkmon.Targets.NoSuchTarget", w.end_object().take());
}

const targets::Target* find_or_refuse(const targets::Registry& registry, const std::string& text, Call& call) {
    if (const auto id = TargetId::parse(text)) {
        const auto* found = registry.find(*id);
        if (found != nullptr && call.caller().may_touch(found->spec.id.str())) return found;
    }
    if (!text.empty() && text.find('/') == std::string::npos && is_literal(text)) {
        const targets::Target* only = nullptr;
        bool several = false;
        for (const auto* t : registry.match({}, "")) {
            if (!means(text, t->spec.id.str()) || !call.caller().may_touch(t->spec.id.str())) continue;
            several = only != nullptr;
            only = t;
            if (several) break;
        }
        if (only != nullptr && !several) return only;
    }
    refuse_unknown(registry, text, call);
    return nullptr;
}

}  // namespace bkmon::control
