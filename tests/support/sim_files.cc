#include "tests/support/sim_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/base/text.h"

namespace bkmon::test {

using files::FileStat;

SimFiles::SimFiles() : null_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
    nodes_[kRoot].dir = true;
    nodes_[kRoot].now.mode = 040755;
}
SimFiles::~SimFiles() = default;

// --- the tree, by paths

void SimFiles::make_dirs(const std::string& path) {
    Ino here = kRoot;
    for (const auto& part : split(path, '/')) {
        if (part.empty()) continue;
        auto& names = nodes_[here].names;
        if (names.count(part) == 0) {
            const Ino ino = next_++;
            names[part] = ino;
            disk_names_[here][part] = ino;
            nodes_[ino].dir = true;
            nodes_[ino].now.mode = nodes_[ino].disk.mode = 040755;
        }
        here = nodes_[here].names[part];
    }
}

void SimFiles::put(const std::string& path, const std::string& bytes) {
    const auto slash = path.rfind('/');
    make_dirs(path.substr(0, slash));
    const Ino dir = find_path(path.substr(0, slash));
    const Ino ino = next_++;
    nodes_[dir].names[path.substr(slash + 1)] = ino;
    disk_names_[dir][path.substr(slash + 1)] = ino;
    auto& node = nodes_[ino];
    node.now.bytes = bytes;
    node.disk = node.now;
    node.mtime = node.ctime = ++clock_;
}

void SimFiles::overwrite(const std::string& path, const std::string& bytes) {
    const Ino ino = find_path(path);
    if (ino == 0) return;
    auto& node = nodes_.at(ino);
    node.now.bytes = bytes;
    node.disk = node.now;
    node.mtime = node.ctime = ++clock_;
}

void SimFiles::remove(const std::string& path) {
    const auto slash = path.rfind('/');
    const Ino dir = find_path(path.substr(0, slash));
    nodes_.at(dir).names.erase(path.substr(slash + 1));
    disk_names_[dir].erase(path.substr(slash + 1));
}

SimFiles::Ino SimFiles::find_path(const std::string& path) const {
    if (path.size() < 2) return kRoot;
    auto found = find(kRoot, path.substr(1));
    return found ? *found : 0;
}

std::optional<std::string> SimFiles::get(const std::string& path) const {
    const Ino ino = find_path(path);
    if (ino == 0 || nodes_.at(ino).dir) return std::nullopt;
    return nodes_.at(ino).now.bytes;
}

std::optional<std::string> SimFiles::attribute_of(const std::string& path, const std::string& name) const {
    const Ino ino = find_path(path);
    if (ino == 0) return std::nullopt;
    const auto& attributes = nodes_.at(ino).now.attributes;
    const auto found = attributes.find(name);
    return found == attributes.end() ? std::nullopt : std::optional(found->second);
}

std::uint32_t SimFiles::mode_of(const std::string& path) const {
    const Ino ino = find_path(path);
    return ino == 0 ? 0 : nodes_.at(ino).now.mode & 07777U;
}

void SimFiles::collect(Ino dir, const std::string& path, std::vector<std::string>& out) const {
    for (const auto& [name, ino] : nodes_.at(dir).names) {
        if (nodes_.at(ino).dir)
            collect(ino, path + "/" + name, out);
        else
            out.push_back(path + "/" + name);
    }
}

std::vector<std::string> SimFiles::all_files(const std::string& below) const {
    std::vector<std::string> out;
    if (const Ino dir = find_path(below); dir != 0) collect(dir, below, out);
    std::sort(out.begin(), out.end());
    return out;
}

std::vector<std::string> SimFiles::all_bytes(const std::string& below) const {
    std::vector<std::string> out;
    for (const auto& path : all_files(below)) out.push_back(*get(path));
    return out;
}

std::string SimFiles::path_of(Ino ino) const {
    if (ino == kRoot) return "";
    for (const auto& [dir, node] : nodes_)
        for (const auto& [name, child] : node.names)
            if (child == ino) return path_of(dir) + "/" + name;
    return "(no name)";
}

