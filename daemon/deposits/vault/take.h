#pragma once
#include <optional>

#include "daemon/deposits/vault/tree.h"
#include "daemon/deposits/vault/vault.h"
#include "daemon/platform/files/copy.h"

namespace bkmon::deposits::disk {

/// OPEN (promises D0): the deposited file, held open, or why it cannot be taken.
struct Source {
    std::optional<Taken> refused;
    UniqueFd file;
};
Source open_source(files::FileOps& ops, const std::string& deposit_root, const TakeRequest& request);

/// How COPY (D2) ended. Anything but `copied` leaves no copy, unless temp_gone is false: then recovery removes it.
struct CopyEnd {
    Taken taken;
    bool temp_gone = true;
    std::optional<Error> trouble;  ///< with `unavailable`: what the vault's disk said
    UniqueFd file;                 ///< with `copied`: the copy, read only, at 0; absent when `reader` was given it
};
/// `reader`, where given, gets the copy (read only, at 0) when its first bytes are about to be there: it grows to the claimed size and never shrinks.
CopyEnd copy_source(files::FileOps& ops, const Place& place, const TakeRequest& request, int source, const std::string& tx,
                    std::uint64_t reserve_bytes, const std::function<void(UniqueFd)>& reader, const files::GoOn& go_on);

/// Errc::no_space unless `size` bytes fit beside the reserve.
Result<void> check_room(files::FileOps& ops, int dir, std::uint64_t size, std::uint64_t reserve_bytes);

FileIdentity identity_of(const files::FileStat& st);

}  // namespace bkmon::deposits::disk
