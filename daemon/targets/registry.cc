#include "daemon/targets/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "daemon/platform/loop/slices.h"
#include "daemon/targets/board.h"
#include "daemon/targets/publication.h"
#include "daemon/targets/shown.h"

namespace bkmon::targets {
namespace {

using Done = std::function<void(Result<void>)>;

constexpr std::size_t kSlice = 1000;          ///< targets in one turn of the loop
constexpr milliseconds kLongestSleep{60000};  ///< the wall clock may be set while the timer waits
constexpr milliseconds kPauseRetry{30000};    ///< the end of a pause could not be written

}  // namespace

struct Registry::Impl {
    Impl(loop::EventLoop& l, history::Store& s) : loop(l), store(s), timer(l.make_timer([this] { wake(); })) {}

    Time now() const { return loop.clock().now(); }

    void load(Done done);
    void define(const std::string& kind, std::vector<TargetSpec> specs, Done done);
    void publish(Publication publication, Done done);
    void pause(history::PauseRow row, Done done);
    void resume(const TargetId& id, const std::string& text, Done done);
    void overrule(Entry& entry, std::optional<core::Verdict> verdict);

    void take_loaded(std::vector<history::CurrentRow> currents, std::vector<history::PauseRow> pauses, std::function<void()> done);
    void take_defined(const std::string& kind, std::vector<TargetSpec> specs, std::vector<history::CurrentRow> rows, std::function<void()> done);
    void forget_others(const std::string& kind, const std::set<const Entry*>& watched);

    /// Runs `start` when nothing of this target is under way; it must end in finish().
    void enqueue(Entry& entry, std::function<void()> start);
    void finish(Entry& entry);
    void start_publication(Entry& entry, const std::shared_ptr<Publication>& publication, const Done& done);
    void start_pause(Entry& entry, const history::PauseRow& row, const Done& done);
    void start_resume(Entry& entry, const std::string& text, const Done& done);
    /// A write for one entry: on success `apply`, listeners when there was an event, then `done` and the next in line.
    void commit(Entry& entry, std::function<Result<void>(history::Session&, std::int64_t&)> work, std::optional<core::Status> from,
                std::function<void()> apply, Done done);

    void refresh(Entry& entry);
    void arm();
    void wake();
    void notify(const Entry& entry, std::int64_t seq, std::optional<core::Status> from);
    void later(Done done, Result<void> result);

