#include "daemon/deposits/vault/check.h"

#include "common/base/text.h"
#include "daemon/deposits/vault/take.h"

namespace bkmon::deposits::disk {
namespace {

/// Makes the copy in .tmp durable and reads it back.
Result<void> prove_open(files::FileOps& ops, int fd, const std::string& sha256, std::uint64_t size, const files::GoOn& go_on) {
    // Protects the reading back: only clean pages can be dropped, and only what was dropped is read from the disk.
    // Also R1: the bytes under the final name are on the disk before the name is.
    if (auto synced = ops.sync(fd); !synced) return fail(in("the copy", std::move(synced.error())));
    if (auto dropped = ops.drop_cache(fd); !dropped) return dropped;
    auto sha = files::hash_file(ops, fd, size, go_on);
    if (!sha) return fail(in("read the copy back", std::move(sha.error())));
    if (*sha != sha256) return fail(Errc::corrupt, "the vault's disk gave back other bytes than were written: check it");
    return {};
}

/// Marks the copy in .tmp and takes the write bits away; proves it first where that was not done.
Result<void> seal(files::FileOps& ops, const Spot& spot, const CheckRequest& r, const files::GoOn& go_on) {
    // open_read is enough for all of it: fsync, fadvise, attributes and mode ask for ownership, not for a descriptor that writes.
    auto file = ops.open_read(spot.dir.get(), spot.name);
    if (!file) return fail(std::move(file.error()));
    const int fd = file->get();
    auto st = ops.stat(fd);
    if (!st) return fail(std::move(st.error()));
    if (!r.proven || *r.proven != identity_of(*st))
        if (auto proven = prove_open(ops, fd, r.sha256, r.size, go_on); !proven) return proven;
    // Before the mode: an attribute cannot be set on a file that its owner may not write. A copy that could not be promoted and is
    // now held was sealed before.
    if ((st->mode & 0200U) == 0)
        if (auto set = ops.set_mode(fd, 0600); !set) return set;
    if (auto set = ops.set_attribute(fd, kShaAttribute, r.sha256); !set) return set;
    if (auto set = ops.set_attribute(fd, kTargetAttribute, r.target); !set) return set;
    if (!r.backup_at.empty())
        if (auto set = ops.set_attribute(fd, kTimeAttribute, r.backup_at); !set) return set;
    if (auto set = ops.set_mode(fd, 0440); !set) return set;
    // Protects the rebuilding of a lost history (attributes) and the file from careless writers (mode). Not the bytes: see above.
    if (auto synced = ops.sync(fd); !synced) return fail(in("the copy", std::move(synced.error())));
    // No fsync of .tmp here: should the copy's name be lost before the switch, recovery finds nothing, and the deposit, which is
    // consumed only after DONE, is taken again.
    return {};
}

Result<void> recognise(files::FileOps& ops, int root, const Spot& final_spot, const CheckRequest& r, Checked& out, const files::GoOn& go_on) {
    auto there = look(ops, final_spot);
    if (!there) return fail(std::move(there.error()));
    out.old_in_place = r.old && r.old->path == r.final_path && *there;
    if (*there && !out.old_in_place)
        return fail(Errc::exists, "'" + printable(r.final_path) + "' is there already and the history does not know it; nothing was overwritten");
    if (out.old_in_place && (*there)->ino == r.old->damaged_ino && !(*there)->is_directory()) {
        out.old_ino = (*there)->ino;
    } else if (out.old_in_place) {
        auto known = is_recorded(ops, final_spot, r.old->sha256, r.old->size, go_on);
        if (!known) return fail(std::move(known.error()));
        if (!*known)
            return fail(Errc::exists, "'" + printable(r.final_path) + "' is not the file that was put there (" + r.old->sha256.substr(0, 12) +
                                          "…); nothing was overwritten");
        out.old_ino = (*there)->ino;
    } else if (r.old && !r.old->path.empty()) {
        auto elsewhere = look(ops, root, r.old->path);
        if (!elsewhere) return fail(std::move(elsewhere.error()));
        if (*elsewhere && (*elsewhere)->is_regular()) out.old_ino = (*elsewhere)->ino;
    }
    return {};
}

}  // namespace

Result<bool> is_recorded(files::FileOps& ops, const Spot& spot, const std::string& sha256, std::uint64_t size, const files::GoOn& go_on) {
    auto file = ops.open_read(spot.dir.get(), spot.name);
    if (!file && file.error().code == Errc::denied) return false;  // a link, or somebody else's file
    if (!file) return fail(std::move(file.error()));
    auto st = ops.stat(file->get());
    if (!st) return fail(std::move(st.error()));
    if (!st->is_regular() || st->nlink != 1 || st->size != size) return false;
    auto marked = ops.attribute(file->get(), kShaAttribute);
    if (marked) return *marked == sha256;
    if (marked.error().code != Errc::not_found) return fail(std::move(marked.error()));
    auto sha = files::hash_file(ops, file->get(), size, go_on);  // a file system without attributes, or a file copied there by hand
    if (!sha && sha.error().code == Errc::corrupt) return false;
    if (!sha) return fail(std::move(sha.error()));
    return *sha == sha256;
}

Result<void> verify(files::FileOps& ops, int root, const std::string& path, const std::string& sha256, std::uint64_t size, const files::GoOn& go_on) {
    auto spot = spot_of(ops, root, path);
    if (!spot) return fail(std::move(spot.error()));
    auto file = ops.open_read(spot->dir.get(), spot->name);
    if (!file) return fail(std::move(file.error()));
    if (auto dropped = ops.drop_cache(file->get()); !dropped) return dropped;
    auto sha = files::hash_file(ops, file->get(), size, go_on);
    if (!sha) return fail(in("'" + printable(path) + "'", std::move(sha.error())));
    if (*sha != sha256) return fail(Errc::corrupt, "'" + printable(path) + "' does not hash to its recorded SHA-256 any more");
    return {};
}

Result<FileIdentity> prove(files::FileOps& ops, const Place& place, const std::string& temp_name, const std::string& sha256, std::uint64_t size,
                           const files::GoOn& go_on) {
    auto tree = open_tree(ops, place);
    if (!tree) return fail(std::move(tree.error()));
    auto file = ops.open_read(tree->temp.get(), temp_name);
    if (!file) return fail(std::move(file.error()));
    if (auto proven = prove_open(ops, file->get(), sha256, size, go_on); !proven) return fail(std::move(proven.error()));
    auto st = ops.stat(file->get());
    if (!st) return fail(std::move(st.error()));
    return identity_of(*st);
}

Result<Checked> check(files::FileOps& ops, const Place& place, const CheckRequest& r, const files::GoOn& go_on) {
    auto tree = open_tree(ops, place);
    if (!tree) return fail(std::move(tree.error()));
    auto temp = spot_of(ops, tree->root.get(), temp_path(r.temp_name));
    if (!temp) return fail(std::move(temp.error()));
    // The name first: there is no reason to read gigabytes back when it cannot be used.
    auto final_spot = make_spot(ops, tree->root.get(), r.final_path);
    if (!final_spot) return fail(in("make the directories of '" + printable(r.final_path) + "'", std::move(final_spot.error())));
    Checked out;
    if (auto old = recognise(ops, tree->root.get(), *final_spot, r, out, go_on); !old) return fail(std::move(old.error()));
    const bool sealed_before = is_held_path(r.temp_name);
    auto proven = sealed_before ? verify(ops, tree->root.get(), r.temp_name, r.sha256, r.size, go_on) : seal(ops, *temp, r, go_on);
    if (!proven) return fail(std::move(proven.error()));
    auto st = look(ops, *temp);
    if (!st) return fail(std::move(st.error()));
    if (!*st) return fail(Errc::not_found, "the copy is gone");
    out.temp_ino = (*st)->ino;
    return out;
}

}  // namespace bkmon::deposits::disk
