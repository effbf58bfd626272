#pragma once
#include <cstdint>
#include <memory>
#include <thread>

#include "common/base/time.h"
#include "daemon/platform/journal/journal.h"

namespace bkmon::journal {

/// One entry on its way, its text printable already.
struct Entry {
    Level level = Level::info;
    Message message;
    std::string text;
    Journal::Fields fields;
    Time at{};
};

/// What takes entries in the end. Called from one thread at a time; may block.
class Sink {
public:
    virtual ~Sink() = default;
    virtual void write(const Entry& entry) = 0;
};

struct QueueLimits {
    std::size_t entries = 4096;
    std::size_t bytes = 4 << 20;
    milliseconds farewell{2000};  ///< how long the destructor waits for what is queued
};

/// A Journal that never blocks its callers: a thread of its own feeds the sink. What finds no room is counted, and the count is
/// written as soon as the sink takes entries again.
class QueuedJournal final : public Journal {
public:
    explicit QueuedJournal(std::unique_ptr<Sink> sink, QueueLimits limits = {});
    /// Writes what is queued. A sink that hangs longer than `farewell` is left behind with its thread.
    ~QueuedJournal() override;
    void log(Level level, const Message& message, std::string text, Fields fields = {}) override;

private:
    struct State;
    static void serve(State& state);
    std::shared_ptr<State> state_;
    std::thread writer_;
};

}  // namespace bkmon::journal
