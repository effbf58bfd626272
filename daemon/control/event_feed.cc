#include "daemon/control/event_feed.h"

#include <algorithm>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "common/protocol/params.h"
#include "daemon/control/rows_json.h"

namespace bkmon::control {

namespace {

constexpr std::size_t kRing = 1000;  // newest events kept in memory while somebody watches
constexpr int kPage = 200;
constexpr milliseconds kLookAgain{1000};

/// A member of the event's body, or null.
std::string text_of(const protocol::Params& body, std::string_view name) {
    const auto value = body.string(name);
    return value && *value ? **value : std::string();
}

/// A run's end in a sentence; its body has no verdict.
std::string sentence_of(const history::EventRow& row, const protocol::Params& body) {
    if (row.type != "run") return text_of(body, "text");
    const auto error = text_of(body, "error");
    return text_of(body, "kind") + " of " + text_of(body, "what") + ": " + text_of(body, "state") + (error.empty() ? "" : " (" + error + ")");
}

FeedEvent event_of(const history::EventRow& row) {
    const auto parsed = protocol::Params::parse(row.body);
    const auto body = parsed ? *parsed : protocol::Params();
    FeedEvent event;
    event.seq = row.seq;
    event.target = row.target.str();
    event.kind = row.target.empty() ? "" : row.target.kind();
    event.what = row.type == "run" ? text_of(body, "what") : "";
    JsonWriter w;
    w.begin_object().key("event").begin_object().field("seq", row.seq).field("at", row.at).field("type", row.type);
    put_text(w, "target", event.target);
    put_text(w, "run", row.run);
    for (const char* name : {"status", "severity", "previous", "reason_code", "reason"}) put_text(w, name, text_of(body, name));
    put_text(w, "text", sentence_of(row, body));
    event.reply = w.end_object().end_object().take();
    return event;
}

/// The highest number in use: there is no row beyond it. Looks in growing, then shrinking steps.
Result<std::int64_t> newest_seq(history::Reader& reader) {
    std::int64_t known = 0, step = 1024;
    for (;;) {
        auto rows = reader.events_after(known + step, 1);
        if (!rows) return fail(std::move(rows.error()));
        if (!rows->empty()) {
            known = rows->front().seq;
            step = std::max<std::int64_t>(step, 1) * 2;
        } else if (step == 0) {
            return known;
        } else {
            step /= 2;
        }
    }
}

struct Watcher {
    std::shared_ptr<Call> call;
    std::string kind;
    std::int64_t at = 0;  ///< the last one sent or passed over
    bool reading = false;

    bool wants(const FeedEvent& event) const {
        const auto& caller = call->caller();
        if (!kind.empty() && !equal_ignoring_case(kind, event.kind)) return false;
        if (caller.targets.empty()) return true;
        const auto& about = event.target.empty() ? event.what : event.target;
        return !about.empty() && caller.may_touch(about);
    }
};
using WatcherPtr = std::shared_ptr<Watcher>;

}  // namespace

struct EventFeed::Impl : std::enable_shared_from_this<Impl> {
    Impl(loop::EventLoop& l, history::Store& s, targets::Registry& r) : loop(l), store(s), registry(r), timer(l.make_timer([this] { look(); })) {}

    /// Events after `seq`, read off the loop. `then` only while this lives.
    void read(std::int64_t seq, std::function<void(Result<void>, std::vector<FeedEvent>)> then) {
        const auto events = std::make_shared<std::vector<FeedEvent>>();
        store.read(
            [events, seq](history::Reader& reader) -> Result<void> {
                auto rows = reader.events_after(seq, kPage);
                if (!rows) return fail(std::move(rows.error()));
                events->clear();
                for (const auto& row : *rows) events->push_back(event_of(row));
                return {};
            },
            [weak = weak_from_this(), events, then = std::move(then)](Result<void> result) {
                if (const auto self = weak.lock()) then(std::move(result), std::move(*events));
            });
    }

    /// Finds where "now" is, then goes on from there.
    void begin() {
        beginning = true;
        const auto newest = std::make_shared<std::int64_t>(0);
        store.read(
            [newest](history::Reader& reader) -> Result<void> {
                auto seq = newest_seq(reader);
                if (!seq) return fail(std::move(seq.error()));
                *newest = *seq;
                return {};
            },
            [weak = weak_from_this(), newest](Result<void> result) {
                if (const auto self = weak.lock()) self->begun(std::move(result), *newest);
            });
    }

