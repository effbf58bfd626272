#pragma once
// The inside of the outlets part, shared by its source files. Private to this room.
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/outlets/credential_guard.h"
#include "daemon/outlets/inventory_source.h"
#include "daemon/outlets/part.h"
#include "daemon/outlets/scan.h"
#include "daemon/outlets/shortfall.h"
#include "daemon/outlets/stock.h"

namespace bkmon::outlets {

/// A scan with what was asked for; in its mode's line until it begins.
struct Job {
    ScanRequest request;
    std::shared_ptr<const core::OutletMode> mode;
    std::string date;                ///< the day it is stored under
    std::optional<Time> end_of_day;  ///< of a back-date
    std::shared_ptr<Scan> scan;
    std::string password;
};
using JobPtr = std::shared_ptr<Job>;

/// A scan that is over, for whoever asks a while later.
struct Over {
    ScanView view;
    BootTime at{};
};

struct Part::Impl : std::enable_shared_from_this<Part::Impl> {
    Impl(Rooms r, Options o);

    // part.cc: life
    void start(std::function<void(Result<void>)> done);
    void remembered(std::vector<history::OutletRow> rows, std::vector<history::RememberedShareRow> shares, std::function<void(Result<void>)> done);
    void inherit(const core::Verdict& mine);
    void forget_shortfall_of_gone_modes();
    void reconfigure(core::OutletSettings settings, std::function<void(Result<void>)> done);
    void take_settings(core::OutletSettings settings);
    /// Reads the inventory, or goes on without it when its source takes too long; then defines.
    void settle(std::function<void(Result<void>)> done);
    void define(std::function<void(Result<void>)> done);
    Time now() const { return rooms.loop.clock().now(); }
    BootTime boot() const { return rooms.loop.clock().boot(); }
    std::shared_ptr<const core::OutletMode> mode_of(const std::string& name) const;
    void publish_own(const char* name, core::Status status, const char* reason_code, std::string reason, std::string evidence = "{}");

    // keeping.cc: the inventory
    struct Reread {
        std::size_t added = 0, changed = 0, deactivated = 0, bad_rows = 0;
        std::string problem;
        Result<void> defined;
    };
    using Reading = std::function<void(const Reread&)>;
    void read_inventory(Reading done);  ///< a second one goes along with the first
    void ask_source();
    void came(Result<Inventory> read);
    void use(StockPtr fresh, Reread news);
    void read_ended(const Reread& news);
    void keep(const StockPtr& fresh);
    void say_inventory();

    // scans.cc: what is asked for, one after the other for each mode
    Result<Begun> scan(ScanRequest request);
    Result<void> check(const ScanRequest& request, Job& job) const;
    bool fits(const ScanRequest& request, const core::Outlet& outlet) const;
    JobPtr covering(const std::string& mode, const ScanRequest& request) const;
    void begin(const JobPtr& job);
    void with_inventory(const JobPtr& job);
    void with_password(const JobPtr& job);
    void with_days(const JobPtr& job);
    void select(const JobPtr& job, std::shared_ptr<const std::set<std::string>> with_result);
    bool wanted(const Job& job, const targets::Target& target, const std::set<std::string>* with_result) const;
    void cannot_look(const JobPtr& job, const std::string& why);
    void ended(const JobPtr& job, const std::string& state, const std::string& error);
    void cancel(const std::weak_ptr<Job>& which);
    void note_own_fault(const Job& job);
    void say_shortfall();

    // schedules.cc
    void set_schedules();
    std::string scheduled(const std::string& id, const std::string& mode, const std::string& only);
    void begin_owed();

    Rooms rooms;
    Options options;
    InventorySource source;
    CredentialGuards guards;
    std::vector<std::shared_ptr<const core::OutletMode>> modes;  ///< the active ones
    StockPtr stock;
    std::unordered_map<std::string, std::string> shares;  ///< by target key: where the folder was found last

    bool started = false, define_again = false;
    std::vector<Reading> readers;  ///< they wait for the reading under way
    std::optional<Time> read_at;
    std::string inventory_problem;
    std::vector<BadRow> bad_rows;
    int definitions = 0, source_round = 0;

    std::map<std::string, std::deque<JobPtr>> lines;  ///< by mode in lower case: the first one runs
    std::deque<Over> over;
    std::vector<std::shared_ptr<Scan>> ending;  ///< they let go of what they had begun
    Shortfall shortfall;
    std::map<std::string, std::string> said;  ///< last verdict text of bkmon/… published here

    struct Owed {
        std::string mode, only;
    };
    std::map<std::string, Owed> owed;  ///< by schedule: its moment came while nothing could be recorded
    std::set<std::string> schedule_ids;
    std::unique_ptr<loop::Timer> owed_timer, settle_timer;
};

}  // namespace bkmon::outlets
