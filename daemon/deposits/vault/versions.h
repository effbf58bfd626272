#pragma once
#include <string>
#include <vector>

#include "daemon/deposits/vault/tree.h"
#include "daemon/history/rows.h"

namespace bkmon::deposits {

/// The folder of a target inside .held and .versions: its id, each part short enough for a file name and never starting with a dot.
std::string slot_of(const TargetId& target);

inline constexpr int kHealthyRows = 1000;  ///< more than a target ever has with a file

/// Ends the name of a version that was damaged when a healthy backup replaced it.
inline constexpr std::string_view kDamagedSuffix = ".damaged";

/// ".versions/<target>/<backup time>-<sha8>", made different from the paths of `others`.
std::string version_path(const history::HealthyRow& old, const std::vector<history::HealthyRow>& others, const std::string& tx);

/// ".held/<target>/<sha8>-<tx8>-<file>": never a name that was used before.
std::string held_path(const history::HeldRow& held, const std::string& tx);

/// How many healthy versions of a target stay, the current one included, and how long a replaced one stays at least (bkmond's uptime).
struct KeepRule {
    int keep = 1;
    milliseconds keep_replaced{std::chrono::hours(24)};
};
std::string keep_setting_name(const TargetId& target);
std::string keep_text(const KeepRule& rule);
KeepRule keep_from(const std::optional<std::string>& text);

/// The replaced versions whose time is over. `rows`: all healthy rows of one target. Damaged ones do not count as versions that are kept, and
/// go when keep_replaced is over; while the current one is damaged nothing goes.
std::vector<history::HealthyRow> expired_versions(const std::vector<history::HealthyRow>& rows, const KeepRule& rule);

namespace disk {

/// Errc::corrupt when the current version is not there or not whole as far as can be seen without reading it: then a replaced one may be
/// the last.
Result<void> check_current(files::FileOps& ops, const Place& place, const history::HealthyRow& current);

}  // namespace disk
}  // namespace bkmon::deposits
