#include "daemon/deposits/vault/verify.h"

#include <fmt/format.h>

#include <cerrno>

#include "common/base/text.h"
#include "daemon/deposits/vault/versions.h"

namespace bkmon::deposits {
namespace {

/// What HealthyRow and HeldRow say with the same members. taken: when its bytes came into the vault, which reads them too.
template <class Row>
VaultFile file_of(VaultFile::Kind kind, const Row& row, const std::string& path, Time taken) {
    VaultFile f;
    f.kind = kind;
    f.target = row.target;
    f.path = path;
    f.sha256 = row.sha256;
    f.size = row.size_bytes;
    f.backup_at = row.backup_at;
    f.read_at = row.verified_at.value_or(taken);
    f.damaged_at = row.damaged_at;
    f.damage = row.damage;
    return f;
}

VaultFile file_of(const history::HealthyRow& row) {
    auto f = file_of(row.current ? VaultFile::Kind::current : VaultFile::Kind::version, row, row.vault_path, row.promoted_at);
    f.id = row.id;
    return f;
}

VaultFile file_of(const history::HeldRow& row) { return file_of(VaultFile::Kind::held, row, row.path, row.held_at); }

/// The same members again.
template <class Row>
void mark(Row& row, const Verified& v, Time now) {
    row.verified_at = now;
    if (!v.bad()) {
        row.damaged_at.reset();
        row.damage.clear();
        return;
    }
    if (!row.damaged_at) row.damaged_at = now;
    row.damage = v.detail;
}

Result<void> mark_held(history::Session& s, const VaultFile& file, const Verified& v, Time now) {
    auto rows = s.held();
    if (!rows) return fail(std::move(rows.error()));
    for (auto& row : *rows) {
        if (row.target != file.target || row.path != file.path) continue;
        mark(row, v, now);
        return s.put_held(row);
    }
    return {};
}

Result<void> mark_healthy(history::Session& s, const VaultFile& file, const Verified& v, Time now) {
    auto rows = s.healthy(file.target, kHealthyRows);
    if (!rows) return fail(std::move(rows.error()));
    for (auto& row : *rows) {
        // It may have got another name meanwhile; the bytes that were read are still its own. Damage is only said of a name that stayed.
        if (row.id != file.id || row.sha256 != file.sha256 || (v.bad() && row.vault_path != file.path)) continue;
        mark(row, v, now);
        row.damaged_ino = v.bad() ? v.ino : 0;
        if (auto put = s.put_healthy(row); !put) return fail(std::move(put.error()));
        return {};
    }
    return {};
}

}  // namespace

Result<std::vector<VaultFile>> vault_files_of(history::Reader& r) {
    auto rows = r.vault_files();
    if (!rows) return fail(std::move(rows.error()));
    auto held = r.held();
    if (!held) return fail(std::move(held.error()));
    std::vector<VaultFile> out;
    out.reserve(rows->size() + held->size());
    for (const auto& row : *rows) out.push_back(file_of(row));
    for (const auto& row : *held) out.push_back(file_of(row));
    return out;
}

history::Store::Work mark_verified(const VaultFile& file, const Verified& verified, Time now) {
    return [file, verified, now](history::Session& s) {
        return file.kind == VaultFile::Kind::held ? mark_held(s, file, verified, now) : mark_healthy(s, file, verified, now);
    };
}

namespace disk {
namespace {

using Found = Verified::Found;

constexpr std::uint64_t kDropEvery = std::uint64_t{32} << 20;

Verified found(Found what, std::string detail, std::uint64_t ino = 0) {
    Verified v;
    v.found = what;
    v.detail = printable(detail);
    v.ino = ino;
    return v;
}

/// What the disk itself says against the file: bad sectors, checksums of the file system.
bool is_disk_damage(const Error& e) { return e.sys_errno == EIO || e.sys_errno == EBADMSG || e.sys_errno == EUCLEAN; }

/// The name is there, but it cannot be opened or read.
Verified unreadable(const Error& e, std::uint64_t ino) {
    if (e.code == Errc::cancelled) return found(Found::cancelled, "cancelled");
    if (e.sys_errno == ELOOP) return found(Found::damaged, "a link lies in its place", ino);
    if (e.sys_errno == EACCES || e.sys_errno == EPERM) return found(Found::damaged, "bkmond may not read it any more: see its owner and mode", ino);
    if (is_disk_damage(e)) return found(Found::damaged, "the disk cannot give its bytes back (" + e.what + "): check the disk", ino);
    return found(Found::unavailable, e.what, ino);
}

Verified read_it(files::FileOps& ops, int fd, const VaultFile& file, std::uint64_t ino, const files::GoOn& go_on) {
    if (auto dropped = ops.drop_cache(fd); !dropped) return found(Found::unavailable, dropped.error().what, ino);
    std::uint64_t kept = 0;
    auto sha = files::hash_file(ops, fd, file.size, [&](std::uint64_t done) {
        if (done - kept >= kDropEvery) {  // what was read is of no use to anybody: the cache is for others
            kept = done;
            static_cast<void>(ops.drop_cache(fd));
        }
        return !go_on || go_on(done);
    });
    static_cast<void>(ops.drop_cache(fd));
    if (!sha && sha.error().code == Errc::corrupt) return found(Found::damaged, "its length changed while it was read", ino);
    if (!sha) return unreadable(sha.error(), ino);
    if (*sha != file.sha256)
        return found(Found::damaged, fmt::format("it hashes to {}…, recorded was {}…", sha->substr(0, 12), file.sha256.substr(0, 12)), ino);
    return found(Found::whole, "", ino);
}

}  // namespace

Verified verify_file(files::FileOps& ops, const Place& place, const VaultFile& file, const files::GoOn& go_on) {
    auto tree = open_tree(ops, place);
    if (!tree) return found(Found::unavailable, tree.error().what);
    auto spot = spot_of(ops, tree->root.get(), file.path);
    if (!spot && spot.error().code == Errc::not_found) return found(Found::missing, "it is not there");
    if (!spot) return unreadable(spot.error(), 0);
    auto there = look(ops, *spot);
    if (!there) return unreadable(there.error(), 0);
    if (!*there) return found(Found::missing, "it is not there");
    const auto ino = (*there)->ino;
    if (!(*there)->is_regular()) return found(Found::damaged, "something that is no plain file lies in its place", ino);
    auto opened = ops.open_read(spot->dir.get(), spot->name);
    if (!opened && opened.error().code == Errc::not_found) return found(Found::missing, "it is not there");
    if (!opened) return unreadable(opened.error(), ino);
    auto st = ops.stat(opened->get());
    if (!st) return unreadable(st.error(), ino);
    if (st->size != file.size) return found(Found::damaged, fmt::format("it has {} bytes, recorded were {}", st->size, file.size), st->ino);
    auto end = read_it(ops, opened->get(), file, st->ino, go_on);
    // A disk that went away altogether says nothing about one file.
    if (end.found == Found::damaged)
        if (auto again = open_tree(ops, place); !again) return found(Found::unavailable, again.error().what);
    return end;
}

Result<bool> still_found(files::FileOps& ops, const Place& place, const std::string& path, std::uint64_t ino) {
    auto tree = open_tree(ops, place);
    if (!tree) return fail(std::move(tree.error()));
    auto there = look(ops, tree->root.get(), path);
    if (!there && is_disk_damage(there.error())) return true;
    if (!there) return fail(std::move(there.error()));
    return *there ? (*there)->ino == ino : ino == 0;
}

}  // namespace disk
}  // namespace bkmon::deposits
