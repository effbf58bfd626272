#include "daemon/deposits/vault/take.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "common/base/text.h"

namespace bkmon::deposits::disk {
namespace {

using Outcome = Taken::Outcome;

Taken ended(Outcome outcome, std::string code, std::string detail) {
    Taken t;
    t.outcome = outcome;
    t.reason_code = std::move(code);
    t.detail = std::move(detail);
    return t;
}

Source refused(Outcome outcome, std::string code, std::string detail) { return {ended(outcome, std::move(code), std::move(detail)), {}}; }

std::string shown(const TakeRequest& r) { return "'" + printable(r.agent + "/" + r.folder + "/" + r.file) + "'"; }

/// What an error of the deposit side means for the one who waits for the file.
Source not_opened(const Error& error, const std::string& what) {
    switch (error.sys_errno) {
        case ENOENT:
        case ENOTDIR: return refused(Outcome::gone, "no_file", what + " is not there any more");
        case ELOOP: return refused(Outcome::refused, "not_a_file", what + " is, or lies behind, a symbolic link");
        case EXDEV: return refused(Outcome::refused, "not_a_file", what + " lies on another file system than the deposit root");
        case ENXIO: return refused(Outcome::refused, "not_a_file", what + " is a socket or device");
        case EACCES:
        case EPERM: return refused(Outcome::refused, "unreadable", what + " may not be read: " + error.what);
        case EAGAIN:
        case ETXTBSY: return refused(Outcome::busy, "", what + " is leased or being written by its owner");
        default:
            if (error.code == Errc::invalid) return refused(Outcome::refused, "bad_name", what + " is not an acceptable name");
            return refused(Outcome::unavailable, "deposit_unavailable", what + ": " + error.what);
    }
}

Result<bool> owned_by(const std::string& user, std::uint32_t uid) {
    std::vector<char> buffer(16384);
    passwd entry{}, *found = nullptr;
    if (const int error = ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found); error != 0)
        return sys_fail("look up user '" + printable(user) + "'", error);
    return found != nullptr && found->pw_uid == uid;
}

std::string kind_of(const files::FileStat& st) {
    if (st.is_symlink()) return "a symbolic link";
    if (st.is_directory()) return "a directory";
    return "no regular file";
}

/// What the request alone says.
std::optional<Source> check_claims(const TakeRequest& r, const std::string& what) {
    if (!acceptable_name(r.file)) return refused(Outcome::refused, "bad_name", what + " is not an acceptable name");
    if (!is_sha256(r.claimed_sha256)) return refused(Outcome::refused, "report_invalid", "the report has no SHA-256 for " + what);
    if (r.claimed_size > r.max_size)
        return refused(Outcome::refused, "too_large",
                       fmt::format("{} has {}, the limit (max_size) is {}", what, size_words(r.claimed_size), size_words(r.max_size)));
    return std::nullopt;
}

/// What the file itself says, by name before it is opened and by descriptor after.
std::optional<Source> check_file(const TakeRequest& r, const files::FileStat& st, const std::string& what) {
    if (!st.is_regular()) return refused(Outcome::refused, "not_a_file", what + " is " + kind_of(st));
    if (st.nlink > 1)
        return refused(Outcome::refused, "not_a_file", fmt::format("{} has {} names (hard links); only a file of one name is taken", what, st.nlink));
    if (st.nlink == 0) return refused(Outcome::gone, "no_file", what + " is not there any more");
    if (identity_of(st) != r.expected) return refused(Outcome::changed, "", what + " changed since it was seen");
    if (st.size != r.claimed_size)
        return refused(Outcome::refused, "size_mismatch", fmt::format("{} has {} bytes, the report says {}", what, st.size, r.claimed_size));
    return std::nullopt;
}

/// True when the open file is what was asked for, also after its name was taken away or given to another file meanwhile.
bool held_still(const FileIdentity& expected, const files::FileStat& now) {
    const auto id = identity_of(now);
    if (id == expected) return true;
    return now.nlink == 0 && id.dev == expected.dev && id.ino == expected.ino && id.size == expected.size && id.mtime_ns == expected.mtime_ns;
}

bool is_disk_trouble(const Error& e) { return e.code != Errc::cancelled; }

}  // namespace

FileIdentity identity_of(const files::FileStat& st) { return {st.dev, st.ino, st.size, st.mtime_ns, st.ctime_ns}; }

