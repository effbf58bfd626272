#include "daemon/deposits/vault/switch.h"

#include "common/base/text.h"

namespace bkmon::deposits::disk {
namespace {

struct Ends {
    Spot temp, final_spot;
};

Result<Ends> ends_of(files::FileOps& ops, int root, const history::DepositStateRow& row) {
    auto temp = spot_of(ops, root, temp_path(row.temp_name));
    if (!temp) return fail(std::move(temp.error()));
    auto final_spot = spot_of(ops, root, row.final_path);
    if (!final_spot) return fail(std::move(final_spot.error()));
    return Ends{std::move(*temp), std::move(*final_spot)};
}

bool by_exchange(const history::DepositStateRow& row) { return row.old_ino != 0 && row.old_path == row.final_path; }

bool is(const std::optional<files::FileStat>& st, std::uint64_t ino) { return st && ino != 0 && st->ino == ino; }

/// Exchanges, and looks at what came out: a file that somebody put there since the last look goes back.
Result<void> exchange_old(files::FileOps& ops, const Ends& e, const history::DepositStateRow& row) {
    const auto exchange = [&] { return ops.exchange(e.temp.dir.get(), e.temp.name, e.final_spot.dir.get(), e.final_spot.name); };
    if (auto done = exchange(); !done) return done;
    auto out = look(ops, e.temp);
    if (!out) return fail(std::move(out.error()));
    if (is(*out, row.old_ino)) return {};
    if (auto back = exchange(); !back) return back;
    return fail(Errc::exists, "'" + printable(row.final_path) + "' was replaced by somebody else just now; nothing was overwritten");
}

Result<void> move_in(files::FileOps& ops, const Ends& e, const history::DepositStateRow& row) {
    auto temp = look(ops, e.temp);
    if (!temp) return fail(std::move(temp.error()));
    auto there = look(ops, e.final_spot);
    if (!there) return fail(std::move(there.error()));
    if (!is(*temp, row.temp_ino)) return fail(Errc::not_found, "the copy is gone from " + std::string(kTemp));
    if (by_exchange(row) ? !is(*there, row.old_ino) : there->has_value())
        return fail(Errc::exists, "'" + printable(row.final_path) + "' is not what the history knows; nothing was overwritten");
    if (by_exchange(row)) return exchange_old(ops, e, row);
    return ops.rename_new(e.temp.dir.get(), e.temp.name, e.final_spot.dir.get(), e.final_spot.name);
}

Result<void> sync_final(files::FileOps& ops, const Ends& e) {
    // Protects DONE: the history may call this file the current one only when the name is on the disk.
    auto synced = ops.sync(e.final_spot.dir.get());
    return synced ? Result<void>() : Result<void>(fail(in("the final directory", std::move(synced.error()))));
}

Result<void> sync_temp(files::FileOps& ops, const Ends& e) {
    // Protects the old version, whose only name is here after an exchange, and the end of the temp name, which nobody would know after
    // the row is closed.
    auto synced = ops.sync(e.temp.dir.get());
    return synced ? Result<void>() : Result<void>(fail(in(std::string(kTemp), std::move(synced.error()))));
}

/// Both, and the one first whose loss would hurt: after an exchange the old version gets its new name before it loses the final one (the new
/// one is in the deposit still); else, and for a held file that is in no deposit any more, the final name comes first.
Result<void> sync_ends(files::FileOps& ops, const Ends& e, const history::DepositStateRow& row) {
    const bool old_first = by_exchange(row) && !is_held_path(row.temp_name);
    if (auto synced = old_first ? sync_temp(ops, e) : sync_final(ops, e); !synced) return synced;
    return old_first ? sync_final(ops, e) : sync_temp(ops, e);
}

Result<void> move_back(files::FileOps& ops, const Ends& e, const history::DepositStateRow& row) {
    auto moved = by_exchange(row) ? ops.exchange(e.temp.dir.get(), e.temp.name, e.final_spot.dir.get(), e.final_spot.name)
                                  : ops.rename_new(e.final_spot.dir.get(), e.final_spot.name, e.temp.dir.get(), e.temp.name);
    if (!moved) return moved;
    return sync_ends(ops, e, row);
}

Result<std::string> move_aside(files::FileOps& ops, int root, const std::string& from_path, const std::string& to_path, std::uint64_t old_ino) {
    auto to = make_spot(ops, root, to_path);
    if (!to) return fail(std::move(to.error()));
    auto from = spot_of(ops, root, from_path);
    if (!from && from.error().code != Errc::not_found) return fail(std::move(from.error()));
    auto here = from ? look(ops, *from) : Result<std::optional<files::FileStat>>(std::nullopt);
    if (!here) return fail(std::move(here.error()));
    auto there = look(ops, *to);
    if (!there) return fail(std::move(there.error()));
    if (is(*here, old_ino)) {
        // Both names at once: a file system that wrote half of the rename.
        auto moved =
            is(*there, old_ino) ? ops.unlink(from->dir.get(), from->name) : ops.rename_new(from->dir.get(), from->name, to->dir.get(), to->name);
        if (!moved) return fail(std::move(moved.error()));
    }
    // Protects the replaced version: the row that tells where it lies ends after this.
    if (auto synced = ops.sync(to->dir.get()); !synced) return fail(std::move(synced.error()));
    // Protects the end of the old name, which nobody would know after the row is closed.
    if (from) {
        if (auto synced = ops.sync(from->dir.get()); !synced) return fail(std::move(synced.error()));
    }
    return is(*here, old_ino) || is(*there, old_ino) ? to_path : std::string();
}

}  // namespace

Result<Standing> standing_of(files::FileOps& ops, int root, const history::DepositStateRow& row) {
    auto temp = look(ops, root, temp_path(row.temp_name));
    if (!temp) return fail(std::move(temp.error()));
    auto there = row.final_path.empty() ? Result<std::optional<files::FileStat>>(std::nullopt) : look(ops, root, row.final_path);
    if (!there) return fail(std::move(there.error()));
    if (is(*there, row.temp_ino)) return Standing{SwitchSide::after, by_exchange(row) && is(*temp, row.old_ino)};
    if (is(*temp, row.temp_ino)) return Standing{SwitchSide::before, false};
    return Standing{SwitchSide::lost, false};
}

Result<void> settle_switch(files::FileOps& ops, int root, const history::DepositStateRow& row) {
    auto ends = ends_of(ops, root, row);
    if (!ends) return fail(std::move(ends.error()));
    return sync_ends(ops, *ends, row);
}

Result<void> switch_in(files::FileOps& ops, const Place& place, const history::DepositStateRow& row, bool& undone) {
    undone = true;
    auto tree = open_tree(ops, place);
    if (!tree) return fail(std::move(tree.error()));
    auto ends = ends_of(ops, tree->root.get(), row);
    if (!ends) return fail(std::move(ends.error()));
    if (auto moved = move_in(ops, *ends, row); !moved) {
        auto standing = standing_of(ops, tree->root.get(), row);
        undone = standing && standing->side != SwitchSide::after;
        return moved;
    }
    auto synced = sync_ends(ops, *ends, row);
    if (synced) return synced;
    undone = move_back(ops, *ends, row).has_value();  // never the same fsync again: what it lost is lost
    return synced;
}

Result<void> switch_back(files::FileOps& ops, const Place& place, const history::DepositStateRow& row) {
    auto tree = open_tree(ops, place);
    if (!tree) return fail(std::move(tree.error()));
    auto ends = ends_of(ops, tree->root.get(), row);
    if (!ends) return fail(std::move(ends.error()));
    auto there = look(ops, ends->final_spot);
    if (!there) return fail(std::move(there.error()));
    if (!is(*there, row.temp_ino)) return {};
    return move_back(ops, *ends, row);
}

Result<std::string> set_aside(files::FileOps& ops, const Place& place, const OldMove& move, std::uint64_t old_ino) {
    if (move.from.empty()) return std::string();
    auto tree = open_tree(ops, place);
    if (!tree) return fail(std::move(tree.error()));
    const int root = tree->root.get();
    if (move.to.empty()) {
        auto gone = remove_file(ops, root, move.from, old_ino);
        if (!gone) return fail(std::move(gone.error()));
        return std::string();
    }
    auto to = move.to;
    auto there = look(ops, root, to);
    if (!there) return fail(std::move(there.error()));
    if (*there && !is(*there, old_ino)) to += "-" + std::to_string(old_ino);  // taken by a file that nobody expected there
    return move_aside(ops, root, move.from, to, old_ino);
}

}  // namespace bkmon::deposits::disk
