#include "tests/support/manual_loop.h"

#include <algorithm>

namespace bkmon::test {

struct ManualLoop::ManualTimer final : loop::Timer {
    ManualTimer(ManualLoop& l, std::function<void()> f) : owner(l), list(l.timers_), fire(std::make_shared<std::function<void()>>(std::move(f))) {
        list->push_back(this);
    }
    ~ManualTimer() override { std::erase(*list, this); }
    void arm(milliseconds after) override {
        due = owner.clock_.up + std::max(after, milliseconds(0));
        order = ++owner.order_;
        is_armed = true;
    }
    void cancel() override { is_armed = false; }
    bool armed() const override { return is_armed; }

    ManualLoop& owner;
    std::shared_ptr<std::vector<ManualTimer*>> list;
    std::shared_ptr<std::function<void()>> fire;  // shared: a timer may be destroyed from inside its own callback
    BootTime due{};
    std::uint64_t order = 0;
    bool is_armed = false;
};

bool ManualLoop::post(Task task) {
    std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
    return true;
}

std::unique_ptr<loop::Timer> ManualLoop::make_timer(std::function<void()> fire) { return std::make_unique<ManualTimer>(*this, std::move(fire)); }

std::unique_ptr<loop::FdWatch> ManualLoop::watch(int, bool, bool, std::function<void(bool, bool)>) {
    struct Nothing final : loop::FdWatch {
        void want(bool, bool) override {}
    };
    return std::make_unique<Nothing>();
}

void ManualLoop::run_posted() {
    for (;;) {
        Task task;
        {
            std::lock_guard lock(mutex_);
            if (posted_.empty()) return;
            task = std::move(posted_.front());
            posted_.pop_front();
        }
        task();
    }
}

void ManualLoop::advance(milliseconds d) {
    const BootTime end = clock_.up + d;
    run_posted();
    for (;;) {
        ManualTimer* next = nullptr;
        for (auto* t : *timers_)
            if (t->is_armed && t->due <= end && (next == nullptr || std::pair(t->due, t->order) < std::pair(next->due, next->order))) next = t;
        if (next == nullptr) break;
        const auto step = std::max(next->due - clock_.up, milliseconds(0));
        clock_.up += step;
        clock_.wall += step;
        next->is_armed = false;
        auto fire = next->fire;
        (*fire)();
        run_posted();
    }
    clock_.wall += end - clock_.up;
    clock_.up = end;
}

std::size_t ManualLoop::armed_timers() const {
    return static_cast<std::size_t>(std::count_if(timers_->begin(), timers_->end(), [](const ManualTimer* t) { return t->is_armed; }));
}

}  // namespace bkmon::test
