#pragma once
#include "daemon/deposits/vault/tree.h"
#include "daemon/history/rows.h"

namespace bkmon::deposits::disk {

/// SWITCH (promises D5) for a row that is READY: the copy comes under its final name, by exchange when the old version lies there.
/// Errc::exists when anything else than the recorded old version is in the way; then nothing was changed.
/// `undone`: with an error, whether everything is as before (else recovery must decide by inode numbers).
Result<void> switch_in(files::FileOps& ops, const Place& place, const history::DepositStateRow& row, bool& undone);

/// Takes a switch back: the old version is under its name again, the copy under its temp name.
Result<void> switch_back(files::FileOps& ops, const Place& place, const history::DepositStateRow& row);

/// Which side of SWITCH the disk is on.
enum class SwitchSide {
    before,  ///< the copy lies under its temp name
    after,   ///< the copy lies under its final name
    lost,    ///< neither
};
struct Standing {
    SwitchSide side = SwitchSide::lost;
    bool old_set_aside = false;  ///< after an exchange: the old version lies under the temp name
};
Result<Standing> standing_of(files::FileOps& ops, int root, const history::DepositStateRow& row);

/// fsync of both directories of a switch that has happened.
Result<void> settle_switch(files::FileOps& ops, int root, const history::DepositStateRow& row);

/// After DONE: where the old version lies now, and where it goes.
struct OldMove {
    std::string from;  ///< empty: there is none
    std::string to;    ///< empty: it is removed (a held file that another one replaced)
};
/// Moves or removes the old version; ok when that was done before. Returns its path now; empty when it is gone.
Result<std::string> set_aside(files::FileOps& ops, const Place& place, const OldMove& move, std::uint64_t old_ino);

}  // namespace bkmon::deposits::disk
