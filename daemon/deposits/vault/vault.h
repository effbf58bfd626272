#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/path_template.h"
#include "daemon/core/verdict.h"
#include "daemon/deposits/arrival/snapshot.h"
#include "daemon/deposits/vault/verify.h"
#include "daemon/deposits/vault/versions.h"
#include "daemon/history/store.h"
#include "daemon/platform/files/file_ops.h"
#include "daemon/platform/inspect/inspector.h"
#include "daemon/platform/journal/journal.h"
#include "daemon/platform/loop/lane.h"
#include "daemon/targets/registry.h"

namespace bkmon::deposits {

/// What to take in: one file of one agent as a scan saw it, and what the report claims.
struct TakeRequest {
    TargetId target;
    std::string agent, folder, file;
    FileIdentity expected;
    std::uint64_t claimed_size = 0;
    std::string claimed_sha256;
    std::string report_file, report_sha256;
    std::uint64_t max_size = 0;  ///< 0 refuses all but the empty file
    std::string owner;           ///< user that must own it; empty: anybody
    core::Content content = core::Content::auto_detect;
    bool end_mark = true;
};

/// How taking in ended. Only `copied` has a copy in <vault>/.tmp, which promote(), hold() or discard() must end.
struct Taken {
    enum class Outcome {
        copied,       ///< the copy hashes to the claimed SHA-256 and was inspected
        mismatch,     ///< size and source held still, the copy hashes to something else: sha256 says what; no copy is kept
        changed,      ///< the source changed while it was read, or is another file now: look again
        busy,         ///< being written or leased: look again later
        gone,         ///< vanished
        refused,      ///< reason_code and detail say why: not_a_file unreadable bad_name too_large size_mismatch
        unavailable,  ///< vault or deposit cannot be used now (full, read-only, I/O error): nothing is judged, try later
        cancelled,
    };
    Outcome outcome = Outcome::unavailable;
    std::string tx;  ///< of the copy
    std::string sha256;
    std::uint64_t size = 0;
    inspect::Findings findings;          ///< with `copied`
    std::optional<FileIdentity> proven;  ///< with `copied`: it was synced, and the disk gave the same bytes back; the copy as it was then
    std::optional<Error> unproven;       ///< why not: it can be neither promoted nor held
    std::string reason_code, detail;     ///< detail is printable
};

/// Where a proven copy shall go, and what is published in the same transaction.
struct PromotePlan {
    Taken taken;
    std::string final_path;  ///< relative to the vault; each component acceptable_name()
    targets::Registry::Publication publication;
    history::HealthyRow healthy;  ///< vault_path, current, promoted_at are set here
    int keep = 1;
    milliseconds keep_replaced{std::chrono::hours(24)};
};

struct HoldPlan {
    Taken taken;
    targets::Registry::Publication publication;
    history::HeldRow held;  ///< path and held_at are set here
};

struct VaultState {
    bool usable = false;
    std::string problem;           ///< printable, what to do included; also while usable: a copy did not fit, smaller ones may
    std::uint64_t free_bytes = 0;  ///< when last looked
};

/// The tree of validated backups and the promotion protocol (promises D): what is promoted is what was hashed, the last healthy version
/// exists at every instant, a crash at any point loses nothing. Loop thread only; disk work on `lane`, commits through `store`.
class Vault {
public:
    struct Options {
        std::string deposit_root, root;
        std::uint64_t reserve_bytes = 0;
        std::uint64_t held_max_bytes = 0;
        int held_days = 30;
    };
    Vault(loop::EventLoop& loop, loop::Lane& lane, files::FileOps& files, history::Store& store, targets::Registry& registry,
          inspect::Inspector& inspector, journal::Journal& journal, Options options, std::function<void(VaultState)> on_state);
    ~Vault();

