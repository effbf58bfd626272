// What operators see and do: list, rescan, release, reject, init.
#include <fmt/format.h>

#include "common/base/text.h"
#include "daemon/core/verdict_json.h"
#include "daemon/deposits/part_impl.h"

namespace bkmon::deposits {

namespace {

constexpr milliseconds kOldTemporary{std::chrono::hours(24)};

}  // namespace

std::vector<DepositView> Part::list() const {
    std::vector<DepositView> views;
    const auto& me = *impl_;
    for (const auto& [key, job] : me.jobs) {
        DepositView v;
        v.agent = printable(job->settings.agent);
        v.database = printable(job->settings.database);
        v.target = job->id.str();
        if (job->busy && !job->working_on.empty()) {
            v.state = "working";
            v.file = job->working_on;
            v.detail = job->queued ? "complete, waits for its turn" : "is being taken in";
        } else if (job->waiting) {
            v.state = "waiting";
            v.file = printable(job->waiting->file);
            v.detail = job->waiting->what;
            v.since = job->waiting->since;
        } else if (auto held = me.held.find(key); held != me.held.end()) {
            v.state = "held";
            v.file = printable(held->second.path);
            v.size_bytes = held->second.size_bytes;
            v.detail = held->second.reason + "; sha256 " + held->second.sha256;
            if (held->second.damaged_at) v.detail += "; DAMAGED since it is held: " + held->second.damage;
            v.since = held->second.held_at;
        } else {
            const auto* target = me.rooms.registry.find(job->id);
            v.state = "judged";
            if (target != nullptr) {
                const auto verdict = me.rooms.registry.shown(*target);
                v.file = verdict.file;
                v.size_bytes = verdict.size_bytes;
                v.detail = fmt::format("{}: {}", core::name_of(verdict.status), verdict.reason);
                v.since = target->current.since;
            }
        }
        views.push_back(std::move(v));
    }
    for (const auto& [key, agent] : me.agents)
        for (const auto& t : agent->temporaries) {
            const Time changed(milliseconds(t.id.ctime_ns / 1000000));
            if (me.now() - changed < kOldTemporary) continue;
            views.push_back({printable(agent->folder), "", "", "waiting", printable(t.name), "",
                             "a temporary file of a transfer that did not end; older than a day", t.id.size, changed});
        }
    for (const auto& [key, u] : me.unexpected)
        views.push_back({printable(u.agent), printable(u.database), "", "unexpected", "", printable(u.report), u.detail, std::nullopt, u.first_seen});
    return views;
}

std::vector<UnexpectedView> Part::unexpected() const {
    std::vector<UnexpectedView> views;
    for (const auto& [key, view] : impl_->unexpected) views.push_back(view);
    return views;
}

std::optional<std::string> Part::held_sha256(const TargetId& target) const {
    auto it = impl_->held.find(target.key());
    return it == impl_->held.end() ? std::nullopt : std::optional(it->second.sha256);
}

Result<std::string> Part::rescan(const std::string& agent) {
    auto& me = *impl_;
    if (!me.arrival) return fail(Errc::unavailable, "the deposits are not ready yet");
    // A cancelled rescan is no longer followed; the look that is under way ends by itself.
    auto stopped = std::make_shared<std::function<void()>>([] {});
    auto run = std::shared_ptr<runs::Run>(
        me.rooms.runs.begin("rescan", agent.empty() ? "all agents" : "agent " + printable(agent), [stopped] { (*stopped)(); }));
    *stopped = [weak = std::weak_ptr<runs::Run>(run)] {
        if (auto r = weak.lock()) r->finish("cancelled", "");
    };
    const std::string id = run->id();
    if (!agent.empty()) {
        if (me.agents.count(lower(agent)) == 0) {
            run->finish("failed", "no such agent");
            return fail(Errc::not_found, "no agent '" + printable(agent) + "' is configured or has a folder");
        }
        me.arrival->look_at(me.agents.at(lower(agent))->folder);
        run->progress(1, 1, "");
        run->finish("done", "");
        return id;
    }
    me.arrival->rescan(
        [run](std::size_t done, std::size_t total) {
            run->progress(static_cast<std::int64_t>(done), static_cast<std::int64_t>(total), "looking at agents");
        },
        [run] { run->finish("done", ""); });
    return id;
}

void Part::release(const TargetId& target, const std::string& sha256, const std::string& by, std::function<void(Result<std::string>)> done) {
    auto& me = *impl_;
    Job* job = me.job_of(target);
    auto it = me.held.find(target.key());
    if (job == nullptr || it == me.held.end()) return done(fail(Errc::not_found, "nothing is held for " + target.str()));
    const auto held = it->second;
    const auto* known = me.rooms.registry.find(target);
    if (known != nullptr && known->current.last_ok_at && *known->current.last_ok_at > held.held_at && me.damaged.count(target.key()) == 0)
        return done(
            fail(Errc::exists, fmt::format("a newer healthy backup came on {} and is in the vault; the held file would replace it: reject it instead",
                                           rfc3339(*known->current.last_ok_at))));
    auto v = me.plain_verdict(core::Status::ok, "released", fmt::format("released by {} (was held: {})", by, held.reason));
    v.sha256 = held.sha256;
    v.size_bytes = held.size_bytes;
    v.backup_at = held.backup_at;
    v.file = held.final_path;
    targets::Registry::Publication p;
    p.target = target;
    // The day and cycle it was held for: a later cycle's `missing` stays.
    if (const auto was = core::verdict_from_json(held.verdict_json)) v.due = was->due;
    if (v.due) p.date = core::local_date(*v.due, job->settings.timezone);
    p.current = known == nullptr || !known->current.verdict.due || !v.due || *known->current.verdict.due <= *v.due;
    p.verdict = std::move(v);
    history::HealthyRow healthy;
    healthy.target = target;
    healthy.sha256 = held.sha256;
    healthy.size_bytes = held.size_bytes;
    healthy.backup_at = held.backup_at;
    healthy.was_empty = held.reason_code == "empty";  // so that the next empty one of a database that is empty is no surprise
    me.vault->release(target, lower(sha256), std::move(p), std::move(healthy), job->settings.keep, job->settings.keep_replaced,
                      [impl = impl_->weak_from_this(), target, done = std::move(done)](Result<std::string> path) {
                          auto self = impl.lock();
                          if (self && path) {
                              self->held.erase(target.key());
                              self->damaged.erase(target.key());
                          }
                          done(std::move(path));
                      });
}

void Part::reject(const TargetId& target, const std::string& sha256, const std::string& by, std::function<void(Result<void>)> done) {
    auto& me = *impl_;
    auto it = me.held.find(target.key());
    if (it == me.held.end()) return done(fail(Errc::not_found, "nothing is held for " + target.str()));
    auto v = me.plain_verdict(core::Status::failed, "rejected", fmt::format("rejected by {} (was held: {})", by, it->second.reason));
    v.sha256 = it->second.sha256;
    targets::Registry::Publication p;
    p.target = target;
    if (const auto* known = me.rooms.registry.find(target)) {
        v.due = known->current.verdict.due;
        // A verdict that came after the file was held stays: rejecting an old file says nothing about a newer backup.
        p.current = known->current.verdict.status == core::Status::held;
    }
    p.verdict = std::move(v);
    me.vault->reject(target, lower(sha256), std::move(p), [impl = impl_->weak_from_this(), target, done = std::move(done)](Result<void> ok) {
        auto self = impl.lock();
        if (self && ok) self->held.erase(target.key());
        done(std::move(ok));
    });
}

void Part::init(std::function<void(Result<std::string>)> done) {
    auto& me = *impl_;
    me.vault->init([impl = impl_->weak_from_this(), done = std::move(done)](Result<std::string> id) {
        auto self = impl.lock();
        if (!self) return;
        if (!id) return done(std::move(id));
        self->mark_root(*id, std::move(done));
    });
}

/// Marks the deposit root too, where bkmon may write there; where it may not, an empty mount point cannot be told from an empty root.
void Part::Impl::mark_root(const std::string& id, std::function<void(Result<std::string>)> done) {
    loop::submit(
        rooms.deposit_lane, rooms.loop, weak_from_this(),
        [&files = rooms.files, root = options.settings.root, id](std::stop_token) -> Result<void> {
            auto dir = files.open_root(root);
            if (!dir) return fail(dir.error());
            static_cast<void>(files.unlink(dir->get(), ".bkmon-root"));
            auto file = files.create(dir->get(), ".bkmon-root");
            if (!file) return fail(file.error());
            const std::string text = id + "\n";
            if (auto w = files.write(file->get(), std::span(reinterpret_cast<const unsigned char*>(text.data()), text.size()), 0); !w)
                return fail(w.error());
            if (auto m = files.set_mode(file->get(), 0444); !m) return fail(m.error());
            return files.sync(file->get());
        },
        [this, id, done = std::move(done)](Result<void> marked) {
            if (!marked) {
                rooms.journal.log(journal::Level::notice, journal::msg::note,
                                  "the deposit root was not marked (the vault was): " + marked.error().what);
                return done(id);
            }
            rooms.store.write([id](history::Session& s) { return s.put_setting("deposit_marker", id); },
                              [id, done](Result<void> kept) { kept ? done(id) : done(fail(kept.error())); });
        });
}

}  // namespace bkmon::deposits
