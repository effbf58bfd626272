#include "daemon/deposits/part.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "common/base/text.h"
#include "daemon/deposits/part_impl.h"
#include "daemon/platform/loop/slices.h"

namespace bkmon::deposits {

namespace {

/// Thousands of jobs share a few schedules: each is read once, and kept once.
class Schedules {
public:
    const core::Schedule* of(const std::string& text, const std::string& zone) {
        const auto [place, fresh] = known_.try_emplace(text + '\n' + zone);
        if (fresh)
            if (auto schedule = core::Schedule::parse(text, zone)) place->second = std::move(*schedule);
        return place->second ? &*place->second : nullptr;
    }

private:
    std::unordered_map<std::string, std::optional<core::Schedule>> known_;
};

constexpr std::size_t kJobsATurn = 1000;
constexpr milliseconds kTendEvery{std::chrono::minutes(10)};
constexpr milliseconds kTendSoon{5000};

}  // namespace

Part::Impl::Impl(Rooms r, Options o) : rooms(r), options(std::move(o)), archive(r.loop, r.cpu_lane, r.files, r.store, r.journal, options.state_dir) {}

Job* Part::Impl::job_of(const TargetId& id) {
    auto it = jobs.find(id.key());
    return it == jobs.end() ? nullptr : it->second.get();
}

/// Verdicts about bkmon's own parts; said only when they change.
void Part::Impl::publish_own(const char* name, core::Status status, const char* reason_code, std::string reason) {
    if (!started || said[name] == reason) return;
    said[name] = reason;
    targets::Registry::Publication p;
    p.target = TargetId::of("bkmon", {name});
    p.verdict = plain_verdict(status, reason_code, std::move(reason));
    rooms.registry.publish(std::move(p), [](Result<void>) {});
}

void Part::Impl::build_jobs() {
    std::map<std::string, std::unique_ptr<Job>> old = std::move(jobs);
    jobs.clear();
    for (auto& [key, agent] : agents) agent->jobs.clear();
    Schedules schedules;
    // Each job keeps its own settings: two copies of ten thousand would be most of the daemon's memory.
    for (auto& settings : std::exchange(options.settings.jobs, {})) {
        if (!settings.active) continue;
        const TargetId id = TargetId::of("deposit", {settings.agent, settings.database});
        std::unique_ptr<Job> job;
        if (auto it = old.find(id.key()); it != old.end()) {
            job = std::move(it->second);
            old.erase(it);
        } else {
            job = std::make_unique<Job>();
        }
        job->settings = std::move(settings);
        std::string().swap(job->settings.origin);  // for the messages of a load alone
        job->id = id;
        job->rule.reset();
        job->next_look.reset();
        const auto& s = job->settings;
        if (s.schedule)
            if (const auto* schedule = schedules.of(*s.schedule, s.timezone)) job->rule = core::CycleRule{*schedule, s.early, s.deadline};
        job->agent = &agent_of(s.agent);
        job->agent->jobs.push_back(job.get());
        for (const auto& [seen, row] : job->agent->judged)
            if (seen.first == id.key() && row.report_end && (!job->last_report_at || *job->last_report_at < *row.report_end))
                job->last_report_at = row.report_end;
        jobs.emplace(id.key(), std::move(job));
    }
    for (auto& [key, job] : old) {
        if (job->wake) wakes.erase({*job->wake, job.get()});
        rooms.scheduler.remove(job->id.str());
        if (job->busy) retired.push_back(std::move(job));  // finishes its work, then goes
    }
    std::erase_if(unexpected, [&](const auto& item) {
        const auto& jobs_there = agent_of(item.second.agent).jobs;
        if (item.second.database.empty()) return !jobs_there.empty() && item.first.second.empty();
        return std::any_of(jobs_there.begin(), jobs_there.end(), [&](const Job* j) { return job_matches(j->settings, item.second.database); });
    });
}

/// Thousands of jobs, in turns. Of two definitions the later one counts.
void Part::Impl::define_targets(std::function<void(Result<void>)> done) {
    struct Work {
        std::vector<std::string> keys;
        std::vector<targets::TargetSpec> specs;
        InCommon common;
        int round = 0;
    };
    auto work = std::make_shared<Work>();
    work->round = ++definitions;
    for (const auto& [key, job] : jobs) work->keys.push_back(key);
    work->specs.reserve(work->keys.size());
    loop::in_slices(
        rooms.loop, weak_from_this(), work->keys.size(), kJobsATurn,
        [this, work](std::size_t i) {
            const auto found = jobs.find(work->keys[i]);
            if (found != jobs.end()) work->specs.push_back(spec_of(*found->second, work->common));
        },
        [this, work, done = std::move(done)]() mutable {
            if (work->round != definitions) return done({});
            rooms.registry.define("deposit", std::move(work->specs), std::move(done));
        });
}

targets::TargetSpec Part::Impl::spec_of(const Job& job, InCommon& common) const {
    targets::TargetSpec spec;
    spec.id = job.id;
    spec.labels = job.settings.labels;
    spec.timezone = job.settings.timezone;
    spec.initial = plain_verdict(core::Status::unknown, "first_due", "nothing has come yet");
    if (const auto& told = job.settings.recipients; !told.empty()) {
        auto& list = common.recipients[told];
        if (!list) list = std::make_shared<const std::vector<std::string>>(told);
        spec.recipients = list;
    }
    if (!job.rule) {
        spec.interval = job.settings.max_age;
        return spec;
    }
    const auto& schedule = job.rule->schedule;
    const auto [period, fresh] = common.shortest.try_emplace(schedule.text() + '\n' + schedule.zone());
    if (fresh) period->second = schedule.shortest_period(now());
    spec.interval = period->second;
    // Proof may be as old as one period plus the deadline before anybody could know better.
    if (spec.interval) *spec.interval += job.rule->deadline / 2;
    if (const auto next = schedule.next_after(now()))
        spec.initial.reason = "first backup due " + core::local_text(*next, job.settings.timezone, true);
    return spec;
}

void Part::Impl::start(std::function<void(Result<void>)> done) {
    const auto weak = weak_from_this();
    wake_timer = rooms.loop.make_timer([this] { on_wake(); });
    tick_timer = rooms.loop.make_timer([this] { tick(); });
    tend_timer = rooms.loop.make_timer([this] { tend(); });
    build_jobs();
    const auto& s = options.settings;
    vault = std::make_unique<Vault>(rooms.loop, rooms.vault_lane, rooms.files, rooms.store, rooms.registry, rooms.inspector, rooms.journal,
                                    Vault::Options{s.root, s.vault, s.reserve_bytes, s.held_max_bytes, s.held_days},
                                    [this](VaultState state) { on_vault(std::move(state)); });
    // Thousands of jobs: what follows has turns of its own.
    rooms.loop.post(Task([this, weak, done = std::move(done)]() mutable {
        if (weak.expired()) return;
        define_targets([this, weak, done = std::move(done)](Result<void> defined) mutable {
            if (weak.expired()) return;
            if (!defined) return done(std::move(defined));
            open_vault(std::move(done));
        });
    }));
}

void Part::Impl::open_vault(std::function<void(Result<void>)> done) {
    const auto weak = weak_from_this();
    started = true;
    scrub = std::make_unique<Scrub>(
        Scrub::Rooms{rooms.loop, rooms.scrub_lane, rooms.store, rooms.runs}, *vault,
        ScrubRules{options.settings.verify_every, options.settings.verify_rate},
        Scrub::Part{[this](const VaultFile& f, const Verified& v, const std::vector<history::HealthyRow>& rows) { return word_of(f, v, rows); },
                    [this](const VaultFile& f, const Verified& v) { told_of(f, v); },
                    [this](core::Status status, const char* code, std::string reason) { publish_own("verify", status, code, std::move(reason)); }});
    vault->open([this, weak, done = std::move(done)] {
        if (weak.expired()) return;
        on_vault(vault->state());
        auto rows = std::make_shared<std::vector<history::HeldRow>>();
        auto marker = std::make_shared<std::string>();
        auto files = std::make_shared<std::vector<VaultFile>>();
        rooms.store.read(
            [rows, marker, files](history::Reader& r) -> Result<void> {
                auto found = r.held();
                if (!found) return fail(found.error());
                *rows = std::move(*found);
                auto there = vault_files_of(r);
                if (!there) return fail(there.error());
                *files = std::move(*there);
                auto setting = r.setting("deposit_marker");
                if (!setting) return fail(setting.error());
                *marker = setting->value_or("");
                return {};
            },
            [this, weak, rows, marker, files, done](Result<void> read) {
                if (weak.expired()) return;
                if (!read) return done(std::move(read));  // without what is held and damaged nothing may be judged
                for (auto& row : *rows) held.emplace(row.target.key(), row);
                load_damage(*files);
                scrub->start();
                begin_arrival(*marker);
                done({});
            });
    });
}

void Part::expire(Time before) { impl_->archive.expire(before); }

void Part::Impl::begin_arrival(const std::string& marker) {
    for (auto& [key, job] : jobs) schedule(*job);
    Arrival::Options o;
    o.root = options.settings.root;
    o.rescan = options.settings.rescan;
    o.marker_id = marker;
    arrival = std::make_unique<Arrival>(
        rooms.loop, rooms.deposit_lane, rooms.files, rooms.journal, std::move(o), [this](AgentSnapshot s) { on_agent(std::move(s)); },
        [this](std::vector<std::string> there) { on_round(std::move(there)); }, [this](Arrival::RootState r) { on_root(std::move(r)); });
    arrival->start();
    tick_timer->arm(milliseconds(200));
    tend_timer->arm(kTendSoon);
    publish_unexpected();
}

void Part::Impl::on_round(std::vector<std::string> there) {
    std::set<std::string> present;
    for (const auto& name : there) present.insert(lower(name));
    std::vector<std::string> absent;
    for (auto& [key, agent] : agents)
        if (present.count(key) == 0 && (agent->seen || !agent->loaded)) absent.push_back(agent->folder);
    for (const auto& folder : absent) {
        AgentSnapshot empty;
        empty.agent = folder;
        empty.taken_at = now();
        empty.gone = true;
        on_agent(std::move(empty));
    }
    round_done = true;
    looked_at = rooms.loop.clock().boot();
}

void Part::Impl::on_root(Arrival::RootState root) {
    if (!root.usable) {
        publish_own("deposits", core::Status::unreachable, "deposit_unavailable", root.problem);
        // What was seen stays seen: a root that cannot be read is not an empty one. Only what was judged before must be known.
        for (auto& [key, agent] : agents) {
            AgentSnapshot nothing;
            nothing.agent = agent->folder;
            nothing.gone = true;
            if (!agent->loaded) load_judged(*agent, std::move(nothing));
        }
        round_done = true;
    } else if (!root.watching) {
        publish_own("deposits", core::Status::warning, "degraded", "works by scanning alone: " + root.watch_problem);
    } else {
        publish_own("deposits", core::Status::ok, "working", "the deposit folders are watched");
    }
}

void Part::Impl::on_vault(VaultState state) {
    if (!state.usable) {
        vault_was_usable = false;
        return publish_own("vault", core::Status::unreachable, "vault_unavailable", state.problem);
    }
    if (state.problem.empty())
        publish_own("vault", core::Status::ok, "working", "the vault can be written");
    else
        publish_own("vault", core::Status::warning, "degraded", state.problem);
    const bool back = !std::exchange(vault_was_usable, true);
    if (!settled) return;
    for (auto& [key, agent] : agents) {
        // Recovery may have finished a promotion that was given up here: what it judged must be known before anything is taken again.
        if (back) agent->loaded = false;
        if (back && arrival) arrival->look_at(agent->folder);
    }
    for (auto& [key, job] : jobs) {
        job->retry_after.reset();
        job->blocked_until.reset();
        if (!back && job->waiting) consider_again(*job);
    }
}

void Part::Impl::tend() {
    tend_timer->arm(kTendEvery);
    std::map<std::string, KeepRule> rules;
    for (const auto& [key, job] : jobs) rules.emplace(key, KeepRule{job->settings.keep, job->settings.keep_replaced});
    vault->set_keep_rules(std::move(rules));
    vault->tidy([this, weak = weak_from_this()] {
        if (weak.expired()) return;
        auto rows = std::make_shared<std::vector<history::HeldRow>>();
        rooms.store.read(
            [rows](history::Reader& r) -> Result<void> {
                auto found = r.held();
                if (!found) return fail(found.error());
                *rows = std::move(*found);
                return {};
            },
            [this, weak, rows](Result<void> read) {
                if (weak.expired() || !read) return;
                held.clear();
                for (auto& row : *rows) held.emplace(row.target.key(), row);
            });
    });
    for (auto& [key, agent] : agents)
        if (agent->loaded) consume_reports(*agent);
}

Part::Part(Rooms rooms, Options options) : impl_(std::make_shared<Impl>(rooms, std::move(options))) {}
Part::~Part() {
    impl_->arrival.reset();
    impl_->large.waiting.clear();
    impl_->small.waiting.clear();
    impl_->jobs.clear();
    impl_->retired.clear();
    impl_->scrub.reset();
    impl_->vault.reset();
}

void Part::start(std::function<void(Result<void>)> done) { impl_->start(std::move(done)); }

Result<void> Part::reconfigure(core::DepositSettings settings, std::function<void(Result<void>)> done) {
    auto& me = *impl_;
    if (settings.root != me.options.settings.root || settings.vault != me.options.settings.vault)
        return fail(Errc::invalid, "deposits.root and deposits.vault can only be changed by a restart (systemctl restart bkmond)");
    me.options.settings = std::move(settings);
    if (me.scrub) me.scrub->set({me.options.settings.verify_every, me.options.settings.verify_rate});
    me.build_jobs();
    for (auto& [key, agent] : me.agents) agent->read_only.reset();
    me.define_targets([impl = impl_->weak_from_this(), done = std::move(done)](Result<void> defined) {
        auto self = impl.lock();
        if (!self) return;
        for (auto& [key, job] : self->jobs) self->schedule(*job);
        for (auto& [key, agent] : self->agents) {
            self->find_unexpected(*agent);
            if (agent->loaded) self->consider(*agent);
        }
        self->publish_unexpected();
        if (self->tend_timer) self->tend_timer->arm(kTendSoon);  // another keep or keep_replaced may end some versions
        if (self->arrival) self->arrival->rescan([](std::size_t, std::size_t) {}, [] {});
        done(std::move(defined));
    });
    return {};
}

void Part::clock_changed() { impl_->tick_all(); }
const core::DepositSettings& Part::settings() const { return impl_->options.settings; }
bool Part::settled() const { return impl_->settled; }
std::optional<BootTime> Part::looked_at() const { return impl_->looked_at; }

}  // namespace bkmon::deposits
