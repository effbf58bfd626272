#pragma once
#include <unordered_map>
#include <unordered_set>

#include "daemon/deposits/arrival/arrival.h"
#include "daemon/deposits/arrival/look.h"
#include "daemon/deposits/arrival/queue.h"

namespace bkmon::deposits {

/// Loop thread only. At most one piece of work of it is on the lane at any time.
struct Arrival::Impl : std::enable_shared_from_this<Arrival::Impl> {
    Impl(loop::EventLoop& l, loop::Lane& la, files::FileOps& f, journal::Journal& j, Options o)
        : loop(l), lane(la), files(f), journal(j), options(std::move(o)) {}

    void start();
    void stop();
    void settle(const std::string& agent, const std::string& sha256);
    void unsettle(const std::string& agent);
    void touch(const std::string& agent, milliseconds after);
    void touch_soon(const std::string& agent);
    void request_round();
    void overflowed();

    struct Waiter {
        std::function<void(std::size_t, std::size_t)> progress;
        std::function<void()> done;
    };
    struct Agent {
        std::unique_ptr<loop::Timer> debounce;
        BootTime due{};             ///< while `debounce` is armed
        milliseconds allowance{0};  ///< of looks without a wait: each costs one debounce, time gives it back
        BootTime allowed_at{};      ///< when that was reckoned; the beginning of time: never
        std::shared_ptr<const KeptReports> kept;
        std::shared_ptr<std::set<std::string>> settled;  // copied before it changes while a look may read it
        std::vector<std::string> newly_settled;
        std::vector<int> watches;
    };

    loop::EventLoop& loop;
    loop::Lane& lane;
    files::FileOps& files;
    journal::Journal& journal;
    const Options options;
    std::function<void(AgentSnapshot)> on_agent;
    std::function<void(std::vector<std::string>)> on_round;
    std::function<void(RootState)> on_root;

    RootState state;
    std::vector<Waiter> next_waiters;

private:
    void go_on();
    void begin_round();
    void root_looked(RootResult r);
    void look(LookQueue::Turn turn);
    void agent_looked(const LookQueue::Turn& turn, AgentResult r);
    void deliver(Agent& agent, AgentResult& r);
    void take_watches(const std::string& name, Agent& agent, std::vector<int> watches);
    void unwatch(const std::string& name, Agent& agent, const std::vector<int>& keep);
    void end_round();
    void round_failed(std::string problem);
    RootOrder root_order() const;

    bool open_watcher();
    void read_events();
    void handle(const Watcher::Event& event);
    void set_state(RootState next);
    void note_watching();

    bool stopped_ = false, busy_ = false, round_wanted_ = false, round_runs_ = false, state_told_ = false;
    LookQueue queue_;
    std::unordered_map<std::string, Agent> agents_;
    std::vector<std::string> round_agents_;
    std::size_t round_done_ = 0;
    std::vector<Waiter> round_waiters_;
    std::uint64_t device_ = 0;
    std::string remote_;

    std::shared_ptr<Watcher> watcher_;
    std::string watcher_problem_;
    int watch_errno_ = 0;  ///< the first failure of this round
    std::optional<int> root_watch_;
    std::unordered_map<int, std::string> watched_;  ///< watch -> agent
    std::unordered_set<int> strays_;                ///< events of watches whose look has not come back yet
    BootTime last_overflow_{};
    bool flood_told_ = false;

    // Last: they must not fire into what is destroyed before them.
    std::unique_ptr<loop::FdWatch> events_;
    std::unique_ptr<loop::Timer> rescan_timer_, round_timer_;
};

}  // namespace bkmon::deposits
