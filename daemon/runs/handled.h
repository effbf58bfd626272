#pragma once
#include <optional>
#include <utility>
#include <vector>

#include "daemon/core/schedule.h"

namespace bkmon::runs {

/// Which moments of one schedule are done with, through whatever the wall clock does. A value; no clock of its own.
///
/// `up_to` is the wall clock minus the entry's offset. It usually grows; when it goes back, moments that were taken are not taken again,
/// while those that were only jumped over become takable once time passes them in the ordinary way.
class Handled {
public:
    Handled() = default;
    /// Knows nothing of the past: moments up to `now` are nobody's.
    static Handled fresh(Time up_to, Time now);
    /// As an earlier process left it: everything up to `evaluated` was handled, the last one taken was `last`. An `evaluated` far in the
    /// future was written under a wrong clock: then only `last` is believed.
    static Handled stored(Time evaluated, std::optional<Time> last, Time up_to, Time now);

    /// Moves on to `up_to`. The newest moment passed on the way that was never taken, if any: older ones in a gap are given up.
    /// `jumped`: the wall clock was set since the last call.
    std::optional<Time> take(const core::Schedule& schedule, Time up_to, bool jumped);

    /// Where the next call starts from: the next moment after this is the next to look at.
    Time reached() const { return reached_; }
    /// What to hand to stored() later.
    Time evaluated(Time now) const;

private:
    bool takeable(Time moment, bool jumped) const;
    void give_up(const core::Schedule& schedule, Time after, Time before);

    Time reached_{};                                  // the last `up_to`
    Time highest_{};                                  // nothing at or before this may be taken, but what lies in jumped_over_
    std::vector<std::pair<Time, Time>> jumped_over_;  // open intervals of moments that passed without being taken
};

}  // namespace bkmon::runs
