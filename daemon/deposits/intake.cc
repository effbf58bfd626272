// From a complete file to a verdict: take in, judge, promote or hold.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"
#include "daemon/core/verdict_json.h"
#include "daemon/deposits/part_impl.h"

namespace bkmon::deposits {

namespace {

constexpr milliseconds kFirstRetry{1000};
constexpr milliseconds kLongestRetry{30000};
constexpr milliseconds kAfterCancel{std::chrono::minutes(5)};

constexpr std::uint64_t kSmall = std::uint64_t{8} << 20;  // copied in less time than its fsyncs and its inspector take

milliseconds retry_delay(int retries) { return std::min(kLongestRetry, kFirstRetry * (1 << std::min(retries, 5))); }

/// A damaged version is none. While the current one is damaged nothing is `unchanged` and its own bytes are no replay: they replace it.
/// Somebody said that a size is the new normal: what was usual before says nothing any more, and that size stands in until enough came since.
Baseline baseline_of(const std::vector<history::HealthyRow>& rows, bool was_healthy, const std::string& sha256,
                     const std::optional<history::ExpectationRow>& expected) {
    Baseline b;
    const history::HealthyRow* last = nullptr;
    bool lost = false, lost_these = false;
    for (const auto& row : rows) {
        if (row.current && row.damaged_at) {
            lost = true;
            lost_these = lost_these || row.sha256 == sha256;
        }
        if (row.damaged_at) continue;
        b.always_empty = (last == nullptr || b.always_empty) && row.was_empty;
        if (last == nullptr) last = &row;
        if (!expected || row.promoted_at > expected->at) b.sizes.push_back(row.size_bytes);
    }
    if (expected) {
        b.expected_by = expected->by;
        b.stand_ins = core::kEnoughSizes - std::min(core::kEnoughSizes, b.sizes.size());
        b.sizes.resize(b.sizes.size() + b.stand_ins, expected->size_bytes);
    }
    if (last != nullptr && !lost) b.last_sha256 = last->sha256;
    if (last != nullptr) b.last_backup_at = last->backup_at;
    b.sha_was_healthy_before = was_healthy && b.last_sha256 != sha256 && !lost_these;
    return b;
}

Candidate candidate_of(const Intake& in) { return Candidate{&in.job->settings, in.report.get(), in.entry, in.arrival, in.cycle, in.clock}; }

}  // namespace

void Part::Impl::enqueue(Job& job, const Case& c, const SeenFile& file, std::optional<core::Verdict> entry_verdict, bool final_try) {
    auto in = std::make_shared<Intake>();
    in->job = &job;
    in->report_file = c.report->file;
    in->report_sha256 = c.report->sha256;
    in->report = c.report->report;
    in->entry = c.entry;
    in->cycle = c.cycle;
    in->clock = c.report->clock;
    in->arrival = c.report->arrival;
    in->order = c.report->order();
    in->file = file;
    in->entry_verdict = std::move(entry_verdict);
    in->final_try = final_try;
    job.busy = job.queued = true;
    job.working_on = printable(file.name);
    in->is_large = file.id.size > kSmall;
    (in->is_large ? large : small).waiting.push(job.agent, std::move(in));
    pump();
}

/// At most so many of one agent, and one more of the others: agents take turns, one whose files take hours leaves a place free, and small deposits
/// do not wait for large ones.
void Part::Impl::pump() {
    pump(large, options.parallel);
    pump(small, options.parallel_small);
}

void Part::Impl::pump(Line& line, int most) {
    while (line.active <= most && !line.waiting.empty() && line.waiting.under_way() < most) {
        auto in = line.waiting.pop();
        ++line.active;
        begin(std::move(in));
    }
}

void Part::Impl::begin(std::shared_ptr<Intake> in) {
    Job& job = *in->job;
    job.queued = false;
    job.large = in->is_large;
    in->started = now();
    rooms.registry.set_running(job.id, true);
    job.taking = true;
    job.run = rooms.runs.begin(
        "intake", job.id.str(),
        [self = weak_from_this(), key = job.id.key()] {
            if (auto me = self.lock()) me->cancel_intake(key);
        },
        true);
    const auto& sent = sent_stage(*in->entry);
    TakeRequest request;
    request.target = job.id;
    request.agent = job.agent->folder;
    request.folder = in->file.folder;
    request.file = in->file.name;
    request.expected = in->file.id;
    request.claimed_size = sent.size_bytes.value_or(in->file.id.size);
    request.claimed_sha256 = sent.sha256;
    request.report_file = in->report_file;
    request.report_sha256 = in->report_sha256;
    request.max_size = job.settings.max_size;
    request.owner = job.settings.owner;
    request.content = job.settings.content;
    request.end_mark = job.settings.end_mark;
    job.take = vault->take(
        std::move(request),
        [&job](std::uint64_t done, std::uint64_t total) {
            if (job.run)
                job.run->progress(static_cast<std::int64_t>(done), static_cast<std::int64_t>(total), "copying and hashing " + job.working_on);
        },
        [this, in](Taken t) { taken(in, std::move(t)); });
}

/// `runs cancel`: the copy is dropped, nothing is judged, and the deposit is tried again after a while. What is judged already goes on:
/// it ends in a moment.
void Part::Impl::cancel_intake(const std::string& target_key) {
    rooms.loop.post(Task([this, self = weak_from_this(), target_key] {
        auto it = self.expired() ? jobs.end() : jobs.find(target_key);
        if (self.expired() || it == jobs.end() || !it->second->taking) return;
        Job& job = *it->second;
        job.taking = false;
        job.blocked_until = boot() + kAfterCancel;
        finished(job, "cancelled", "");
    }));
}

void Part::Impl::taken(std::shared_ptr<Intake> in, Taken t) {
    in->job->taking = false;
    if (t.outcome != Taken::Outcome::copied) return not_taken(in, t);
    in->job->retries = 0;
    in->job->retry_after.reset();
    const std::string sha = t.sha256;
    load_baseline(in, sha, [this, in, t = std::move(t)](Result<void> loaded) mutable {
        if (loaded) return judge(in, std::move(t));
        const std::string why = loaded.error().what;
        vault->discard(std::move(t), [this, in, why] {
            block(*in->job);
            finished(*in->job, "failed", "the history cannot be read: " + why);
        });
    });
}

void Part::Impl::not_taken(std::shared_ptr<Intake> in, const Taken& t) {
    Job& job = *in->job;
    Case c{nullptr, in->entry, in->cycle};
    auto known = job.agent->reports.find(in->report_sha256);
    if (known != job.agent->reports.end()) c.report = &known->second;
    core::Verdict v = plain_verdict(core::Status::corrupt, t.reason_code, t.detail);
    switch (t.outcome) {
        case Taken::Outcome::mismatch:
            job.last_mismatch = in->file.id.text();
            if (!in->final_try) return finished(job, "done", "");
            v = plain_verdict(core::Status::corrupt, "hash_mismatch",
                              fmt::format("'{}' has SHA-256 {}…, the agent declared {}…: damaged on the way or changed afterwards",
                                          printable(in->file.name), t.sha256.substr(0, 12), sent_stage(*in->entry).sha256.substr(0, 12)));
            v.sha256 = t.sha256;
            v.size_bytes = t.size;
            break;
        case Taken::Outcome::refused:
            // A name that is no plain file may become one until the deadline; what cannot get better is said at once.
            v.status = t.reason_code == "size_mismatch" ? core::Status::corrupt : core::Status::failed;
            v.severity = core::severity_of(v.status);
            if (!in->final_try && (t.reason_code == "not_a_file" || t.reason_code == "unreadable" || t.reason_code == "size_mismatch")) {
                job.retry_after = boot() + std::clamp(options.settings.settle, kFirstRetry, kLongestRetry);
                job.retry_since = now();
                job.retry_report = in->report_sha256;
                job.retry_code = t.reason_code;
                job.retry_detail = t.detail;
                return finished(job, "done", "");
            }
            break;
        default:
            if (job.retry_report != in->report_sha256) job.retries = 0;
            job.retry_report = in->report_sha256;
            job.retry_after = boot() + retry_delay(job.retries++);
            job.retry_since = now();
            job.retry_code = t.outcome == Taken::Outcome::unavailable ? "vault_unavailable"
                             : t.outcome == Taken::Outcome::gone      ? "no_file"
                                                                      : "never_finished";
            job.retry_detail = t.outcome == Taken::Outcome::gone ? fmt::format("'{}' vanished while it was read", printable(in->file.name))
                               : t.detail.empty()                ? fmt::format("'{}' is still being written", printable(in->file.name))
                                                                 : t.detail;
            if (arrival) arrival->look_at(job.agent->folder);
            return finished(job, t.outcome == Taken::Outcome::unavailable ? "failed" : "done",
                            t.outcome == Taken::Outcome::unavailable ? t.detail : "");
    }
    v.file = printable(in->file.name);
    if (c.report == nullptr) return finished(job, "done", "");  // the report went meanwhile: nothing to judge
    const SeenFile file = in->file;
    release_take(job);
    publish_entry(job, c, std::move(v), &file);
    pump();
}

void Part::Impl::load_baseline(std::shared_ptr<Intake> in, const std::string& sha256, std::function<void(Result<void>)> done) {
    auto loaded = std::make_shared<Baseline>();
    rooms.store.read(
        [loaded, id = in->job->id, sha256](history::Reader& r) -> Result<void> {
            auto rows = r.healthy(id, 20);
            if (!rows) return fail(rows.error());
            auto before = r.was_healthy(id, sha256);
            if (!before) return fail(before.error());
            auto expected = r.expectation(id);
            if (!expected) return fail(expected.error());
            *loaded = baseline_of(*rows, *before, sha256, *expected);
            return {};
        },
        [in, loaded, done = std::move(done), self = weak_from_this()](Result<void> result) {
            if (self.expired()) return;
            in->baseline = *loaded;
            done(std::move(result));
        });
}

void Part::Impl::judge(std::shared_ptr<Intake> in, Taken t) {
    Job& job = *in->job;
    const auto* target = rooms.registry.find(job.id);
    const bool older_cycle =
        in->cycle && target != nullptr && target->current.verdict.due && *target->current.verdict.due > in->cycle->due && !runs_ahead(job, *target);
    Baseline baseline = in->baseline;
    if (older_cycle) baseline.last_backup_at.reset();  // it came after a newer one: that alone is no fault, and is said below
    core::Verdict v = in->entry_verdict ? *in->entry_verdict : judge_copy(candidate_of(*in), baseline, t.sha256, t.size, t.findings, now());
    v.at = now();
    v.sha256 = t.sha256;
    v.size_bytes = t.size;
    if (v.file.empty()) v.file = printable(in->file.name);
    v.run = job.run ? job.run->id() : "";
    v.duration = now() - in->started;
    add_context(job, v, in->cycle, in->arrival);
    if (older_cycle && v.status == core::Status::held) {
        v.reason += "; it is of an older cycle and is not kept aside";
        return conclude(in, std::move(t), std::move(v));
    }
    const bool newer = !in->baseline.last_backup_at || (v.backup_at && *v.backup_at > *in->baseline.last_backup_at);
    if (older_cycle && !newer && (v.status == core::Status::ok || v.status == core::Status::warning)) {
        v.reason += "; it fills its day and was not put into the vault, which has a newer one";
        return conclude(in, std::move(t), std::move(v));
    }
    switch (v.status) {
        case core::Status::ok:
        case core::Status::warning: return promote(in, std::move(t), std::move(v));
        case core::Status::held: return hold(in, std::move(t), std::move(v));
        default: return conclude(in, std::move(t), std::move(v));
    }
}

Result<std::string> Part::Impl::final_path(const Intake& in, const core::Verdict& v) const {
    const auto& s = in.job->settings;
    const AgentName split = split_agent(s.agent);
    const std::string day = core::local_date(v.backup_at.value_or(in.clock.effective), s.timezone);
    PathFields f;
    f.agent = s.agent;
    f.company = s.company.empty() ? split.company : s.company;
    f.city = s.city.empty() ? split.city : s.city;
    f.district = s.district.empty() ? split.district : s.district;
    f.database = in.entry->name;
    f.year = s.year.empty() ? day.substr(0, 4) : s.year;
    f.month = day.substr(5, 2);
    f.day = day.substr(8, 2);
    f.file = in.file.name;
    return expand_path(s.path, f);
}

void Part::Impl::promote(std::shared_ptr<Intake> in, Taken t, core::Verdict v) {
    Job& job = *in->job;
    auto path = final_path(*in, v);
    if (!path) {
        v = plain_verdict(core::Status::held, "vault_conflict", path.error().what);
        v.sha256 = t.sha256;
        v.size_bytes = t.size;
        v.file = printable(in->file.name);
        return hold(in, std::move(t), std::move(v));
    }
    const auto row = judged_row(job, in->report_sha256, v, in->order, in->file.id.text());
    PromotePlan plan;
    plan.taken = t;
    plan.final_path = *path;
    plan.publication = publication(job, v, in->cycle);
    plan.publication.with.push_back([row](history::Session& s) { return s.put_judged(row); });
    plan.healthy.target = job.id;
    plan.healthy.sha256 = t.sha256;
    plan.healthy.size_bytes = t.size;
    plan.healthy.content_bytes = t.findings.content_bytes;
    plan.healthy.was_empty = t.findings.empty;
    plan.healthy.backup_at = v.backup_at;
    plan.keep = job.settings.keep;
    plan.keep_replaced = job.settings.keep_replaced;
    vault->promote(std::move(plan), [this, in, t, v, row](Result<std::string> where) mutable {
        Job& j = *in->job;
        if (where) {
            remember(j, row);
            damaged.erase(j.id.key());
            if (held.count(j.id.key()) == 0) j.waiting.reset();
            rooms.journal.log(journal::Level::info, journal::msg::promoted, fmt::format("{}: {} is in the vault as {}", j.id.str(), v.file, *where),
                              {{"BKMON_TARGET", j.id.str()}, {"BKMON_SHA256", v.sha256}});
            consume_file(j, in->file);
            return finished(j, "done", "");
        }
        if (where.error().code == Errc::exists) {
            auto verdict = plain_verdict(core::Status::held, "vault_conflict", where.error().what);
            verdict.sha256 = t.sha256;
            verdict.size_bytes = t.size;
            verdict.file = v.file;
            verdict.backup_at = v.backup_at;
            return hold(in, std::move(t), std::move(verdict));
        }
        block(j);
        finished(j, "failed", where.error().what);
    });
}

void Part::Impl::hold(std::shared_ptr<Intake> in, Taken t, core::Verdict v) {
    Job& job = *in->job;
    // Held again after a whole cycle without an ok: now somebody must act.
    if (const auto* target = rooms.registry.find(job.id); target != nullptr && in->cycle && target->current.verdict.status == core::Status::held &&
                                                          target->current.verdict.due && *target->current.verdict.due < in->cycle->due)
        v.severity = core::Severity::critical;
    const auto row = judged_row(job, in->report_sha256, v, in->order, in->file.id.text());
    HoldPlan plan;
    plan.taken = t;
    plan.publication = publication(job, v, in->cycle);
    plan.publication.with.push_back([row](history::Session& s) { return s.put_judged(row); });
    plan.held.target = job.id;
    plan.held.sha256 = t.sha256;
    plan.held.size_bytes = t.size;
    plan.held.backup_at = v.backup_at;
    plan.held.reason_code = v.reason_code;
    plan.held.reason = v.reason;
    plan.held.verdict_json = core::to_json(v.due ? v : plan.publication.verdict);
    if (auto path = final_path(*in, v)) plan.held.final_path = *path;
    history::HeldRow kept = plan.held;
    kept.held_at = now();
    vault->hold(std::move(plan), [this, in, t, row, v, kept](Result<void> done) mutable {
        Job& j = *in->job;
        // No room under held_max_bytes: the verdict stands, the file stays with the agent.
        if (!done && done.error().code == Errc::invalid) return cannot_hold(in, std::move(t), std::move(v), done.error().what);
        if (!done) {
            block(j);
            return finished(j, "failed", done.error().what);
        }
        held[j.id.key()] = kept;
        remember(j, row);
        rooms.journal.log(journal::Level::warning, journal::msg::deposit_held, fmt::format("{}: {} is held: {}", j.id.str(), v.file, v.reason),
                          {{"BKMON_TARGET", j.id.str()}, {"BKMON_SHA256", v.sha256}, {"BKMON_REASON", v.reason_code}});
        consume_file(j, in->file);
        finished(j, "done", "");
    });
}

void Part::Impl::cannot_hold(std::shared_ptr<Intake> in, Taken t, core::Verdict v, const std::string& why) {
    v.reason += "; not kept aside: " + why;
    conclude(std::move(in), std::move(t), std::move(v));
}

void Part::Impl::conclude(std::shared_ptr<Intake> in, Taken t, core::Verdict v) {
    Job& job = *in->job;
    const auto row = judged_row(job, in->report_sha256, v, in->order, in->file.id.text());
    auto pub = publication(job, v, in->cycle);
    pub.with.push_back([row](history::Session& s) { return s.put_judged(row); });
    vault->discard(std::move(t), [this, in, row, v, pub = std::move(pub)]() mutable {
        rooms.registry.publish(std::move(pub), [this, in, row, v, self = weak_from_this()](Result<void> done) {
            if (self.expired()) return;
            Job& j = *in->job;
            if (!done) {
                block(j);
                return finished(j, "failed", done.error().what);
            }
            remember(j, row);
            if (core::is_good(v.status) || v.status == core::Status::warning) consume_file(j, in->file);
            finished(j, "done", "");
        });
    });
}

/// A commit or the vault failed: everything about this job waits a while, so that a full disk is not asked a thousand times a second.
void Part::Impl::block(Job& job) { job.blocked_until = boot() + kLongestRetry; }

/// The take ends inside its own callback: it is destroyed a turn later.
void Part::Impl::release_take(Job& job) {
    if (!job.take) return;
    rooms.loop.post(Task([take = std::move(job.take)]() mutable { take.reset(); }));
    Line& line = job.large ? large : small;
    line.waiting.done(job.agent);
    --line.active;
}

void Part::Impl::finished(Job& job, const std::string& state, const std::string& error) {
    release_take(job);
    if (job.run) job.run->finish(state, error);
    job.run.reset();
    job.busy = job.queued = false;
    job.working_on.clear();
    job.saying.clear();
    rooms.registry.set_running(job.id, false);
    consider_again(job);
    std::erase_if(retired, [&](const auto& old) { return old.get() == &job; });  // last: the job may be gone after this
    pump();
}

}  // namespace bkmon::deposits
