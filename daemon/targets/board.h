#pragma once
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "daemon/targets/registry.h"

namespace bkmon::targets {

/// One target in memory. Its address never changes and it lives as long as the board.
struct Entry {
    Target target;
    bool has_current = false;  ///< `target.current` is what the history holds
    std::string daily_mark;    ///< date and status of the newest daily row, to write an equal one only once

    std::list<std::function<void()>> queue;  ///< what waits for the commit under way
    bool busy = false;
    bool ending_pause = false;  ///< the end of its pause is being written
    bool end_tried = false;     ///< … and it is not the first attempt any more

    // Kept by the board:
    std::optional<core::Status> counted;
    std::optional<Time> deadline;  ///< when the view changes by itself
};

/// The targets and what follows from them, kept up incrementally: counts by shown status, moments of change, JSON. Loop thread only.
class Board {
public:
    Entry* find(const TargetId& id) const;
    /// Made undefined when it is new.
    Entry& entry(const TargetId& id);

    /// To be called after any change of an entry, also of `target.defined`.
    void refresh(Entry& entry, Time now);
    /// Brings what changes by time alone up to `now`. Cheap when nothing is due; looks at everything once when the clock was set back.
    void sync(Time now);
    std::optional<Time> next_deadline() const;

    const Counts& counts() const { return counts_; }
    std::size_t size() const { return size_; }
    /// All entries, ordered by id.
    const std::map<std::string, std::unique_ptr<Entry>, std::less<>>& entries() const { return entries_; }

private:
    void uncount(Entry& entry);

    std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries_;
    std::unordered_map<std::string_view, Entry*> by_key_;  // views into entries_
    std::set<std::pair<Time, Entry*>> deadlines_;
    Counts counts_{};
    std::size_t size_ = 0;
    Time seen_{};
};

}  // namespace bkmon::targets