    void begun(Result<void> result, std::int64_t newest) {
        beginning = false;
        if (!result) {
            const auto all = std::exchange(watchers, {});
            for (const auto& w : all) w->call->fail(result.error());
            return;
        }
        if (watchers.empty()) return;  // all left meanwhile
        last = newest;
        ring.clear();
        ++round;
        looking = again = false;
        started = true;
        listening = registry.listen([this](const targets::Change&) { look(); });
        for (const auto& w : std::vector(watchers)) {
            if (w->at < 0 || w->at > last) w->at = last;  // beyond: a number from another history
            pump(w);
        }
        timer->arm(kLookAgain);
    }

    void look() {
        if (!started || looking) {
            again = looking;
            return;
        }
        looking = true;
        again = false;
        read(last, [this, of = round](const Result<void>& result, std::vector<FeedEvent> events) {
            if (!started || of != round) return;
            looking = false;
            const bool full = events.size() == static_cast<std::size_t>(kPage);
            for (auto& event : events) {
                last = event.seq;
                ring.push_back(std::move(event));
                if (ring.size() > kRing) ring.pop_front();
            }
            if (result && !events.empty())
                for (const auto& w : std::vector(watchers)) pump(w);
            if (!started || of != round) return;  // the last watcher may have left in between
            if (full || again) return look();
            timer->arm(kLookAgain);
        });
    }

    void pump(const WatcherPtr& w) {
        if (!started || w->reading || w->at < 0) return;
        while (w->at < last) {
            if (!w->call->ready())
                return w->call->on_drain([weak = weak_from_this(), w] {
                    if (const auto self = weak.lock()) self->pump(w);
                });
            if (ring.empty() || w->at < ring.front().seq - 1) return catch_up(w);
            const auto next = std::upper_bound(ring.begin(), ring.end(), w->at, [](std::int64_t at, const FeedEvent& e) { return at < e.seq; });
            if (next == ring.end()) return;
            send(*w, *next);
        }
    }

    /// From the history, a page at a time, until the ring has the rest.
    void catch_up(const WatcherPtr& w) {
        w->reading = true;
        read(w->at, [this, w](const Result<void>& result, const std::vector<FeedEvent>& events) {
            w->reading = false;
            if (std::find(watchers.begin(), watchers.end(), w) == watchers.end()) return;
            if (!result) {
                w->call->fail(result.error());
                return leave(w);
            }
            for (const auto& event : events) send(*w, event);
            if (events.empty()) w->at = ring.empty() ? last : ring.front().seq - 1;  // what was between is not kept any more
            pump(w);
        });
    }

    static void send(Watcher& w, const FeedEvent& event) {
        w.at = event.seq;
        if (w.wants(event)) w.call->stream(event.reply);
    }

    void leave(const WatcherPtr& w) {
        std::erase(watchers, w);
        if (!watchers.empty() || beginning) return;
        started = false;  // nobody watches: nothing is read
        listening.reset();
        timer->cancel();
        ring.clear();
    }

    loop::EventLoop& loop;
    history::Store& store;
    targets::Registry& registry;
    std::unique_ptr<loop::Timer> timer;
    std::shared_ptr<void> listening;
    std::vector<WatcherPtr> watchers;
    std::deque<FeedEvent> ring;
    std::int64_t last = 0;
    std::uint64_t round = 0;  ///< grows at each start: what was read for an earlier one does not count
    bool started = false, beginning = false, looking = false, again = false;
};

EventFeed::EventFeed(loop::EventLoop& loop, history::Store& store, targets::Registry& registry)
    : impl_(std::make_shared<Impl>(loop, store, registry)) {}
EventFeed::~EventFeed() = default;

std::size_t EventFeed::watchers() const { return impl_->watchers.size(); }

void EventFeed::watch(std::shared_ptr<Call> call, std::string kind, std::optional<std::int64_t> after) {
    const auto w = std::make_shared<Watcher>();
    w->call = std::move(call);
    w->kind = std::move(kind);
    w->at = after.value_or(-1);
    if (impl_->started && (w->at < 0 || w->at > impl_->last)) w->at = impl_->last;
    impl_->watchers.push_back(w);
    w->call->on_hangup([weak = std::weak_ptr(impl_), weak_watcher = std::weak_ptr(w)] {
        const auto impl = weak.lock();
        const auto watcher = weak_watcher.lock();
        if (impl && watcher) impl->leave(watcher);
    });
    if (impl_->started) return impl_->pump(w);
    if (!impl_->beginning) impl_->begin();
}

}  // namespace bkmon::control
