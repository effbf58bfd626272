#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "daemon/platform/files/file_ops.h"

/// The disk side of the vault: functions that block and run on its lane. They hold descriptors only while they run, so that nothing
/// is ever written under a mount point whose file system went away: each one opens the tree again and looks at its marker.
namespace bkmon::deposits::disk {

inline constexpr std::string_view kTemp = ".tmp";               ///< copies in the making, named by their transaction
inline constexpr std::string_view kHeld = ".held";              ///< .held/<target>/<file>
inline constexpr std::string_view kVersions = ".versions";      ///< .versions/<target>/<backup time>-<sha8>
inline constexpr std::string_view kQuarantine = ".quarantine";  ///< what lay in .tmp and nobody knew
inline constexpr std::string_view kMarker = ".bkmon-vault";     ///< one line: the id that the history knows
inline constexpr const char* kShaAttribute = "user.bkmon.sha256";
inline constexpr const char* kTargetAttribute = "user.bkmon.target";
inline constexpr const char* kTimeAttribute = "user.bkmon.backup_at";  ///< RFC 3339, where known

/// Which vault is meant.
struct Place {
    std::string root;
    std::string marker;  ///< empty: the history knows none yet
};

struct Tree {
    UniqueFd root, temp;
};

/// Errc::unavailable with what to do when the vault is not there, is not marked, or is another one.
Result<Tree> open_tree(files::FileOps& ops, const Place& place);

/// The id in the marker file; Errc::not_found without one.
Result<std::string> read_marker(files::FileOps& ops, int root);

/// A name in a directory that is held open: it cannot come to mean another one.
struct Spot {
    UniqueFd dir;
    std::string name;
};

/// The place of a path relative to the vault; Errc::not_found when a parent is not there.
Result<Spot> spot_of(files::FileOps& ops, int root, const std::string& path);

/// The same; parents that are not there are made (0750), and all of them are made durable.
Result<Spot> make_spot(files::FileOps& ops, int root, const std::string& path);

/// What lies there; nullopt when nothing does.
Result<std::optional<files::FileStat>> look(files::FileOps& ops, const Spot& spot);
/// The same by path; nullopt also when a parent is not there.
Result<std::optional<files::FileStat>> look(files::FileOps& ops, int root, const std::string& path);

/// Removes a name when it still is the inode named (0: any). Ok when it is not there. Durable.
Result<void> remove_file(files::FileOps& ops, int root, const std::string& path, std::uint64_t ino);

/// Moves an unknown or damaged file into .quarantine under "<now ms>-<name>". Durable. Returns its new path.
Result<std::string> quarantine(files::FileOps& ops, int root, const std::string& path, std::int64_t now_ms);

/// Row's temp name to a path: ".tmp/<tx>", or the path itself for a file that lies elsewhere in the vault (released, expired).
std::string temp_path(const std::string& temp_name);
bool is_held_path(std::string_view path);

/// 32 random hexadecimal digits.
std::string random_id();

}  // namespace bkmon::deposits::disk
