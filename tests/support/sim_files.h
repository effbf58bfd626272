#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "daemon/platform/files/file_ops.h"

namespace bkmon::test {

/// A disk in memory that remembers what was fsynced. It can die at the k-th call, and a power cut then keeps or drops what was not synced:
/// bytes, attributes and modes of files by their own fsync, names by that of their directory (never by the file's). Symbolic links do not exist here.
class SimFiles final : public files::FileOps {
public:
    SimFiles();
    ~SimFiles() override;

    // The tree as everybody sees it. Absolute paths.
    void make_dirs(const std::string& path);
    void put(const std::string& path, const std::string& bytes);  ///< a file as an agent writes it: durable at once
    std::optional<std::string> get(const std::string& path) const;
    std::optional<std::string> attribute_of(const std::string& path, const std::string& name) const;
    std::uint32_t mode_of(const std::string& path) const;
    std::vector<std::string> all_files(const std::string& below) const;  ///< absolute, sorted
    /// Every file that a name leads to, and its bytes.
    std::vector<std::string> all_bytes(const std::string& below) const;

    // Death. A call counts when it enters; a dead disk does nothing and says EIO.
    void live_on() { life_.count = 0, life_.die_at = 0, life_.dead = false; }
    void die_at(std::uint64_t call) { life_.count = 0, life_.die_at = call, life_.dead = false; }
    /// Counts one call; false when dead. Also for a history that shall die with the disk.
    bool step();
    void kill() { life_.dead = true; }
    bool dead() const { return life_.dead; }
    std::uint64_t calls() const { return life_.count; }

    // Faults.
    void fail_at(std::uint64_t call, int sys_errno, bool from_then_on) {
        life_.count = 0, retried_syncs_.clear(), fault_ = {call, sys_errno, from_then_on};
    }
    void heal() { fault_ = {}; }
    int faults() const { return faults_; }
    /// Files of calls of fsync that asked again for what an fsync of the same descriptor had failed to do. What it lost is lost: the kernel takes
    /// such pages for clean, and so does this disk.
    const std::vector<std::string>& retried_syncs() const { return retried_syncs_; }
    /// Somebody else does something right before that call.
    void meanwhile(std::uint64_t call, std::function<void()> something) { life_.count = 0, meanwhile_ = {call, std::move(something)}; }
    void overwrite(const std::string& path, const std::string& bytes);  ///< in place, the same inode
    void remove(const std::string& path);
    /// The n-th sync from now on (1...) does nothing and says ok; 0: none.
    void ignore_sync(std::size_t n) { syncs_.clear(), ignored_sync_ = n; }
    struct Synced {
        std::string path;
        bool needed = false;  ///< something was not on the disk before
    };
    /// What was synced since then.
    const std::vector<Synced>& syncs() const { return syncs_; }
    /// What sync brings to the disk differs from what was written; seen only by who reads from the disk.
    void damage_writes(bool on) { damaging_ = on; }

    enum class Loss {
        process,       ///< kill -9: nothing is lost, nothing becomes durable either
        everything,    ///< all that was not synced
        some_whole,    ///< a random part; a rename happens whole or not at all
        by_directory,  ///< names are exactly as their own directory was last synced, bytes as the file was
        some_halves,   ///< a random part; the two ends of a rename are two things, each of its own directory
        none,          ///< all reached the disk in time
    };
    void crash(Loss loss, std::uint64_t seed);
    void flush();  ///< time goes by: everything reaches the disk

    /// Everything that a power cut now may leave in more than one state, each by itself: way 0 keeps all of it, the last way nothing.
    /// Bytes: any prefix of the writes, all but one, all but one block, a write torn in the middle, the length without the bytes.
    struct Doubts {
        std::vector<std::size_t> ways;  ///< how many each has

    private:
        friend class SimFiles;
        struct Names {
            std::size_t change;
            std::vector<std::vector<bool>> kept;  ///< by way: which of its halves are there
        };
        struct Bytes {
            std::uint64_t ino;
            std::vector<std::string> left;
        };
        std::vector<Names> names;
        std::vector<Bytes> bytes;
        std::vector<std::uint64_t> attributes, modes;
    };
    /// `halves`: also renames and exchanges of which only one directory was written (but never a name that is lost by its rename).
    Doubts doubts(bool halves) const;
    /// For people: the paths that a cut would change, and how.
    std::string shown(const Doubts& doubts, const std::vector<std::size_t>& way) const;
    /// The power is cut: of each doubt that way is what is left. Everything else that was synced is there.
    void cut(const Doubts& doubts, const std::vector<std::size_t>& way);
    /// The process is gone, the machine is not.
    void process_died() { crash(Loss::process, 0); }

    /// The whole disk, to come back to as often as a test likes. Descriptors do not come back.
    struct Image;
    std::shared_ptr<const Image> image() const;
    void restore(const Image& image);
    /// Of what is there and of what is durable of it: two disks with the same fingerprint are the same for everybody.
    std::uint64_t fingerprint() const;