// --- calls

bool SimFiles::step() {
    if (life_.dead) return false;
    ++life_.count;
    if (life_.die_at != 0 && life_.count >= life_.die_at) life_.dead = true;
    return !life_.dead;
}

std::optional<Failure> SimFiles::enter(const char* what) {
    if (!step()) return sys_fail(what, EIO);
    if (meanwhile_.second && life_.count >= meanwhile_.first) std::exchange(meanwhile_, {}).second();
    if (fault_.call != 0 && (life_.count == fault_.call || (fault_.from_then_on && life_.count > fault_.call))) {
        ++faults_;
        return sys_fail(what, fault_.sys_errno);
    }
    return std::nullopt;
}

Result<UniqueFd> SimFiles::hand_out(Ino ino) {
    UniqueFd fd(::fcntl(null_.get(), F_DUPFD_CLOEXEC, 3));
    if (!fd) return sys_fail("open", errno);
    open_[fd.get()] = ino;
    failed_syncs_.erase(fd.get());
    return fd;
}

SimFiles::Ino SimFiles::at(int fd) const {
    const auto found = open_.find(fd);
    return found == open_.end() ? 0 : found->second;
}

Result<SimFiles::Ino> SimFiles::find(Ino dir, std::string_view relative) const {
    Ino here = dir;
    for (const auto& part : split(relative, '/')) {
        if (part == ".") continue;
        if (part.empty() || part == "..") return sys_fail("open", EXDEV);
        const auto node = nodes_.find(here);
        if (node == nodes_.end()) return sys_fail("open '" + std::string(relative) + "'", ENOENT);
        if (!node->second.dir) return sys_fail("open '" + std::string(relative) + "'", ENOTDIR);
        const auto child = node->second.names.find(part);
        if (child == node->second.names.end()) return sys_fail("open '" + std::string(relative) + "'", ENOENT);
        here = child->second;
    }
    return here;
}

Result<UniqueFd> SimFiles::open_root(const std::string& path) {
    if (auto no = enter("open")) return *no;
    const Ino ino = find_path(path);
    if (ino == 0) return sys_fail("open '" + path + "'", ENOENT);
    return hand_out(ino);
}

Result<UniqueFd> SimFiles::open_dir(int dir, std::string_view relative) {
    if (auto no = enter("open")) return *no;
    auto found = find(at(dir), relative);
    if (!found) return fail(std::move(found.error()));
    if (!nodes_.at(*found).dir) return sys_fail("open", ENOTDIR);
    return hand_out(*found);
}

Result<UniqueFd> SimFiles::open_read(int dir, std::string_view relative) {
    if (auto no = enter("open")) return *no;
    auto found = find(at(dir), relative);
    if (!found) return fail(std::move(found.error()));
    return hand_out(*found);
}

Result<UniqueFd> SimFiles::create(int dir, std::string_view name) {
    if (auto no = enter("create")) return *no;
    if (nodes_.at(at(dir)).names.count(std::string(name)) != 0) return sys_fail("create", EEXIST);
    const Ino ino = next_++;
    auto& node = nodes_[ino];
    node.mtime = node.ctime = ++clock_;
    change({{at(dir), std::string(name), ino, false}});
    return hand_out(ino);
}

Result<void> SimFiles::make_dir(int dir, std::string_view name, std::uint32_t mode) {
    if (auto no = enter("mkdir")) return *no;
    if (nodes_.at(at(dir)).names.count(std::string(name)) != 0) return sys_fail("mkdir", EEXIST);
    const Ino ino = next_++;
    nodes_[ino].dir = true;
    nodes_[ino].now.mode = nodes_[ino].disk.mode = 040000 | mode;
    change({{at(dir), std::string(name), ino, false}});
    return {};
}

