#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/control/dispatcher.h"
#include "daemon/platform/loop/event_loop.h"

namespace bkmon::control {

/// Rows of a long answer, as JSON objects joined by commas, some hundred to a chunk.
struct Rows {
    std::vector<std::string> chunks;
    std::size_t count = 0;
    bool last = false;
};

struct LongAnswer {
    /// Gets the next rows and calls back once, at once or later.
    std::function<void(std::function<void(Result<Rows>)>)> fetch;
    /// The reply around rows; `first` for the first one of a call.
    std::function<std::string(std::string_view rows, bool first)> wrap;
    std::size_t most_at_once = 20000;  ///< rows, without `more`
};

/// Answers with one reply a chunk for `more`, as fast as the client reads, and with everything in one otherwise (Invalid beyond
/// `most_at_once`). A client that left ends it.
void send_rows(loop::EventLoop& loop, std::shared_ptr<Call> call, LongAnswer answer);

}  // namespace bkmon::control
