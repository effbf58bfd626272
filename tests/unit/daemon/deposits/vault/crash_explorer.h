#pragma once
#include <set>
#include <string>
#include <vector>

#include "tests/unit/daemon/deposits/vault/sim_vault.h"

namespace bkmon::test {

/// How far a sweep looks.
struct Reach {
    SimVault::History history = SimVault::History::memory;
    bool halves = false;            ///< also renames of which a power cut wrote one end only
    std::size_t ways = 64;          ///< states tried of one power cut: all of them where there are not more
    std::size_t ways_again = 8;     ///< the same for one in a recovery
    std::uint64_t every = 1;        ///< each n-th call of the operation
    std::uint64_t every_again = 0;  ///< each n-th call of a recovery; 0: recoveries live
    std::size_t ignored_sync = 0;   ///< the n-th fsync of the operation does nothing
    std::int64_t most = INT64_MAX;  ///< states, then it ends
    bool stop_at_first = false;
};

struct Seen {
    std::int64_t points = 0;  ///< calls at which the daemon died, those of recoveries too
    std::int64_t states = 0;  ///< what was left then, different ones of each point, each recovered from and judged
    std::int64_t violations = 0;
    std::string first;  ///< violation
};

/// Lets the operation of a scenario die at each call and starts a daemon on everything that the disk may then hold: after a death of the
/// process all that was done, after a power cut any part of what was not synced.
class Explorer {
public:
    Explorer(const Scenario& scenario, const Reach& reach, std::uint64_t seed);
    Seen explore();
    /// What the operation syncs when nothing disturbs it.
    std::vector<SimFiles::Synced> syncs();

private:
    struct Death {
        std::string where;
        bool acknowledged = false, committed = false;
        int depth = 1;
    };
    bool die_at(std::uint64_t k);
    void after(const Death& death);
    /// Of the process alone; or a power cut that leaves exactly what was synced, names as their own directory was; or one that leaves `way`.
    struct Cut {
        const SimFiles::Doubts* doubts = nullptr;
        std::vector<std::size_t> way{};
        bool strict = false;
    };
    void recover_from(const Death& death, const SimVault::Snapshot& left, const Cut& cut);
    void recovery_dies(const Death& death, const SimVault::Snapshot& left, const Cut& cut);
    void back_to(const SimVault::Snapshot& left, const Cut& cut);
    std::string shown(const SimVault::Snapshot& left, const Cut& cut);
    std::string judge(const Death& death);
    std::string once_more();
    std::vector<std::vector<std::size_t>> choose(const std::vector<std::size_t>& ways, std::size_t most);
    bool enough() const;
    void wrong(const Death& death, const std::string& what);

    const Scenario& scenario_;
    const Reach reach_;
    std::mt19937_64 random_;
    SimVault v_;
    std::shared_ptr<const SimVault::Snapshot> before_;
    bool had_healthy_ = false;
    Seen seen_;
};

}  // namespace bkmon::test
