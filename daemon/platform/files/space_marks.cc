#include "daemon/platform/files/space_marks.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "common/base/text.h"

namespace bkmon::files {
namespace {

bool low_on_inodes(const Space& s, const SpaceRule& rule, bool was_low) {
    if (!s.inodes_known || s.total_inodes == 0) return false;
    const auto mark = s.total_inodes / 100 * static_cast<std::uint64_t>(rule.percent);
    return s.free_inodes < (was_low ? mark + mark / 4 : mark);
}

bool low_on_bytes(const Space& s, const SpaceRule& rule, std::uint64_t reserve, bool was_low) {
    const auto mark = low_mark(s, rule, reserve);
    return s.free_bytes < (was_low ? mark + mark / 4 : mark);
}

Result<void> fill(FileOps& ops, int fd, std::uint64_t size) {
    if (auto room = ops.allocate(fd, size); !room) return room;
    auto st = ops.stat(fd);
    if (!st) return fail(std::move(st.error()));
    if (st->size >= size && st->blocks * 512 >= size) return ops.sync(fd);
    const std::vector<unsigned char> block(65536);  // a file system that cannot promise blocks gets written ones
    for (std::uint64_t at = 0; at < size; at += block.size())
        if (auto written = ops.write(fd, {block.data(), static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), size - at))}, at); !written)
            return written;
    return ops.sync(fd);
}

}  // namespace

std::uint64_t low_mark(const Space& s, const SpaceRule& rule, std::uint64_t reserve) {
    const auto part = s.total_bytes / 100 * static_cast<std::uint64_t>(rule.percent);
    return std::max(std::min(part, rule.bytes), std::min(reserve * 2, s.total_bytes / 4));
}

bool is_low(const Space& s, const SpaceRule& rule, std::uint64_t reserve, bool was_low) {
    return low_on_bytes(s, rule, reserve, was_low) || low_on_inodes(s, rule, was_low);
}

std::string space_words(const Space& s, const SpaceRule& rule) {
    std::string text = fmt::format("{} of {} free", size_words(s.free_bytes), size_words(s.total_bytes));
    if (low_on_inodes(s, rule, true)) text += fmt::format(", {} of {} inodes free", s.free_inodes, s.total_inodes);
    return text;
}

Result<void> make_reserve(FileOps& ops, const std::string& folder, std::uint64_t size) {
    auto dir = ops.open_root(folder);
    if (!dir) return fail(std::move(dir.error()));
    if (auto there = ops.stat_at(dir->get(), kReserveName); there && there->is_regular() && there->size == size && there->blocks * 512 >= size)
        return {};
    if (auto gone = ops.unlink(dir->get(), kReserveName); !gone && gone.error().code != Errc::not_found) return gone;
    auto file = ops.create(dir->get(), kReserveName);
    if (!file) return fail(std::move(file.error()));
    auto filled = fill(ops, file->get(), size);
    if (!filled) static_cast<void>(ops.unlink(dir->get(), kReserveName));  // half a reserve is none
    return filled;
}

Result<bool> release_reserve(FileOps& ops, const std::string& folder) {
    auto dir = ops.open_root(folder);
    if (!dir) return fail(std::move(dir.error()));
    auto gone = ops.unlink(dir->get(), kReserveName);
    if (!gone && gone.error().code == Errc::not_found) return false;
    if (!gone) return fail(std::move(gone.error()));
    return true;
}

}  // namespace bkmon::files