FileStat SimFiles::stat_of(Ino ino) const {
    const auto& node = nodes_.at(ino);
    FileStat st;
    st.dev = 7;
    st.ino = ino;
    st.size = node.now.bytes.size();
    st.mode = node.dir ? node.now.mode : (0100000 | (node.now.mode & 07777U));
    st.mtime_ns = node.mtime;
    st.ctime_ns = node.ctime;
    for (const auto& [dir, parent] : nodes_)
        for (const auto& [name, child] : parent.names) st.nlink += child == ino ? 1 : 0;
    return st;
}

Result<FileStat> SimFiles::stat(int fd) {
    if (auto no = enter("fstat")) return *no;
    return stat_of(at(fd));
}

Result<FileStat> SimFiles::stat_at(int dir, std::string_view relative) {
    if (auto no = enter("stat")) return *no;
    auto found = find(at(dir), relative);
    if (!found) return fail(std::move(found.error()));
    return stat_of(*found);
}

Result<std::vector<files::DirEntry>> SimFiles::list(int dir, std::size_t limit, bool& truncated) {
    if (auto no = enter("readdir")) return *no;
    std::vector<files::DirEntry> out;
    truncated = false;
    for (const auto& [name, ino] : nodes_.at(at(dir)).names) {
        truncated = out.size() == limit;
        if (truncated) break;
        out.push_back({name});
    }
    return out;
}

Result<std::size_t> SimFiles::read(int fd, std::span<unsigned char> to, std::uint64_t offset) {
    if (auto no = enter("read")) return *no;
    const auto& bytes = nodes_.at(at(fd)).now.bytes;
    if (offset >= bytes.size()) return std::size_t{0};
    const auto n = std::min(to.size(), bytes.size() - static_cast<std::size_t>(offset));
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), n, to.begin());
    return n;
}

void SimFiles::Op::onto(std::string& file) const {
    if (sets_size) return file.resize(offset);
    if (file.size() < offset + bytes.size()) file.resize(offset + bytes.size());
    file.replace(offset, bytes.size(), bytes);
}

void SimFiles::operate(Ino ino, Op op) {
    auto& node = nodes_.at(ino);
    op.onto(node.now.bytes);
    node.ops.push_back(std::move(op));
    ++node.changes;
}

Result<void> SimFiles::write(int fd, std::span<const unsigned char> bytes, std::uint64_t offset) {
    if (auto no = enter("write")) return *no;
    operate(at(fd), {offset, std::string(bytes.begin(), bytes.end()), false});
    nodes_.at(at(fd)).mtime = nodes_.at(at(fd)).ctime = ++clock_;
    return {};
}

Result<void> SimFiles::truncate(int fd, std::uint64_t size) {
    if (auto no = enter("ftruncate")) return *no;
    operate(at(fd), {size, {}, true});
    return {};
}

Result<void> SimFiles::allocate(int, std::uint64_t) {
    if (auto no = enter("allocate")) return *no;
    return {};
}

Result<bool> SimFiles::clone(int from, int to) {
    if (auto no = enter("clone")) return *no;
    if (!clones_) return false;
    operate(at(to), {0, nodes_.at(at(from)).now.bytes, false});
    nodes_.at(at(to)).mtime = nodes_.at(at(to)).ctime = ++clock_;
    return true;
}

/// As the kernel does it: the error is told once, the pages count as clean, and what they held never reaches the disk.
void SimFiles::sync_failed(int fd, Ino ino) {
    auto& node = nodes_.at(ino);
    node.ops.clear();
    failed_syncs_[fd] = node.changes;
}

