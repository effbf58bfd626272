#include "daemon/control/pages.h"

#include <fmt/format.h>

#include <deque>

namespace bkmon::control {

namespace {

class Pager : public std::enable_shared_from_this<Pager> {
public:
    Pager(loop::EventLoop& loop, std::shared_ptr<Call> call, LongAnswer answer)
        : loop_(loop), call_(std::move(call)), answer_(std::move(answer)), more_(call_->more()) {}

    void step() {
        if (more_ && !waiting_.empty()) {
            if (last_ && waiting_.size() == 1) return call_->reply(page());
            if (!call_->ready()) return call_->on_drain([self = shared_from_this()] { self->step(); });
            call_->stream(page());
            return again();
        }
        if (last_) return call_->reply(answer_.wrap(more_ ? std::string_view() : std::string_view(collected_), first_));
        // Also how a client that left is noticed: it never drains.
        if (!call_->ready()) return call_->on_drain([self = shared_from_this()] { self->step(); });
        answer_.fetch([self = shared_from_this()](Result<Rows> rows) { self->take(std::move(rows)); });
    }

private:
    std::string page() {
        auto text = answer_.wrap(waiting_.front(), std::exchange(first_, false));
        waiting_.pop_front();
        return text;
    }
    void again() {
        static_cast<void>(loop_.post(Task([self = shared_from_this()] { self->step(); })));
    }
    void take(Result<Rows> rows) {
        if (!rows) return call_->fail(rows.error());
        last_ = rows->last;
        count_ += rows->count;
        if (!more_ && count_ > answer_.most_at_once)
            return call_->invalid("", fmt::format("more than {} rows: ask for fewer, or for several replies (more)", answer_.most_at_once));
        for (auto& chunk : rows->chunks) {
            if (more_)
                waiting_.push_back(std::move(chunk));
            else if (!chunk.empty())
                collected_ += (collected_.empty() ? "" : ",") + chunk;
        }
        again();
    }

    loop::EventLoop& loop_;
    const std::shared_ptr<Call> call_;
    const LongAnswer answer_;
    const bool more_;
    std::deque<std::string> waiting_;
    std::string collected_;
    std::size_t count_ = 0;
    bool last_ = false, first_ = true;
};

}  // namespace

void send_rows(loop::EventLoop& loop, std::shared_ptr<Call> call, LongAnswer answer) {
    std::make_shared<Pager>(loop, std::move(call), std::move(answer))->step();
}

}  // namespace bkmon::control
