#include "daemon/deposits/arrival/look.h"

#include <fmt/format.h>
#include <sys/vfs.h>

#include <algorithm>

#include "common/base/text.h"
#include "daemon/core/report.h"

namespace bkmon::deposits {
namespace {

using files::FileOps;
using files::FileStat;

constexpr std::size_t kMaxAgents = 100000;
constexpr std::size_t kMaxBeside = 1000;  // names in an agent's own folder
constexpr std::size_t kMaxOddNames = 8;
constexpr std::uint64_t kMaxReportsBytes = 64U << 20;  // that one snapshot carries
constexpr std::uint64_t kMaxKeptBytes = 4U << 20;      // that are remembered of one agent
constexpr milliseconds kTick{100};                     // more than the grain of any file system's times that are kept by the kernel
constexpr std::size_t kMaxMarker = 4096;
constexpr const char* kMarker = ".bkmon-root";

FileIdentity identity(const FileStat& s) { return {s.dev, s.ino, s.size, s.mtime_ns, s.ctime_ns}; }

SeenFile seen(std::string name, std::string folder, const FileStat& s) {
    return {std::move(name), std::move(folder), identity(s), s.mode, s.uid, s.nlink};
}

/// At most `limit` + 1 bytes: one more than allowed shows that there are more.
Result<std::string> read_all(FileOps& files, int fd, std::size_t limit) {
    std::string bytes(limit + 1, '\0');
    std::size_t have = 0;
    while (have < bytes.size()) {
        auto n = files.read(fd, std::span(reinterpret_cast<unsigned char*>(bytes.data()) + have, bytes.size() - have), have);
        if (!n) return fail(std::move(n.error()));
        if (*n == 0) break;
        have += *n;
    }
    bytes.resize(have);
    return bytes;
}

Result<void> check_marker(FileOps& files, int root, const RootOrder& order) {
    auto fd = files.open_read(root, kMarker);
    if (!fd && fd.error().code == Errc::not_found)
        return fail(Errc::unavailable,
                    fmt::format("'{}' holds no {}: this looks like an empty mount point; is the file system mounted? If the root was "
                                "set up anew, run 'bkmonctl deposits init'",
                                printable(order.path), kMarker));
    if (!fd) return fail(in(fmt::format("'{}'", printable(order.path)), std::move(fd.error())));
    auto text = read_all(files, fd->get(), kMaxMarker);
    if (!text) return fail(in(fmt::format("'{}/{}'", printable(order.path), kMarker), std::move(text.error())));
    if (trim(*text) != order.marker_id)
        return fail(Errc::unavailable,
                    fmt::format("'{}' is not the deposit root that bkmon knows: its {} names another one", printable(order.path), kMarker));
    return {};
}

/// File systems on which other machines write without an event here (magic numbers of linux/magic.h).
std::string remote_kind(int fd) {
    struct statfs fs {};
    if (fstatfs(fd, &fs) != 0) return {};
    switch (static_cast<std::uint32_t>(fs.f_type)) {
        case 0x6969: return "NFS";
        case 0xfe534d42:
        case 0xff534d42:
        case 0x517b: return "SMB";
        case 0x65735546: return "FUSE";
        case 0x01021997: return "9p";
        case 0x00c36400: return "Ceph";
        default: return {};
    }
}

class AgentLook {
public:
    AgentLook(FileOps& files, const AgentOrder& order) : files_(files), order_(order) {
        r_.snapshot.agent = order.agent;
        r_.kept = std::make_shared<KeptReports>();
    }

    AgentResult run() {
        RootLook root_look;
        auto root = open_deposit_root(files_, order_.root, root_look);
        if (!root) {
            r_.root_problem = root.error().what;
            return std::move(r_);
        }
        if (order_.root.device != 0 && order_.root.device != root_look.device) {
            r_.root_problem = "the deposit root is on another file system than before";
            return std::move(r_);
        }
        if (auto dir = enter(root->get())) {
            watch(dir->get(), Watcher::What::agent);
            look_beside(dir->get());
            for (const char* folder : {"log", "database", "databases"})
                if (has_.count(folder) > 0) look_into(dir->get(), folder);
            read_reports();
        }
        return std::move(r_);
    }

private:
    void odd(std::string sentence) { r_.snapshot.oddities.push_back(std::move(sentence)); }

    void watch(int dir, Watcher::What what) {
        if (!order_.watcher) return;
        auto added = order_.watcher->add(dir, what);
        if (added)
            r_.watches.push_back(*added);
        else if (r_.watch_errno == 0)
            r_.watch_errno = added.error().sys_errno;
    }

