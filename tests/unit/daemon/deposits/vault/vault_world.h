#pragma once
#include <memory>
#include <optional>
#include <string>

#include "daemon/deposits/vault/vault.h"
#include "tests/support/manual_loop.h"
#include "tests/support/recording_journal.h"

namespace bkmon::test {

/// Says at once what a test wants to hear, through the loop as the real one does.
class CannedInspector final : public inspect::Inspector {
public:
    explicit CannedInspector(loop::EventLoop& loop) : loop_(loop) { findings.state = inspect::Findings::State::whole; }
    std::unique_ptr<Job> inspect(inspect::Request request, std::function<void(inspect::Findings)> done) override;
    inspect::Findings findings;
    int asked = 0;
    int ended = 0;          ///< jobs that were let go
    inspect::Request last;  ///< its file stays open
    bool silent = false;    ///< never answers

private:
    loop::EventLoop& loop_;
};

/// A vault with everything around it, in one process: what a run of the daemon has between start and death.
struct VaultWorld {
    VaultWorld(files::FileOps& ops, history::Store& store, ManualLoop& loop, std::string deposit_root, std::string vault_root);

    void open();
    deposits::TakeRequest request(const std::string& file, const std::string& bytes);
    deposits::Taken take(deposits::TakeRequest request);
    /// Takes `file` (whose bytes lie in agent1/database) and promotes it to `path`.
    Result<std::string> promote(const std::string& file, const std::string& bytes, const std::string& path);
    Result<std::string> promote(deposits::Taken taken, const std::string& path);
    Result<void> hold(deposits::Taken taken, const std::string& final_path);
    Result<std::string> release(const std::string& sha256);
    Result<void> reject(const std::string& sha256);
    void tidy();

    targets::Registry::Publication publication(core::Status status, const std::string& sha256) const;
    deposits::FileIdentity identity(const std::string& file) const;

    files::FileOps& ops;
    history::Store& store;
    ManualLoop& loop;
    InlineLane lane;
    HeldLane steps;
    bool by_step = false;  ///< from the next open() on disk work waits for steps.step()
    targets::Registry registry;
    CannedInspector inspector;
    RecordingJournal journal;
    deposits::Vault::Options options;
    std::unique_ptr<deposits::Vault> vault;
    std::optional<deposits::VaultState> told;
    TargetId target = TargetId::of("deposit", {"agent1", "DB"});
    int keep = 1;
    milliseconds keep_replaced{std::chrono::hours(24)};
    std::string agent = "agent1", folder = "database";
    bool done = false;  ///< the last operation called back
};

}  // namespace bkmon::test
