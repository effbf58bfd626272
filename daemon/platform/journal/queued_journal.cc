#include "daemon/platform/journal/queued_journal.h"

#include <fmt/format.h>
#include <pthread.h>

#include <csignal>
#include <deque>
#include <utility>

#include "common/base/guarded.h"
#include "common/base/text.h"

namespace bkmon::journal {
namespace {

constexpr std::size_t kMostText = 4096;
constexpr std::size_t kMostValue = 16384;

std::size_t weight(const Entry& entry) {
    std::size_t total = sizeof(Entry) + entry.text.size();
    for (const auto& [name, value] : entry.fields) total += sizeof(Journal::Fields::value_type) + name.size() + value.size();
    return total;
}

Entry note_of_lost(std::uint64_t lost) {
    Entry note;
    note.level = Level::warning;
    note.message = msg::note;
    note.text = fmt::format("{} entries are missing here: they came faster than the journal took them", lost);
    note.fields.emplace_back("BKMON_LOST", std::to_string(lost));
    note.at = system_clock().now();
    return note;
}

}  // namespace

struct QueuedJournal::State {
    State(std::unique_ptr<Sink> s, QueueLimits l) : sink(std::move(s)), limits(l) {}

    const std::unique_ptr<Sink> sink;
    const QueueLimits limits;
    Mutex mutex;
    Condition work;   // something is queued, or the end has come
    Condition ended;  // the writer has written all
    std::deque<Entry> queue BKMON_GUARDED_BY(mutex);
    std::size_t bytes BKMON_GUARDED_BY(mutex) = 0;
    std::uint64_t lost BKMON_GUARDED_BY(mutex) = 0;
    bool closing BKMON_GUARDED_BY(mutex) = false;
    bool done BKMON_GUARDED_BY(mutex) = false;

    void push(Entry entry) BKMON_REQUIRES(mutex) {
        const auto size = weight(entry);
        if (queue.size() >= limits.entries || bytes + size > limits.bytes) {
            ++lost;
            return;
        }
        // There is room again: the gap is told where it is.
        if (lost != 0) append(note_of_lost(std::exchange(lost, 0)));
        append(std::move(entry));
        work.notify_one();
    }
    void append(Entry entry) BKMON_REQUIRES(mutex) {
        bytes += weight(entry);
        queue.push_back(std::move(entry));
    }
    Entry take() BKMON_REQUIRES(mutex) {
        Entry entry = std::move(queue.front());
        queue.pop_front();
        bytes -= weight(entry);
        return entry;
    }
};

QueuedJournal::QueuedJournal(std::unique_ptr<Sink> sink, QueueLimits limits) : state_(std::make_shared<State>(std::move(sink), limits)) {
    sigset_t all, before;
    sigfillset(&all);
    // Blocked from the first instant; with SIGPIPE, so that a closed stderr is an error and no end.
    pthread_sigmask(SIG_SETMASK, &all, &before);
    writer_ = std::thread([state = state_] { serve(*state); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(writer_.native_handle(), "journal");
}

QueuedJournal::~QueuedJournal() {
    const auto until = std::chrono::steady_clock::now() + state_->limits.farewell;
    bool done = false;
    {
        MutexLock lock(state_->mutex);
        state_->closing = true;
        state_->work.notify_all();
        while (!state_->done && state_->ended.wait_until(state_->mutex, until)) continue;
        done = state_->done;
    }
    if (done)
        writer_.join();
    else
        writer_.detach();  // stuck in the sink; it owns all it touches
}

void QueuedJournal::log(Level level, const Message& message, std::string text, Fields fields) {
    for (auto& [name, value] : fields)
        if (value.size() > kMostValue) value.resize(kMostValue);
    Entry entry{level, message, printable(text, kMostText), std::move(fields), system_clock().now()};
    MutexLock lock(state_->mutex);
    state_->push(std::move(entry));
}

void QueuedJournal::serve(State& state) {
    for (;;) {
        Entry entry;
        {
            MutexLock lock(state.mutex);
            while (state.queue.empty() && state.lost == 0 && !state.closing) state.work.wait(state.mutex);
            if (state.queue.empty() && state.lost == 0) {
                state.done = true;
                state.ended.notify_all();
                return;
            }
            entry = state.queue.empty() ? note_of_lost(std::exchange(state.lost, 0)) : state.take();
        }
        state.sink->write(entry);
    }
}

}  // namespace bkmon::journal
