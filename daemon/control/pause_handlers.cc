#include <fmt/format.h>

#include <algorithm>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "daemon/control/moments.h"
#include "daemon/control/selection.h"
#include "daemon/control/targets_handlers.h"

namespace bkmon::control {

namespace {

constexpr std::size_t kAtOnce = 100;  // changes under way in the history
constexpr std::size_t kMostReason = 500;

using Change = std::function<void(const TargetId&, std::function<void(Result<void>)>)>;

/// Changes many targets, some at a time, then answers with those that were changed. The first failure ends it and says how far it came.
class Changes : public std::enable_shared_from_this<Changes> {
public:
    Changes(CallPtr call, std::string_view member, std::vector<TargetId> ids, Change change)
        : call_(std::move(call)), member_(member), ids_(std::move(ids)), change_(std::move(change)) {}

    void step() {
        while (!failed_ && next_ < ids_.size() && under_way_ < kAtOnce) {
            ++under_way_;
            const auto i = next_++;
            change_(ids_[i], [self = shared_from_this(), i](Result<void> done) { self->changed(i, std::move(done)); });
        }
        if (under_way_ == 0) answer();
    }

private:
    void changed(std::size_t i, Result<void> done) {
        --under_way_;
        if (done)
            changed_.push_back(ids_[i].str());
        else if (!failed_ && done.error().code != Errc::not_found)  // it left the configuration meanwhile
            failed_ = in(ids_[i].str(), std::move(done.error()));
        step();
    }

    void answer() {
        if (failed_) {
            if (!changed_.empty())
                failed_->what = fmt::format("{} of {} targets were changed, then: {}", changed_.size(), ids_.size(), failed_->what);
            return call_->fail(*failed_);
        }
        std::sort(changed_.begin(), changed_.end());
        JsonWriter w;
        w.begin_object().key(member_).begin_array();
        for (const auto& id : changed_) w.value(id);
        call_->reply(w.end_array().end_object().take());
    }

    const CallPtr call_;
    const std::string member_;
    const std::vector<TargetId> ids_;
    const Change change_;
    std::size_t next_ = 0, under_way_ = 0;
    std::vector<std::string> changed_;
    std::optional<Error> failed_;
};

/// The targets that are meant, as far as the caller may touch them; empty when the call was refused.
std::vector<const targets::Target*> meant(ControlParts& parts, Call& call) {
    const auto name = call.params().string("target");
    if (!name || !*name || (*name)->empty()) {
        call.invalid("target", "a target's id or a glob of ids is needed");
        return {};
    }
    if (is_literal(**name)) {
        const auto* one = find_or_refuse(parts.registry, **name, call);
        return one != nullptr ? std::vector{one} : std::vector<const targets::Target*>{};
    }
    auto all = parts.registry.match({**name}, "");
    std::erase_if(all, [&](const targets::Target* t) { return !call.caller().may_touch(t->spec.id.str()); });
    if (all.empty()) refuse_unknown(parts.registry, **name, call);
    return all;
}

}  // namespace

void handle_pause(ControlParts& parts, const CallPtr& call) {
    const auto given = call->params().string("reason");
    const std::string reason = given && *given ? trim(**given) : "";
    if (reason.empty() || reason.size() > kMostReason) return call->invalid("reason", "say why, in at most 500 bytes: others will read it");
    const auto until = call->params().string("until");
    if (!until) return call->invalid("until", until.error().what);
    history::PauseRow row;
    row.reason = reason;
    row.by = fmt::format("{} (uid {})", printable(call->caller().user, 64), call->caller().uid);
    row.since = parts.loop.clock().now();
    if (*until && !(*until)->empty()) {
        const auto moment = parse_moment(**until, parts.settings().timezone, row.since, Sense::until);
        if (!moment) return call->invalid("until", moment.error().what);
        if (*moment <= row.since) return call->invalid("until", fmt::format("{} has passed already", rfc3339(*moment)));
        row.until = *moment;
    }
    std::vector<TargetId> ids;
    for (const auto* target : meant(parts, *call)) ids.push_back(target->spec.id);
    if (ids.empty()) return;  // answered
    const auto pause = [&parts, row](const TargetId& id, std::function<void(Result<void>)> done) {
        auto one = row;
        one.target = id;
        parts.registry.pause(std::move(one), std::move(done));
    };
    std::make_shared<Changes>(call, "paused", std::move(ids), pause)->step();
}

void handle_resume(ControlParts& parts, const CallPtr& call) {
    const auto all = meant(parts, *call);
    if (all.empty()) return;  // answered
    std::vector<TargetId> ids;
    for (const auto* target : all)
        if (target->pause) ids.push_back(target->spec.id);
    const auto by = fmt::format("{} (uid {})", call->caller().user, call->caller().uid);
    const auto resume = [&parts, by](const TargetId& id, std::function<void(Result<void>)> done) { parts.registry.resume(id, by, std::move(done)); };
    std::make_shared<Changes>(call, "resumed", std::move(ids), resume)->step();
}

}  // namespace bkmon::control
