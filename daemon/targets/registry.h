#pragma once
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/rare.h"
#include "daemon/core/settings/deposits.h"
#include "daemon/core/verdict.h"
#include "daemon/history/store.h"
#include "daemon/platform/loop/event_loop.h"

namespace bkmon {
class JsonWriter;
}

namespace bkmon::targets {

/// What a part says about a target it watches.
struct Watched {
    TargetId id;
    core::Labels labels;
    std::string timezone = "UTC";
    std::optional<milliseconds> interval;  ///< a proof older than twice this turns `unknown` (no_evidence)
    /// Who is told, as its job says; nullptr: nobody in particular. Thousands of targets share a few lists.
    std::shared_ptr<const std::vector<std::string>> recipients;
};

/// The same with what is stored when it is seen for the first time.
struct TargetSpec : Watched {
    core::Verdict initial;  ///< shown until the first verdict, e.g. unknown / first_due
};

/// Lives at the same address as long as the registry, also when nobody watches it any more.
struct Target {
    Watched spec;
    bool defined = false;         ///< a part watches it: only then is it shown and counted
    history::CurrentRow current;  ///< as stored, but without its evidence, of which there are megabytes; see shown() for pause and freshness
    Rare<history::PauseRow> pause;
    std::optional<Time> running_since;  ///< a job works on it: what was shown before stays
    Rare<core::Verdict> overruled;      ///< what is true now whatever is stored; see Registry::overrule()
};

/// The counts by status always add up to the number of targets.
using Counts = std::array<std::size_t, core::kStatuses.size()>;

/// A change that listeners see, after its commit.
struct Change {
    std::int64_t seq = 0;
    const Target* target = nullptr;
    std::optional<core::Status> from;
};

/// All targets with their current verdict. Loop thread only. Memory changes only after the commit.
class Registry {
public:
    /// `store` and `loop` must outlive this.
    Registry(loop::EventLoop& loop, history::Store& store);
    ~Registry();

    /// Reads currents and pauses; call once before anything else.
    void load(std::function<void(Result<void>)> done);

    /// The targets of one kind, replacing those defined for it before. A target seen for the first time is stored with its initial verdict;
    /// one that vanished keeps its history and leaves the view. `done` after the commit.
    /// Errc::invalid for a spec of another kind or two of one name. An initial verdict that still stands follows the new spec's.
    void define(const std::string& kind, std::vector<TargetSpec> specs, std::function<void(Result<void>)> done);

    struct Publication {
        TargetId target;
        core::Verdict verdict;
        std::string date;     ///< day of the daily record; empty: the day of `due`, else of `at`, in the target's zone
        bool current = true;  ///< false: fills its day and the history only (an older cycle); without `due`, its day alone (a look back at it)
        std::vector<history::Store::Work> with;  ///< participants' rows, in the same transaction
    };
    /// Verdict, current, event, daily row and the participants' rows in one transaction, in the order of the calls for one target. An equal
    /// verdict (status, severity, reason_code, due, and of the same file: by its hash, else by name, size, time and place) writes current only,
    /// in other words its day too, no verdict row and no event; one that is not current and that its day says already writes nothing. `done` on the
    /// loop.
    /// A target that nobody defined (yet, or any more) is written all the same, so that recovery can finish; it is not shown.
    /// A bad day of a paused target is recorded as `paused`. An empty evidence stands for that of the stored current verdict.
    void publish(Publication publication, std::function<void(Result<void>)> done);

    const Target* find(const TargetId& id) const;
    /// As operators see it now: paused wins, then what overrules, then running keeps, then an old proof (ok, unchanged, a promoted warning) is
    /// `unknown`.
    core::Verdict shown(const Target& target) const;
    core::Status status(const Target& target) const;                                                         ///< of shown(), without its texts
    std::vector<const Target*> match(const std::vector<std::string>& globs, const std::string& kind) const;  ///< ordered by id
    std::size_t size() const;
    Counts counts() const;  ///< of the shown statuses

    /// Shows `verdict` in place of the stored one for as long as it is true; nullopt ends that. For a condition that its part finds true or
    /// false at each look, and for what cannot be stored now: it is shown at once and on no condition, and a restart forgets it. Its
    /// beginning and its end are "verdict" events when the shown status changes by them, as far as the history can be written. An equal one
    /// (status, severity, reason_code, reason) does nothing, nor does a target that nobody defined.
    void overrule(const TargetId& id, std::optional<core::Verdict> verdict);

    void set_running(const TargetId& id, bool running);
    /// Errc::not_found for an unknown target, invalid for an end that has passed. A pause with an end ends by itself, also after a restart.
    /// Each beginning and end is an "operator" event, whose body is that of a verdict with "text" beside it.
    void pause(history::PauseRow row, std::function<void(Result<void>)> done);
    /// Nothing to do, and no event, for one that is not paused.
    void resume(const TargetId& id, const std::string& by, std::function<void(Result<void>)> done);

    /// Called after each committed change, until the returned token dies.
    std::shared_ptr<void> listen(std::function<void(const Change&)> listener);

    /// Who says for each problem that is shown why nobody is told of it now; an empty text: somebody is.
    void on_silence(std::function<std::string(const Target&)> why);

    /// The JSON object of one target as `status` prints it. Written anew each time: that costs a microsecond, keeping it a kilobyte.
    std::string json(const Target& target) const;
    void put(JsonWriter& out, const Target& target) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace bkmon::targets
