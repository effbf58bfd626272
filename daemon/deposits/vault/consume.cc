#include "daemon/deposits/vault/consume.h"

#include <fmt/format.h>

#include <cerrno>

#include "common/base/text.h"

namespace bkmon::deposits::disk {
namespace {

/// The name of ours says what was judged: whoever finds it later knows whether it may go.
std::string name_for(const FileIdentity& id) { return fmt::format("{}{:x}-{:x}-{:x}-{:x}", kJudgedPrefix, id.dev, id.ino, id.size, id.mtime_ns); }

/// Without the change time: the rename itself changes it.
FileIdentity identity(const files::FileStat& st) { return {st.dev, st.ino, st.size, st.mtime_ns, 0}; }

bool same(FileIdentity a, const files::FileStat& st) {
    a.ctime_ns = 0;
    return a == identity(st) && st.is_regular();
}

Error may_not(Error e) {
    if (e.sys_errno == EROFS) e.code = Errc::denied;
    return e;
}

/// Files that were set aside by a call that a crash ended before it removed them.
void finish_earlier(files::FileOps& ops, int dir) {
    bool truncated = false;
    auto names = ops.list(dir, 20000, truncated);
    if (!names) return;
    for (const auto& entry : *names) {
        if (!entry.name.starts_with(kJudgedPrefix)) continue;
        auto st = ops.stat_at(dir, entry.name);
        if (st && st->is_regular() && name_for(identity(*st)) == entry.name) static_cast<void>(ops.unlink(dir, entry.name));
    }
}

Result<UniqueFd> open_folder(files::FileOps& ops, const std::string& deposit_root, const std::string& agent, const std::string& folder) {
    auto root = ops.open_root(deposit_root);
    if (!root) return fail(std::move(root.error()));
    auto agent_dir = ops.open_dir(root->get(), agent);
    if (!agent_dir) return fail(std::move(agent_dir.error()));
    return ops.open_dir(agent_dir->get(), folder);
}

/// The file that came between looking and renaming goes back under its name. When the agent has written yet another one there,
/// that one replaces it, as the agent's own rename would have done.
Result<void> give_back(files::FileOps& ops, int dir, const std::string& ours, const std::string& file) {
    auto back = ops.rename_new(dir, ours, dir, file);
    if (!back && back.error().code == Errc::exists) return ops.unlink(dir, ours);
    return back;
}

}  // namespace

Result<void> consume(files::FileOps& ops, const std::string& deposit_root, const std::string& agent, const std::string& folder,
                     const std::string& file, const FileIdentity& id) {
    const std::string what = "take '" + printable(agent + "/" + folder + "/" + file) + "' away";
    auto opened = open_folder(ops, deposit_root, agent, folder);
    if (!opened) return fail(in(what, std::move(opened.error())));
    const int dir = opened->get();
    finish_earlier(ops, dir);
    auto before = ops.stat_at(dir, file);
    if (!before && before.error().code == Errc::not_found) return {};  // the agent took it away itself
    if (!before) return fail(in(what, std::move(before.error())));
    if (!same(id, *before) || before->ctime_ns != id.ctime_ns) return fail(Errc::busy, what + ": it is another file now");
    const std::string ours = name_for(id);
    if (auto moved = ops.rename_new(dir, file, dir, ours); !moved) return fail(in(what, may_not(std::move(moved.error()))));
    auto after = ops.stat_at(dir, ours);
    // Which file it is cannot be seen now: it keeps the new name, as below.
    if (!after) return fail(in(what, std::move(after.error())));
    if (!same(id, *after)) {
        if (auto back = give_back(ops, dir, ours, file); !back) return fail(in(what, std::move(back.error())));
        return fail(Errc::busy, what + ": it is another file now");
    }
    // It keeps its new name, which says what it is. Back under the old one it would be a file of another change time, which nobody has judged.
    if (auto gone = ops.unlink(dir, ours); !gone) return fail(in(what, may_not(std::move(gone.error()))));
    // No fsync: should the file come back after a crash, the history knows that it was judged.
    return {};
}

void finish_consumed(files::FileOps& ops, const std::string& deposit_root, const std::string& agent, const std::string& folder) {
    if (auto dir = open_folder(ops, deposit_root, agent, folder)) finish_earlier(ops, dir->get());
}

}  // namespace bkmon::deposits::disk
