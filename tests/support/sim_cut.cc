// What a power cut may leave of a simulated disk, one state after the other.
#include <algorithm>

#include "tests/support/sim_files.h"

namespace bkmon::test {

namespace {

constexpr std::size_t kMostBlocks = 16;

/// The blocks that a cut writes or does not: small, so that small files have several; those of a database file are its pages.
std::size_t block_of(std::size_t size) { return size <= 256 ? 4 : 4096; }

/// All of `now` but its block at `at`, which is as it was: from `old`, or never written.
std::string without_block(const std::string& now, const std::string& old, std::size_t at, std::size_t size) {
    std::string out = now;
    for (std::size_t i = at; i < std::min(at + size, out.size()); ++i) out[i] = i < old.size() ? old[i] : '\0';
    return out;
}

template <class... T>
void mix(std::uint64_t& hash, const T&... values) {
    const auto bytes = [&](const void* from, std::size_t n) {
        const auto* p = static_cast<const unsigned char*>(from);
        for (std::size_t i = 0; i < n; ++i) hash = (hash ^ p[i]) * 0x100000001b3U;
    };
    const auto one = [&](const auto& v) {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::string>) {
            const std::size_t n = v.size();
            bytes(&n, sizeof n);
            bytes(v.data(), n);
        } else {
            bytes(&v, sizeof v);
        }
    };
    (one(values), ...);
}

}  // namespace

std::vector<std::string> SimFiles::what_may_be_left(const Node& node) {
    std::vector<std::string> out{node.now.bytes};
    const auto add = [&](std::string bytes) {
        if (std::find(out.begin(), out.end(), bytes) == out.end()) out.push_back(std::move(bytes));
    };
    const auto n = node.ops.size();
    for (std::size_t left_out = 0; n > 1 && left_out < n; ++left_out) {
        std::string bytes = node.disk.bytes;
        for (std::size_t i = 0; i < n; ++i)
            if (i != left_out) node.ops[i].onto(bytes);
        add(std::move(bytes));
    }
    std::string prefix = node.disk.bytes;
    for (const auto& op : node.ops) {
        std::string torn = prefix;
        Op half = op;
        half.bytes.resize(half.bytes.size() / 2);
        if (!op.sets_size) half.onto(torn);
        add(std::move(torn));
        op.onto(prefix);
        add(prefix);
    }
    const auto block = block_of(node.now.bytes.size());
    const auto blocks = (node.now.bytes.size() + block - 1) / block;
    for (std::size_t b = 0; b < std::min(blocks, kMostBlocks); ++b) add(without_block(node.now.bytes, node.disk.bytes, b * block, block));
    std::string stretched = node.disk.bytes;
    stretched.resize(std::max(stretched.size(), node.now.bytes.size()));
    add(std::move(stretched));
    const auto nothing = std::find(out.begin(), out.end(), node.disk.bytes);
    if (nothing != out.end()) out.erase(nothing);
    out.push_back(node.disk.bytes);
    return out;
}

SimFiles::Doubts SimFiles::doubts(bool halves) const {
    Doubts out;
    const auto count = [&](std::size_t n) { out.ways.push_back(n); };
    for (std::size_t c = 0; c < changes_.size(); ++c) {
        const auto& change = changes_[c];
        const auto n = change.halves.size();
        std::vector<std::vector<bool>> kept{std::vector<bool>(n, true)};
        if (halves && n == 2 && change.halves[0].dir != change.halves[1].dir) {
            // No file system loses a file by renaming it: the old name goes only where the new one is there, or where its directory was synced.
            if (!change.halves[1].synced) kept.push_back({true, false});
            if (!change.halves[0].synced && (change.halves[1].now != 0 || change.halves[1].synced)) kept.push_back({false, true});
            if (!change.halves[0].synced && !change.halves[1].synced) kept.push_back({false, false});
        } else if (!change.touched_by_sync) {
            kept.emplace_back(n, false);
        }
        if (kept.size() == 1) continue;
        count(kept.size());
        out.names.push_back({c, std::move(kept)});
    }
    for (const auto& [ino, node] : nodes_) {
        if (!node.dirty()) continue;
        auto left = what_may_be_left(node);
        if (left.size() == 1) continue;
        count(left.size());
        out.bytes.push_back({ino, std::move(left)});
    }
    for (const auto& [ino, node] : nodes_) {
        if (node.dir || node.now.attributes == node.disk.attributes) continue;
        count(2);
        out.attributes.push_back(ino);
    }
    for (const auto& [ino, node] : nodes_) {
        if (node.dir || node.now.mode == node.disk.mode) continue;
        count(2);
        out.modes.push_back(ino);
    }
    return out;
}