    std::optional<UniqueFd> enter(int root) {
        auto stat = files_.stat_at(root, order_.agent);
        if (!stat) {
            r_.snapshot.gone = true;
            return std::nullopt;
        }
        if (stat->is_symlink()) {
            r_.snapshot.linked = true;
            return std::nullopt;
        }
        if (!stat->is_directory()) {
            r_.no_folder = true;
            return std::nullopt;
        }
        auto dir = files_.open_dir(root, order_.agent);
        if (dir) {
            // Of what was opened: the name may be another folder's by now.
            if (auto opened = files_.stat(dir->get())) r_.snapshot.owner = opened->uid;
            return std::move(*dir);
        }
        if (dir.error().code == Errc::not_found)
            r_.snapshot.gone = true;
        else
            odd("the agent's folder cannot be entered: " + printable(dir.error().what));
        return std::nullopt;
    }

    /// What lies beside the folders that count is named, not read.
    void look_beside(int dir) {
        bool more = false;
        auto names = files_.list(dir, kMaxBeside, more);
        if (!names) return odd("the agent's folder cannot be read: " + printable(names.error().what));
        std::size_t others = 0;
        for (auto& entry : *names) {
            if (entry.name == "log" || entry.name == "database" || entry.name == "databases")
                has_.insert(entry.name);
            else if (!is_rsync_temporary(entry.name) && ++others <= kMaxOddNames)
                odd(fmt::format("'{}' lies beside log/ and database/: it is not looked at", printable(entry.name, 160)));
        }
        // With very many names the three may be among those not listed: ask for them.
        if (more) has_ = {"log", "database", "databases"};
        if (others > kMaxOddNames || more) odd("more names lie beside log/ and database/");
    }

    void look_into(int agent_dir, const std::string& folder) {
        auto stat = files_.stat_at(agent_dir, folder);
        if (!stat) return;
        if (stat->is_symlink()) return odd(fmt::format("'{}' is a symbolic link: it is not followed", folder));
        if (!stat->is_directory()) return odd(fmt::format("'{}' is no folder", folder));
        auto dir = files_.open_dir(agent_dir, folder);
        if (!dir) {
            if (dir.error().code != Errc::not_found) odd(fmt::format("'{}' cannot be entered: {}", folder, printable(dir.error().what)));
            return;
        }
        watch(dir->get(), Watcher::What::folder);
        bool more = false;
        auto names = files_.list(dir->get(), order_.max_names, more);
        if (!names) return odd(fmt::format("'{}' cannot be read: {}", folder, printable(names.error().what)));
        if (more) {
            r_.snapshot.truncated = true;
            odd(fmt::format("'{}' holds more than {} names: the rest is not looked at", folder, order_.max_names));
        }
        bool half_taken = false;
        for (auto& entry : *names) {
            auto s = files_.stat_at(dir->get(), entry.name);
            if (!s) continue;  // gone in between
            auto file = seen(std::move(entry.name), folder, *s);
            if (file.name.starts_with(kJudgedPrefix))
                half_taken = true;
            else if (is_rsync_temporary(file.name))
                r_.snapshot.temporaries.push_back(std::move(file));
            else if (folder != "log")
                r_.snapshot.files.push_back(std::move(file));
            else if (core::is_report_name(file.name))
                reports_.push_back(std::move(file));
        }
        if (half_taken) r_.snapshot.half_taken.push_back(folder);
        if (folder == "log") log_ = std::move(*dir);
    }

    /// The latest arrivals first (ctime is the kernel's): they are the ones that count when there are too many.
    void read_reports() {
        std::sort(reports_.begin(), reports_.end(), [](const SeenFile& a, const SeenFile& b) {
            return std::pair(b.id.ctime_ns, std::string_view(a.name)) < std::pair(a.id.ctime_ns, std::string_view(b.name));
        });
        for (auto& file : reports_) {
            if (auto why = refusal(file.mode, file.nlink, file.id.size); !why.empty()) {
                refuse(std::move(file), std::move(why));
            } else if (!from_memory(file)) {
                if (file.id.size > left_) {
                    r_.snapshot.truncated = true;
                    return odd("the reports are too many to be read at once: older ones are not looked at");
                }
                read_report(std::move(file));
            }
        }
    }

    static std::string refusal(std::uint32_t mode, std::uint64_t nlink, std::uint64_t size) {
        if ((mode & 0170000) == 0120000) return "is a symbolic link";
        if ((mode & 0170000) != 0100000) return "is no plain file";
        if (nlink != 1) return "has a second name (hard link)";
        if (size > core::kMaxReportBytes) return "is larger than 1 MiB";
        return {};
    }

    void refuse(SeenFile file, std::string why) {
        SeenReport report;
        report.file = std::move(file);
        report.refused = std::move(why);
        r_.snapshot.reports.push_back(std::move(report));
    }

    bool is_settled(const std::string& sha256) const { return order_.settled && order_.settled->count(sha256) > 0; }

    bool from_memory(const SeenFile& file) {
        if (!order_.kept) return false;
        const auto it = order_.kept->find(file.name);
        if (it == order_.kept->end() || it->second.id != file.id || it->second.young) return false;
        const bool settled = is_settled(it->second.sha256);
        if (!settled && (!it->second.bytes || it->second.bytes->size() > left_)) return false;
        deliver(file, it->second.sha256, settled ? nullptr : it->second.bytes);
        return true;
    }

