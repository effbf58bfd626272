#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/base/text.h"
#include "daemon/deposits/arrival/arrival_impl.h"

namespace bkmon::deposits {
namespace {

constexpr std::size_t kMaxStrays = 4096;
constexpr milliseconds kAfterOverflow{1000};  // a flood causes one round a second, not one without end
constexpr milliseconds kAfterTaking{5000};    // what was judged and taken away is no news: one look for many of them

}  // namespace

/// At each round until it works: another program may have given an inotify instance back.
bool Arrival::Impl::open_watcher() {
    if (watcher_) return true;
    auto created = Watcher::create();
    if (!created) {
        watcher_problem_ = "inotify cannot be used (" + created.error().what + "; fs.inotify.max_user_instances may be too low)";
        return false;
    }
    watcher_ = std::move(*created);
    watcher_problem_.clear();
    events_ = loop.watch(watcher_->fd(), true, false, [this](bool, bool) { read_events(); });
    return true;
}

void Arrival::Impl::read_events() {
    const auto self = shared_from_this();
    watcher_->drain([this](const Watcher::Event& e) { handle(e); });
}

void Arrival::Impl::handle(const Watcher::Event& event) {
    if (event.watch < 0) return overflowed();
    if (root_watch_ && event.watch == *root_watch_) {
        if (event.ended) root_watch_.reset();
        if (event.self) return request_round();
        if (!event.name.empty() && event.name.front() != '.' && event.name != "lost+found") touch_soon(event.name);
        return;
    }
    const auto it = watched_.find(event.watch);
    if (it == watched_.end()) {
        // The look that made this watch has not come back yet, or the watch was given up: only the former matters.
        if (event.ended)
            strays_.erase(event.watch);
        else if (strays_.size() < kMaxStrays)
            strays_.insert(event.watch);
        else
            request_round();
        return;
    }
    const std::string agent = it->second;
    if (event.ended) {
        watched_.erase(it);
        std::erase(agents_[agent].watches, event.watch);
    }
    if (!event.self && is_rsync_temporary(event.name)) return;  // its end is a rename to the final name
    if (event.taken_away) return touch(agent, kAfterTaking);
    touch_soon(agent);
}

void Arrival::Impl::overflowed() {
    last_overflow_ = loop.clock().boot();
    if (!flood_told_) {
        flood_told_ = true;
        journal.log(journal::Level::warning, journal::msg::watch_degraded,
                    fmt::format("a flood of changes under {}: events were lost, everything is scanned", printable(options.root)),
                    {{"BKMON_ROOT", options.root}});
    }
    if (!round_timer_->armed()) round_timer_->arm(kAfterOverflow);
}

void Arrival::Impl::take_watches(const std::string& name, Agent& agent, std::vector<int> watches) {
    unwatch(name, agent, watches);
    agent.watches = std::move(watches);
    bool missed = false;
    for (int w : agent.watches) {
        watched_[w] = name;
        missed = strays_.erase(w) > 0 || missed;
    }
    if (missed) touch(name, options.debounce);
}

/// A folder that was moved elsewhere keeps its watch until it is given up here; one that another agent's look has taken over stays.
void Arrival::Impl::unwatch(const std::string& name, Agent& agent, const std::vector<int>& keep) {
    for (int w : agent.watches) {
        if (std::find(keep.begin(), keep.end(), w) != keep.end()) continue;
        const auto it = watched_.find(w);
        if (it == watched_.end() || it->second != name) continue;
        watched_.erase(it);
        if (watcher_) watcher_->remove(w);
    }
    agent.watches.clear();
}

void Arrival::Impl::note_watching() {
    RootState next;
    next.usable = true;
    if (!watcher_problem_.empty()) {
        next.watch_problem = watcher_problem_;
    } else if (watch_errno_ == ENOSPC) {
        next.watch_problem = "the limit of inotify watches is used up: raise fs.inotify.max_user_watches";
    } else if (watch_errno_ != 0) {
        next.watch_problem = fmt::format("inotify refuses to watch: {}", strerror(watch_errno_));
    } else if (!remote_.empty()) {
        next.watch_problem = fmt::format("the deposit root is on {}: what other machines write there gives no events", remote_);
    }
    next.watching = next.watch_problem.empty();
    if (!next.watching && (state.watching || !state_told_ || state.watch_problem != next.watch_problem))
        journal.log(journal::Level::warning, journal::msg::watch_degraded,
                    fmt::format("new deposits under {} are found by scanning every {} alone: {}", printable(options.root),
                                duration_words(options.rescan), next.watch_problem),
                    {{"BKMON_ROOT", options.root}});
    set_state(std::move(next));
}

}  // namespace bkmon::deposits
