#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/unique_fd.h"
#include "daemon/platform/smb/visit.h"

namespace bkmon::smb {

/// When a file or folder was modified, as the server says it: since 1970, anything.
struct Stamp {
    std::int64_t seconds = 0, nanoseconds = 0;
};

/// One name in a folder.
struct Entry {
    std::string_view name;  ///< any bytes; lives as long as the call that it is handed to
    std::uint64_t size = 0;
    Stamp modified;
    bool folder = false;
    bool link = false;  ///< any reparse point
};

/// Why a folder was not listed. `detail`: printable.
struct Trouble {
    Outcome outcome = Outcome::internal;
    std::string detail;
};

/// Why a file was not read: not_opened, in_use or changed (it is gone). `detail`: printable.
struct Unreadable {
    Visit::Content content = Visit::Content::not_opened;
    std::string detail;
};

struct FileState {
    std::uint64_t size = 0;
    Stamp modified;
};

/// An open file of a server; closed when destroyed.
class File {
public:
    virtual ~File() = default;
    /// Puts what is at `offset` into `to`, as much as fits; `got` says how much: less only when the file ends there.
    virtual std::optional<Unreadable> read(std::uint64_t offset, std::span<std::uint8_t> to, std::size_t& got) = 0;
    virtual std::optional<Unreadable> state(FileState& now) = 0;
};

/// What a library for SMB must be able to do. Blocking, one thread, one server at a time. Asks the server of an order and no other, logs in
/// with its credential alone (no guest, no anonymous session) and once for each share, and follows nothing to anywhere else.
class Backend {
public:
    virtual ~Backend() = default;

    /// From here to forget(): this server, this credential. The order outlives it. `connection`: to that server, or none; where it leads elsewhere or
    /// has ended, or once it is used, others are made.
    virtual void begin(const Order& order, UniqueFd connection) = 0;
    /// Hands every entry of a folder to `each`, without "." and "..". More than order.max_entries: too_many, and at most those were handed over.
    virtual std::optional<Trouble> list(const std::string& share, const std::string& folder, const std::function<void(const Entry&)>& each) = 0;
    /// `name` stands in the folder; it has neither slash nor backslash nor NUL. What is returned goes before forget().
    virtual std::unique_ptr<File> open(const std::string& share, const std::string& folder, const std::string& name, Unreadable& why) = 0;
    /// Logins tried since begin().
    virtual int logins() const = 0;
    /// Closes all connections at once and overwrites what it knew of the credential.
    virtual void forget() = 0;
};

}  // namespace bkmon::smb
