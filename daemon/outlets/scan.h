#pragma once
// One scan of one mode: from the doors that answer to recorded verdicts. Private to this room.
#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/rare.h"
#include "daemon/outlets/credential_guard.h"
#include "daemon/outlets/judgement/judge.h"
#include "daemon/outlets/tally.h"

namespace bkmon::outlets {

/// An outlet that is to be looked at.
struct Wanted {
    std::shared_ptr<const core::Outlet> outlet;
    TargetId target;
    std::string share;  ///< where the folder was found last; or empty
};

/// What a scan needs to know beside what it looks at.
struct ScanPlan {
    std::shared_ptr<const core::OutletMode> mode;
    std::string date;                ///< the day that it is stored under
    std::optional<Time> end_of_day;  ///< of a back-date
    std::string password;            ///< gone with the scan
    std::shared_ptr<CredentialGuard> guard;
    int workers = 32;
    milliseconds connect_timeout{2000}, request_timeout{5000};
};

/// Looks at outlets and publishes what it means. Loop thread only. Every turn of the loop is short, however many there are, and no more is
/// begun than the history takes. Servers are connected to once, little before it is their turn: no more than twice as many as there are workers
/// wait for one, or are just being connected to; whoever is silent for kKnock holds nobody up any more. One that is still silent when
/// everybody had his turn is knocked at a second time beside the first.
class Scan : public std::enable_shared_from_this<Scan> {
public:
    struct Rooms {
        loop::EventLoop& loop;
        targets::Registry& registry;
        smb::Prober& prober;
        smb::Visitor& visitor;
    };
    struct Owner {
        std::function<std::string()> hold_off;                                           ///< as in Part::Options; may be absent
        std::function<void(const TargetId&, const std::string& share)> found_elsewhere;  ///< recorded: the folder is there now
        std::function<void(const std::string& state, const std::string& error)> ended;   ///< once; from then on the owner keeps it until …
        std::function<void()> released;                                                  ///< … nothing that it began is left: it may go
    };
    Scan(Rooms rooms, Owner owner, std::unique_ptr<runs::Run> run);
    ~Scan();
    Scan(const Scan&) = delete;
    Scan& operator=(const Scan&) = delete;

    /// Begins to look. Before that, it is a run without anything to do.
    void look(ScanPlan plan, std::vector<Wanted> wanted);
    /// Ends it now: what was recorded stays, what was begun is given up. `state` and `error` are the run's.
    void stop(const std::string& state, const std::string& error);

    /// The same when its owner goes: nobody is told but the run.
    void abandon(const std::string& state, const std::string& error);

    runs::Run& run() { return *run_; }
    Tally& tally() { return tally_; }
    bool over() const { return over_; }
    /// What it could not do for a fault of bkmon's own, which is no server's.
    struct OwnFault {
        std::size_t outlets = 0;  ///< nobody looked at them
        std::string why;          ///< at the last of them; printable
        bool looked = false;      ///< at some other: workers do start
    };
    const OwnFault& own_fault() const { return own_fault_; }
    bool released() const { return over_ && !owner_.released; }

    static constexpr std::size_t kUnwritten = 200;     ///< verdicts that the history has not taken yet: then nothing is begun
    static constexpr std::size_t kATurn = 50;          ///< of each kind of work in one turn of the loop
    static constexpr milliseconds kBeforeRetry{1000};  ///< what failed is tried again no earlier
    static constexpr milliseconds kLookAround{100};    ///< while somebody else's doing is waited for
    static constexpr milliseconds kGather{100};        ///< results that come quickly are judged together: one commit for all, one turn of the alerts
    static constexpr milliseconds kKnock{100};         ///< a server that is there has answered by then, mostly

private:
    /// Where an outlet is on its way.
    enum class Stage : std::uint8_t { waiting, probing, ready, visiting, judging, late, done };
    struct Item {
        Wanted wanted;
        Stage stage = Stage::waiting;
        bool retried = false;
        int visits = 0;
        std::string address;         ///< numeric, where it answered
        smb::Connection connection;  ///< to there, while it is ready
        std::unique_ptr<smb::Prober::Ticket> probe, second_probe;
        std::unique_ptr<smb::Visitor::Ticket> visit;
        Rare<smb::FoundFile> earlier;  ///< found by the first of two looks
        Rare<smb::Visit> last;         ///< what is judged next, or what came of the first try
    };
    struct Later {
        std::size_t item;
        BootTime at;
    };

    // scan.cc: the turns
    void wake();
    void turn();
    bool take_results();
    bool more_will_come() const;
    bool begin_late();
    void look_at_knocks();
    std::size_t held() const;
    bool window_open() const { return held() + knocks_.size() < window(); }
    std::size_t window() const { return 2 * static_cast<std::size_t>(std::max(1, plan_.workers)); }
    bool begin_probes();
    bool begin_visits();
    bool sweep();
    void sleep();
    bool may_begin() const;
    bool first_round_over() const { return next_probe_ == items_.size() && knocks_.empty() && ready_.empty() && again_.empty(); }
    void end(const std::string& state, const std::string& error);
    void let_go_of_visits();
    void let_go_of_connections();
    static void let_go_of_door(Item& item);
    void let_go_of_doors();

    // looks.cc: one outlet
    void probe(std::size_t i);
    void probe_again(std::size_t i);
    std::unique_ptr<smb::Prober::Ticket> knock(std::size_t i, bool second);
    void probed(std::size_t i, bool second, smb::Probed answer);
    void visit(std::size_t i);
    void visited(std::size_t i, smb::Visit answer);
    void came(std::size_t i, smb::Visit answer);
    smb::Order order_for(const Item& item) const;
    void skip(std::size_t i);
    void judge(std::size_t i);
    void publish(std::size_t i, core::Verdict verdict, const std::string& share);
    void recorded(std::size_t i, const core::Verdict& verdict, const std::string& share, const Result<void>& written);
    void keeps(std::size_t i, const std::string& sentence);
    BootTime boot() const { return rooms_.loop.clock().boot(); }

    Rooms rooms_;
    Owner owner_;
    std::unique_ptr<runs::Run> run_;
    ScanPlan plan_;
    Tally tally_;
    OwnFault own_fault_;
    std::vector<Item> items_;
    std::size_t next_probe_ = 0, swept_ = 0, visiting_ = 0, unwritten_ = 0;
    std::deque<std::size_t> again_;     ///< to be probed once more
    std::deque<std::size_t> ready_;     ///< they answer: to be visited
    std::deque<std::size_t> results_;   ///< to be judged
    std::optional<BootTime> gathered_;  ///< when results were last judged
    std::deque<Later> retries_, quiet_;
    std::deque<Later> knocks_;                                        ///< being connected to, until when they count
    std::deque<Later> silent_;                                        ///< still being connected to, when a second time is due
    std::vector<std::unique_ptr<smb::Prober::Ticket>> spent_probes_;  ///< a ticket does not go inside its own callback
    std::vector<std::unique_ptr<smb::Visitor::Ticket>> spent_visits_;
    std::unique_ptr<loop::Timer> timer_;
    bool woken_ = false, looking_ = false, over_ = false, gave_up_ = false;
};

}  // namespace bkmon::outlets
