#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/alerts/rules/decide.h"
#include "daemon/core/weekly.h"

namespace bkmon::alerts {

/// Silences made ready to be asked about thousands of targets: what time says about each is remembered until it changes. One thread at a
/// time. One whose zone or window cannot be read any more covers nothing: rather a mail too many.
class Silences {
public:
    Silences() = default;
    explicit Silences(std::vector<core::Silence> all);
    // What covering() gives points into this.
    Silences(const Silences&) = delete;
    Silences& operator=(const Silences&) = delete;
    Silences(Silences&&) = default;
    Silences& operator=(Silences&&) = default;

    struct Cover {
        const core::Silence* silence = nullptr;
        std::optional<Time> until;  ///< when it stops to cover: its end, or that of the window it is in; absent: never
    };
    /// Of those that cover the target at `at` the one that does so longest; the first of equals. nullopt: none does.
    std::optional<Cover> covering(const TargetId& id, const core::Labels& labels, Time at) const;
    /// The first moment after `at` at which one of those that name the target begins or ends; nullopt: never.
    std::optional<Time> next_change(const TargetId& id, const core::Labels& labels, Time at) const;
    /// The same for any target.
    std::optional<Time> next_change(Time at) const;

    std::size_t size() const { return all_.size(); }

private:
    struct Ready {
        core::Silence silence;
        std::vector<core::WeeklyWindow> windows;
        std::optional<cctz::time_zone> zone;  ///< absent: it covers nothing
        /// What holds from one moment to the next change.
        struct Now {
            Time from{};
            std::optional<Time> until;  ///< absent: for ever
            bool in_force = false;
        };
        mutable std::optional<Now> known;
        const Now& now(Time at) const;

        bool in_force(Time at) const;
        std::optional<Time> next_change(Time at) const;
    };
    static Ready make_ready(core::Silence silence);
    std::vector<Ready> all_;
};

/// What it is about: "deposit/SHOP_*", "kind outlet", "label region=north"; several with "and". Printable.
std::string covered_text(const core::Silence& silence);

/// For people, in `zone`: "until Mon 06:00, 'datacentre move', by alice". Without an end "without an end". Printable.
std::string silence_text(const core::Silence& silence, std::optional<Time> until, Time now, std::string_view zone);

}  // namespace bkmon::alerts
