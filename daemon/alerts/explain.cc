// What is known about a target's alerts, and what hides them.
#include <algorithm>

#include "common/base/text.h"
#include "daemon/alerts/part_impl.h"

namespace bkmon::alerts {

void Part::Impl::silences_changed() {
    auto all = options.alerts.silences;
    std::erase_if(asked, [&](const core::Silence& s) { return s.until && *s.until <= now(); });
    all.insert(all.end(), asked.begin(), asked.end());
    silences = Silences(std::move(all));
    if (!started) return;
    rooms.store.write(
        [at = now()](history::Session& s) -> Result<void> {
            auto touched = s.touch_incidents(std::nullopt, at);
            return touched ? Result<void>() : Result<void>(fail(std::move(touched.error())));
        },
        [weak = weak_from_this()](Result<void>) {
            if (const auto self = weak.lock()) self->want(Step::tick);
        });
}

std::string Part::silenced(const TargetId& target) const {
    const auto subject = impl_->subject_of(target);
    const auto at = impl_->now();
    const auto cover = impl_->silences.covering(target, subject.labels, at);
    return cover ? silence_text(*cover->silence, cover->until, at, impl_->options.timezone) : std::string();
}

void Part::silences(bool all, std::function<void(Result<std::vector<core::Silence>>)> done) {
    auto list = std::make_shared<std::vector<core::Silence>>();
    impl_->rooms.store.read(
        [list, all, at = impl_->now(), own = impl_->options.alerts.silences](history::Reader& r) -> Result<void> {
            auto stored = r.silences();
            if (!stored) return fail(std::move(stored.error()));
            *list = own;
            list->insert(list->end(), stored->begin(), stored->end());
            if (!all) std::erase_if(*list, [&](const core::Silence& s) { return s.until && *s.until <= at; });
            return {};
        },
        [list, done = std::move(done)](Result<void> r) { r ? done(std::move(*list)) : done(fail(std::move(r.error()))); });
}

void Part::explain(const TargetId& target, std::function<void(Result<Explanation>)> done) {
    auto& p = *impl_;
    const auto* known = p.rooms.registry.find(target);
    if (known == nullptr || !known->defined) return done(fail(Errc::not_found, "there is no target " + printable(target.str())));
    const auto verdict = p.rooms.registry.shown(*known);
    const auto decision = p.decision_of(p.subject_of(target), verdict);
    auto e = std::make_shared<Explanation>();
    e->target = known->spec.id;
    e->status = verdict.status;
    e->severity = decision.severity;
    e->rule = decision.rule != nullptr ? decision.rule->origin : std::string();
    e->mail = decision.mail;
    e->to = decision.to;
    e->after = decision.after;
    e->remind = decision.remind;
    e->reminders = decision.reminders;
    e->text = decision.text;
    e->silenced = silenced(target);
    e->paused = verdict.status == core::Status::paused;
    p.rooms.store.read(
        [e, verdict, letters = p.letters(), at = p.now()](history::Reader& r) -> Result<void> {
            auto last = r.last_incident(e->target);
            auto current = r.current(e->target);
            if (!last || !current) return fail(!last ? last.error() : current.error());
            if (*last && !(*last)->closed_at) e->incident = **last;
            if (e->mail == core::AlertRule::Mail::never || !letters.mail.configured || !*current || e->to.empty()) return {};
            Story story = letters.story(at);
            story.severity = e->severity;
            story.told.push_back(told_of(**current));
            auto composed = letters.composed(story, e->text);
            if (!composed) return fail(std::move(composed.error()));
            e->subject = composed->subject;
            e->body = composed->text;
            return {};
        },
        [e, done = std::move(done)](Result<void> r) { r ? done(std::move(*e)) : done(fail(std::move(r.error()))); });
}

}  // namespace bkmon::alerts