Source open_source(files::FileOps& ops, const std::string& deposit_root, const TakeRequest& r) {
    const std::string what = shown(r);
    if (auto no = check_claims(r, what)) return std::move(*no);
    auto root = ops.open_root(deposit_root);
    if (!root) return refused(Outcome::unavailable, "deposit_unavailable", "the deposit root cannot be read: " + root.error().what);
    for (const auto* part : {&r.agent, &r.folder})
        if (part->find('/') != std::string::npos) return refused(Outcome::refused, "bad_name", what + " is not an acceptable name");
    auto agent = ops.open_dir(root->get(), r.agent);
    if (!agent) return not_opened(agent.error(), what);
    auto folder = ops.open_dir(agent->get(), r.folder);
    if (!folder) return not_opened(folder.error(), what);
    // By name first: opening a device or a FIFO has effects of its own.
    auto before = ops.stat_at(folder->get(), r.file);
    if (!before) return not_opened(before.error(), what);
    if (auto no = check_file(r, *before, what)) return std::move(*no);
    auto file = ops.open_read(folder->get(), r.file);
    if (!file) return not_opened(file.error(), what);
    auto st = ops.stat(file->get());
    if (!st) return not_opened(st.error(), what);
    if (auto no = check_file(r, *st, what)) return std::move(*no);
    if (!r.owner.empty()) {
        auto owned = owned_by(r.owner, st->uid);
        if (!owned) return refused(Outcome::unavailable, "deposit_unavailable", owned.error().what);
        if (!*owned)
            return refused(Outcome::refused, "unreadable",
                           fmt::format("{} belongs to uid {}, not to '{}' (owner)", what, st->uid, printable(r.owner)));
    }
    if (ops.being_written(file->get())) return refused(Outcome::busy, "", what + " is being written");
    return {std::nullopt, std::move(*file)};
}

Result<void> check_room(files::FileOps& ops, int dir, std::uint64_t size, std::uint64_t reserve_bytes) {
    auto space = ops.space(dir);
    if (!space) return fail(std::move(space.error()));
    if (space->inodes_known && space->free_inodes < 16) return fail(Errc::no_space, "the vault's file system has no free inodes: remove files there");
    if (space->free_bytes >= reserve_bytes && space->free_bytes - reserve_bytes >= size) return {};
    return fail(Errc::no_space, fmt::format("the vault is full: {} needed beside the reserve of {}, {} free; make room or enlarge its file system",
                                            size_words(size), size_words(reserve_bytes), size_words(space->free_bytes)));
}

namespace {

/// COPY into the temp file that is already open.
Taken fill(files::FileOps& ops, const TakeRequest& r, int source, int temp, int temp_dir, std::uint64_t reserve_bytes,
           const std::function<void()>& begun, const files::GoOn& go_on, std::optional<Error>& trouble) {
    const std::string what = shown(r);
    files::Side blame{};
    auto copied = files::copy_hashed(
        ops, source, temp, r.claimed_size, [&] { return check_room(ops, temp_dir, r.claimed_size, reserve_bytes); }, begun, go_on, blame);
    if (!copied && copied.error().code == Errc::cancelled) return ended(Outcome::cancelled, "", "cancelled");
    if (!copied && blame == files::Side::source) return ended(Outcome::unavailable, "deposit_unavailable", what + ": " + copied.error().what);
    if (!copied) {
        trouble = copied.error();
        return ended(Outcome::unavailable, "vault_unavailable", copied.error().what);
    }
    auto after = ops.stat(source);
    if (!after) return ended(Outcome::unavailable, "deposit_unavailable", what + ": " + after.error().what);
    if (!copied->length_right || !held_still(r.expected, *after)) return ended(Outcome::changed, "", what + " changed while it was copied");
    Taken t;
    t.sha256 = copied->sha256;
    t.size = copied->size;
    const bool right = !t.sha256.empty() && t.sha256 == lower(r.claimed_sha256);
    t.outcome = right ? Outcome::copied : Outcome::mismatch;
    if (right) return t;
    t.reason_code = "hash_mismatch";
    t.detail = fmt::format("{} hashes to {}, the report says {}", what, t.sha256, lower(r.claimed_sha256));
    return t;
}

}  // namespace

CopyEnd copy_source(files::FileOps& ops, const Place& place, const TakeRequest& r, int source, const std::string& tx, std::uint64_t reserve_bytes,
                    const std::function<void(UniqueFd)>& reader, const files::GoOn& go_on) {
    CopyEnd end;
    const auto failed = [&](Error error) {
        end.taken = ended(Outcome::unavailable, "vault_unavailable", error.what);
        if (is_disk_trouble(error)) end.trouble = std::move(error);
    };
    auto tree = open_tree(ops, place);
    if (!tree) {
        failed(std::move(tree.error()));
        return end;
    }
    auto temp = ops.create(tree->temp.get(), tx);
    if (!temp) {
        failed(in("make a copy in " + std::string(kTemp), std::move(temp.error())));
        return end;
    }
    bool handed_out = false;
    const auto begun = [&] {
        auto file = reader ? ops.open_read(tree->temp.get(), tx) : Result<UniqueFd>(UniqueFd());
        handed_out = file && *file;
        if (handed_out) reader(std::move(*file));
    };
    end.taken = fill(ops, r, source, temp->get(), tree->temp.get(), reserve_bytes, begun, go_on, end.trouble);
    end.taken.tx = tx;
    if (end.taken.outcome == Outcome::copied && handed_out) return end;
    if (end.taken.outcome == Outcome::copied) {
        auto file = ops.open_read(tree->temp.get(), tx);
        if (file) {
            end.file = std::move(*file);
            return end;
        }
        failed(std::move(file.error()));
    }
    temp->reset();
    end.temp_gone = remove_file(ops, tree->root.get(), temp_path(tx), 0).has_value();
    return end;
}

}  // namespace bkmon::deposits::disk
