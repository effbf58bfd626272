#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/control/dispatcher.h"
#include "daemon/history/store.h"
#include "daemon/outlets/part.h"
#include "daemon/platform/loop/event_loop.h"
#include "daemon/runs/run_engine.h"
#include "daemon/targets/registry.h"

namespace bkmon::control {

/// What the methods need of outlets::Part, whose words these are; a test brings its own. All of it on the loop thread.
struct OutletsDoor {
    loop::EventLoop& loop;
    history::Store& store;
    runs::RunEngine& runs;
    const targets::Registry& registry;
    /// False while no `outlets:` section is configured: every method then says so, and nothing else here is called.
    std::function<bool()> configured = [] { return false; };
    std::function<std::vector<outlets::OutletView>()> list{};
    std::function<outlets::InventoryView()> inventory{};
    std::function<const core::OutletSettings&()> settings{};
    std::function<Result<outlets::Part::Begun>(outlets::ScanRequest)> scan{};
    std::function<std::optional<outlets::ScanView>(const std::string& run)> view{};
    std::function<void(std::string csv, bool write, std::function<void(Result<outlets::Part::Import>)> done)> import{};

    /// Scans that callers with a limit began: run to what they may touch. What such a scan tells is theirs.
    std::map<std::string, std::vector<std::string>> begun_by{};
};

/// io.bkmon.Outlets. `door` must outlive the dispatcher and every call.
void bind_outlets(Dispatcher& dispatcher, OutletsDoor& door);

/// The methods about scans; for bind_outlets().
void handle_outlets_scan(OutletsDoor& door, const std::shared_ptr<Call>& call);
void handle_outlets_follow(OutletsDoor& door, const std::shared_ptr<Call>& call);

/// Whether that scan's tale is all the caller's: who is limited to some targets began it within what he may touch now; others have no limit.
bool is_own_scan(const OutletsDoor& door, const Caller& caller, const std::string& run);

/// Refuses a code that no outlet the caller may see has; globs may match nothing. False: the call is answered.
bool outlets_known(OutletsDoor& door, const std::vector<std::string>& codes, const std::shared_ptr<Call>& call);

}  // namespace bkmon::control
