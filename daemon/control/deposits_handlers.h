#pragma once
#include <functional>
#include <string>
#include <vector>

#include "daemon/config/config.h"
#include "daemon/control/dispatcher.h"
#include "daemon/deposits/part.h"
#include "daemon/runs/run_engine.h"
#include "daemon/targets/registry.h"

namespace bkmon::control {

struct DepositsDoor {
    /// Null while no `deposits:` section is configured: every method then says so.
    std::function<deposits::Part*()> part;
    runs::RunEngine& runs;
    const targets::Registry& registry;
    /// Writes YAML into conf.d (off the loop), reloads, and gives the file's path.
    std::function<void(std::string yaml, std::function<void(Result<std::string>)>)> write_jobs;
};

/// io.bkmon.Deposits. `door` must outlive the dispatcher.
void bind_deposits(Dispatcher& dispatcher, DepositsDoor& door);

}  // namespace bkmon::control
