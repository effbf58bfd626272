#include "daemon/platform/smb/pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/text.h"
#include "daemon/platform/smb/pool_queue.h"
#include "daemon/platform/smb/pool_worker.h"
#include "daemon/platform/smb/start_rate.h"
#include "daemon/platform/smb/stepwise.h"

namespace bkmon::smb {
namespace {

constexpr milliseconds kIdle{std::chrono::seconds(10)};
constexpr std::size_t kFailuresAtOnce = 16;  // told in one turn, when no worker can be started
constexpr int kMostUnread = 3;               // workers that may go without looking at one and the same order

Visit failed(Outcome outcome, std::string detail, milliseconds took = milliseconds(0)) {
    Visit visit;
    visit.outcome = outcome;
    visit.detail = std::move(detail);
    visit.took = took;
    return visit;
}

/// A place for a process: taken until that is reaped, so that there are never more of them than there may be.
struct Slot {
    std::unique_ptr<PoolWorker> worker;
    std::unique_ptr<loop::Timer> deadline;
    Queue* queue = nullptr;
    std::shared_ptr<Job> job;  ///< sent, and not yet told how it ended
    BootTime sent{};
    bool ending = false;     ///< killed, or hung up: takes no more orders
    bool listening = false;  ///< listen() is on its way
    bool worked = false;     ///< has answered once
    bool idle() const { return !job && !ending; }
};

/// Shared with tasks that are on their way. Whatever tells somebody does so as its last act: the pool may be gone then.
class Core : public Stepwise<Core> {
public:
    Core(std::unique_ptr<WorkerSource> source, loop::EventLoop& loop, PoolOptions options)
        : Stepwise(loop), source_(std::move(source)), options_(options), rate_(loop.clock()) {
        idle_ = loop_.make_timer([this] {
            end_idle(0);
            source_->rest();
        });
        later_ = loop_.make_timer([this] { soon(); });
    }

    void add(const std::shared_ptr<Job>& job) {
        waiting_.add(job);
        idle_->cancel();
        soon();
    }

    void give_up(Job& job) {
        job.done = nullptr;
        if (closed_) return;
        if (job.waiting) waiting_.remove(job);
        for (const auto& slot : slots_)
            if (slot->job.get() == &job) {
                slot->job.reset();
                end(*slot);
                break;
            }
        rest();
    }

    void set_workers(int workers, milliseconds deadline) {
        options_.workers = std::max(1, workers);
        options_.deadline = deadline;
        end_idle(static_cast<std::size_t>(options_.workers));
        soon();
    }

    void close() {
        for (const auto& slot : std::exchange(slots_, {})) {
            slot->worker.reset();
            slot->deadline.reset();
            slot->job.reset();
        }
        waiting_ = Waiting();
        idle_.reset();
        later_.reset();
        closed_ = true;
    }

private:
    friend class Stepwise<Core>;
    using SlotPtr = std::shared_ptr<Slot>;

    void step() {
        for (const auto& slot : slots_) feed(*slot);
        if (waiting_.empty()) return rest();
        if (slots_.size() < places()) return start_one();
        // All places are taken: by workers with another credential, perhaps, that have nothing to do.
        for (const auto& slot : slots_)
            if (slot->idle() && waiting_.should_give_way(*slot->queue, options_.workers)) return end(*slot);
    }

    void feed(Slot& slot) {
        while (slot.idle() && !slot.queue->jobs.empty()) give(slot, waiting_.take(*slot.queue));
    }

    void give(Slot& slot, std::shared_ptr<Job> job) {
        auto text = to_json(job->order);
        job->connection.drop_old(loop_.clock().boot());
        const bool fits = text.size() <= kMaxMessage, sent = fits && slot.worker->send(text, job->connection.socket.get());
        wipe(text);
        if (!fits) return tell_later(std::move(job), failed(Outcome::internal, fmt::format("the order is longer than {} bytes", kMaxMessage)));
        if (!sent) {  // it died while it had nothing to do
            waiting_.add_again(job);
            return end(slot);
        }
        job->connection.socket.reset();  // the worker has it: gone with the worker
        slot.job = std::move(job);
        slot.sent = loop_.clock().boot();
        slot.deadline->arm(options_.deadline);
    }

