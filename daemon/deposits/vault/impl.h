#pragma once
#include <atomic>
#include <deque>
#include <map>
#include <set>

#include "daemon/deposits/vault/check.h"
#include "daemon/deposits/vault/done_record.h"
#include "daemon/deposits/vault/marker.h"
#include "daemon/deposits/vault/rebuild.h"
#include "daemon/deposits/vault/recover.h"
#include "daemon/deposits/vault/take.h"
#include "daemon/deposits/vault/vault.h"
#include "daemon/deposits/vault/versions.h"

namespace bkmon::deposits {

/// Only one operation that changes what lies where works on a target at a time. The last owner of a turn that lets go starts the next.
using Turn = std::shared_ptr<void>;

/// A take on its way.
struct Taking {
    TakeRequest request;
    std::function<void(std::uint64_t, std::uint64_t)> progress;
    std::function<void(Taken)> done;
    std::atomic<bool> cancelled{false};
    std::string tx;
    UniqueFd source;
    Taken taken;
    std::unique_ptr<inspect::Inspector::Job> inspection;
    bool copying = false;    ///< a large copy is inspected while it grows
    bool inspected = false;  ///< the inspection was begun
    int awaited = 2;         ///< of inspection and proof, which go side by side
};

/// A file that is read again.
struct Verifying {
    VaultFile file;
    loop::Lane* lane = nullptr;
    std::uint64_t bytes_per_second = 0;
    std::function<std::optional<targets::Registry::Publication>(const VaultFile&, const Verified&, const std::vector<history::HealthyRow>&)> word;
    std::function<void(std::uint64_t)> progress;
    std::function<void(const VaultFile&, Verified)> done;
    std::atomic<bool> cancelled{false};
};

/// One file on its way under a new name: promoted, held or released. The row says which: see is_hold, is_release.
struct Move {
    history::DepositStateRow row;
    DoneRecord record;
    targets::Registry::Publication publication;
    std::function<void(Result<std::string>)> done;  ///< may be empty: recovery
    std::vector<history::HealthyRow> healthy;       ///< of the target, as read at the start
    std::uint64_t size = 0;
    std::optional<FileIdentity> proven;
    std::optional<Error> unproven;
    std::uint64_t old_size = 0;
    std::uint64_t old_damaged_ino = 0;  ///< the old version is known to be damaged: what lies there
    std::string old_lies;               ///< after SWITCH: where the old version lies; empty: there is none
    Turn turn;
    bool recovering = false;

    bool is_hold() const { return disk::is_held_path(row.final_path); }
    bool is_release() const { return disk::is_held_path(row.temp_name); }
};
/// An error of the history stops the vault, also one that would be a small matter on the vault's own disk.
inline Error of_history(Error error) {
    error.code = Errc::unavailable;
    return in("the history", std::move(error));
}

/// The participants of the DONE transaction: what the vault now holds, and what is left to do.
history::Store::Work done_rows(const Move& m, Time now);

using MovePtr = std::shared_ptr<Move>;

/// Members and steps by file: impl.cc (state, turns), open.cc (marker, recovery), taking.cc, moving.cc (promote and what hold and release
/// share), holding.cc (hold, release, reject), tidy.cc. Loop thread only; what runs on the lane gets values and `files`.
struct Vault::Impl : std::enable_shared_from_this<Vault::Impl> {
    Impl(loop::EventLoop& l, loop::Lane& la, files::FileOps& f, history::Store& s, targets::Registry& r, inspect::Inspector& i, journal::Journal& j,
         Options o, std::function<void(VaultState)> on);

    // impl.cc
    void set_state(VaultState next);
    void leave_to_recovery(const std::string& tx, Error error);  ///< its row stays: the vault is opened again, which repairs it
    void trouble(const Error& error);                            ///< a disk or history error of an operation: what it means for the whole
    void retry_soon();
    void in_turn(const TargetId& target, std::function<void(Turn)> start);
    void next_turn(const std::string& key);
    void commit(history::Store::Work work, std::function<void(Result<void>)> done);
    void read(history::Store::Look look, std::function<void(Result<void>)> done);
    /// Removes the copy and its row; `done` also when it could not: then recovery does.
    void drop_copy(const std::string& tx, std::function<void()> done);
    void forget_row(const std::string& tx, std::function<void()> done);
    template <class Work, class Done>
    void on_lane(Work work, Done done) {
        loop::submit(lane, loop, std::weak_ptr<const void>(weak_from_this()), std::move(work), std::move(done));
    }

