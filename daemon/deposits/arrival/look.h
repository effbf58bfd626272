#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/deposits/arrival/snapshot.h"
#include "daemon/deposits/arrival/watcher.h"
#include "daemon/platform/files/file_ops.h"

namespace bkmon::deposits {

/// What blocks: directories and reports read on the lane. Values in, values out; nothing here knows the loop.

/// What one look found out about a report, so that the next one need not read it again.
struct KeptReport {
    FileIdentity id;
    std::string sha256;
    std::shared_ptr<const std::string> bytes;  ///< absent when there was no room, or it is settled
    bool young = false;  ///< read so soon after its last change that another change may show the same times: read again next time
};
using KeptReports = std::map<std::string, KeptReport>;  ///< by name

struct RootOrder {
    std::string path, marker_id;
    std::uint64_t device = 0;  ///< of the last usable look; 0: none
    bool had_agents = false;
};
struct RootLook {
    std::string problem;  ///< non-empty: not usable
    std::uint64_t device = 0;
    std::vector<std::string> agents;
    std::string remote;  ///< "NFS": where changes by other machines give no events
};

/// Opens the root and makes sure that it is the one: marker, device.
Result<UniqueFd> open_deposit_root(files::FileOps& files, const RootOrder& order, RootLook& look);

/// Watches the root first, then lists the agents' folders (links to folders too: they are refused one by one).
struct RootResult {
    RootLook look;
    std::optional<int> watch;
    int watch_errno = 0;
};
RootResult look_at_root(files::FileOps& files, const RootOrder& order, Watcher* watcher);

struct AgentOrder {
    RootOrder root;
    std::string agent;
    std::size_t max_names = 0;
    std::shared_ptr<const KeptReports> kept;
    std::shared_ptr<const std::set<std::string>> settled;
    std::shared_ptr<Watcher> watcher;  ///< absent: none
};
struct AgentResult {
    std::string root_problem;  ///< non-empty: nothing else counts
    bool no_folder = false;    ///< a file or the like: no agent
    AgentSnapshot snapshot;    ///< taken_at is the caller's
    std::shared_ptr<KeptReports> kept;
    std::vector<int> watches;
    int watch_errno = 0;      ///< of the first watch that failed
    bool again_soon = false;  ///< a report changed while it was read, or is leased
};
AgentResult look_at_agent(files::FileOps& files, const AgentOrder& order);

}  // namespace bkmon::deposits