    /// One process, with an order for it.
    void start_one() {
        if (const auto pause = rate_.pause(options_.workers); pause > milliseconds(0)) {
            if (rate_.hopeless() && none_busy()) return tell_all_that_wait();
            if (!later_->armed()) later_->arm(pause);
            return;
        }
        if (rate_.on_trial() && living() > 0) return;  // one of them has to work first
        rate_.started();
        const auto slot = std::make_shared<Slot>();
        const std::weak_ptr<Slot> weak = slot;
        auto worker = PoolWorker::start(
            *source_, loop_,
            {[this, weak] { listen_soon(weak.lock()); }, [this, weak](const loop::ChildResult& result) { on_ended(weak.lock(), result); }});
        if (!worker) {
            const auto code = worker.error().code;
            rate_.failed("the worker cannot be started: " + worker.error().what, code == Errc::not_found || code == Errc::denied);
            return soon();
        }
        slot->worker = std::move(*worker);
        slot->deadline = loop_.make_timer([this, weak] { on_overdue(weak.lock()); });
        slot->queue = waiting_.neediest();
        ++slot->queue->workers;
        slots_.push_back(slot);
        feed(*slot);
        soon();
    }

    /// Many may answer at once: each is heard in a task of its own.
    void listen_soon(const SlotPtr& slot) {
        if (std::exchange(slot->listening, true)) return;
        static_cast<void>(loop_.post([weak = weak_from_this(), slot_weak = std::weak_ptr<Slot>(slot)] {
            const auto self = weak.lock();
            const auto mine = slot_weak.lock();
            if (!self || self->closed_ || !mine) return;
            mine->listening = false;
            self->listen(mine);
        }));
    }

    void listen(const SlotPtr& slot) {
        if (slot->ending) return;
        const auto heard = slot->worker->hear();
        if (std::holds_alternative<PoolWorker::Nothing>(heard)) return;
        if (std::holds_alternative<PoolWorker::HungUp>(heard)) return hang_up(*slot);
        if (!slot->job) return end(*slot);  // nobody had asked
        if (std::holds_alternative<PoolWorker::TooLong>(heard))
            return blame(slot, fmt::format("the worker's answer is longer than {} bytes", kMaxMessage));
        auto visit = visit_from_json(std::get<std::string>(heard));
        if (!visit) return blame(slot, "the worker's answer cannot be used: " + printable(visit.error().what, 300));
        // What comes after an answer would be taken for the next one, of another server.
        const auto more = slot->worker->hear();
        if (std::holds_alternative<PoolWorker::HungUp>(more))
            hang_up(*slot);
        else if (!std::holds_alternative<PoolWorker::Nothing>(more))
            return blame(slot, "the worker answered twice");
        answered(slot, std::move(*visit));
    }

    void answered(const SlotPtr& slot, Visit visit) {
        const auto job = std::move(slot->job);
        slot->deadline->cancel();
        rate_.works();
        slot->worked = true;
        if (!slot->ending) go_on(*slot);
        if (!waiting_.empty() && slots_.size() < places()) soon();
        rest();
        tell(job, std::move(visit));
    }

    /// What a worker that is free does next.
    void go_on(Slot& slot) {
        if (living() > places() || (slots_.size() >= places() && waiting_.should_give_way(*slot.queue, options_.workers))) return end(slot);
        feed(slot);
    }

    void blame(const SlotPtr& slot, std::string why) {
        const auto job = std::move(slot->job);
        const auto took = loop_.clock().boot() - slot->sent;
        end(*slot);
        rest();
        tell(job, failed(Outcome::worker_crashed, std::move(why), took));
    }

    void on_overdue(const SlotPtr& slot) {
        const auto job = std::move(slot->job);
        const auto took = loop_.clock().boot() - slot->sent;
        end(*slot);
        rest();
        tell(job, failed(Outcome::timeout, "the visit did not end within " + duration_words(took), took));
    }

    /// Its order, if it has one, is told when it is known how it died; or at the deadline.
    static void hang_up(Slot& slot) {
        slot.ending = true;
        slot.worker->kill();
    }
    static void end(Slot& slot) {
        hang_up(slot);
        slot.deadline->cancel();
    }