    /// Checks the marker, recovers what a crash left (before any new work), then is usable. Called again by itself while it is not.
    /// `done` once, after the first try.
    void open(std::function<void()> done);
    const VaultState& state() const;
    /// Marks the vault as ours (`deposits init`): <vault>/.bkmon-vault with a random id that the history knows. Keeps an id that is there
    /// (a restored vault). Backups in it that the history does not know are hashed and known again: takes as long as reading them does.
    /// Returns the id.
    void init(std::function<void(Result<std::string>)> done);

    /// A take in progress; destroying it cancels, cleans up its copy, and calls nothing.
    class Job {
    public:
        virtual ~Job() = default;
    };
    std::unique_ptr<Job> take(TakeRequest request, std::function<void(std::uint64_t done, std::uint64_t total)> progress,
                              std::function<void(Taken)> done);
    /// After an error the last healthy version is as before and the copy is gone, with two exceptions. Errc::exists, a file that bkmon does not
    /// know lies under the final name: the copy is still there and must be ended by hold() or discard(). A history that cannot be written after the
    /// switch: recovery finishes the promotion when it can be written again (the vault is not usable before).
    void promote(PromotePlan plan, std::function<void(Result<std::string>)> done);  ///< the path
    /// One held file a target: an older one is replaced. Errc::invalid when held_max_bytes would be exceeded; the copy is gone after any error.
    void hold(HoldPlan plan, std::function<void(Result<void>)> done);
    void discard(Taken taken, std::function<void()> done);

    /// Promotes what is held for the target; its bytes are hashed again. Errc::not_found: nothing is held; invalid: the hash is not the held one's,
    /// or there is no acceptable path for it; corrupt: it rotted; exists as for promote(). After an error it is still held.
    void release(const TargetId& target, const std::string& sha256, targets::Registry::Publication publication, history::HealthyRow healthy, int keep,
                 milliseconds keep_replaced, std::function<void(Result<std::string>)> done);
    void reject(const TargetId& target, const std::string& sha256, targets::Registry::Publication publication,
                std::function<void(Result<void>)> done);

    /// What tidy() goes by from now on, by target key. A target without a rule keeps that of its last promotion.
    void set_keep_rules(std::map<std::string, KeepRule> rules);
    /// Counts the uptime of replaced versions and removes those whose time is over; removes expired held files, after a warning in the journal 3 days
    /// before. Called now and then, every hour or so.
    void tidy(std::function<void()> done);

    /// Reads a file of the vault again, on a lane of the caller's own and at no more than the rate (0: as fast as it can), and writes what it found
    /// into the file's row: it is marked, never moved or removed. When that is news, `word` says what is published with the mark (nullopt:
    /// nothing); it gets the target's rows as they were before. Promotions go on meanwhile. Destroying the job cancels.
    struct VerifyRequest {
        VaultFile file;
        loop::Lane& lane;
        std::uint64_t bytes_per_second = 0;
        std::function<std::optional<targets::Registry::Publication>(const VaultFile&, const Verified&, const std::vector<history::HealthyRow>&)> word;
        std::function<void(std::uint64_t)> progress;  ///< bytes read
        std::function<void(const VaultFile&, Verified)> done;
    };
    std::unique_ptr<Job> verify(VerifyRequest request);

    /// Takes a judged deposit away: renames it to a name of ours first, compares identity, only then unlinks. Errc::denied where it may
    /// not; Errc::busy when it is another file now.
    void consume(const std::string& agent, const std::string& folder, const std::string& file, const FileIdentity& id,
                 std::function<void(Result<void>)> done);
    /// A crash came in between: finishes it for the files of that folder under kJudgedPrefix.
    void finish_consumed(const std::string& agent, const std::string& folder);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

/// "{company}/{city}/{year}/{file}" filled in; Errc::invalid names an unknown or empty field or an unacceptable component.
using PathFields = core::PathFields;
Result<std::string> expand_path(const std::string& path_template, const PathFields& fields);

}  // namespace bkmon::deposits
