#include "daemon/deposits/vault/recover.h"

#include "common/base/text.h"
#include "daemon/deposits/vault/check.h"

namespace bkmon::deposits::disk {
namespace {

using Next = Finding::Next;

/// A copy that shall not become anything: removed, but for a held file, which stays held.
Result<Finding> drop(files::FileOps& ops, int root, const history::DepositStateRow& row) {
    if (is_held_path(row.temp_name)) return Finding{};
    if (auto gone = remove_file(ops, root, temp_path(row.temp_name), row.temp_ino); !gone && gone.error().code != Errc::exists)
        return fail(std::move(gone.error()));
    return Finding{};
}

/// What came under the final name is damaged: the old version goes back there, the damaged one is kept as evidence.
Result<Finding> put_back(files::FileOps& ops, const Place& place, int root, const history::DepositStateRow& row, bool old_set_aside,
                         std::int64_t now_ms) {
    Finding out;
    std::string damaged = row.final_path;
    if (old_set_aside) {
        if (auto back = switch_back(ops, place, row); !back) return fail(std::move(back.error()));
        damaged = temp_path(row.temp_name);
    }
    auto kept = quarantine(ops, root, damaged, now_ms);
    if (!kept) return fail(std::move(kept.error()));
    out.note = "'" + printable(row.final_path) + "' was damaged by the crash: kept as " + printable(*kept) + ", the deposit is taken again";
    return out;
}

Result<std::uint64_t> size_at(files::FileOps& ops, int root, const std::string& path) {
    auto st = look(ops, root, path);
    if (!st) return fail(std::move(st.error()));
    return *st ? (*st)->size : 0;
}

Result<bool> is_whole(files::FileOps& ops, int root, const std::string& path, const history::DepositStateRow& row) {
    auto size = size_at(ops, root, path);
    if (!size) return fail(std::move(size.error()));
    auto good = verify(ops, root, path, row.claimed_sha256, *size, {});
    if (!good && good.error().code != Errc::corrupt) return fail(std::move(good.error()));
    return good.has_value();
}

Result<Finding> after_switch(files::FileOps& ops, const Place& place, int root, const history::DepositStateRow& row, bool old_set_aside,
                             std::int64_t now_ms) {
    auto whole = is_whole(ops, root, row.final_path, row);
    if (!whole) return fail(std::move(whole.error()));
    if (!*whole) return put_back(ops, place, root, row, old_set_aside, now_ms);
    // The same inode under its temp name too: a file system that wrote half of the rename. The final name is the one that counts.
    auto temp = look(ops, root, temp_path(row.temp_name));
    if (!temp) return fail(std::move(temp.error()));
    if (*temp && (*temp)->ino == row.temp_ino) {
        if (auto gone = remove_file(ops, root, temp_path(row.temp_name), row.temp_ino); !gone) return fail(std::move(gone.error()));
    }
    // The rename may have been seen but never written: a process that died leaves it in the cache.
    if (auto settled = settle_switch(ops, root, row); !settled) return fail(std::move(settled.error()));
    return Finding{Next::publish, old_set_aside, {}};
}

Result<Finding> before_switch(files::FileOps& ops, const Place& place, int root, const history::DepositStateRow& row) {
    auto whole = is_whole(ops, root, temp_path(row.temp_name), row);
    if (!whole) return fail(std::move(whole.error()));
    if (!*whole) return drop(ops, root, row);
    bool undone = false;
    auto switched = switch_in(ops, place, row, undone);
    if (!switched && switched.error().code == Errc::exists) return drop(ops, root, row);
    if (!switched) return fail(std::move(switched.error()));
    return Finding{Next::publish, row.old_ino != 0 && row.old_path == row.final_path, {}};
}

/// A file system that wrote half of an exchange: the old version has both names. The final one stays.
Result<void> drop_half(files::FileOps& ops, int root, const history::DepositStateRow& row) {
    if (row.old_ino == 0 || row.old_path != row.final_path) return {};
    auto there = look(ops, root, row.final_path);
    if (!there) return fail(std::move(there.error()));
    auto temp = look(ops, root, temp_path(row.temp_name));
    if (!temp) return fail(std::move(temp.error()));
    if (!*there || !*temp || (*there)->ino != row.old_ino || (*temp)->ino != row.old_ino) return {};
    return remove_file(ops, root, temp_path(row.temp_name), row.old_ino);
}

}  // namespace

Result<Finding> repair(files::FileOps& ops, const Place& place, const history::DepositStateRow& row, std::int64_t now_ms) {
    if (row.phase == "promoted") return Finding{Next::clean, false, {}};
    auto tree = open_tree(ops, place);
    if (!tree) return fail(std::move(tree.error()));
    const int root = tree->root.get();
    if (row.phase != "ready") return drop(ops, root, row);
    auto standing = standing_of(ops, root, row);
    if (!standing) return fail(std::move(standing.error()));
    switch (standing->side) {
        case SwitchSide::after: return after_switch(ops, place, root, row, standing->old_set_aside, now_ms);
        case SwitchSide::before: return before_switch(ops, place, root, row);
        case SwitchSide::lost: break;
    }
    if (auto gone = drop_half(ops, root, row); !gone) return fail(std::move(gone.error()));
    return drop(ops, root, row);
}

Result<std::vector<std::string>> sweep(files::FileOps& ops, const Place& place, const std::set<std::string>& known, std::int64_t now_ms) {
    auto tree = open_tree(ops, place);
    if (!tree) return fail(std::move(tree.error()));
    bool truncated = false;
    auto names = ops.list(tree->temp.get(), 10000, truncated);
    if (!names) return fail(std::move(names.error()));
    std::vector<std::string> moved;
    for (const auto& entry : *names) {
        if (known.count(entry.name) != 0) continue;
        auto kept = quarantine(ops, tree->root.get(), temp_path(entry.name), now_ms);
        if (!kept) return fail(std::move(kept.error()));
        moved.push_back(*kept);
    }
    return moved;
}

}  // namespace bkmon::deposits::disk
