#include "daemon/deposits/vault/marker.h"

#include <algorithm>
#include <array>

#include "common/base/text.h"

namespace bkmon::deposits::disk {
namespace {

constexpr std::array kFolders{kTemp, kHeld, kVersions, kQuarantine};
constexpr std::string_view kProbe = ".bkmon-probe";
constexpr std::string_view kNewMarker = ".bkmon-vault.new";

Failure unusable(const std::string& root, const std::string& why) {
    return fail(Errc::unavailable, "the vault '" + printable(root) + "' cannot be used: " + why);
}

bool ours(const std::string& name) {
    // lost+found: what a fresh ext4 holds.
    return std::find(kFolders.begin(), kFolders.end(), name) != kFolders.end() || name == kMarker || name == kNewMarker || name == kProbe ||
           name == "lost+found";
}

Result<bool> holds_only_ours(files::FileOps& ops, int root) {
    bool truncated = false;
    auto names = ops.list(root, 64, truncated);
    if (!names) return fail(std::move(names.error()));
    return !truncated && std::all_of(names->begin(), names->end(), [](const files::DirEntry& e) { return ours(e.name); });
}

Result<void> write_file(files::FileOps& ops, int root, std::string_view name, const std::string& text) {
    if (auto old = ops.unlink(root, name); !old && old.error().code != Errc::not_found) return old;  // of a run that died here
    auto fd = ops.create(root, name);
    if (!fd) return fail(std::move(fd.error()));
    if (auto written = ops.write(fd->get(), {reinterpret_cast<const unsigned char*>(text.data()), text.size()}, 0); !written) return written;
    return ops.sync(fd->get());
}

/// The marker appears whole or not at all.
Result<std::string> write_marker(files::FileOps& ops, int root) {
    const std::string id = random_id();
    if (auto written = write_file(ops, root, kNewMarker, id + "\n"); !written) return fail(std::move(written.error()));
    if (auto moved = ops.rename_new(root, kNewMarker, root, kMarker); !moved) return fail(std::move(moved.error()));
    return id;
}

/// fsync of the vault's directory. Protects the history's knowledge of the marker: an id that the history knows and the vault has not
/// would keep every promotion waiting for an operator. Also when the marker was there: the run that wrote it may have died before this.
Result<std::string> durable(files::FileOps& ops, int root, Result<std::string> id) {
    if (!id) return id;
    if (auto synced = ops.sync(root); !synced) return fail(std::move(synced.error()));
    return id;
}

Result<void> make_folders(files::FileOps& ops, int root) {
    for (const auto name : kFolders) {
        if (auto made = ops.make_dir(root, name, 0700); !made && made.error().code != Errc::exists) return made;
        if (auto dir = ops.open_dir(root, name); !dir) return fail(std::move(dir.error()));
    }
    // Protects every later fsync inside them: a file is only as durable as the folder's own name.
    return ops.sync(root);
}

/// Rights, a read-only remount and a dead disk are found here, not in the middle of a promotion.
Result<void> test_write(files::FileOps& ops, int root) {
    auto written = write_file(ops, root, kProbe, "x");
    auto gone = ops.unlink(root, kProbe);
    if (!written) return written;
    return gone;
}

}  // namespace

Result<std::string> mark(files::FileOps& ops, const std::string& path) {
    auto root = ops.open_root(path);
    if (!root) return unusable(path, root.error().what + "; mount it or set deposits.vault");
    auto id = read_marker(ops, root->get());
    if (id && id->size() == 32) return durable(ops, root->get(), std::move(id));
    if (id) return unusable(path, std::string(kMarker) + " is damaged; remove it and run `bkmonctl deposits init` again");
    if (id.error().code != Errc::not_found) return fail(in(std::string(kMarker), std::move(id.error())));
    return durable(ops, root->get(), write_marker(ops, root->get()));
}

Result<Prepared> prepare(files::FileOps& ops, const std::string& path, const std::string& known_marker) {
    auto root = ops.open_root(path);
    if (!root) return unusable(path, root.error().what + "; mount it or set deposits.vault");
    Prepared out;
    out.marker = known_marker;
    if (known_marker.empty()) {
        auto empty = holds_only_ours(ops, root->get());
        if (!empty) return unusable(path, empty.error().what);
        if (!*empty) return unusable(path, "it holds files and the history does not know it; if this is the vault, run `bkmonctl deposits init`");
        auto id = mark(ops, path);
        if (!id) return fail(std::move(id.error()));
        out.marker = *id;
        out.fresh = true;
    } else {
        // The marker before anything is written: an empty mount point must stay empty.
        auto id = read_marker(ops, root->get());
        if (!id && id.error().code != Errc::not_found) return unusable(path, id.error().what);
        if (!id)
            return unusable(path, "it has no marker " + std::string(kMarker) +
                                      "; is its file system mounted? If this is the vault, run `bkmonctl deposits init`");
        if (*id != known_marker)
            return unusable(path, "its marker is '" + printable(*id, 40) + "', the history knows '" + known_marker +
                                      "'; is the right file system mounted? If this is the vault, run `bkmonctl deposits init`");
    }
    if (auto made = make_folders(ops, root->get()); !made) return unusable(path, made.error().what);
    if (auto written = test_write(ops, root->get()); !written)
        return fail(written.error().code == Errc::no_space ? Errc::no_space : Errc::unavailable,
                    "the vault '" + printable(path) + "' cannot be written: " + written.error().what + "; bkmond needs write access there");
    return out;
}

}  // namespace bkmon::deposits::disk