    // open.cc
    void open(std::function<void()> done);
    using Rows = std::shared_ptr<std::vector<history::DepositStateRow>>;
    void prepare(Rows rows, const std::string& known_marker);
    void recover(Rows rows, std::size_t next);
    void recovered(Rows rows, std::size_t next, const disk::Finding& finding);
    void sweep();
    void opened(Result<void> result);
    void init(std::function<void(Result<std::string>)> done);
    void check_room_again();

    // taking.cc
    void take(std::shared_ptr<Taking> t);
    void intend(std::shared_ptr<Taking> t);
    void copy(std::shared_ptr<Taking> t);
    void copied(std::shared_ptr<Taking> t, disk::CopyEnd end);
    void inspect(std::shared_ptr<Taking> t, UniqueFd file);
    void prove(std::shared_ptr<Taking> t);
    void looked_at(std::shared_ptr<Taking> t);
    void finish(std::shared_ptr<Taking> t, Taken taken);
    void cancelled(const std::shared_ptr<Taking>& t);

    // moving.cc
    void promote(PromotePlan plan, std::function<void(Result<std::string>)> done);
    void begin_move(MovePtr m);  ///< reads what is there, then CHECK, READY, SWITCH, DONE, cleanup
    void check(MovePtr m);
    void ready(MovePtr m, disk::Checked checked);
    void switch_over(MovePtr m);
    void publish(MovePtr m);
    void clean(MovePtr m);
    void close(MovePtr m, std::string old_now);
    void give_up(MovePtr m, Error error, bool row_is_ready);
    void end_move(MovePtr m, Result<std::string> result);

    // holding.cc
    void hold(HoldPlan plan, std::function<void(Result<void>)> done);
    void release(MovePtr m, const std::string& sha256);
    void reject(const TargetId& target, const std::string& sha256, targets::Registry::Publication publication,
                std::function<void(Result<void>)> done);
    /// The held row of a target, when its hash is the one named (empty: any).
    void find_held(const TargetId& target, const std::string& sha256, std::function<void(Result<history::HeldRow>)> done);
    /// Removes a file that the history stops knowing in the transaction that `commit_with` runs, `forget` within it.
    using CommitWith = std::function<void(history::Store::Work, std::function<void(Result<void>)>)>;
    void end_file(const TargetId& target, const std::string& path, Turn turn, history::Store::Work forget, const CommitWith& commit_with,
                  std::function<void(Result<void>)> done);
    void end_version(std::shared_ptr<std::vector<history::HealthyRow>> versions, std::size_t next, Turn turn, std::function<void()> done);

    // verifying.cc
    void verify(std::shared_ptr<Verifying> v);
    void conclude(std::shared_ptr<Verifying> v, Verified end);
    void publish_verified(std::shared_ptr<Verifying> v, const Verified& end, const std::vector<history::HealthyRow>& rows, Turn turn);
    void verified(const std::shared_ptr<Verifying>& v, Verified end);

    // tidy.cc
    void tidy(std::function<void()> done);
    void count_uptime(std::function<void(Result<void>)> done);
    void prune_all(std::shared_ptr<std::vector<TargetId>> targets, std::size_t next, std::function<void()> done);
    std::map<std::string, KeepRule> keep_rules;  ///< by target key
    void prune(const TargetId& target, Turn turn, std::function<void()> done);
    void expire_held(std::function<void()> done);
    void expire_each(std::shared_ptr<std::vector<history::HeldRow>> rows, std::size_t next, std::function<void()> done);

    // Constant after construction.
    loop::EventLoop& loop;
    loop::Lane& lane;
    files::FileOps& files;
    history::Store& store;
    targets::Registry& registry;
    inspect::Inspector& inspector;
    journal::Journal& journal;
    const Options options;
    const std::function<void(VaultState)> on_state;

    // Loop thread only.
    VaultState state;
    disk::Place place;
    bool opening = false;
    std::vector<std::function<void()>> open_done;                        ///< told after the try that is under way
    std::set<std::string> live;                                          ///< transactions of running operations: recovery leaves them alone
    std::map<std::string, std::deque<std::function<void(Turn)>>> turns;  ///< by target; a key that is there has a turn running
    std::uint64_t room_wanted = 0;                                       ///< a copy of this size did not fit; 0: none
    std::map<std::string, BootTime> replaced_since;                      ///< versions replaced since uptime was last counted, by path
    std::optional<BootTime> uptime_counted;
    std::map<std::string, BootTime> held_warned;  ///< by held path
    std::unique_ptr<loop::Timer> retry;
};

}  // namespace bkmon::deposits
