#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/incident.h"
#include "daemon/history/alert_rows.h"

namespace bkmon::control {

/// Several problems that were first said in one mail: one for whoever looks at it.
struct IncidentGroup {
    std::int64_t id = 0;                  ///< the smallest of theirs
    std::vector<core::Incident> members;  ///< open ones first, then worst, then oldest first; at least one

    bool open() const { return !members.front().closed_at; }
    /// As one incident: status and reason of the first member, times of all, acknowledged only when each open one is.
    core::Incident sum() const;
};

/// Pure. Rows with the same thread that is not empty are one; newest id first.
std::vector<IncidentGroup> group_incidents(std::vector<core::Incident> rows);

using MayTouch = std::function<bool(const std::string& target)>;

struct GroupQuery {
    std::string pattern;  ///< id or glob as means() takes it; empty: all
    bool open_only = false;
    std::optional<Time> since;
    std::int64_t before = 0;
    std::size_t limit = 100;
};

/// Groups of which a member fits, with all members that the caller may see; newest id first, each whole and once, whatever page it is found
/// on. Reads the rows that fit from the newest on, since the members of an old group may be new.
Result<std::vector<IncidentGroup>> read_groups(history::AlertReader& reader, const GroupQuery& query, const MayTouch& may_touch);

/// The group that an incident belongs to. `hidden`: members that the caller may not see. nullopt where the incident itself is none for him.
struct FoundGroup {
    IncidentGroup group;
    std::size_t hidden = 0;
};
Result<std::optional<FoundGroup>> read_group(history::AlertReader& reader, std::int64_t id, const MayTouch& may_touch);

/// Mails that are about a member, newest first. `only`: leave out those that are about others, too.
Result<std::vector<history::MailRow>> read_mails_about(history::AlertReader& reader, const IncidentGroup& group, bool only);

}  // namespace bkmon::control
