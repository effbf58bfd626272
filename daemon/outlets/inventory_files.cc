#include "daemon/outlets/inventory_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "common/base/text.h"

namespace bkmon::outlets {
namespace {

using files::FileOps;
using files::FileStat;

constexpr std::uint32_t kNewMode = 0640;

struct Place {
    std::string folder, name;
};

Place place_of(const std::string& file) {
    const auto slash = file.rfind('/');
    return {slash == 0 ? "/" : file.substr(0, slash), file.substr(slash + 1)};
}

std::span<const unsigned char> bytes_of(std::string_view text) { return {reinterpret_cast<const unsigned char*>(text.data()), text.size()}; }

bool same(const FileStat& a, const FileStat& b) { return a.ino == b.ino && a.size == b.size && a.mtime_ns == b.mtime_ns && a.ctime_ns == b.ctime_ns; }

/// What the kernel says, for people.
Failure told(Error error) {
    if (error.sys_errno == ELOOP) error.what = "is a symbolic link: name the file itself";
    if (error.sys_errno == ENOENT) error.what = "is not there";
    return fail(std::move(error));
}

Failure busy() { return fail(Errc::busy, "is being written at the moment"); }

/// A new file beside `name`, while it is made.
class Fresh {
public:
    Fresh(FileOps& ops, int dir, const std::string& name) : ops_(ops), dir_(dir), name_("." + name + ".new") {}
    ~Fresh() {
        if (fd_ && !kept_) static_cast<void>(ops_.unlink(dir_, name_));
    }
    Fresh(const Fresh&) = delete;
    Fresh& operator=(const Fresh&) = delete;

    /// All of it on the disk, but for its name. `like`: whose mode and owner it gets.
    Result<void> make(std::string_view bytes, const std::optional<FileStat>& like) {
        auto made = ops_.create(dir_, name_);
        if (!made && made.error().code == Errc::exists) {  // of an import that died
            if (auto r = ops_.unlink(dir_, name_); !r) return r;
            made = ops_.create(dir_, name_);
        }
        if (!made) return fail(std::move(made.error()));
        fd_ = std::move(*made);
        if (auto r = ops_.write(fd_.get(), bytes_of(bytes), 0); !r) return r;
        if (like) give_to(*like);
        // After the owner: giving a file away takes bits of its mode.
        if (auto r = ops_.set_mode(fd_.get(), like ? like->mode & 07777 : kNewMode); !r) return r;
        return ops_.sync(fd_.get());
    }
    const std::string& name() const { return name_; }
    /// Its name means another file now.
    void keep() { kept_ = true; }

private:
    /// As far as this process may: the group alone is better than nothing.
    void give_to(const FileStat& like) {
        const auto mine = ops_.stat(fd_.get());
        if (!mine || (mine->uid == like.uid && mine->gid == like.gid)) return;
        if (!ops_.set_owner(fd_.get(), like.uid, like.gid)) static_cast<void>(ops_.set_owner(fd_.get(), mine->uid, like.gid));
    }

    FileOps& ops_;
    int dir_;
    std::string name_;
    UniqueFd fd_;
    bool kept_ = false;
};

/// What lies there under a name; nothing when there is nothing.
Result<std::optional<FileStat>> there(FileOps& ops, int dir, const std::string& name) {
    const auto stat = ops.stat_at(dir, name);
    if (!stat && stat.error().code == Errc::not_found) return std::optional<FileStat>();
    if (!stat) return fail(Error(stat.error()));
    if (stat->is_symlink()) return fail(Errc::invalid, fmt::format("'{}' is a symbolic link: name the file itself", printable(name, 200)));
    if (!stat->is_regular()) return fail(Errc::invalid, fmt::format("'{}' is no plain file", printable(name, 200)));
    return std::optional<FileStat>(*stat);
}

/// The new file takes the place of the one that is there, which becomes .old.
Result<void> swap_in(FileOps& ops, int dir, Fresh& fresh, const std::string& name, const std::string& old, bool had_old) {
    if (auto r = ops.exchange(dir, fresh.name(), dir, name); !r) return r;
    fresh.keep();
    if (auto r = ops.sync(dir); !r) return r;
    const auto aside = [&]() -> Result<void> {
        if (had_old)
            if (auto r = ops.unlink(dir, old); !r) return r;
        if (auto r = ops.rename_new(dir, fresh.name(), dir, old); !r) return r;
        return ops.sync(dir);
    }();
    if (!aside)
        return fail(
            in(fmt::format("the new one is in place, but the one before could not be kept as {}", printable(old, 200)), Error(aside.error())));
    return {};
}

Result<void> replace_in(FileOps& ops, int dir, const std::string& name, std::string_view bytes) {
    const auto old = name + ".old";
    const auto now = there(ops, dir, name), before = there(ops, dir, old);
    if (!now) return fail(Error(now.error()));
    if (!before) return fail(Error(before.error()));
    Fresh fresh(ops, dir, name);
    if (auto r = fresh.make(bytes, *now); !r) return r;
    if (*now) return swap_in(ops, dir, fresh, name, old, before->has_value());
    if (auto r = ops.rename_new(dir, fresh.name(), dir, name); !r) return r;
    fresh.keep();
    return ops.sync(dir);
}

}  // namespace

Result<std::string> read_whole(FileOps& ops, const std::string& file, std::size_t most) {
    const auto place = place_of(file);
    const auto dir = ops.open_root(place.folder);
    if (!dir) return told(Error(dir.error()));
    const auto fd = ops.open_read(dir->get(), place.name);
    if (!fd) return fd.error().code == Errc::busy ? busy() : told(Error(fd.error()));
    const auto before = ops.stat(fd->get());
    if (!before) return told(Error(before.error()));
    if (!before->is_regular()) return fail(Errc::invalid, "is no plain file");
    if (before->size > most) return fail(Errc::no_space, fmt::format("is larger than {}", size_words(most)));
    if (ops.being_written(fd->get())) return busy();
    std::string bytes;
    std::array<unsigned char, 65536> block;
    while (bytes.size() <= most) {
        const auto n = ops.read(fd->get(), block, bytes.size());
        if (!n) return told(Error(n.error()));
        if (*n == 0) break;
        bytes.append(reinterpret_cast<const char*>(block.data()), *n);
    }
    // Half a file would look like shops that were closed.
    const auto after = ops.stat(fd->get());
    if (!after || !same(*before, *after) || bytes.size() != before->size) return busy();
    return bytes;
}

Result<void> replace_whole(FileOps& ops, const std::string& file, std::string_view bytes) {
    const auto place = place_of(file);
    const auto dir = ops.open_root(place.folder);
    auto done = dir ? replace_in(ops, dir->get(), place.name, bytes) : Result<void>(fail(Error(dir.error())));
    if (done) return done;
    auto& error = done.error();
    if (error.sys_errno == EROFS || error.sys_errno == EACCES || error.sys_errno == EPERM) {
        error.code = Errc::denied;
        error.what += fmt::format(
            ": the service may not write into {}; allow it with ReadWritePaths= (systemctl edit bkmond) and rights to the folder, or keep the file "
            "in /etc/bkmon/conf.d",
            printable(place.folder, 300));
    }
    return fail(in(printable(file, 300), std::move(error)));
}

}  // namespace bkmon::outlets