    void on_ended(const SlotPtr& slot, const loop::ChildResult& result) {
        const auto self = shared_from_this();
        const bool was_ending = slot->ending;
        if (result.signal != 0 && result.signal != SIGKILL) source_->renew();
        if (!was_ending) listen(slot);  // its last words
        if (closed_) return;
        const bool unread = slot->worker->left_unread();
        const auto job = std::move(slot->job);
        --slot->queue->workers;
        slots_.erase(std::find(slots_.begin(), slots_.end(), slot));
        if (!slots_.empty() || !waiting_.empty()) soon();
        if (job && unread) return not_begun(job, slot->worked, how_it_ended(result));
        waiting_.forget_unused();
        rest();
        if (job) tell(job, failed(Outcome::worker_crashed, "the worker " + how_it_ended(result), loop_.clock().boot() - slot->sent));
    }

    /// It went before it looked at the order: no server's fault.
    void not_begun(const std::shared_ptr<Job>& job, bool worked, const std::string& how) {
        const auto why = worked ? "the worker " + how + " before it read its order" : "the worker cannot be started: it " + how;
        if (!worked) rate_.failed(why, false);
        if (++job->unread < kMostUnread) {
            waiting_.add_again(job);
            return soon();
        }
        rest();
        tell(job, failed(Outcome::internal, why));
    }

    /// Nobody can be asked.
    void tell_all_that_wait() {
        const auto self = shared_from_this();
        for (std::size_t i = 0; i < kFailuresAtOnce && !waiting_.empty(); ++i) {
            const auto job = waiting_.oldest();
            waiting_.remove(*job);
            tell(job, failed(Outcome::internal, rate_.why()));
        }
        if (!closed_) soon();
    }

    static void tell(const std::shared_ptr<Job>& job, Visit visit) {
        if (const auto done = std::exchange(job->done, nullptr)) done(std::move(visit));
    }
    void tell_later(std::shared_ptr<Job> job, Visit visit) {
        static_cast<void>(loop_.post([job = std::move(job), visit = std::move(visit)]() mutable { tell(job, std::move(visit)); }));
    }

    /// Nothing to do? Then all go after a while.
    void rest() {
        waiting_.forget_unused();
        if (!waiting_.empty() || idle_->armed()) return;
        if (none_busy()) idle_->arm(kIdle);
    }

    void end_idle(std::size_t keep) {
        auto many = living();
        for (const auto& slot : slots_)
            if (many > keep && slot->idle()) {
                end(*slot);
                --many;
            }
    }

    std::size_t places() const { return static_cast<std::size_t>(options_.workers); }
    std::size_t living() const {
        return static_cast<std::size_t>(std::count_if(slots_.begin(), slots_.end(), [](const SlotPtr& slot) { return !slot->ending; }));
    }
    bool none_busy() const {
        return std::none_of(slots_.begin(), slots_.end(), [](const SlotPtr& slot) { return slot->job != nullptr; });
    }

    std::unique_ptr<WorkerSource> source_;
    PoolOptions options_;
    StartRate rate_;
    Waiting waiting_;
    std::vector<SlotPtr> slots_;
    std::unique_ptr<loop::Timer> idle_, later_;
};

class PoolTicket final : public Visitor::Ticket {
public:
    PoolTicket(std::weak_ptr<Core> core, std::shared_ptr<Job> job) : core_(std::move(core)), job_(std::move(job)) {}
    PoolTicket(const PoolTicket&) = delete;
    PoolTicket& operator=(const PoolTicket&) = delete;
    ~PoolTicket() override {
        const auto core = core_.lock();
        if (core && job_->done) core->give_up(*job_);
    }

private:
    std::weak_ptr<Core> core_;
    std::shared_ptr<Job> job_;
};

class Pool final : public Visitor {
public:
    explicit Pool(std::shared_ptr<Core> core) : core_(std::move(core)) {}
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    ~Pool() override { core_->close(); }

    std::unique_ptr<Ticket> visit(Order order, Connection connection, std::function<void(Visit)> done) override {
        auto job = std::make_shared<Job>(std::move(order), std::move(connection), std::move(done));
        core_->add(job);
        return std::make_unique<PoolTicket>(core_, std::move(job));
    }
    void set_workers(int workers, milliseconds deadline) override { core_->set_workers(workers, deadline); }

private:
    std::shared_ptr<Core> core_;
};

}  // namespace

std::unique_ptr<Visitor> make_pool(std::unique_ptr<WorkerSource> source, loop::EventLoop& loop, PoolOptions options) {
    options.workers = std::max(1, options.workers);
    return std::make_unique<Pool>(std::make_shared<Core>(std::move(source), loop, options));
}

}  // namespace bkmon::smb
