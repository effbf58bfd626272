#pragma once
// Everything bkmond is made of, in the order in which it is taken down (bottom up). Private to this room.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/alerts/part.h"
#include "daemon/app/app.h"
#include "daemon/app/ping.h"
#include "daemon/app/space_keeper.h"
#include "daemon/config/config.h"
#include "daemon/config/effective_text.h"
#include "daemon/control/alerts_handlers.h"
#include "daemon/control/audit.h"
#include "daemon/control/authorisation.h"
#include "daemon/control/deposits_handlers.h"
#include "daemon/control/outlets_handlers.h"
#include "daemon/control/parts.h"
#include "daemon/control/server.h"
#include "daemon/deposits/part.h"
#include "daemon/history/sqlite_store.h"
#include "daemon/outlets/part.h"
#include "daemon/platform/inspect/process_inspector.h"
#include "daemon/platform/journal/journal.h"
#include "daemon/platform/loop/clock_watch.h"
#include "daemon/platform/loop/libevent.h"
#include "daemon/platform/loop/process.h"
#include "daemon/platform/loop/signal_watch.h"
#include "daemon/platform/loop/thread_lane.h"
#include "daemon/platform/service/notify.h"
#include "daemon/platform/smb/pool.h"
#include "daemon/platform/smb/prober.h"

namespace bkmon::app {

/// A program of ours lies beside bkmond, or in the distribution's place. Errc::not_found says so.
Result<std::string> program_path(const std::string& name);

class Wiring {
public:
    explicit Wiring(Arguments arguments) : arguments_(std::move(arguments)) {}
    ~Wiring();
    int run();

private:
    // start.cc
    Result<void> assemble();
    Result<void> open_state();
    void make_lanes();
    void bind_methods();
    Result<void> open_control();
    void load_memory();
    void define_own_targets();
    using Done = std::function<void(Result<void>)>;
    void start_parts();
    void start_deposits(core::DepositSettings settings, Done done);
    void start_again();
    core::DepositSettings take_deposits();
    void ready();
    std::unique_ptr<deposits::Part> make_deposits(core::DepositSettings settings);
    std::string hold_off() const;

    // outlets.cc
    core::OutletSettings take_outlets();
    Result<void> make_outlets(core::OutletSettings settings);
    void start_outlets(core::OutletSettings settings, Done done);
    void stop_outlets();
    void bind_outlet_methods();

    // reload.cc
    void on_signal(int signal, int sender);
    using Reloaded = std::function<void(control::ReloadOutcome)>;
    void reload(Reloaded done);
    void apply(std::shared_ptr<config::Loaded> loaded, Reloaded done);
    void apply_deposits(core::DepositSettings settings, bool same, Done done);
    void apply_outlets(core::OutletSettings settings, Done done);
    std::vector<config::Problem> needs_restart(const core::Settings& fresh) const;
    void write_jobs(std::string yaml, std::function<void(Result<std::string>)> done);
    void resolve_roles();

    // alerts.cc
    alerts::Part::Options alert_options() const;
    void start_alerts();
    void bind_alert_methods();
    void take_alert_settings();

    // watch.cc
    void watch_verdicts();
    void log_change(const targets::Change& change);
    void beat();        ///< watchdog, STATUS=, health of the history
    void keep_house();  ///< retention
    void judge_history();
    void history_fails(const std::string& problem);
    void history_works();
    void history_on_reserve();
    void keep_space();  ///< begins, or goes on with other settings
    std::vector<std::string> degraded() const;
    std::vector<std::string> stale() const;
    std::string status_line() const;

    Arguments arguments_;
    std::unique_ptr<config::Loaded> loaded_;  ///< without the jobs and the effective settings
    config::EffectiveText effective_;
    BootTime started_boot_{};
    Time started_at_{};
    UniqueFd lock_;
    std::unique_ptr<journal::Journal> journal_;
    std::unique_ptr<files::FileOps> files_;
    std::unique_ptr<loop::LibeventLoop> loop_;
    std::unique_ptr<service::Notifier> notifier_;
    std::unique_ptr<loop::SignalWatch> signals_;
    std::unique_ptr<loop::ClockWatch> clock_watch_;
    std::unique_ptr<loop::ThreadLane> deposit_lane_, vault_lane_, scrub_lane_, cpu_lane_, config_lane_;
    std::unique_ptr<loop::ThreadLane> outlet_lane_, name_lane_;  ///< from the first outlets on
    std::unique_ptr<loop::ProcessRunner> children_;
    std::unique_ptr<inspect::Inspector> inspector_;
    std::unique_ptr<history::Store> store_;
    std::unique_ptr<targets::Registry> registry_;
    std::unique_ptr<runs::RunEngine> runs_;
    std::unique_ptr<runs::Scheduler> scheduler_;
    std::shared_ptr<SpaceKeeper> space_;
    std::unique_ptr<net::MailTransport> transport_;
    std::unique_ptr<alerts::Part> alerts_;
    std::unique_ptr<net::HttpClient> http_;
    std::unique_ptr<Ping> ping_;
    std::unique_ptr<deposits::Part> deposits_;
    std::unique_ptr<smb::Prober> prober_;
    std::unique_ptr<smb::Visitor> visitor_;
    std::unique_ptr<outlets::Part> outlets_;
    std::unique_ptr<control::DepositsDoor> deposits_door_;
    std::unique_ptr<control::OutletsDoor> outlets_door_;
    std::unique_ptr<control::AlertsDoor> alerts_door_;
    std::unique_ptr<control::ControlParts> control_parts_;
    std::unique_ptr<control::Dispatcher> dispatcher_;
    std::unique_ptr<control::Server> server_;
    control::Roles roles_;
    UniqueFd passed_socket_;
    std::unique_ptr<loop::Timer> beat_timer_, house_timer_;
    std::unique_ptr<loop::Timer> trim_timer_;   ///< gives back what a reload has used
    std::unique_ptr<loop::Timer> again_timer_;  ///< a part could not be started
    std::shared_ptr<void> verdict_listener_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
    bool ready_ = false, reloading_ = false, judging_history_ = false;
    bool deposits_failed_ = false, outlets_failed_ = false;  ///< could not be started: begun anew with again_timer_
    bool history_known_ = false;                    ///< that it works was published
    std::optional<core::Verdict> history_failure_;  ///< it cannot be written, which is not stored yet either
    bool history_emergency_stored_ = false;         ///< it could be stored after all, on the reserve
    BootTime history_asked_{}, history_written_{};
    std::string last_status_;
    int exit_code_ = 0;
};

}  // namespace bkmon::app
