#pragma once
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace bkmon::deposits {

/// Whose turn it is: agents with events and agents of the running round take turns, each agent waits at most once in each line.
/// So neither one that never stops writing nor a long round starves the other.
class LookQueue {
public:
    struct Turn {
        std::string agent;
        bool of_round = false;
    };
    void add_event(const std::string& agent) {
        if (waiting_.insert(agent).second) events_.push_back(agent);
    }
    void start_round(const std::vector<std::string>& agents) { round_.assign(agents.begin(), agents.end()); }
    void drop_round() { round_.clear(); }
    bool round_empty() const { return round_.empty(); }

    std::optional<Turn> next() {
        if (events_.empty() && round_.empty()) return std::nullopt;
        const bool from_round = events_.empty() || (!round_.empty() && !last_from_round_);
        last_from_round_ = from_round;
        auto& line = from_round ? round_ : events_;
        Turn turn{std::move(line.front()), from_round};
        line.pop_front();
        if (!from_round) waiting_.erase(turn.agent);
        return turn;
    }

private:
    std::deque<std::string> events_, round_;
    std::set<std::string> waiting_;
    bool last_from_round_ = false;
};

}  // namespace bkmon::deposits
