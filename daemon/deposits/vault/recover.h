#pragma once
#include <set>
#include <string>
#include <vector>

#include "daemon/deposits/vault/switch.h"

namespace bkmon::deposits::disk {

/// What recovery (promises D7) does with a row that a crash left.
struct Finding {
    enum class Next {
        forget,   ///< nothing of it is left under a final name: the row goes, the deposit is taken again
        publish,  ///< the copy is whole under its final name and durable: DONE
        clean,    ///< DONE was there: the old version is set aside, the row goes
    };
    Next next = Next::forget;
    bool old_set_aside = false;  ///< with publish: the old version lies under the temp name
    std::string note;            ///< what had to be done about damage; printable, for the journal
};

/// Decides by inode numbers which side of SWITCH a READY row is on, hashes what is there again, and goes on to DONE or back. Idempotent.
Result<Finding> repair(files::FileOps& ops, const Place& place, const history::DepositStateRow& row, std::int64_t now_ms);

/// Moves what lies in .tmp and has no row into .quarantine; the new paths.
Result<std::vector<std::string>> sweep(files::FileOps& ops, const Place& place, const std::set<std::string>& known, std::int64_t now_ms);

}  // namespace bkmon::deposits::disk