std::string SimFiles::shown(const Doubts& doubts, const std::vector<std::size_t>& way) const {
    std::string out;
    auto next = way.begin();
    const auto add = [&](const std::string& what) { out += (out.empty() ? "" : ", ") + what + " " + std::to_string(*next++); };
    for (const auto& names : doubts.names) {
        std::string what = "names";
        for (const auto& half : changes_[names.change].halves) what += " " + path_of(half.dir) + "/" + half.name;
        add(what);
    }
    for (const auto& bytes : doubts.bytes) add("bytes of " + path_of(bytes.ino) + " " + std::to_string(nodes_.at(bytes.ino).ops.size()) + " ops");
    for (const auto ino : doubts.attributes) add("attributes of " + path_of(ino));
    for (const auto ino : doubts.modes) add("mode of " + path_of(ino));
    return out;
}

void SimFiles::cut(const Doubts& doubts, const std::vector<std::size_t>& way) {
    open_.clear();
    failed_syncs_.clear();
    live_on();
    heal();
    auto next = way.begin();
    std::map<std::size_t, const std::vector<bool>*> chosen;
    for (const auto& names : doubts.names) chosen[names.change] = &names.kept[*next++];
    auto tree = disk_names_;
    for (std::size_t c = 0; c < changes_.size(); ++c)
        for (std::size_t h = 0; h < changes_[c].halves.size(); ++h) {
            const auto found = chosen.find(c);
            if (found == chosen.end() || (*found->second)[h]) name_in(tree, changes_[c].halves[h]);
        }
    changes_.clear();
    disk_names_ = tree;
    for (auto& [ino, node] : nodes_) {
        if (node.dir)
            node.names = tree[ino];
        else
            node.now.bytes = node.dirty() ? node.now.bytes : node.disk.bytes;
    }
    for (const auto& bytes : doubts.bytes) nodes_.at(bytes.ino).now.bytes = bytes.left[*next++];
    for (const auto ino : doubts.attributes)
        if (*next++ == 1) nodes_.at(ino).now.attributes = nodes_.at(ino).disk.attributes;
    for (const auto ino : doubts.modes)
        if (*next++ == 1) nodes_.at(ino).now.mode = nodes_.at(ino).disk.mode;
    for (auto& [ino, node] : nodes_) {
        node.disk = node.now;
        node.ops.clear();
    }
}

struct SimFiles::Image {
    std::map<Ino, Node> nodes;
    std::map<Ino, std::map<std::string, Ino>> disk_names;
    std::deque<Change> changes;
    Ino next;
    std::int64_t clock;
};

std::shared_ptr<const SimFiles::Image> SimFiles::image() const {
    return std::make_shared<const Image>(Image{nodes_, disk_names_, changes_, next_, clock_});
}

void SimFiles::restore(const Image& image) {
    nodes_ = image.nodes;
    disk_names_ = image.disk_names;
    changes_ = image.changes;
    next_ = image.next;
    clock_ = image.clock;
    open_.clear();
    failed_syncs_.clear();
    live_on();
    heal();
    ignore_sync(0);
}

std::uint64_t SimFiles::fingerprint() const {
    std::uint64_t hash = 0xcbf29ce484222325U;
    const auto content = [&](const Content& c) {
        mix(hash, c.bytes, c.mode, c.attributes.size());
        for (const auto& [name, value] : c.attributes) mix(hash, name, value);
    };
    const std::function<void(Ino, bool)> walk = [&](Ino dir, bool durable) {
        const auto found = disk_names_.find(dir);
        static const std::map<std::string, Ino> kNone;
        const auto& names = !durable ? nodes_.at(dir).names : found == disk_names_.end() ? kNone : found->second;
        mix(hash, names.size());
        for (const auto& [name, ino] : names) {
            mix(hash, name, ino);
            const auto& node = nodes_.at(ino);
            if (node.dir)
                walk(ino, durable);
            else
                content(durable ? node.disk : node.now);
        }
    };
    walk(kRoot, false);
    if (!changes_.empty()) walk(kRoot, true);
    return hash;
}

}  // namespace bkmon::test