Result<void> SimFiles::sync(int fd) {
    const Ino ino = at(fd);
    if (ino == 0) return sys_fail("fsync", EBADF);
    if (const auto failed = failed_syncs_.find(fd); failed != failed_syncs_.end() && !life_.dead && nodes_.at(ino).changes == failed->second)
        retried_syncs_.push_back(path_of(ino));
    auto& node = nodes_.at(ino);
    bool needed = node.dirty() || (!node.dir && (node.now.attributes != node.disk.attributes || node.now.mode != node.disk.mode));
    for (const auto& change : changes_)
        for (const auto& half : change.halves) needed = needed || (half.dir == ino && !half.synced);
    if (auto no = enter("fsync")) {
        if (!life_.dead && needed) sync_failed(fd, ino);  // where nothing waited nothing is lost
        return *no;
    }
    syncs_.push_back({path_of(ino), needed});
    if (syncs_.size() == ignored_sync_) return {};
    if (!node.dir) {
        node.disk.attributes = node.now.attributes;
        node.disk.mode = node.now.mode;
        for (const auto& op : node.ops) op.onto(node.disk.bytes);
        if (damaging_ && !node.disk.bytes.empty()) node.disk.bytes[0] ^= 1;
        node.ops.clear();
        return {};
    }
    for (auto& change : changes_)
        for (auto& half : change.halves) {
            if (half.dir != ino) continue;
            half.synced = change.touched_by_sync = true;
        }
    while (!changes_.empty() && std::all_of(changes_.front().halves.begin(), changes_.front().halves.end(), [](const Half& h) { return h.synced; })) {
        for (const auto& half : changes_.front().halves) name_in(disk_names_, half);
        changes_.pop_front();
    }
    return {};
}

Result<void> SimFiles::drop_cache(int fd) {
    if (auto no = enter("fadvise")) return *no;
    auto& node = nodes_.at(at(fd));
    if (!node.dirty()) node.now.bytes = node.disk.bytes;
    return {};
}

Result<void> SimFiles::set_mode(int fd, std::uint32_t mode) {
    if (auto no = enter("chmod")) return *no;
    nodes_.at(at(fd)).now.mode = 0100000 | mode;
    nodes_.at(at(fd)).ctime = ++clock_;
    return {};
}

Result<void> SimFiles::set_attribute(int fd, const std::string& name, const std::string& value) {
    if (auto no = enter("setxattr")) return *no;
    auto& node = nodes_.at(at(fd));
    if ((node.now.mode & 0200U) == 0) return sys_fail("setxattr", EACCES);
    node.now.attributes[name] = value;
    return {};
}

Result<std::string> SimFiles::attribute(int fd, const std::string& name) {
    if (auto no = enter("getxattr")) return *no;
    const auto& attributes = nodes_.at(at(fd)).now.attributes;
    const auto found = attributes.find(name);
    if (found == attributes.end()) return fail(Errc::not_found, "no attribute", ENODATA);
    return found->second;
}

// --- names

void SimFiles::name_in(std::map<Ino, std::map<std::string, Ino>>& tree, const Half& half) const {
    if (half.now == 0)
        tree[half.dir].erase(half.name);
    else
        tree[half.dir][half.name] = half.now;
}

void SimFiles::change(std::vector<Half> halves) {
    for (const auto& half : halves) {
        auto& names = nodes_.at(half.dir).names;
        ++nodes_.at(half.dir).changes;
        if (half.now == 0)
            names.erase(half.name);
        else
            names[half.name] = half.now;
    }
    changes_.push_back({std::move(halves), false});
}

Result<void> SimFiles::exchange(int dir_a, std::string_view a, int dir_b, std::string_view b) {
    if (auto no = enter("exchange")) return *no;
    auto one = find(at(dir_a), a), two = find(at(dir_b), b);
    if (!one) return fail(std::move(one.error()));
    if (!two) return fail(std::move(two.error()));
    nodes_.at(*one).ctime = nodes_.at(*two).ctime = ++clock_;
    change({{at(dir_a), std::string(a), *two, false}, {at(dir_b), std::string(b), *one, false}});
    return {};
}

