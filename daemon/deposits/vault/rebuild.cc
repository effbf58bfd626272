#include "daemon/deposits/vault/rebuild.h"

#include <algorithm>

#include "common/base/text.h"
#include "daemon/core/path_template.h"
#include "daemon/deposits/vault/check.h"

namespace bkmon::deposits {
namespace disk {
namespace {

constexpr int kDeepest = 16;
constexpr std::size_t kMostNames = 1'000'000;

std::optional<std::string> text_of(files::FileOps& ops, int fd, const char* name) {
    auto value = ops.attribute(fd, name);
    return value ? std::optional(*value) : std::nullopt;
}

/// A file that nobody else may have written, with our attributes.
std::optional<history::HealthyRow> sealed(files::FileOps& ops, int fd, const files::FileStat& st, const std::string& path) {
    const auto sha = text_of(ops, fd, kShaAttribute);
    const auto target = text_of(ops, fd, kTargetAttribute);
    if (!sha || !target || !is_sha256(*sha) || (st.mode & 0222U) != 0) return std::nullopt;
    auto id = TargetId::parse(*target);
    if (!id) return std::nullopt;
    history::HealthyRow row;
    row.target = *id;
    row.sha256 = lower(*sha);
    row.size_bytes = st.size;
    row.vault_path = path;
    row.current = true;
    row.promoted_at = from_ms(st.mtime_ns / 1'000'000);
    if (const auto time = text_of(ops, fd, kTimeAttribute))
        if (auto t = parse_rfc3339(*time)) row.backup_at = *t;
    return row;
}

Result<void> walk(files::FileOps& ops, int root, int dir, const std::string& path, int depth, Rebuilt& out) {
    bool truncated = false;
    auto names = ops.list(dir, kMostNames, truncated);
    if (!names) return fail(std::move(names.error()));
    for (const auto& entry : *names) {
        if (!core::acceptable_component(entry.name)) continue;  // the vault's own folders begin with a dot
        const std::string here = path.empty() ? entry.name : path + "/" + entry.name;
        auto st = ops.stat_at(dir, entry.name);
        if (!st) return fail(std::move(st.error()));
        if (st->is_directory() && depth < kDeepest) {
            auto sub = ops.open_dir(dir, entry.name);
            if (!sub) continue;  // another mount or not readable: nothing that we wrote
            if (auto walked = walk(ops, root, sub->get(), here, depth + 1, out); !walked) return walked;
        }
        if (!st->is_regular() || st->nlink != 1) continue;
        auto file = ops.open_read(dir, entry.name);
        if (!file) continue;
        auto row = sealed(ops, file->get(), *st, here);
        if (!row) continue;
        auto whole = verify(ops, root, here, row->sha256, row->size_bytes, {});
        if (whole)
            out.healthy.push_back(std::move(*row));
        else if (whole.error().code == Errc::corrupt)
            out.damaged.push_back(printable(here));
        else
            return whole;
    }
    return {};
}

}  // namespace

Result<Rebuilt> find_sealed(files::FileOps& ops, const std::string& root) {
    auto dir = ops.open_root(root);
    if (!dir) return fail(std::move(dir.error()));
    Rebuilt out;
    if (auto walked = walk(ops, dir->get(), dir->get(), "", 0, out); !walked) return fail(std::move(walked.error()));
    std::sort(out.healthy.begin(), out.healthy.end(), [](const auto& a, const auto& b) {
        return std::pair(a.backup_at.value_or(a.promoted_at), a.vault_path) > std::pair(b.backup_at.value_or(b.promoted_at), b.vault_path);
    });
    return out;
}

}  // namespace disk

Result<void> adopt_sealed(history::Session& s, const std::vector<history::HealthyRow>& rows, int& added) {
    added = 0;
    for (const auto& row : rows) {
        auto known = s.healthy(row.target, 1000);
        if (!known) return fail(std::move(known.error()));
        if (std::any_of(known->begin(), known->end(), [](const auto& k) { return k.current; })) continue;
        if (auto put = s.put_healthy(row); !put) return fail(std::move(put.error()));
        ++added;
    }
    return {};
}

}  // namespace bkmon::deposits
