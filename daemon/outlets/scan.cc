#include "daemon/outlets/scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/platform/loop/slices.h"

namespace bkmon::outlets {
namespace {

constexpr std::size_t kUnjudged = 1000;  ///< doors that did not answer: then no more are tried
constexpr milliseconds kHeldOff{1000};

}  // namespace

Scan::Scan(Rooms rooms, Owner owner, std::unique_ptr<runs::Run> run) : rooms_(rooms), owner_(std::move(owner)), run_(std::move(run)), tally_(boot()) {
    tally_.view.run = run_->id();
}

Scan::~Scan() {
    if (!over_) let_go_of_visits();
}

void Scan::look(ScanPlan plan, std::vector<Wanted> wanted) {
    plan_ = std::move(plan);
    timer_ = rooms_.loop.make_timer([this] { wake(); });
    items_.resize(wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) items_[i].wanted = std::move(wanted[i]);
    looking_ = true;
    tally_.begin(items_.size(), boot());
    run_->progress(0, tally_.view.total, "");
    wake();
}

void Scan::stop(const std::string& state, const std::string& error) { end(state, error); }

void Scan::abandon(const std::string& state, const std::string& error) {
    if (over_) return;
    let_go_of_visits();
    over_ = true;
    let_go_of_connections();
    for (auto& item : items_) let_go_of_door(item);
    run_->finish(state, error);
}

void Scan::wake() {
    if (over_ || !looking_ || std::exchange(woken_, true)) return;
    static_cast<void>(rooms_.loop.post(Task([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->turn();
    })));
}

void Scan::turn() {
    woken_ = false;
    spent_probes_.clear();
    spent_visits_.clear();
    if (over_) return;
    if (tally_.view.done == tally_.view.total) return end("done", "");
    if (!gave_up_ && plan_.guard->given_up()) {
        gave_up_ = true;
        next_probe_ = items_.size();
        let_go_of_connections();
        for (auto* queue : {&again_, &ready_}) queue->clear();
        for (auto* queue : {&retries_, &quiet_, &silent_}) queue->clear();
    }
    bool more = take_results();
    more = sweep() || more;
    look_at_knocks();
    more = begin_late() || more;
    more = begin_probes() || more;
    more = begin_visits() || more;
    run_->progress(tally_.view.done, tally_.view.total, tally_.view.last);
    if (more) return wake();
    sleep();
}

/// Nothing is begun whose result could not be recorded.
bool Scan::may_begin() const { return unwritten_ < kUnwritten && (!owner_.hold_off || owner_.hold_off().empty()); }

/// Others are still looked at, or are yet to be.
bool Scan::more_will_come() const { return static_cast<std::size_t>(tally_.view.total - tally_.view.done) > results_.size() + unwritten_; }

bool Scan::take_results() {
    if (results_.empty()) return false;
    if (gathered_ && boot() - *gathered_ < kGather && results_.size() < kATurn && more_will_come()) return false;
    gathered_ = boot();
    for (std::size_t n = 0; n < kATurn && !results_.empty() && unwritten_ < kUnwritten; ++n) {
        const auto i = results_.front();
        results_.pop_front();
        judge(i);
        if (over_) return false;
    }
    return !results_.empty() && unwritten_ < kUnwritten;
}

/// The credential is not used any more: whoever was not visited yet is not.
bool Scan::sweep() {
    if (!gave_up_) return false;
    for (std::size_t n = 0; n < kATurn && swept_ < items_.size() && unwritten_ < kUnwritten; ++swept_) {
        auto& item = items_[swept_];
        if (item.stage == Stage::visiting || item.stage == Stage::judging || item.stage == Stage::done) continue;
        ++n;
        let_go_of_door(item);
        skip(swept_);
    }
    return swept_ < items_.size() && unwritten_ < kUnwritten;
}

/// Who was knocked at, has he answered? Who has not no longer counts.
void Scan::look_at_knocks() {
    const auto now = boot();
    const auto over = [&](const Later& knock) {
        if (items_[knock.item].stage != Stage::probing) return true;
        if (knock.at > now) return false;
        if (!items_[knock.item].retried && !gave_up_) silent_.push_back({knock.item, knock.at - kKnock + kBeforeRetry});
        return true;
    };
    std::erase_if(knocks_, over);
    while (!silent_.empty() && items_[silent_.front().item].stage != Stage::probing) silent_.pop_front();
}

/// Connections that wait for a worker. Of those that the visitor has, as many are used as there are workers.
std::size_t Scan::held() const {
    const auto workers = static_cast<std::size_t>(std::max(1, plan_.workers));
    return ready_.size() + (visiting_ > workers ? visiting_ - workers : 0);
}

/// Second tries and second looks come when everybody had his first.
bool Scan::begin_late() {
    if (!first_round_over()) return false;
    bool some = false;
    const auto due = [this](const std::deque<Later>& queue) { return !queue.empty() && queue.front().at <= boot(); };
    for (; due(retries_); retries_.pop_front(), some = true) {
        items_[retries_.front().item].stage = Stage::waiting;
        again_.push_back(retries_.front().item);
    }
    for (; due(quiet_); quiet_.pop_front(), some = true) {
        items_[quiet_.front().item].stage = Stage::ready;
        ready_.push_back(quiet_.front().item);
    }
    for (std::size_t n = 0; n < kATurn && due(silent_); ++n, silent_.pop_front(), some = true)
        if (items_[silent_.front().item].stage == Stage::probing) probe_again(silent_.front().item);
    return some;
}

bool Scan::begin_probes() {
    const auto left = [this] { return !again_.empty() || next_probe_ < items_.size(); };
    if (gave_up_ || !left() || !may_begin()) return false;
    std::size_t n = 0;
    for (; n < kATurn && left() && results_.size() < kUnjudged && window_open(); ++n) {
        if (next_probe_ < items_.size()) {
            probe(next_probe_++);
        } else {
            const auto i = again_.front();
            again_.pop_front();
            probe(i);
        }
    }
    return n == kATurn;
}

bool Scan::begin_visits() {
    // A few more than there are workers, so that none waits for this loop.
    if (gave_up_ || ready_.empty() || visiting_ >= window() || !may_begin()) return false;
    std::size_t n = 0;
    for (; n < kATurn && !ready_.empty() && visiting_ < window() && plan_.guard->may_try(boot()); ++n) {
        const auto i = ready_.front();
        ready_.pop_front();
        visit(i);
    }
    return n == kATurn;
}

void Scan::sleep() {
    std::optional<milliseconds> wait;
    const auto at_most = [&wait](milliseconds d) { wait = std::min(wait.value_or(d), d); };
    const auto until = [&](BootTime at) { at_most(std::max(milliseconds(0), at - boot())); };
    if (!may_begin()) at_most(kHeldOff);
    if (!knocks_.empty()) until(knocks_.front().at);
    if (!results_.empty() && unwritten_ < kUnwritten) until(*gathered_ + kGather);
    if (!ready_.empty()) at_most(kLookAround);  // for the credential, which another scan may try at the moment
    if (first_round_over())
        for (const auto* queue : {&retries_, &quiet_, &silent_})
            if (!queue->empty()) until(queue->front().at);
    if (wait)
        timer_->arm(*wait);
    else
        timer_->cancel();
}

void Scan::end(const std::string& state, const std::string& error) {
    if (std::exchange(over_, true)) return;
    if (timer_) timer_->cancel();
    let_go_of_visits();
    let_go_of_connections();
    plan_.password.clear();
    tally_.stop(boot());
    if (looking_) tally_.view.last = tally_.words();
    run_->progress(tally_.view.done, tally_.view.total, tally_.view.last);
    run_->finish(state, error);
    if (const auto ended = std::exchange(owner_.ended, nullptr)) ended(state, error);
    let_go_of_doors();
}

void Scan::let_go_of_visits() {
    for (auto& item : items_) {
        if (item.stage != Stage::visiting) continue;
        item.stage = Stage::done;
        item.visit.reset();
        rooms_.registry.set_running(item.wanted.target, false);
        plan_.guard->ended(CredentialGuard::End::neither, boot());
    }
}

/// Nobody will visit them.
void Scan::let_go_of_connections() {
    for (const auto i : ready_) items_[i].connection = {};
}

void Scan::let_go_of_door(Item& item) {
    item.probe.reset();
    item.second_probe.reset();
}

/// Thousands of doors may be waited for: they are let go in turns.
void Scan::let_go_of_doors() {
    loop::in_slices(
        rooms_.loop, weak_from_this(), items_.size(), kATurn, [this](std::size_t i) { let_go_of_door(items_[i]); },
        [this] {
            if (const auto released = std::exchange(owner_.released, nullptr)) released();
        });
}

}  // namespace bkmon::outlets