    Result<UniqueFd> open_root(const std::string& path) override;
    Result<UniqueFd> open_dir(int dir, std::string_view relative) override;
    Result<UniqueFd> open_read(int dir, std::string_view relative) override;
    Result<UniqueFd> create(int dir, std::string_view name) override;
    Result<void> make_dir(int dir, std::string_view name, std::uint32_t mode) override;
    Result<files::FileStat> stat(int fd) override;
    Result<files::FileStat> stat_at(int dir, std::string_view relative) override;
    Result<std::vector<files::DirEntry>> list(int dir, std::size_t limit, bool& truncated) override;
    Result<std::size_t> read(int fd, std::span<unsigned char> to, std::uint64_t offset) override;
    Result<void> write(int fd, std::span<const unsigned char> bytes, std::uint64_t offset) override;
    Result<void> truncate(int fd, std::uint64_t size);  ///< for SQLite alone
    Result<void> allocate(int fd, std::uint64_t size) override;
    Result<bool> clone(int from, int to) override;
    Result<void> sync(int fd) override;
    Result<void> drop_cache(int fd) override;
    Result<void> set_mode(int fd, std::uint32_t mode) override;
    Result<void> set_attribute(int fd, const std::string& name, const std::string& value) override;
    Result<std::string> attribute(int fd, const std::string& name) override;
    Result<void> exchange(int dir_a, std::string_view a, int dir_b, std::string_view b) override;
    Result<void> rename_new(int dir_a, std::string_view a, int dir_b, std::string_view b) override;
    Result<void> unlink(int dir, std::string_view name) override;
    Result<void> remove_dir(int dir, std::string_view name) override;
    Result<files::Space> space(int fd) override;
    bool being_written(int) override { return false; }
    void can_clone(bool on) { clones_ = on; }  ///< a file system with FICLONE

private:
    using Ino = std::uint64_t;
    static constexpr Ino kRoot = 1;
    struct Content {
        std::string bytes;
        std::map<std::string, std::string> attributes;
        std::uint32_t mode = 0100600;
    };
    /// Written, or cut or stretched to a length, since the file was last synced.
    struct Op {
        std::uint64_t offset = 0;
        std::string bytes;
        bool sets_size = false;
        void onto(std::string& file) const;
    };
    struct Node {
        bool dir = false;
        Content now, disk;
        std::vector<Op> ops;
        bool dirty() const { return !ops.empty(); }
        std::int64_t mtime = 0, ctime = 0;
        std::map<std::string, Ino> names;  ///< of a directory
        std::uint64_t changes = 0;         ///< how often anything of it changed
    };
    struct Half {  ///< one name of one directory got another meaning
        Ino dir = 0;
        std::string name;
        Ino now = 0;  ///< 0: the name is gone
        bool synced = false;
    };
    struct Change {
        std::vector<Half> halves;
        bool touched_by_sync = false;  ///< one of its directories was synced since
    };
    struct Life {
        std::uint64_t count = 0;
        std::uint64_t die_at = 0;
        bool dead = false;
    };
    struct Fault {
        std::uint64_t call = 0;
        int sys_errno = 0;
        bool from_then_on = false;
    };

    std::optional<Failure> enter(const char* what);
    Result<UniqueFd> hand_out(Ino ino);
    Ino at(int fd) const;
    Result<Ino> find(Ino dir, std::string_view relative) const;
    Ino find_path(const std::string& path) const;
    void change(std::vector<Half> halves);
    void name_in(std::map<Ino, std::map<std::string, Ino>>& tree, const Half& half) const;
    files::FileStat stat_of(Ino ino) const;
    std::string path_of(Ino ino) const;
    void collect(Ino dir, const std::string& path, std::vector<std::string>& out) const;
    void lose_content(Node& node, Loss loss, std::mt19937_64& random);
    static std::vector<std::string> what_may_be_left(const Node& node);
    void operate(Ino ino, Op op);
    void sync_failed(int fd, Ino ino);

    Life life_;
    Fault fault_;
    std::pair<std::uint64_t, std::function<void()>> meanwhile_;
    int faults_ = 0;
    std::vector<std::string> retried_syncs_;     ///< of which files
    std::map<int, std::uint64_t> failed_syncs_;  ///< by descriptor: how many changes its file had seen
    bool clones_ = false;
    std::size_t ignored_sync_ = 0;
    std::vector<Synced> syncs_;
    bool damaging_ = false;
    UniqueFd null_;
    std::map<int, Ino> open_;
    std::map<Ino, Node> nodes_;
    std::map<Ino, std::map<std::string, Ino>> disk_names_;  ///< durable for sure
    std::deque<Change> changes_;                            ///< since then, in order
    Ino next_ = 2;
    std::int64_t clock_ = 1'700'000'000'000'000'000;
};

}  // namespace bkmon::test
