#pragma once
// The inside of the deposits part, shared by its source files. Private to this room.
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/deposits/archive.h"
#include "daemon/deposits/arrival/arrival.h"
#include "daemon/deposits/fair_queue.h"
#include "daemon/deposits/judgement/judge.h"
#include "daemon/deposits/part.h"
#include "daemon/deposits/scrub.h"
#include "daemon/deposits/state.h"

namespace bkmon::deposits {

/// One report's word about one job: what is judged.
struct Case {
    const KnownReport* report = nullptr;
    const core::ReportDatabase* entry = nullptr;
    std::optional<core::Cycle> cycle;
};

/// A case while its file is taken in; owns what the callbacks need, since reports may go meanwhile.
struct Intake {
    Job* job = nullptr;
    std::string report_file, report_sha256;
    std::shared_ptr<const core::Report> report;
    const core::ReportDatabase* entry = nullptr;
    std::optional<core::Cycle> cycle;
    core::ClockCheck clock;
    Time arrival{};
    std::optional<Time> order;  ///< KnownReport::order()
    SeenFile file;
    Baseline baseline;
    std::optional<core::Verdict> entry_verdict;  ///< `held` before the file was read
    bool final_try = false;                      ///< it settled: a mismatch is a verdict now
    bool is_large = false;                       ///< which line it waits in
    Time started{};
};

/// Intakes that wait for their turn, and how many of this line are under way.
struct Line {
    FairQueue<std::shared_ptr<Intake>> waiting;
    int active = 0;
};

struct Part::Impl : std::enable_shared_from_this<Part::Impl> {
    Impl(Rooms r, Options o);

    // part.cc: life
    void start(std::function<void(Result<void>)> done);
    void define_targets(std::function<void(Result<void>)> done);
    /// What thousands of jobs have in common, found once for each definition.
    struct InCommon {
        std::unordered_map<std::string, std::optional<milliseconds>> shortest;  ///< by schedule and zone
        std::map<std::vector<std::string>, std::shared_ptr<const std::vector<std::string>>> recipients;
    };
    targets::TargetSpec spec_of(const Job& job, InCommon& common) const;
    void open_vault(std::function<void(Result<void>)> done);
    void build_jobs();
    void begin_arrival(const std::string& marker);
    void mark_root(const std::string& id, std::function<void(Result<std::string>)> done);
    void on_round(std::vector<std::string> agents);
    void on_root(Arrival::RootState root);
    void on_vault(VaultState vault);
    void tend();  ///< now and then: tidy the vault
    Job* job_of(const TargetId& id);
    Time now() const { return rooms.loop.clock().now(); }
    BootTime boot() const { return rooms.loop.clock().boot(); }
    void publish_own(const char* name, core::Status status, const char* reason_code, std::string reason);

    // agents.cc: from a snapshot to known reports
    AgentState& agent_of(const std::string& folder);
    void on_agent(AgentSnapshot snapshot);
    void load_judged(AgentState& agent, AgentSnapshot snapshot);
    void recall_judged(AgentState& agent, AgentSnapshot snapshot);
    void read_judged(AgentState& agent, AgentSnapshot snapshot, history::Store::Look look, std::function<void()> take);
    void forget_judged(AgentState& agent, std::set<std::string> reports) const;  ///< but for what these reports that lie there need
    void accept_snapshot(AgentState& agent, AgentSnapshot snapshot);
    void parse_new(AgentState& agent, std::vector<SeenReport> fresh);
    void add_report(AgentState& agent, KnownReport known);
    void find_unexpected(AgentState& agent);
    void publish_unexpected();
    void refuse_reports(Job& job);  ///< unreadable reports that stayed

    // owners.cc: whose folder it is
    void remember_owner(AgentState& agent, std::uint32_t uid, std::function<void(Result<void>)> done);
    bool admit(AgentState& agent, const AgentSnapshot& snapshot);
    void refuse(AgentState& agent, std::string why);
    void admitted(AgentState& agent, bool gone);

    // cases.cc: which report's word is judged next
    void consider(AgentState& agent);
    void consider(Job& job);
    void consider_again(Job& job);
    bool next_step(Job& job);  ///< true when something was begun
    std::vector<Case> open_cases(Job& job);
    void drop_superseded(Job& job, const std::vector<Case>& cases, std::vector<Case>& kept);
    bool already_judged(const Job& job, const Case& c, const SeenFile* file) const;
    const SeenFile* find_file(const AgentState& agent, const std::string& name) const;
    bool evaluate(Job& job, const Case& c);
    void wait(Job& job, const Case& c, std::string what, std::string code, core::Status status, const std::string& file);
    bool said_already(const Job& job, const Case& c, std::string_view code, const SeenFile* file) const;
    Time deadline_of(const Job& job, const Case& c) const;
    Time mendable_until(const Job& job, const Case& c) const;
    void wake_at(Job& job, milliseconds after);
    void on_wake();

