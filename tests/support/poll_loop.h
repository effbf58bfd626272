#pragma once
#include <chrono>
#include <map>
#include <thread>

#include "tests/support/manual_loop.h"

namespace bkmon::test {

/// A ManualLoop that also watches real descriptors: spin() serves whatever is ready now, without ever waiting. Time still moves only by advance().
class PollLoop final : public loop::EventLoop {
public:
    bool post(Task task) override { return inner_.post(std::move(task)); }
    std::unique_ptr<loop::Timer> make_timer(std::function<void()> fire) override { return inner_.make_timer(std::move(fire)); }
    std::unique_ptr<loop::FdWatch> watch(int fd, bool readable, bool writable, std::function<void(bool, bool)> ready) override;
    const Clock& clock() const override { return inner_.clock(); }
    bool on_loop_thread() const override { return true; }

    /// Serves ready descriptors and posted tasks until there are none, at most `rounds` times.
    void spin(int rounds = 1000);
    /// Spins until the condition holds, while the kernel, processes and other threads do their part; time of the loop stands still.
    template <class Condition>
    bool until(Condition condition, milliseconds longest = std::chrono::seconds(20)) {
        const auto end = std::chrono::steady_clock::now() + longest;
        while (std::chrono::steady_clock::now() < end) {
            spin();
            if (condition()) return true;
            std::this_thread::sleep_for(milliseconds(1));
        }
        return false;
    }
    /// Timers fire at their moments; spin() before and after.
    void advance(milliseconds d);
    ManualLoop& manual() { return inner_; }
    std::size_t watched() const { return watches_->size(); }

private:
    struct Watch;
    bool serve();
    ManualLoop inner_;
    std::uint64_t next_ = 0;
    std::shared_ptr<std::map<std::uint64_t, Watch*>> watches_ = std::make_shared<std::map<std::uint64_t, Watch*>>();
};

}  // namespace bkmon::test
