#include "daemon/deposits/arrival/arrival.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"
#include "daemon/deposits/arrival/arrival_impl.h"

namespace bkmon::deposits {
namespace {

constexpr int kLooksAtOnce = 4;  // the file, the report, and twice again

}  // namespace

Arrival::Arrival(loop::EventLoop& loop, loop::Lane& lane, files::FileOps& files, journal::Journal& journal, Options options,
                 std::function<void(AgentSnapshot)> on_agent, std::function<void(std::vector<std::string>)> on_round,
                 std::function<void(RootState)> on_root)
    : impl_(std::make_shared<Impl>(loop, lane, files, journal, std::move(options))) {
    impl_->on_agent = std::move(on_agent);
    impl_->on_round = std::move(on_round);
    impl_->on_root = std::move(on_root);
}

Arrival::~Arrival() { impl_->stop(); }

void Arrival::start() { impl_->start(); }
void Arrival::look_at(const std::string& agent) { impl_->touch(agent, impl_->options.debounce); }
const Arrival::RootState& Arrival::root() const { return impl_->state; }
void Arrival::settled(const std::string& agent, const std::string& sha256) { impl_->settle(agent, sha256); }
void Arrival::unsettle(const std::string& agent) { impl_->unsettle(agent); }

void Arrival::rescan(std::function<void(std::size_t, std::size_t)> progress, std::function<void()> done) {
    impl_->next_waiters.push_back({std::move(progress), std::move(done)});
    impl_->request_round();
}

void Arrival::Impl::settle(const std::string& agent, const std::string& sha256) {
    if (const auto it = agents_.find(agent); it != agents_.end()) it->second.newly_settled.push_back(sha256);
}

void Arrival::Impl::unsettle(const std::string& agent) {
    const auto it = agents_.find(agent);
    if (it == agents_.end()) return;
    it->second.newly_settled.clear();
    it->second.settled.reset();
    touch(agent, options.debounce);
}

void Arrival::Impl::start() {
    rescan_timer_ = loop.make_timer([this] { request_round(); });
    round_timer_ = loop.make_timer([this] { request_round(); });
    request_round();
}

void Arrival::Impl::stop() {
    stopped_ = true;
    events_.reset();
    rescan_timer_.reset();
    round_timer_.reset();
    for (auto& [name, agent] : agents_) agent.debounce.reset();
}

/// An agent that was quiet is looked at as soon as something comes: file, report and what goes with them. Whoever goes on is looked at once a
/// debounce.
void Arrival::Impl::touch_soon(const std::string& name) {
    if (stopped_ || name.empty()) return;
    auto& agent = agents_[name];
    if (agent.debounce && agent.debounce->armed() && agent.due <= loop.clock().boot()) return;
    const milliseconds most = kLooksAtOnce * options.debounce, now = loop.clock().boot().time_since_epoch();
    const bool first = agent.allowed_at == BootTime{};
    agent.allowance = first ? most : std::min(most, agent.allowance + (now - agent.allowed_at.time_since_epoch()));
    agent.allowed_at = BootTime(now);
    const bool at_once = agent.allowance >= options.debounce;
    if (at_once) agent.allowance -= options.debounce;
    touch(name, at_once ? milliseconds(0) : options.debounce);
}

/// The first event starts the clock: a steady stream of them cannot put the look off for ever. One that is sooner counts.
void Arrival::Impl::touch(const std::string& name, milliseconds after) {
    if (stopped_ || name.empty()) return;
    auto& agent = agents_[name];
    if (!agent.debounce) {
        agent.debounce = loop.make_timer([this, name] {
            queue_.add_event(name);
            go_on();
        });
    }
    const BootTime due = loop.clock().boot() + after;
    if (agent.debounce->armed() && agent.due <= due) return;
    agent.due = due;
    agent.debounce->arm(after);
}

void Arrival::Impl::request_round() {
    round_wanted_ = true;
    go_on();
}

RootOrder Arrival::Impl::root_order() const { return {options.root, options.marker_id, device_, !agents_.empty()}; }

void Arrival::Impl::go_on() {
    if (stopped_ || busy_) return;
    if (round_wanted_ && !round_runs_) return begin_round();
    if (auto turn = queue_.next()) return look(std::move(*turn));
}

void Arrival::Impl::begin_round() {
    round_wanted_ = false;
    round_runs_ = true;
    busy_ = true;
    watch_errno_ = 0;
    rescan_timer_->cancel();
    round_waiters_ = std::exchange(next_waiters, {});
    open_watcher();
    loop::submit(
        lane, loop, weak_from_this(),
        [&f = files, order = root_order(), watcher = watcher_](std::stop_token) { return look_at_root(f, order, watcher.get()); },
        [this](RootResult r) { root_looked(std::move(r)); });
}

void Arrival::Impl::root_looked(RootResult r) {
    if (stopped_) return;
    busy_ = false;
    if (!r.look.problem.empty()) return round_failed(std::move(r.look.problem));
    device_ = r.look.device;
    remote_ = std::move(r.look.remote);
    if (root_watch_ && root_watch_ != r.watch && watcher_) watcher_->remove(*root_watch_);
    root_watch_ = r.watch;
    if (r.watch_errno != 0) watch_errno_ = r.watch_errno;
    round_agents_ = std::move(r.look.agents);
    round_done_ = 0;
    queue_.start_round(round_agents_);
    if (round_agents_.empty()) return end_round();
    go_on();
}

void Arrival::Impl::look(LookQueue::Turn turn) {
    busy_ = true;
    AgentOrder order{root_order(), turn.agent, options.max_names, nullptr, nullptr, watcher_};
    if (const auto it = agents_.find(turn.agent); it != agents_.end()) {
        auto& agent = it->second;
        if (!agent.newly_settled.empty()) {
            auto all = agent.settled ? std::make_shared<std::set<std::string>>(*agent.settled) : std::make_shared<std::set<std::string>>();
            all->insert(agent.newly_settled.begin(), agent.newly_settled.end());
            agent.newly_settled.clear();
            agent.settled = std::move(all);
        }
        order.kept = agent.kept;
        order.settled = agent.settled;
    }
    loop::submit(
        lane, loop, weak_from_this(), [&f = files, order = std::move(order)](std::stop_token) { return look_at_agent(f, order); },
        [this, turn = std::move(turn)](AgentResult r) { agent_looked(turn, std::move(r)); });
}

void Arrival::Impl::agent_looked(const LookQueue::Turn& turn, AgentResult r) {
    if (stopped_) return;
    const auto self = shared_from_this();  // the callbacks may end us
    busy_ = false;
    if (!r.root_problem.empty()) {
        if (turn.of_round) return round_failed(std::move(r.root_problem));
        return request_round();  // what cannot be read is not gone: the root itself is looked at first
    }
    if (watch_errno_ == 0) watch_errno_ = r.watch_errno;
    const bool known = agents_.count(turn.agent) > 0 && agents_[turn.agent].kept != nullptr;
    if (r.no_folder || (r.snapshot.gone && !known)) {
        if (const auto it = agents_.find(turn.agent); it != agents_.end()) unwatch(turn.agent, it->second, {});
        if (!known)
            agents_.erase(turn.agent);
        else
            r.snapshot.gone = true;
    }
    if (known || !(r.no_folder || r.snapshot.gone)) deliver(agents_[turn.agent], r);
    if (stopped_) return;
    if (turn.of_round) {
        ++round_done_;
        for (const auto& w : round_waiters_)
            if (w.progress) w.progress(round_done_, round_agents_.size());
        if (stopped_) return;
        if (round_done_ == round_agents_.size()) return end_round();
    }
    go_on();
}

void Arrival::Impl::deliver(Agent& agent, AgentResult& r) {
    const std::string name = r.snapshot.agent;
    take_watches(name, agent, std::move(r.watches));
    if (agent.settled) {
        // What went away is forgotten; a copy, because the set may still be read on the lane.
        auto still = std::make_shared<std::set<std::string>>();
        for (const auto& [file, kept] : *r.kept)
            if (agent.settled->count(kept.sha256) > 0) still->insert(kept.sha256);
        agent.settled = std::move(still);
    }
    agent.kept = std::move(r.kept);
    if (r.again_soon) touch(name, std::max<milliseconds>(options.debounce, seconds(1)));
    if (r.snapshot.gone) agents_.erase(name);
    r.snapshot.taken_at = loop.clock().now();
    on_agent(std::move(r.snapshot));
}

void Arrival::Impl::end_round() {
    const auto self = shared_from_this();
    round_runs_ = false;
    note_watching();
    if (stopped_) return;
    if (flood_told_ && loop.clock().boot() - last_overflow_ > std::chrono::minutes(10)) flood_told_ = false;
    const auto waiters = std::exchange(round_waiters_, {});
    on_round(std::move(round_agents_));
    for (const auto& w : waiters) {
        if (stopped_) return;
        if (w.done) w.done();
    }
    if (stopped_) return;
    rescan_timer_->arm(options.rescan);
    go_on();
}

void Arrival::Impl::round_failed(std::string problem) {
    const auto self = shared_from_this();
    round_runs_ = false;
    queue_.drop_round();
    auto waiters = std::exchange(round_waiters_, {});
    RootState next;
    next.problem = printable(problem);
    set_state(std::move(next));
    for (const auto& w : waiters) {
        if (stopped_) return;
        if (w.done) w.done();
    }
    if (stopped_) return;
    rescan_timer_->arm(options.rescan);
    go_on();
}

void Arrival::Impl::set_state(RootState next) {
    const bool same = state_told_ && next.usable == state.usable && next.problem == state.problem && next.watching == state.watching &&
                      next.watch_problem == state.watch_problem;
    state = std::move(next);
    state_told_ = true;
    if (!same) on_root(state);
}

}  // namespace bkmon::deposits
