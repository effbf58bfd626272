#include "daemon/deposits/vault/tree.h"

#include <sys/random.h>

#include <array>

#include "common/base/text.h"

namespace bkmon::deposits::disk {
namespace {

std::pair<std::string, std::string> parent_and_name(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return {".", path};
    return {path.substr(0, slash), path.substr(slash + 1)};
}

Failure unusable(const Place& place, const std::string& why) {
    return fail(Errc::unavailable, "the vault '" + printable(place.root) + "' cannot be used: " + why);
}

}  // namespace

Result<std::string> read_marker(files::FileOps& ops, int root) {
    auto fd = ops.open_read(root, kMarker);
    if (!fd) return fail(std::move(fd.error()));
    std::array<unsigned char, 128> bytes{};
    auto n = ops.read(fd->get(), bytes, 0);
    if (!n) return fail(std::move(n.error()));
    return trim(std::string_view(reinterpret_cast<const char*>(bytes.data()), *n));
}

Result<Tree> open_tree(files::FileOps& ops, const Place& place) {
    auto root = ops.open_root(place.root);
    if (!root) return unusable(place, root.error().what + "; mount it or set deposits.vault");
    auto marker = read_marker(ops, root->get());
    if (!marker && marker.error().code == Errc::not_found)
        return unusable(
            place, "it has no marker " + std::string(kMarker) + "; is its file system mounted? If this is the vault, run `bkmonctl deposits init`");
    if (!marker) return unusable(place, marker.error().what);
    if (*marker != place.marker)
        return unusable(place, "its marker " + std::string(kMarker) + " is '" + printable(*marker, 40) + "', the history knows '" + place.marker +
                                   "'; is the right file system mounted? If this is the vault, run `bkmonctl deposits init`");
    auto temp = ops.open_dir(root->get(), kTemp);
    if (!temp) return unusable(place, temp.error().what);
    return Tree{std::move(*root), std::move(*temp)};
}

Result<Spot> spot_of(files::FileOps& ops, int root, const std::string& path) {
    auto [parent, name] = parent_and_name(path);
    auto dir = ops.open_dir(root, parent);
    if (!dir) return fail(std::move(dir.error()));
    return Spot{std::move(*dir), std::move(name)};
}

Result<Spot> make_spot(files::FileOps& ops, int root, const std::string& path) {
    auto [parent, name] = parent_and_name(path);
    auto dir = ops.open_dir(root, ".");
    if (!dir) return fail(std::move(dir.error()));
    if (parent == ".") return Spot{std::move(*dir), std::move(name)};
    for (const auto& part : split(parent, '/')) {
        if (auto made = ops.make_dir(dir->get(), part, 0750); !made && made.error().code != Errc::exists) return fail(std::move(made.error()));
        auto next = ops.open_dir(dir->get(), part);
        if (!next) return fail(std::move(next.error()));
        // Protects SWITCH: a file name is only as durable as the names of the directories above it. Also for a directory that was there
        // already: an earlier run may have made it and died before this line.
        if (auto synced = ops.sync(dir->get()); !synced) return fail(in("'" + printable(part) + "'", std::move(synced.error())));
        dir = std::move(next);
    }
    return Spot{std::move(*dir), std::move(name)};
}

Result<std::optional<files::FileStat>> look(files::FileOps& ops, const Spot& spot) {
    auto st = ops.stat_at(spot.dir.get(), spot.name);
    if (!st && st.error().code == Errc::not_found) return std::optional<files::FileStat>();
    if (!st) return fail(std::move(st.error()));
    return std::optional(*st);
}

Result<std::optional<files::FileStat>> look(files::FileOps& ops, int root, const std::string& path) {
    auto spot = spot_of(ops, root, path);
    if (!spot && spot.error().code == Errc::not_found) return std::optional<files::FileStat>();
    if (!spot) return fail(std::move(spot.error()));
    return look(ops, *spot);
}

Result<void> remove_file(files::FileOps& ops, int root, const std::string& path, std::uint64_t ino) {
    auto spot = spot_of(ops, root, path);
    if (!spot) return spot.error().code == Errc::not_found ? Result<void>() : Result<void>(fail(std::move(spot.error())));
    auto there = look(ops, *spot);
    if (!there) return fail(std::move(there.error()));
    if (*there && ino != 0 && (*there)->ino != ino) return fail(Errc::exists, "'" + printable(path) + "' is another file now: left alone");
    if (*there)
        if (auto gone = ops.unlink(spot->dir.get(), spot->name); !gone && gone.error().code != Errc::not_found) return gone;
    // Protects the row's end: without it the name could come back after the history forgot it, and nobody would know the file.
    return ops.sync(spot->dir.get());
}

Result<std::string> quarantine(files::FileOps& ops, int root, const std::string& path, std::int64_t now_ms) {
    auto from = spot_of(ops, root, path);
    if (!from) return fail(std::move(from.error()));
    const std::string to = std::string(kQuarantine) + "/" + std::to_string(now_ms) + "-" + from->name;
    auto spot = make_spot(ops, root, to.size() > 200 ? to.substr(0, 200) : to);
    if (!spot) return fail(std::move(spot.error()));
    auto moved = ops.rename_new(from->dir.get(), from->name, spot->dir.get(), spot->name);
    if (!moved && moved.error().code == Errc::exists) {
        spot->name = random_id();
        moved = ops.rename_new(from->dir.get(), from->name, spot->dir.get(), spot->name);
    }
    if (!moved) return fail(std::move(moved.error()));
    // Protects the evidence: its new name first, then the end of the old one.
    if (auto synced = ops.sync(spot->dir.get()); !synced) return fail(std::move(synced.error()));
    if (auto synced = ops.sync(from->dir.get()); !synced) return fail(std::move(synced.error()));
    return std::string(kQuarantine) + "/" + spot->name;
}

std::string temp_path(const std::string& temp_name) {
    return temp_name.find('/') != std::string::npos ? temp_name : std::string(kTemp) + "/" + temp_name;
}

bool is_held_path(std::string_view path) { return path.substr(0, kHeld.size() + 1) == ".held/"; }

std::string random_id() {
    std::array<unsigned char, 16> bytes{};
    std::size_t have = 0;
    while (have < bytes.size()) {
        const auto n = ::getrandom(bytes.data() + have, bytes.size() - have, 0);
        if (n > 0) have += static_cast<std::size_t>(n);
    }
    return to_hex(bytes.data(), bytes.size());
}

}  // namespace bkmon::deposits::disk
