#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/settings/outlets.h"
#include "daemon/history/store.h"
#include "daemon/outlets/inventory/inventory.h"
#include "daemon/platform/journal/journal.h"
#include "daemon/platform/loop/child.h"
#include "daemon/platform/loop/lane.h"
#include "daemon/platform/mariadb/query.h"
#include "daemon/platform/smb/pool.h"
#include "daemon/platform/smb/prober.h"
#include "daemon/runs/run_engine.h"
#include "daemon/runs/scheduler.h"
#include "daemon/targets/registry.h"

namespace bkmon::outlets {

/// One line of `outlets list`.
struct OutletView {
    core::Outlet outlet;
    struct InMode {
        std::string mode;
        TargetId target;
        std::string drive;  ///< letter remembered, or empty
    };
    std::vector<InMode> modes;  ///< none for one that is not active
};

/// What the inventory is like now.
struct InventoryView {
    std::string source;           ///< "list", "/etc/bkmon/outlets.csv", "sql …", "command …": for people, no secrets
    std::optional<Time> read_at;  ///< when it was last read whole
    std::string problem;          ///< why the last attempt failed, printable: the one before is in use; or empty
    std::vector<BadRow> bad;
    std::size_t active = 0, inactive = 0;
};

struct ScanRequest {
    std::string mode;                              ///< must be one of the modes
    std::vector<std::string> outlets;              ///< codes or globs of codes; empty: all
    bool problems = false;                         ///< only those whose current verdict is bad
    bool pending = false;                          ///< only those without a result today
    std::string date;                              ///< YYYY-MM-DD: back-date; empty: now
    std::function<bool(const TargetId&)> permits;  ///< outlets that the caller may see; absent: all
};

/// How a scan stands; also its summary, when it is over.
struct ScanView {
    std::string run, mode, date;  ///< date: the day it is stored under
    bool back_dated = false;
    std::int64_t done = 0, total = 0;
    targets::Counts counts{};  ///< verdicts of this scan by status; growing ones under what was known
    double rate = 0;           ///< outlets a second
    std::optional<milliseconds> left;
    milliseconds took{0};
    std::size_t added = 0, changed = 0, deactivated = 0, bad_rows = 0;  ///< of the inventory, as re-read before it
    std::size_t growing = 0, in_future = 0, retried = 0;
    std::string inventory_problem;  ///< printable, or empty
    std::string last;               ///< the newest result in a sentence, printable
    struct Worst {
        TargetId target;
        core::Status status{};
        std::string reason;
        std::string reason_code{};
        std::size_t alike = 0;  ///< further ones of this status and reason code, which are not listed
    };
    std::vector<Worst> worst;  ///< at most 20, worst first
    bool final = false;
};

/// The outlets: inventory, scans, verdicts. Loop thread only.
class Part {
public:
    struct Rooms {
        loop::EventLoop& loop;
        loop::Lane& lane;  ///< reads files and SQL of the inventory, parses it
        loop::ChildRunner& children;
        history::Store& store;
        targets::Registry& registry;
        runs::RunEngine& runs;
        runs::Scheduler& scheduler;
        smb::Prober& prober;
        smb::Visitor& visitor;
        journal::Journal& journal;
    };
    struct Options {
        core::OutletSettings settings;
        std::string timezone;  ///< of the configuration
        /// Reads a password: off the loop, on `lane`. Errors name the file.
        std::function<Result<std::string>(const std::string& file, const std::string& credential)> secret;
        /// Why nothing may be recorded at the moment, printable; empty, or no such function: it may.
        std::function<std::string()> hold_off;
    };
    Part(Rooms rooms, Options options);
    ~Part();

    /// Reads the inventory (the last known one where its source cannot be read), defines the targets and the schedules.
    void start(std::function<void(Result<void>)> done);
    void reconfigure(core::OutletSettings settings, std::function<void(Result<void>)> done);
    void clock_changed();

    std::vector<OutletView> list() const;  ///< by code
    InventoryView inventory() const;
    const core::OutletSettings& settings() const;
    /// For reports: address and name of a target's outlet, also of one that is not active any more.
    const core::Outlet* outlet_of(const TargetId& target) const;

    struct Begun {
        std::string run;
        bool joined = false;  ///< a scan of this mode was under way: this is it
    };
    /// Errc::not_found: no such mode, or no outlet fits; invalid: a date in the future, …; unavailable: nothing can be recorded.
    Result<Begun> scan(ScanRequest request);
    /// The scan of a run that is under way, or ended within the last minutes.
    std::optional<ScanView> view(const std::string& run) const;

    /// The scans under way, for the status line: "scanning d-drive: 120 of 1000". Printable; empty: none.
    std::string activity() const;
    /// What got stuck: a scan that has recorded nothing for minutes. Printable sentences.
    std::vector<std::string> stuck() const;

    /// What a CSV would change, without changing anything.
    struct Import {
        Inventory inventory;
        Difference difference;
        std::string file;  ///< where it would be, or was, written
    };
    /// Checks `csv` against the inventory in use; with `write` puts it (whole, durable, the old one beside it as .old) in place of
    /// inventory.csv and takes it. Errc::invalid: no CSV, the inventory comes from elsewhere, or (when writing) a bad row.
    void import(std::string csv, bool write, std::function<void(Result<Import>)> done);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace bkmon::outlets
