#include "daemon/runs/run_engine.h"

#include <fmt/format.h>

#include <deque>
#include <map>
#include <utility>

#include "common/base/json_writer.h"
#include "daemon/runs/run_id.h"

namespace bkmon::runs {
namespace {

constexpr milliseconds kProgressEvery(100);
constexpr milliseconds kWriteAgain(5000);
constexpr std::size_t kUnwritten = 1000;  // ended runs kept for a history that refuses them
constexpr std::size_t kRemembered = 256;  // ids of ended runs, to tell "over" from "never was"

struct Follower {
    std::function<void(const Progress&)> listener;
};

struct Record {
    Progress now;
    bool brief = false, cancelling = false, changed = false, unwritten = false;
    std::function<void()> on_cancel;
    std::vector<std::weak_ptr<Follower>> followers;
};
using RecordPtr = std::shared_ptr<Record>;

history::EventRow end_event(const history::RunRow& row) {
    JsonWriter body;
    body.begin_object()
        .field("run", row.id)
        .field("kind", row.kind)
        .field("what", row.what)
        .field("state", row.state)
        .field("error", row.error)
        .end_object();
    history::EventRow event;
    event.at = row.ended_at.value_or(Time{});
    event.type = "run";
    event.run = row.id;
    event.body = body.take();
    return event;
}

}  // namespace

struct RunEngine::Impl : std::enable_shared_from_this<Impl> {
    Impl(loop::EventLoop& l, history::Store& s) : loop(l), store(s) {}

    loop::EventLoop& loop;
    history::Store& store;
    RunIds ids;
    std::map<std::string, RecordPtr> records;
    std::deque<std::pair<std::string, std::string>> over;  // id and state, newest last
    std::unique_ptr<loop::Timer> tell_timer, write_timer;

    RecordPtr create(std::string kind, std::string what, std::function<void()> on_cancel, bool brief, bool queued) {
        auto record = std::make_shared<Record>();
        const Time now = loop.clock().now();
        auto& row = record->now.row;
        row.id = ids.next(now);
        row.kind = std::move(kind);
        row.what = std::move(what);
        row.state = queued ? "queued" : "running";
        if (!queued) row.started_at = now;
        record->now.seq = 1;
        record->brief = brief;
        record->on_cancel = std::move(on_cancel);
        records.emplace(row.id, record);
        if (!brief) write(record);
        return record;
    }

    // Records are passed by value where listeners may run: they may destroy whoever lent them.

    /// One change that followers may see a little later, together with others.
    void changed(Record& record) {
        ++record.now.seq;
        record.changed = true;
        if (!record.followers.empty() && !tell_timer->armed()) tell_timer->arm(kProgressEvery);
    }

    void tell_changed() {
        const auto self = shared_from_this();  // a listener may destroy the engine
        const auto all = records;
        for (const auto& [id, record] : all)
            if (std::exchange(record->changed, false)) tell(record);
    }

    static void tell(RecordPtr record) {
        const Progress progress = record->now;
        std::erase_if(record->followers, [](const auto& f) { return f.expired(); });
        const auto followers = record->followers;
        for (const auto& weak : followers) {
            const auto follower = weak.lock();
            if (!follower || !follower->listener) continue;  // it died, or the run ended in a listener and it was told that
            if (progress.final) {
                std::exchange(follower->listener, nullptr)(progress);
            } else {
                const auto listener = follower->listener;  // it may drop itself
                listener(progress);
            }
        }
        if (progress.final) record->followers.clear();
    }

    void start(const RecordPtr& record) {
        if (record->now.row.state != "queued") return;
        record->now.row.state = "running";
        record->now.row.started_at = loop.clock().now();
        changed(*record);
        write(record);
    }

    void finish(RecordPtr record, std::string state, std::string error) {
        if (record->now.final) return;
        auto& row = record->now.row;
        row.state = std::move(state);
        row.error = std::move(error);
        row.ended_at = loop.clock().now();
        record->now.final = true;
        ++record->now.seq;
        record->changed = false;
        over.emplace_back(row.id, row.state);
        if (over.size() > kRemembered) over.pop_front();
        write(record);
        const auto self = shared_from_this();
        record->on_cancel = nullptr;
        tell(record);
    }

    void write(const RecordPtr& record) {
        record->unwritten = false;
        const bool event = record->now.final && !record->brief;
        store.write(
            [row = record->now.row, event](history::Session& session) -> Result<void> {
                if (event)
                    if (auto added = session.add_event(end_event(row)); !added) return fail(std::move(added.error()));
                return session.put_run(row);
            },
            [self = weak_from_this(), record, final = record->now.final](Result<void> done) {
                if (auto me = self.lock()) me->written(record, final, done.has_value());
            });
    }

