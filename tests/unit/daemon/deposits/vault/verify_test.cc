#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>

#include "tests/support/facts.h"
#include "tests/support/forwarding_files.h"
#include "tests/unit/daemon/deposits/vault/real_vault.h"

namespace bkmon::test {
namespace {

using deposits::VaultFile;
using deposits::Verified;
using Found = Verified::Found;

std::string some_bytes(std::size_t size, std::uint64_t seed = 1) {
    std::mt19937_64 random(seed);
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(random());
    return out;
}

class Verify : public RealVault {
protected:
    static constexpr const char* kPath = "ACME/db.sql.gz";

    std::vector<VaultFile> files() { return *deposits::vault_files_of(store.tables()); }
    VaultFile file(VaultFile::Kind kind = VaultFile::Kind::current) {
        for (const auto& f : files())
            if (f.kind == kind) return f;
        ADD_FAILURE() << "no such file";
        return {};
    }
    deposits::disk::Place place() { return {tree.at("vault"), store.tables().setting("vault_marker")->value_or("")}; }
    /// The disk side alone.
    Verified look(files::FileOps& with, const VaultFile& f, const files::GoOn& go_on = {}) {
        return deposits::disk::verify_file(with, place(), f, go_on);
    }
    Verified look(const VaultFile& f) { return look(*ops, f); }
    /// All of it: read, concluded, marked.
    Verified verify(const VaultFile& f) {
        std::optional<Verified> end;
        auto job = start(f, world->lane, end);
        loop.run_posted();
        EXPECT_TRUE(end);
        return end.value_or(Verified{});
    }
    std::unique_ptr<deposits::Vault::Job> start(const VaultFile& f, loop::Lane& lane, std::optional<Verified>& end) {
        deposits::Vault::VerifyRequest request{f, lane, 0, {}, {}, {}};
        request.word = [this](const VaultFile& what, const Verified& v, const std::vector<history::HealthyRow>&) {
            ++asked;
            return what.kind == VaultFile::Kind::current && v.bad() ? std::optional(world->publication(core::Status::corrupt, what.sha256))
                                                                    : std::nullopt;
        };
        request.done = [&end](const VaultFile&, Verified v) { end = std::move(v); };
        return world->vault->verify(std::move(request));
    }
    std::string real(const std::string& path) { return tree.at("vault/" + path); }
    void writable(const std::string& path) { ASSERT_EQ(::chmod(real(path).c_str(), 0600), 0); }
    void flip(const std::string& path, std::uint64_t bit) {
        const int fd = ::open(real(path).c_str(), O_RDWR | O_CLOEXEC);
        char c = 0;
        const auto at = static_cast<off_t>(bit / 8);
        ASSERT_EQ(::pread(fd, &c, 1, at), 1);
        c = static_cast<char>(static_cast<unsigned char>(c) ^ (1U << (bit % 8)));
        ASSERT_EQ(::pwrite(fd, &c, 1, at), 1);
        ::close(fd);
    }
    std::string status() { return std::string(core::name_of(world->registry.find(world->target)->current.verdict.status)); }
    int asked = 0;
};

/// That bytes come from the disk is another test's: here the cache may be used, or the long run would read a terabyte.
class CachedFiles final : public ForwardingFiles {
public:
    Result<void> drop_cache(int) override { return {}; }
};

class VerifySweep : public Verify {};

TEST_F(VerifySweep, EachBitOfAFileCounts) {
    ASSERT_TRUE(promote(some_bytes(4096)));
    writable(kPath);
    const auto f = file();
    const auto begun = std::chrono::steady_clock::now();
    CachedFiles cached;
    std::int64_t found = 0;
    for (std::uint64_t bit = 0; bit < 4096 * 8; ++bit) {
        flip(kPath, bit);
        found += look(cached, f).found == Found::damaged ? 1 : 0;
        flip(kPath, bit);
    }
    EXPECT_EQ(found, 4096 * 8);
    EXPECT_EQ(look(f).found, Found::whole) << "the test put back what it changed";
    fact("vault_bits_each", {{"bits_flipped", 4096 * 8}, {"found", found}},
         std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
}

TEST_F(VerifySweep, RandomBitsOfALargeFile) {
    const std::size_t size = full_sweep() ? 100'000'000 : 1'000'000;
    const int rounds = full_sweep() ? 10'000 : 300;
    const auto* given = std::getenv("BKMON_SEED");
    const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 20261122;
    SCOPED_TRACE("BKMON_SEED=" + std::to_string(seed));
    ASSERT_TRUE(promote(some_bytes(size, seed)));
    writable(kPath);
    const auto f = file();
    const auto begun = std::chrono::steady_clock::now();
    CachedFiles cached;
    std::mt19937_64 random(seed);
    // A slow machine may say how long it has; what is counted is what was done.
    const auto* budget = std::getenv("BKMON_SWEEP_SECONDS");
    const auto until = begun + std::chrono::seconds(budget != nullptr ? std::atol(budget) : 1'000'000);
    std::int64_t found = 0, done = 0;
    for (; done < rounds && std::chrono::steady_clock::now() < until; ++done) {
        const auto bit = random() % (size * 8);
        flip(kPath, bit);
        found += look(cached, f).found == Found::damaged ? 1 : 0;
        flip(kPath, bit);
    }
    EXPECT_EQ(found, done);
    EXPECT_EQ(look(f).found, Found::whole);
    fact("vault_bits_random", {{"file_bytes", static_cast<std::int64_t>(size)}, {"bits_flipped", done}, {"found", found}},
         std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
}

TEST_F(Verify, CutLongerGoneOrSomethingElse) {
    const auto bytes = some_bytes(70'000);
    ASSERT_TRUE(promote(bytes));
    writable(kPath);
    const auto f = file();
    EXPECT_EQ(look(f).found, Found::whole);
    ASSERT_EQ(::truncate(real(kPath).c_str(), 69'999), 0);
    EXPECT_EQ(look(f).found, Found::damaged);
    EXPECT_EQ(look(f).detail, "it has 69999 bytes, recorded were 70000");
    ASSERT_EQ(::truncate(real(kPath).c_str(), 70'000), 0);
    EXPECT_EQ(look(f).found, bytes.back() == '\0' ? Found::whole : Found::damaged);
    tree.put(std::string("vault/") + kPath, bytes + '\0');
    EXPECT_EQ(look(f).found, Found::damaged) << "longer";
    tree.put(std::string("vault/") + kPath, bytes);
    EXPECT_EQ(look(f).found, Found::whole);
    ASSERT_EQ(::rename(real(kPath).c_str(), real("ACME/elsewhere").c_str()), 0);
    EXPECT_EQ(look(f).found, Found::missing);
    ASSERT_EQ(::symlink("elsewhere", real(kPath).c_str()), 0);
    EXPECT_EQ(look(f).found, Found::damaged) << "a link, even to the very file";
    ASSERT_EQ(::unlink(real(kPath).c_str()), 0);
    ASSERT_EQ(::mkdir(real(kPath).c_str(), 0700), 0);
    EXPECT_EQ(look(f).found, Found::damaged) << "a directory";
    std::filesystem::remove_all(real("ACME"));
    EXPECT_EQ(look(f).found, Found::missing) << "its whole folder";
}

TEST_F(Verify, SwappedFilesAreBothFound) {
    ASSERT_TRUE(promote(some_bytes(5000, 1)));
    auto first = file();
    world->target = TargetId::of("deposit", {"agent1", "OTHER"});
    ASSERT_TRUE(promote(some_bytes(5000, 2), "ACME/other.sql.gz"));
    std::filesystem::rename(real(kPath), real("ACME/x"));
    std::filesystem::rename(real("ACME/other.sql.gz"), real(kPath));
    std::filesystem::rename(real("ACME/x"), real("ACME/other.sql.gz"));
    int bad = 0;
    for (const auto& f : files()) bad += look(f).found == Found::damaged ? 1 : 0;
    EXPECT_EQ(bad, 2);
}

TEST_F(Verify, AVaultThatIsAwaySaysNothingAboutItsFiles) {
    ASSERT_TRUE(promote("bytes"));
    const auto f = file();
    std::filesystem::rename(tree.at("vault"), tree.at("away"));
    EXPECT_EQ(look(f).found, Found::unavailable);
    tree.make_dirs("vault");
    EXPECT_EQ(look(f).found, Found::unavailable) << "an empty mount point is not an empty vault";
}

std::uint64_t read_from_disk() {
    std::ifstream io("/proc/thread-self/io");
    for (std::string name; io >> name;) {
        std::uint64_t value = 0;
        io >> value;
        if (name == "read_bytes:") return value;
    }
    return 0;
}

TEST_F(Verify, BytesComeFromTheDiskAndAreNotLeftInTheCache) {
    struct statfs fs {};
    ASSERT_EQ(::statfs(tree.path().c_str(), &fs), 0);
    constexpr long kTmpfs = 0x01021994;
    if (static_cast<long>(fs.f_type) == kTmpfs) GTEST_SKIP() << "tmpfs has no disk behind it: set TMPDIR";
    constexpr std::size_t kSize = 40'000'000;
    ASSERT_TRUE(promote(some_bytes(kSize)));
    const auto f = file();
    static_cast<void>(tree.get(std::string("vault/") + kPath));  // now it is in the cache
    for (int i = 0; i < 2; ++i) {
        const auto before = read_from_disk();
        EXPECT_EQ(look(f).found, Found::whole);
        EXPECT_GE(read_from_disk() - before, kSize) << "round " << i;
    }
}

/// A disk that gives no bytes back is damage; one that went away altogether is not.
class BadSector final : public ForwardingFiles {
public:
    Result<std::size_t> read(int fd, std::span<unsigned char> to, std::uint64_t offset) override {
        if (offset < 1'000'000) return ForwardingFiles::read(fd, to, offset);
        gone = all_gone;
        return fail(sys_error(EIO));
    }
    Result<UniqueFd> open_root(const std::string& path) override {
        if (gone) return fail(sys_error(EIO));
        return ForwardingFiles::open_root(path);
    }
    static Error sys_error(int number) { return Error{Errc::unavailable, "read: Input/output error", number}; }
    bool all_gone = false, gone = false;
};

TEST_F(Verify, ABadSectorIsDamageADeadDiskIsNot) {
    ASSERT_TRUE(promote(some_bytes(3'000'000)));
    const auto f = file();
    BadSector sector;
    EXPECT_EQ(look(sector, f).found, Found::damaged);
    EXPECT_NE(look(sector, f).detail.find("the disk cannot give its bytes back"), std::string::npos);
    sector.all_gone = true;
    EXPECT_EQ(look(sector, f).found, Found::unavailable);
}

TEST_F(Verify, StopsBetweenTwoBlocks) {
    ASSERT_TRUE(promote(some_bytes(5'000'000)));
    std::uint64_t seen = 0;
    const auto end = look(*ops, file(), [&](std::uint64_t done) { return (seen = done) < 2'000'000; });
    EXPECT_EQ(end.found, Found::cancelled);
    EXPECT_LT(seen, 4'000'000U);
}

TEST_F(Verify, MarksDurablyAndOnceAndUnmarks) {
    const auto bytes = some_bytes(9000);
    ASSERT_TRUE(promote(bytes));
    const auto promoted = loop.clock().now();
    EXPECT_EQ(file().read_at, promoted) << "taking in reads it back";
    loop.advance(std::chrono::hours(50));
    EXPECT_FALSE(verify(file()).news);
    EXPECT_EQ(healthy()[0].verified_at, loop.clock().now());
    EXPECT_EQ(asked, 0) << "nothing to say about a file that is as it should be";
    writable(kPath);
    flip(kPath, 77);
    const auto end = verify(file());
    EXPECT_EQ(end.found, Found::damaged);
    EXPECT_TRUE(end.news);
    EXPECT_EQ(status(), "corrupt");
    const auto since = loop.clock().now();
    EXPECT_EQ(healthy()[0].damaged_at, since);
    loop.advance(std::chrono::hours(1));
    EXPECT_FALSE(verify(file()).news) << "it is known";
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(healthy()[0].damaged_at, since);
    EXPECT_EQ(healthy()[0].verified_at, loop.clock().now());
    EXPECT_EQ(tree.get(std::string("vault/") + kPath).size(), bytes.size()) << "kept";
    flip(kPath, 77);
    EXPECT_TRUE(verify(file()).news);
    EXPECT_EQ(healthy()[0].damaged_at, std::nullopt);
    EXPECT_EQ(healthy()[0].damage, "");
}

TEST_F(Verify, TheNextHealthyOneTakesThePlaceOfADamagedOneWhichStaysAside) {
    const auto bytes = some_bytes(9000);
    for (const char* how : {"flipped", "cut", "gone", "link"}) {
        SCOPED_TRACE(how);
        ASSERT_TRUE(promote(bytes + how));
        writable(kPath);
        const std::string what = how;
        if (what == "flipped") flip(kPath, 1);
        if (what == "cut") {
            ASSERT_EQ(::truncate(real(kPath).c_str(), 10), 0);
        }
        if (what == "gone" || what == "link") {
            ASSERT_EQ(::unlink(real(kPath).c_str()), 0);
        }
        if (what == "link") {
            ASSERT_EQ(::symlink("/etc/passwd", real(kPath).c_str()), 0);
        }
        EXPECT_TRUE(verify(file()).bad());
        auto again = promote(bytes + how);
        ASSERT_TRUE(again) << again.error().what;
        EXPECT_EQ(tree.get(std::string("vault/") + kPath), bytes + how);
        EXPECT_EQ(verify(file()).found, Found::whole);
        EXPECT_EQ(healthy()[0].damaged_at, std::nullopt);
        EXPECT_NE(healthy()[1].damaged_at, std::nullopt);
        const auto aside = healthy()[1].vault_path;
        if (what == "gone") {
            EXPECT_EQ(aside, "");
        } else {
            EXPECT_TRUE(aside.starts_with(".versions/") && aside.ends_with(".damaged")) << aside;
            EXPECT_TRUE(tree.has("vault/" + aside));
        }
        expect_clean();
    }
}

TEST_F(Verify, AForeignFileInThePlaceOfADamagedOneIsNotOverwritten) {
    ASSERT_TRUE(promote("healthy bytes"));
    writable(kPath);
    flip(kPath, 1);
    EXPECT_TRUE(verify(file()).bad());
    std::filesystem::rename(real(kPath), real("ACME/set-aside-by-hand"));
    tree.put(std::string("vault/") + kPath, "somebody's own");
    const auto again = promote("healthy bytes");
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::exists);
    EXPECT_EQ(tree.get(std::string("vault/") + kPath), "somebody's own");
}

TEST_F(Verify, WhileTheCurrentOneIsDamagedNoOlderOneGoes) {
    world->keep_replaced = std::chrono::hours(1);
    ASSERT_TRUE(promote("oldest"));
    ASSERT_TRUE(promote("first"));
    ASSERT_TRUE(promote("second"));
    writable(kPath);
    flip(kPath, 3);
    EXPECT_TRUE(verify(file()).bad());
    for (int i = 0; i < 5; ++i) {
        loop.advance(std::chrono::hours(10));
        world->tidy();
    }
    const auto older = healthy()[2].vault_path;
    EXPECT_EQ(tree.get("vault/" + older), "oldest") << "beyond `keep`, but who knows whether it is needed";
    EXPECT_EQ(tree.get("vault/" + healthy()[1].vault_path), "first");
    // A damaged version is none of those that `keep` means, and goes when its time is over.
    world->keep = 3;
    ASSERT_TRUE(promote("third"));
    for (int i = 0; i < 5; ++i) {
        loop.advance(std::chrono::hours(10));
        world->tidy();
    }
    EXPECT_EQ(tree.get("vault/" + older), "oldest") << "the third whole one";
    EXPECT_EQ(healthy()[1].vault_path, "") << "the damaged one";
}

TEST_F(Verify, AReplacedVersionAndAHeldFileAreReadToo) {
    ASSERT_TRUE(promote("first"));
    ASSERT_TRUE(promote("second"));
    auto t = take("odd");
    ASSERT_TRUE(world->hold(t, kPath));
    ASSERT_EQ(files().size(), 3U);
    const auto version = file(VaultFile::Kind::version), odd = file(VaultFile::Kind::held);
    for (const auto& f : {version, odd}) {
        EXPECT_EQ(verify(f).found, Found::whole);
        writable(f.path);
        flip(f.path, 0);
        EXPECT_TRUE(verify(f).news);
    }
    EXPECT_EQ(healthy()[0].damaged_at, std::nullopt);
    EXPECT_NE(healthy()[1].damaged_at, std::nullopt);
    EXPECT_NE(held()[0].damaged_at, std::nullopt);
    EXPECT_EQ(status(), "held") << "the current backup is whole: nothing is said of the target";
    EXPECT_EQ(world->release(odd.sha256).error().code, Errc::corrupt);
}

TEST_F(Verify, APromotionMeanwhileIsNoDamage) {
    ASSERT_TRUE(promote("first"));
    const auto old = file();
    HeldLane slow;
    std::optional<Verified> end;
    auto job = start(old, slow, end);
    loop.run_posted();
    ASSERT_TRUE(promote("second"));  // the reader now sees other bytes under the name than it was told
    while (slow.step()) loop.run_posted();
    ASSERT_TRUE(end);
    EXPECT_EQ(end->found, Found::moved);
    EXPECT_EQ(status(), "ok");
    for (const auto& row : healthy()) EXPECT_EQ(row.damaged_at, std::nullopt);
}

TEST_F(Verify, ACancelledOneSaysNothing) {
    ASSERT_TRUE(promote("first"));
    writable(kPath);
    flip(kPath, 0);
    HeldLane slow;
    std::optional<Verified> end;
    auto job = start(file(), slow, end);
    loop.run_posted();
    job.reset();
    while (slow.step()) loop.run_posted();
    EXPECT_FALSE(end);
    EXPECT_EQ(healthy()[0].damaged_at, std::nullopt);
}

}  // namespace
}  // namespace bkmon::test
