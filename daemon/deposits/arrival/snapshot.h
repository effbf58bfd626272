#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"

namespace bkmon::deposits {

/// What identifies one state of one deposited file: any write, rename or touch changes it.
struct FileIdentity {
    std::uint64_t dev = 0, ino = 0, size = 0;
    std::int64_t mtime_ns = 0, ctime_ns = 0;
    friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
    std::string text() const;  ///< "dev:ino:size:mtime_ns:ctime_ns"
};

/// A name seen in a deposit folder. Only what fstatat(AT_SYMLINK_NOFOLLOW) says; nothing was opened.
struct SeenFile {
    std::string name;    ///< raw bytes
    std::string folder;  ///< "log", "database" or "databases"
    FileIdentity id;
    std::uint32_t mode = 0, uid = 0;
    std::uint64_t nlink = 1;
};

/// A report as read once: this snapshot is the contract.
struct SeenReport {
    SeenFile file;
    std::string bytes;     ///< whole; empty when refused below or settled
    std::string sha256;    ///< empty when refused
    std::string refused;   ///< non-empty: why it could not be read ("larger than 1 MiB", "is a symbolic link", …)
    bool settled = false;  ///< Arrival::settled() was told of this hash: the bytes are left out
};

/// One agent folder at one moment.
struct AgentSnapshot {
    std::string agent;  ///< folder name, raw
    Time taken_at{};
    std::vector<SeenReport> reports;
    std::vector<SeenFile> files;          ///< without rsync temporaries
    std::vector<std::string> half_taken;  ///< those of the folders that hold a name with kJudgedPrefix
    std::vector<SeenFile> temporaries;    ///< .name.XXXXXX, .~tmp~/, .rsync-partial/: never a backup; shown when older than a day
    std::vector<std::string> oddities;    ///< printable sentences: "'log' is a symbolic link"
    bool truncated = false;               ///< more than the limit of names, or of bytes of reports: the rest was not looked at
    bool gone = false;                    ///< the folder vanished while it was read
    std::optional<std::uint32_t> owner;   ///< uid of the folder that was read; absent when it could not be entered
    bool linked = false;                  ///< the name is a symbolic link: nothing was looked at
};

/// How bkmon renames a judged file before it removes it. One that is found was left by a crash in between.
inline constexpr std::string_view kJudgedPrefix = ".bkmon-judged-";

/// True for the names rsync gives what it has not finished: `.name.XXXXXX`, and the folders `.~tmp~`, `.rsync-partial`.
bool is_rsync_temporary(std::string_view name);

/// [A-Za-z0-9._-]{1,128}, not starting with a dot.
bool acceptable_name(std::string_view name);

}  // namespace bkmon::deposits
