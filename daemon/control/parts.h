#pragma once
#include <functional>
#include <string>
#include <vector>

#include "daemon/config/config.h"
#include "daemon/control/dispatcher.h"
#include "daemon/history/store.h"
#include "daemon/platform/loop/event_loop.h"
#include "daemon/runs/run_engine.h"
#include "daemon/runs/scheduler.h"
#include "daemon/targets/registry.h"

namespace bkmon::control {

/// What a reload did; problems not empty: nothing was changed.
struct ReloadOutcome {
    bool changed = false;
    std::vector<config::Problem> problems;
};

/// Everything the common handlers need from the daemon. All callbacks run on the loop thread.
struct ControlParts {
    loop::EventLoop& loop;
    history::Store& store;
    targets::Registry& registry;
    runs::RunEngine& runs;
    runs::Scheduler& scheduler;
    std::string version;
    Time started{};
    BootTime started_boot{};
    std::function<const core::Settings&()> settings;                   ///< those in force
    std::function<std::vector<std::string>()> degraded;                ///< sentences: what of bkmon itself does not work
    std::function<std::vector<std::string>()> stale;                   ///< sentences: what bkmon has not looked at for too long
    std::function<std::vector<config::EffectiveSetting>()> effective;  ///< secrets masked
    std::function<void(std::function<void(ReloadOutcome)>)> reload;
    std::function<bool(const Caller&, const std::string& run)> began{};  ///< whether who is limited to some targets began it; or absent
};

/// Each binds the methods of one interface. `parts` must outlive the dispatcher and every call.
void bind_targets(Dispatcher& dispatcher, ControlParts& parts);
void bind_runs(Dispatcher& dispatcher, ControlParts& parts);
void bind_schedule(Dispatcher& dispatcher, ControlParts& parts);
void bind_daemon(Dispatcher& dispatcher, ControlParts& parts);

}  // namespace bkmon::control