    loop::EventLoop& loop;
    history::Store& store;
    Board board;
    std::set<std::pair<Time, Entry*>> pause_ends;
    std::vector<std::weak_ptr<std::function<void(const Change&)>>> listeners;
    std::shared_ptr<char> life = std::make_shared<char>();  // callbacks that find it gone do nothing
    std::unique_ptr<loop::Timer> timer;
    std::function<std::string(const Target&)> silence;
};

// --- what is stored, and what is watched

void Registry::Impl::load(Done done) {
    struct Loaded {
        std::vector<history::CurrentRow> currents;
        std::vector<history::PauseRow> pauses;
    };
    auto loaded = std::make_shared<Loaded>();
    store.read(
        [loaded](history::Reader& reader) -> Result<void> {
            auto currents = reader.currents(history::Reader::Evidence::without);
            if (!currents) return fail(std::move(currents.error()));
            auto pauses = reader.pauses();
            if (!pauses) return fail(std::move(pauses.error()));
            *loaded = {std::move(*currents), std::move(*pauses)};
            return {};
        },
        [this, loaded, alive = std::weak_ptr(life), done = std::move(done)](Result<void> result) {
            if (alive.expired()) return;
            if (!result) return done ? done(std::move(result)) : void();
            take_loaded(std::move(loaded->currents), std::move(loaded->pauses), [done] { return done ? done({}) : void(); });
        });
}

void Registry::Impl::take_loaded(std::vector<history::CurrentRow> currents, std::vector<history::PauseRow> pauses, std::function<void()> done) {
    auto rows = std::make_shared<std::vector<history::CurrentRow>>(std::move(currents));
    loop::in_slices(
        loop, life, rows->size(), kSlice,
        [this, rows](std::size_t i) {
            Entry& entry = board.entry((*rows)[i].target);
            entry.target.current = std::move((*rows)[i]);
            entry.has_current = true;
        },
        [this, pauses = std::move(pauses), done = std::move(done)]() mutable {
            for (auto& row : pauses) {
                Entry& entry = board.entry(row.target);
                if (row.until) pause_ends.emplace(*row.until, &entry);
                entry.target.pause = std::move(row);
            }
            arm();
            done();
        });
}

void Registry::Impl::define(const std::string& kind, std::vector<TargetSpec> specs, Done done) {
    std::set<std::string> keys;
    for (const auto& spec : specs) {
        if (spec.id.kind() != kind) return later(std::move(done), fail(Errc::invalid, fmt::format("'{}' is not of kind '{}'", spec.id.str(), kind)));
        if (!keys.insert(spec.id.key()).second)
            return later(std::move(done), fail(Errc::invalid, fmt::format("two targets are called '{}'", spec.id.str())));
    }
    // The history decides what is new: a verdict may have been published for a target before anybody defined it.
    auto wanted = std::make_shared<std::vector<history::CurrentRow>>();
    for (const auto& spec : specs) {
        const Entry* entry = board.find(spec.id);
        const auto& initial = spec.initial;
        const bool still_initial = entry != nullptr && entry->has_current && entry->target.current.verdict.status == core::Status::unknown &&
                                   entry->target.current.verdict.reason_code == initial.reason_code && initial.status == core::Status::unknown;
        const bool same = still_initial && entry->target.current.verdict.reason == initial.reason && entry->target.current.verdict.due == initial.due;
        if (entry != nullptr && entry->has_current && (!still_initial || same)) continue;
        history::CurrentRow row;
        if (still_initial) row = entry->target.current;
        row.target = spec.id;
        row.verdict = initial;
        if (initial.at == Time{}) row.verdict.at = now();
        if (!still_initial) row.since = row.verdict.at;
        if (!still_initial) row.first_known = now();
        wanted->push_back(std::move(row));
    }
    store.write(
        [wanted](history::Session& session) -> Result<void> {
            for (auto& row : *wanted) {
                auto stored = session.current(row.target);
                if (!stored) return fail(std::move(stored.error()));
                if (*stored && ((*stored)->verdict.status != row.verdict.status || (*stored)->verdict.reason_code != row.verdict.reason_code)) {
                    row = std::move(**stored);
                } else if (auto r = session.put_current(row); !r) {
                    return r;
                }
            }
            return {};
        },
        [this, kind, wanted, specs = std::move(specs), alive = std::weak_ptr(life), done = std::move(done)](Result<void> result) mutable {
            if (alive.expired()) return;
            if (!result) return done ? done(std::move(result)) : void();
            take_defined(kind, std::move(specs), std::move(*wanted), [done] { return done ? done({}) : void(); });
        });
}

/// Thousands of targets, in turns: until the last one the view is a mixture of before and after.
void Registry::Impl::take_defined(const std::string& kind, std::vector<TargetSpec> specs, std::vector<history::CurrentRow> rows,
                                  std::function<void()> done) {
    for (auto& row : rows) {
        Entry& entry = board.entry(row.target);
        entry.target.current = std::move(row);
        std::string().swap(entry.target.current.verdict.evidence);
        entry.has_current = true;
    }
    struct Work {
        std::vector<TargetSpec> specs;
        std::set<const Entry*> watched;
    };
    auto work = std::make_shared<Work>();
    work->specs = std::move(specs);
    loop::in_slices(
        loop, life, work->specs.size(), kSlice,
        [this, work](std::size_t i) {
            auto& spec = work->specs[i];
            Entry& entry = board.entry(spec.id);
            entry.target.current.target = spec.id;
            entry.target.spec = std::move(static_cast<Watched&>(spec));
            entry.target.defined = true;
            work->watched.insert(&entry);
            board.refresh(entry, now());
        },
        [this, kind, work, done = std::move(done)] {
            forget_others(kind, work->watched);
            arm();
            done();
        });
}

void Registry::Impl::forget_others(const std::string& kind, const std::set<const Entry*>& watched) {
    for (const auto& [key, entry] : board.entries()) {
        if (!entry->target.defined || watched.contains(entry.get()) || entry->target.spec.id.kind() != kind) continue;
        entry->target.defined = false;
        entry->target.overruled.reset();  // whoever defines it again says it again
        board.refresh(*entry, now());
    }
}

// --- one change after the other for each target

void Registry::Impl::enqueue(Entry& entry, std::function<void()> start) {
    if (entry.busy) {
        entry.queue.push_back(std::move(start));
        return;
    }
    entry.busy = true;
    start();
}

void Registry::Impl::finish(Entry& entry) {
    if (entry.queue.empty()) {
        entry.busy = false;
        return;
    }
    auto start = std::move(entry.queue.front());
    entry.queue.pop_front();
    start();
}

void Registry::Impl::commit(Entry& entry, std::function<Result<void>(history::Session&, std::int64_t&)> work, std::optional<core::Status> from,
                            std::function<void()> apply, Done done) {
    auto seq = std::make_shared<std::int64_t>(0);
    store.write(
        [seq, work = std::move(work)](history::Session& session) {
            *seq = 0;
            return work(session, *seq);
        },
        [this, &entry, seq, from, apply = std::move(apply), alive = std::weak_ptr(life), done = std::move(done)](Result<void> result) {
            if (alive.expired()) return;
            if (result) {
                apply();
                refresh(entry);
                if (*seq != 0) notify(entry, *seq, from);
            }
            if (done) done(std::move(result));
            if (!alive.expired()) finish(entry);
        });
}

void Registry::Impl::publish(Publication publication, Done done) {
    Entry& entry = board.entry(publication.target);
    auto shared = std::make_shared<Publication>(std::move(publication));
    enqueue(entry, [this, &entry, shared, done = std::move(done)] { start_publication(entry, shared, done); });
}

void Registry::Impl::start_publication(Entry& entry, const std::shared_ptr<Publication>& publication, const Done& done) {
    auto plan = std::make_shared<const Plan>(plan_of(entry, *publication, now()));
    const auto apply = [&entry, plan] {
        if (!plan->current) return;
        entry.target.current = plan->next;
        std::string().swap(entry.target.current.verdict.evidence);
        entry.has_current = true;
        if (plan->daily) entry.daily_mark = plan->daily_mark;
    };
    commit(
        entry, [plan, publication](history::Session& session, std::int64_t& seq) { return write_plan(session, *plan, publication->with, seq); },
        plan->from, apply, done);
}

void Registry::Impl::start_pause(Entry& entry, const history::PauseRow& row, const Done& done) {
    const auto before = status_at(entry.target, now());
    Target after = entry.target;
    after.pause = row;
    const history::EventRow event{0, now(), "operator", row.target, "", event_body(verdict_at(after, now()), before, pause_sentence(row))};
    const auto apply = [this, &entry, row] {
        if (entry.target.pause && entry.target.pause->until) pause_ends.erase({*entry.target.pause->until, &entry});
        entry.target.pause = row;
        entry.end_tried = false;
        if (row.until) pause_ends.emplace(*row.until, &entry);
    };
    commit(
        entry,
        [row, event](history::Session& session, std::int64_t& seq) -> Result<void> {
            if (auto r = session.put_pause(row); !r) return r;
            auto number = session.add_event(event);
            if (!number) return fail(std::move(number.error()));
            seq = *number;
            return {};
        },
        before, apply, done);
}

void Registry::Impl::start_resume(Entry& entry, const std::string& text, const Done& done) {
    if (!entry.target.pause) {  // somebody was faster
        later(done, {});
        finish(entry);
        return;
    }
    Target after = entry.target;
    after.pause.reset();
    const TargetId id = entry.target.spec.id;
    const history::EventRow event{0, now(), "operator", id, "", event_body(verdict_at(after, now()), core::Status::paused, text)};
    const auto apply = [this, &entry] {
        if (entry.target.pause && entry.target.pause->until) pause_ends.erase({*entry.target.pause->until, &entry});
        entry.target.pause.reset();
    };
    commit(
        entry,
        [id, event](history::Session& session, std::int64_t& seq) -> Result<void> {
            if (auto r = session.remove_pause(id); !r) return r;
            auto number = session.add_event(event);
            if (!number) return fail(std::move(number.error()));
            seq = *number;
            return {};
        },
        core::Status::paused, apply, done);
}

void Registry::Impl::pause(history::PauseRow row, Done done) {
    Entry* entry = board.find(row.target);
    if (entry == nullptr || !entry->target.defined)
        return later(std::move(done), fail(Errc::not_found, fmt::format("there is no target '{}'", row.target.str())));
    if (row.until && *row.until <= now())
        return later(std::move(done), fail(Errc::invalid, fmt::format("the end of the pause, {}, has passed already", rfc3339(*row.until))));
    row.target = entry->target.spec.id;
    enqueue(*entry, [this, entry, row = std::move(row), done = std::move(done)] { start_pause(*entry, row, done); });
}

void Registry::Impl::resume(const TargetId& id, const std::string& text, Done done) {
    Entry* entry = board.find(id);
    if (entry == nullptr || !entry->target.defined)
        return later(std::move(done), fail(Errc::not_found, fmt::format("there is no target '{}'", id.str())));
    enqueue(*entry, [this, entry, text, done = std::move(done)] { start_resume(*entry, text, done); });
}

void Registry::Impl::overrule(Entry& entry, std::optional<core::Verdict> verdict) {
    auto& now_shown = entry.target.overruled;
    const auto same = [](const core::Verdict& a, const core::Verdict& b) {
        return a.status == b.status && a.severity == b.severity && a.reason_code == b.reason_code && a.reason == b.reason;
    };
    if (verdict.has_value() == now_shown.has_value() && (!verdict || same(*verdict, *now_shown))) return;
    const auto before = status_at(entry.target, now());
    // The same condition in other words began when it began.
    if (verdict && now_shown && verdict->status == now_shown->status) verdict->at = now_shown->at;
    now_shown = verdict ? Rare<core::Verdict>(std::move(*verdict)) : Rare<core::Verdict>();
    refresh(entry);
    const auto after = verdict_at(entry.target, now());
    if (after.status == before) return;
    const history::EventRow event{0, now(), "verdict", entry.target.spec.id, "", event_body(after, before)};
    enqueue(entry, [this, &entry, event, before] {
        commit(
            entry,
            [event](history::Session& session, std::int64_t& seq) -> Result<void> {
                auto number = session.add_event(event);
                if (!number) return fail(std::move(number.error()));
                seq = *number;
                return {};
            },
            before, [] {}, {});
    });
}

// --- time and listeners

void Registry::Impl::refresh(Entry& entry) {
    board.refresh(entry, now());
    arm();
}

void Registry::Impl::arm() {
    std::optional<milliseconds> wait;
    if (const auto change = board.next_deadline()) wait = *change - now();
    if (!pause_ends.empty()) {
        const milliseconds end = pause_ends.begin()->first - now();
        const milliseconds sleep = end > milliseconds(0) || !pause_ends.begin()->second->end_tried ? end : kPauseRetry;
        wait = wait ? std::min(*wait, sleep) : sleep;
    }
    if (!wait) return timer->cancel();
    timer->arm(std::clamp(*wait, milliseconds(0), kLongestSleep));
}

void Registry::Impl::wake() {
    board.sync(now());
    std::vector<Entry*> over;
    for (auto end = pause_ends.begin(); end != pause_ends.end() && end->first <= now(); ++end)
        if (!end->second->ending_pause) over.push_back(end->second);
    for (auto* entry : over) {
        entry->ending_pause = true;
        entry->end_tried = true;
        const std::string text = fmt::format("The pause by {} ended.", printable(entry->target.pause->by));
        enqueue(*entry, [this, entry, text] {
            // It may have been paused anew meanwhile.
            const auto& pause = entry->target.pause;
            const bool still = pause && pause->until && *pause->until <= now();
            const Done ended = [entry](Result<void>) { entry->ending_pause = false; };
            if (still) return start_resume(*entry, text, ended);
            ended({});
            finish(*entry);
        });
    }
    arm();
}

void Registry::Impl::notify(const Entry& entry, std::int64_t seq, std::optional<core::Status> from) {
    if (!entry.target.defined) return;
    std::erase_if(listeners, [](const auto& weak) { return weak.expired(); });
    for (const auto& weak : std::vector(listeners))
        if (const auto listener = weak.lock()) (*listener)(Change{seq, &entry.target, from});
}

void Registry::Impl::later(Done done, Result<void> result) {
    if (!done) return;
    static_cast<void>(loop.post(Task([alive = std::weak_ptr(life), done = std::move(done), result = std::move(result)] {
        if (!alive.expired()) done(result);
    })));
}

// --- the interface

Registry::Registry(loop::EventLoop& loop, history::Store& store) : impl_(std::make_unique<Impl>(loop, store)) {}
Registry::~Registry() = default;

void Registry::load(std::function<void(Result<void>)> done) { impl_->load(std::move(done)); }

void Registry::define(const std::string& kind, std::vector<TargetSpec> specs, std::function<void(Result<void>)> done) {
    impl_->define(kind, std::move(specs), std::move(done));
}

void Registry::publish(Publication publication, std::function<void(Result<void>)> done) { impl_->publish(std::move(publication), std::move(done)); }

const Target* Registry::find(const TargetId& id) const {
    const Entry* entry = impl_->board.find(id);
    return entry != nullptr && entry->target.defined ? &entry->target : nullptr;
}

core::Status Registry::status(const Target& target) const { return status_at(target, impl_->now()); }
core::Verdict Registry::shown(const Target& target) const { return verdict_at(target, impl_->now()); }

std::vector<const Target*> Registry::match(const std::vector<std::string>& globs, const std::string& kind) const {
    std::vector<const Target*> out;
    const std::string prefix = lower(kind) + '/';
    for (const auto& [key, entry] : impl_->board.entries()) {
        if (!entry->target.defined || (!kind.empty() && !key.starts_with(prefix))) continue;
        const auto& name = entry->target.spec.id.str();
        if (globs.empty() || std::any_of(globs.begin(), globs.end(), [&](const auto& glob) { return glob_match(glob, name); }))
            out.push_back(&entry->target);
    }
    return out;
}

std::size_t Registry::size() const { return impl_->board.size(); }

Counts Registry::counts() const {
    impl_->board.sync(impl_->now());
    return impl_->board.counts();
}

void Registry::set_running(const TargetId& id, bool running) {
    Entry* entry = impl_->board.find(id);
    if (entry == nullptr || entry->target.running_since.has_value() == running) return;
    entry->target.running_since = running ? std::optional(impl_->now()) : std::nullopt;
    impl_->refresh(*entry);
}

void Registry::overrule(const TargetId& id, std::optional<core::Verdict> verdict) {
    Entry* entry = impl_->board.find(id);
    if (entry != nullptr && entry->target.defined) impl_->overrule(*entry, std::move(verdict));
}

void Registry::pause(history::PauseRow row, std::function<void(Result<void>)> done) { impl_->pause(std::move(row), std::move(done)); }

void Registry::resume(const TargetId& id, const std::string& by, std::function<void(Result<void>)> done) {
    impl_->resume(id, fmt::format("Resumed by {}.", printable(by)), std::move(done));
}

std::shared_ptr<void> Registry::listen(std::function<void(const Change&)> listener) {
    auto token = std::make_shared<std::function<void(const Change&)>>(std::move(listener));
    impl_->listeners.push_back(token);
    return token;
}

std::string Registry::json(const Target& target) const {
    JsonWriter out;
    return put(out, target), out.take();
}

void Registry::on_silence(std::function<std::string(const Target&)> why) { impl_->silence = std::move(why); }
void Registry::put(JsonWriter& out, const Target& target) const { put_json(out, target, impl_->now(), impl_->silence); }

}  // namespace bkmon::targets