    void written(const RecordPtr& record, bool final, bool ok) {
        if (ok) {
            if (final) records.erase(record->now.row.id);
            return;
        }
        if (final == record->now.final) record->unwritten = true;  // else its end was handed to the history since
        if (!write_timer->armed()) write_timer->arm(kWriteAgain);
    }

    void write_again() {
        std::vector<RecordPtr> unwritten;
        for (const auto& [id, record] : records)
            if (record->unwritten) unwritten.push_back(record);
        std::size_t ended = 0;
        for (auto it = unwritten.rbegin(); it != unwritten.rend(); ++it) {  // newest first: of too many the oldest go
            if ((*it)->now.final && ++ended > kUnwritten) records.erase((*it)->now.row.id);
        }
        for (const auto& record : unwritten)
            if (records.contains(record->now.row.id)) write(record);
    }
};

struct RunEngine::Handle final : Run {
    Handle(std::weak_ptr<Impl> engine, RecordPtr record) : engine_(std::move(engine)), record_(std::move(record)) {}
    ~Handle() override { finish("failed", "it ended without a result"); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    const std::string& id() const override { return record_->now.row.id; }
    void start() override {
        if (const auto engine = engine_.lock()) engine->start(record_);
    }
    void progress(std::int64_t done, std::int64_t total, std::string text) override {
        auto& now = record_->now;
        if (now.final || (now.row.done == done && now.row.total == total && now.text == text)) return;
        now.row.done = done;
        now.row.total = total;
        now.text = std::move(text);
        if (const auto engine = engine_.lock()) engine->changed(*record_);
    }
    bool cancelled() const override { return record_->cancelling; }
    void finish(std::string state, std::string error) override {
        if (const auto engine = engine_.lock()) engine->finish(record_, std::move(state), std::move(error));
    }

private:
    std::weak_ptr<Impl> engine_;
    RecordPtr record_;
};

RunEngine::RunEngine(loop::EventLoop& loop, history::Store& store) : impl_(std::make_shared<Impl>(loop, store)) {
    impl_->tell_timer = loop.make_timer([impl = impl_.get()] { impl->tell_changed(); });
    impl_->write_timer = loop.make_timer([impl = impl_.get()] { impl->write_again(); });
}

RunEngine::~RunEngine() = default;

void RunEngine::load(std::function<void(Result<void>)> done) {
    impl_->store.write(
        [at = impl_->loop.clock().now()](history::Session& session) -> Result<void> {
            if (auto n = session.interrupt_runs(at); !n) return fail(std::move(n.error()));
            return {};
        },
        std::move(done));
}

std::unique_ptr<Run> RunEngine::begin(std::string kind, std::string what, std::function<void()> on_cancel, bool brief) {
    return std::make_unique<Handle>(impl_, impl_->create(std::move(kind), std::move(what), std::move(on_cancel), brief, false));
}

std::unique_ptr<Run> RunEngine::queue(std::string kind, std::string what, std::function<void()> on_cancel) {
    return std::make_unique<Handle>(impl_, impl_->create(std::move(kind), std::move(what), std::move(on_cancel), false, true));
}

Result<void> RunEngine::cancel(const std::string& id) {
    for (const auto& [ended, state] : impl_->over)
        if (ended == id) return fail(Errc::invalid, fmt::format("run {} is over ({})", id, state));
    const auto it = impl_->records.find(id);
    if (it == impl_->records.end()) return fail(Errc::not_found, "no such run is active: see `bkmonctl runs list`");
    const RecordPtr record = it->second;
    if (record->now.final) return fail(Errc::invalid, fmt::format("run {} is over ({})", id, record->now.row.state));
    if (record->cancelling) return fail(Errc::busy, fmt::format("run {} is being cancelled already", id));
    record->cancelling = true;
    if (const auto on_cancel = record->on_cancel) on_cancel();  // a copy: the owner may finish and destroy the run in it
    return {};
}

std::vector<Progress> RunEngine::active() const {
    std::vector<Progress> all;
    for (const auto& [id, record] : impl_->records) all.push_back(record->now);
    return all;
}

Result<std::shared_ptr<void>> RunEngine::follow(const std::string& id, std::function<void(const Progress&)> listener) {
    const auto it = impl_->records.find(id);
    if (it == impl_->records.end()) return fail(Errc::not_found, "no such run is active: see `bkmonctl runs list`");
    const RecordPtr record = it->second;
    auto follower = std::make_shared<Follower>();
    const Progress present = record->now;
    if (!present.final) {
        follower->listener = listener;
        record->followers.push_back(follower);
    }
    listener(present);
    return std::static_pointer_cast<void>(follower);
}

void RunEngine::interrupt_all() {
    const auto impl = impl_;  // a listener may destroy this
    const auto all = impl->records;
    for (const auto& [id, record] : all) impl->finish(record, "interrupted", "bkmond was stopped");
}

}  // namespace bkmon::runs