    // intake.cc: from a complete file to a verdict
    void enqueue(Job& job, const Case& c, const SeenFile& file, std::optional<core::Verdict> entry_verdict, bool final_try);
    void pump();
    void pump(Line& line, int most);
    void begin(std::shared_ptr<Intake> intake);
    void cancel_intake(const std::string& target_key);
    void taken(std::shared_ptr<Intake> intake, Taken taken);
    void not_taken(std::shared_ptr<Intake> intake, const Taken& taken);
    void judge(std::shared_ptr<Intake> intake, Taken taken);
    void load_baseline(std::shared_ptr<Intake> intake, const std::string& sha256, std::function<void(Result<void>)> done);
    void promote(std::shared_ptr<Intake> intake, Taken taken, core::Verdict verdict);
    void cannot_hold(std::shared_ptr<Intake> intake, Taken taken, core::Verdict verdict, const std::string& why);
    void hold(std::shared_ptr<Intake> intake, Taken taken, core::Verdict verdict);
    void conclude(std::shared_ptr<Intake> intake, Taken taken, core::Verdict verdict);  ///< unchanged, corrupt: no copy is kept
    void block(Job& job);
    void release_take(Job& job);
    void finished(Job& job, const std::string& state, const std::string& error);
    Result<std::string> final_path(const Intake& intake, const core::Verdict& verdict) const;

    // verdicts.cc: what is said, in one transaction with what was judged
    targets::Registry::Publication publication(Job& job, core::Verdict verdict, const std::optional<core::Cycle>& cycle);
    history::JudgedRow judged_row(const Job& job, const std::string& report_sha256, const core::Verdict& verdict, std::optional<Time> when,
                                  const std::string& file_identity) const;
    void remember(Job& job, const history::JudgedRow& row);
    void publish_entry(Job& job, const Case& c, core::Verdict verdict, const SeenFile* file);
    core::Verdict plain_verdict(core::Status status, std::string code, std::string reason) const;
    void add_context(const Job& job, core::Verdict& verdict, const std::optional<core::Cycle>& cycle, Time arrived) const;
    void announce(const Job& job, const core::Verdict& verdict);
    bool may_consume(const AgentState& agent) const;
    /// `gone`, where given: whether nothing is left to be taken away there, once that is known.
    void consume_file(Job& job, const SeenFile& file, std::function<void(bool)> gone = {});
    void consume_reports(AgentState& agent);
    bool consumed(AgentState& agent, const Result<void>& done);

    // damage.cc: what reading the vault again has found
    void load_damage(const std::vector<VaultFile>& files);
    std::optional<targets::Registry::Publication> word_of(const VaultFile& file, const Verified& found, const std::vector<history::HealthyRow>& rows);
    void told_of(const VaultFile& file, const Verified& found);
    bool is_wanted_again(const Job& job, const history::JudgedRow& judged, const std::optional<core::Cycle>& cycle) const;

    // deadlines.cc: what did not come
    void check_deadlines(Job& job);
    bool runs_ahead(const Job& job, const targets::Target& target) const;
    void put_right(Job& job, Time ahead);
    void miss(Job& job, const core::Cycle& cycle);
    void say_by_clock(Job& job, core::Verdict verdict, const core::Cycle& cycle);
    bool escalate_held(Job& job, const targets::Target& target);
    void fill_days(Job& job, const core::Cycle& newest);
    void say_late(Job& job, const core::Cycle& cycle);
    void schedule(Job& job);
    void tick();
    void tick_all();

    Rooms rooms;
    Options options;
    std::unique_ptr<Vault> vault;
    std::unique_ptr<Scrub> scrub;
    std::unique_ptr<Arrival> arrival;
    Archive archive;
    std::map<std::string, std::unique_ptr<Job>> jobs;           ///< by target key
    std::map<std::string, std::unique_ptr<AgentState>> agents;  ///< by lower-case folder name
    std::map<std::pair<std::string, std::string>, UnexpectedView> unexpected;
    std::map<std::string, history::HeldRow> held;  ///< by target key
    struct Damage {
        std::string sha256;  ///< what was recorded
        Time since{};
    };
    std::map<std::string, Damage> damaged;  ///< targets whose current backup is damaged or gone, by key
    Line large, small;
    bool started = false, round_done = false, settled = false, vault_was_usable = false;
    std::optional<BootTime> looked_at;  ///< when a full round last ended
    int definitions = 0;  ///< how often targets were defined
    int pending_parses = 0, pending_loads = 0;
    std::set<std::pair<BootTime, Job*>> wakes;
    std::unique_ptr<loop::Timer> wake_timer, tick_timer, tend_timer;
    std::map<std::string, std::string> said;    ///< last verdict text of bkmon/… published here
    std::vector<std::unique_ptr<Job>> retired;  ///< taken out by a reload while they worked
};

}  // namespace bkmon::deposits