Result<void> SimFiles::rename_new(int dir_a, std::string_view a, int dir_b, std::string_view b) {
    if (auto no = enter("rename")) return *no;
    auto one = find(at(dir_a), a);
    if (!one) return fail(std::move(one.error()));
    if (nodes_.at(at(dir_b)).names.count(std::string(b)) != 0) return sys_fail("rename", EEXIST);
    nodes_.at(*one).ctime = ++clock_;
    // The new name before the end of the old one, also when only a part of the change survives.
    change({{at(dir_b), std::string(b), *one, false}, {at(dir_a), std::string(a), 0, false}});
    return {};
}

Result<void> SimFiles::unlink(int dir, std::string_view name) {
    if (auto no = enter("unlink")) return *no;
    auto one = find(at(dir), name);
    if (!one) return fail(std::move(one.error()));
    if (nodes_.at(*one).dir) return sys_fail("unlink", EISDIR);
    change({{at(dir), std::string(name), 0, false}});
    return {};
}

Result<void> SimFiles::remove_dir(int dir, std::string_view name) {
    if (auto no = enter("rmdir")) return *no;
    auto one = find(at(dir), name);
    if (!one) return fail(std::move(one.error()));
    if (!nodes_.at(*one).names.empty()) return sys_fail("rmdir", ENOTEMPTY);
    change({{at(dir), std::string(name), 0, false}});
    return {};
}

Result<files::Space> SimFiles::space(int) {
    if (auto no = enter("statvfs")) return *no;
    return files::Space{std::uint64_t{1} << 40, 1 << 20, true};
}

// --- the power cut

void SimFiles::lose_content(Node& node, Loss loss, std::mt19937_64& random) {
    const bool strict = loss == Loss::everything || loss == Loss::by_directory;
    const auto coin = [&] { return loss == Loss::none || (!strict && random() % 2 == 0); };
    if (node.dirty()) {
        const bool torn = !strict && loss != Loss::none && random() % 3 == 0;
        if (torn) {
            // The size is there, some of the bytes are not: the classic of a lost fsync.
            std::string bytes(node.now.bytes.size(), '\0');
            const std::size_t whole = bytes.empty() ? 0 : random() % bytes.size();
            std::copy_n(node.now.bytes.begin(), whole, bytes.begin());
            node.now.bytes = bytes;
        } else if (!coin()) {
            node.now.bytes = node.disk.bytes;
        }
    } else {
        node.now.bytes = node.disk.bytes;  // an fsync that failed left other bytes in memory
    }
    if (!coin()) node.now.attributes = node.disk.attributes;
    if (!coin()) node.now.mode = node.disk.mode;
    node.disk = node.now;
    node.ops.clear();
}

void SimFiles::flush() {
    for (const auto& change : changes_)
        for (const auto& half : change.halves) name_in(disk_names_, half);
    changes_.clear();
    for (auto& [ino, node] : nodes_) {
        for (const auto& op : node.ops) op.onto(node.disk.bytes);
        node.disk.attributes = node.now.attributes;
        node.disk.mode = node.now.mode;
        node.ops.clear();
    }
}

void SimFiles::crash(Loss loss, std::uint64_t seed) {
    open_.clear();
    failed_syncs_.clear();
    live_on();
    heal();
    if (loss == Loss::process) return;
    std::mt19937_64 random(seed * 0x9e3779b97f4a7c15U + 1);
    auto names = disk_names_;
    for (const auto& change : changes_) {
        const bool whole = change.touched_by_sync || loss == Loss::none || (loss == Loss::some_whole && random() % 2 == 0);
        bool moved = true;
        for (const auto& half : change.halves) {
            bool kept = whole;
            if (loss == Loss::by_directory) kept = half.synced;
            // What was not synced may be there in part; but no file system loses a file by renaming it.
            if (loss == Loss::some_halves) kept = half.synced || (random() % 2 == 0 && (half.now != 0 || moved));
            if (kept) name_in(names, half);
            moved = kept;
        }
    }
    changes_.clear();
    disk_names_ = names;
    for (auto& [ino, node] : nodes_) {
        if (node.dir)
            node.names = names[ino];
        else
            lose_content(node, loss, random);
    }
}

}  // namespace bkmon::test
