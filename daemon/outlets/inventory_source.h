#pragma once
#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "daemon/core/settings/outlets.h"
#include "daemon/outlets/inventory/inventory.h"
#include "daemon/platform/files/file_ops.h"
#include "daemon/platform/loop/child.h"
#include "daemon/platform/loop/event_loop.h"
#include "daemon/platform/loop/lane.h"

namespace bkmon::outlets {

/// Reads a password; blocks, called on the lane. Errors name the file or the credential, never what it holds.
using SecretReader = std::function<Result<std::string>(const std::string& file, const std::string& credential)>;

/// Fetches the inventory from where it is kept, each time anew. Loop thread only; what blocks runs on the lane, a command as a child.
class InventorySource {
public:
    struct Rooms {
        loop::EventLoop& loop;
        loop::Lane& lane;
        loop::ChildRunner& children;
    };
    /// `files`: what the CSV is read and written with; absent: the system's.
    explicit InventorySource(Rooms rooms, std::shared_ptr<files::FileOps> files = nullptr);
    /// A running command is killed; no `done` comes any more.
    ~InventorySource();
    InventorySource(const InventorySource&) = delete;
    InventorySource& operator=(const InventorySource&) = delete;

    /// `done` runs once, on the loop thread, never from inside read(). Bad rows are no error. Errors, each a printable sentence that names the
    /// source and what to do about it: not_found (no such file), invalid (no inventory in what came), denied, timeout, unavailable, no_space (too
    /// large). Several reads may be under way.
    void read(const core::OutletInventory& from, SecretReader secret, std::function<void(Result<Inventory>)> done);

    /// Puts `csv` in place of `file`: whole, durable, with its mode, and its owner as far as this process may give files away; what was there
    /// lies beside it as <file>.old then. At every instant, also after a power cut, `file` is the old or the new one whole. `done` as above.
    /// Errc::denied with what to allow where the folder may not be written; invalid for symbolic links and what is no plain file.
    void write(const std::string& file, std::string csv, std::function<void(Result<void>)> done);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

/// Where the inventory comes from, for people: "the list in the configuration", "/etc/bkmon/outlets.csv", "the database Shops on
/// db.example.org:3306", "the command /usr/local/bin/outlets". Printable; no secrets: neither the query nor the arguments.
std::string describe(const core::OutletInventory& from);

}  // namespace bkmon::outlets