    void deliver(SeenFile file, const std::string& sha256, std::shared_ptr<const std::string> bytes) {
        SeenReport report;
        report.sha256 = sha256;
        report.settled = bytes == nullptr;
        KeptReport kept{file.id, sha256, nullptr, file.id.ctime_ns / 1000000 > to_ms(system_clock().now() - kTick)};
        if (bytes) {
            report.bytes = *bytes;
            left_ -= bytes->size();
            if (kept_bytes_ + bytes->size() <= kMaxKeptBytes) {
                kept_bytes_ += bytes->size();
                kept.bytes = std::move(bytes);
            }
        }
        r_.kept->insert_or_assign(file.name, std::move(kept));
        report.file = std::move(file);
        r_.snapshot.reports.push_back(std::move(report));
    }

    /// Once, with the same identity before and after; one that changes meanwhile is looked at again soon.
    void read_report(SeenFile file) {
        auto fd = files_.open_read(log_->get(), file.name);
        if (!fd) {
            if (fd.error().code == Errc::not_found) return;
            if (fd.error().code == Errc::busy) return later(file.name, "is leased by the process that writes it");
            return refuse(std::move(file), "cannot be read: " + printable(fd.error().what));
        }
        auto before = files_.stat(fd->get());
        if (!before) return refuse(std::move(file), "cannot be read: " + printable(before.error().what));
        if (auto why = refusal(before->mode, before->nlink, before->size); !why.empty()) return refuse(std::move(file), std::move(why));
        file = seen(std::move(file.name), std::move(file.folder), *before);
        auto bytes = read_all(files_, fd->get(), static_cast<std::size_t>(before->size));
        auto after = files_.stat(fd->get());
        if (!bytes || !after) return refuse(std::move(file), "cannot be read: " + printable((bytes ? after.error() : bytes.error()).what));
        if (identity(*after) != file.id || bytes->size() != file.id.size) return later(file.name, "changes while it is read");
        const auto sha256 = files::Sha256::of(*bytes);
        auto shared = is_settled(sha256) ? nullptr : std::make_shared<const std::string>(std::move(*bytes));
        deliver(std::move(file), sha256, std::move(shared));
    }

    void later(const std::string& name, const char* why) {
        r_.again_soon = true;
        odd(fmt::format("report '{}' {}", printable(name, 160), why));
    }

    FileOps& files_;
    const AgentOrder& order_;
    AgentResult r_;
    std::set<std::string, std::less<>> has_;
    std::vector<SeenFile> reports_;
    std::optional<UniqueFd> log_;
    std::uint64_t left_ = kMaxReportsBytes, kept_bytes_ = 0;
};

}  // namespace

Result<UniqueFd> open_deposit_root(FileOps& files, const RootOrder& order, RootLook& look) {
    auto root = files.open_root(order.path);
    if (!root) return fail(in("the deposit root cannot be opened", std::move(root.error())));
    auto stat = files.stat(root->get());
    if (!stat) return fail(in("the deposit root cannot be read", std::move(stat.error())));
    look.device = stat->dev;
    if (!order.marker_id.empty()) {
        if (auto good = check_marker(files, root->get(), order); !good) return fail(std::move(good.error()));
    }
    return std::move(*root);
}

RootResult look_at_root(FileOps& files, const RootOrder& order, Watcher* watcher) {
    RootResult r;
    auto root = open_deposit_root(files, order, r.look);
    if (!root) {
        r.look.problem = root.error().what;
        return r;
    }
    r.look.remote = remote_kind(root->get());
    if (watcher != nullptr) {
        auto added = watcher->add(root->get(), Watcher::What::root);
        if (added)
            r.watch = *added;
        else
            r.watch_errno = added.error().sys_errno;
    }
    bool more = false;
    auto names = files.list(root->get(), kMaxAgents, more);
    if (!names) {
        r.look.problem = "the deposit root cannot be read: " + names.error().what;
        return r;
    }
    for (auto& entry : *names) {
        if (entry.name.front() == '.' || entry.name == "lost+found") continue;
        auto stat = files.stat_at(root->get(), entry.name);
        if (stat && (stat->is_directory() || stat->is_symlink())) r.look.agents.push_back(std::move(entry.name));
    }
    std::sort(r.look.agents.begin(), r.look.agents.end());
    if (r.look.agents.empty() && order.had_agents && order.device != 0 && order.device != r.look.device)
        r.look.problem =
            fmt::format("'{}' is empty and on another file system than before: is its file system still mounted?", printable(order.path));
    return r;
}

AgentResult look_at_agent(FileOps& files, const AgentOrder& order) { return AgentLook(files, order).run(); }

}  // namespace bkmon::deposits
