// The inventory as a file: read whole or not at all, replaced whole or not at all.
#include "daemon/outlets/inventory_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "tests/support/forwarding_files.h"
#include "tests/support/sim_files.h"
#include "tests/support/temp_tree.h"

namespace bkmon::outlets {
namespace {

using test::SimFiles;
using ::testing::AnyOf;
using ::testing::HasSubstr;

const std::string kOld = "code,address\nA,10.0.0.1\n", kNew = "code,address\nB,10.0.0.2\nC,10.0.0.3\n";

class Files : public ::testing::Test {
protected:
    Error refused(const std::string& name, files::FileOps* ops = nullptr) {
        const auto read = read_whole(ops ? *ops : files, tree.at(name), 100);
        EXPECT_FALSE(read) << name;
        return read ? Error{} : read.error();
    }
    struct stat stat_of(const std::string& name) const {
        struct stat st {};
        EXPECT_EQ(::lstat(tree.at(name).c_str(), &st), 0) << name;
        return st;
    }
    test::TempTree tree;
    test::ForwardingFiles files;
};

TEST_F(Files, AreReadWhole) {
    tree.put("o.csv", kOld);
    EXPECT_EQ(read_whole(files, tree.at("o.csv"), 100).value(), kOld);
    tree.put("empty", "");
    EXPECT_EQ(read_whole(files, tree.at("empty"), 100).value(), "");
    tree.put("large", std::string(200000, 'x'));
    EXPECT_EQ(read_whole(files, tree.at("large"), 200000).value().size(), 200000u);
}

TEST_F(Files, WhatIsNoPlainFileIsRefused) {
    EXPECT_EQ(refused("gone").code, Errc::not_found);
    EXPECT_EQ(refused("gone").what, "is not there");
    EXPECT_EQ(refused("no/folder").code, Errc::not_found);
    tree.make_dirs("folder");
    EXPECT_EQ(refused("folder").what, "is no plain file");
    ASSERT_EQ(::mkfifo(tree.at("fifo").c_str(), 0600), 0);
    EXPECT_EQ(refused("fifo").what, "is no plain file") << "nobody waits for its writer";
    tree.put("o.csv", kOld);
    ASSERT_EQ(::symlink(tree.at("o.csv").c_str(), tree.at("link").c_str()), 0);
    EXPECT_EQ(refused("link").what, "is a symbolic link: name the file itself");
    EXPECT_EQ(refused("link").code, Errc::denied);
    tree.put("large", std::string(101, 'x'));
    EXPECT_EQ(refused("large").code, Errc::no_space);
    EXPECT_THAT(refused("large").what, HasSubstr("is larger than 100 B"));
}

TEST_F(Files, WhatIsBeingWrittenIsNotRead) {
    tree.put("o.csv", kOld);
    const UniqueFd writer(::open(tree.at("o.csv").c_str(), O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(refused("o.csv").code, Errc::busy) << "somebody has it open for writing";
}

TEST_F(Files, WhatChangesWhileItIsReadIsNotBelieved) {
    tree.put("o.csv", kOld);
    struct Changing : test::ForwardingFiles {
        Result<std::size_t> read(int fd, std::span<unsigned char> to, std::uint64_t offset) override {
            const auto n = ForwardingFiles::read(fd, to, offset);
            tree->put("o.csv", offset == 0 ? kOld + "D,10.0.0.4\n" : kOld);
            return n;
        }
        bool being_written(int) override { return false; }  // as on file systems without leases
        test::TempTree* tree = nullptr;
    } changing;
    changing.tree = &tree;
    EXPECT_EQ(refused("o.csv", &changing).code, Errc::busy);
}

TEST_F(Files, AreReplacedAndTheOldOneIsKept) {
    tree.put("o.csv", kOld);
    ASSERT_EQ(::chmod(tree.at("o.csv").c_str(), 0604), 0);
    ASSERT_TRUE(replace_whole(files, tree.at("o.csv"), kNew));
    EXPECT_EQ(tree.get("o.csv"), kNew);
    EXPECT_EQ(tree.get("o.csv.old"), kOld);
    EXPECT_EQ(tree.names(""), "o.csv o.csv.old");
    EXPECT_EQ(stat_of("o.csv").st_mode & 07777U, 0604u);
    ASSERT_TRUE(replace_whole(files, tree.at("o.csv"), "third"));
    EXPECT_EQ(tree.get("o.csv.old"), kNew);
    EXPECT_EQ(tree.names(""), "o.csv o.csv.old");
}

TEST_F(Files, TheFirstOneIsMadeForTheServiceAndItsGroup) {
    ASSERT_TRUE(replace_whole(files, tree.at("o.csv"), kNew));
    EXPECT_EQ(tree.names(""), "o.csv");
    EXPECT_EQ(stat_of("o.csv").st_mode & 07777U, 0640u);
}

TEST_F(Files, TheOwnerStaysWhoItWas) {
    struct Elses : test::ForwardingFiles {
        Result<files::FileStat> stat_at(int dir, std::string_view name) override {
            auto stat = ForwardingFiles::stat_at(dir, name);
            if (stat) stat->uid = 12345, stat->gid = 54321;
            return stat;
        }
        Result<void> set_owner(int fd, std::uint32_t uid, std::uint32_t gid) override {
            asked.emplace_back(uid, gid);
            return ::geteuid() == 0 ? ForwardingFiles::set_owner(fd, uid, gid) : Result<void>();
        }
        std::vector<std::pair<std::uint32_t, std::uint32_t>> asked;
    } elses;
    tree.put("o.csv", kOld);
    ASSERT_TRUE(replace_whole(elses, tree.at("o.csv"), kNew));
    EXPECT_THAT(elses.asked, ::testing::ElementsAre(std::pair(12345U, 54321U)));
    if (::geteuid() == 0) {
        EXPECT_EQ(stat_of("o.csv").st_uid, 12345u);
        EXPECT_EQ(stat_of("o.csv").st_gid, 54321u);
    }
}

TEST_F(Files, WhoMayNotGiveFilesAwayWritesAllTheSame) {
    struct Poor : test::ForwardingFiles {
        Result<files::FileStat> stat_at(int dir, std::string_view name) override {
            auto stat = ForwardingFiles::stat_at(dir, name);
            if (stat) stat->uid += 7;
            return stat;
        }
        Result<void> set_owner(int, std::uint32_t uid, std::uint32_t) override { return asked.push_back(uid), sys_fail("set owner", EPERM); }
        std::vector<std::uint32_t> asked;
    } poor;
    tree.put("o.csv", kOld);
    ASSERT_TRUE(replace_whole(poor, tree.at("o.csv"), kNew));
    EXPECT_EQ(tree.get("o.csv"), kNew);
    EXPECT_EQ(poor.asked.size(), 2u) << "the group alone is tried too";
}

TEST_F(Files, LinksAndFoldersAreNotReplaced) {
    tree.put("real", kOld);
    ASSERT_EQ(::symlink("real", tree.at("o.csv").c_str()), 0);
    auto done = replace_whole(files, tree.at("o.csv"), kNew);
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().what, HasSubstr("is a symbolic link"));
    EXPECT_EQ(tree.get("real"), kOld);
    tree.put("p.csv", kOld);
    tree.make_dirs("p.csv.old");
    done = replace_whole(files, tree.at("p.csv"), kNew);
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().what, HasSubstr("'p.csv.old' is no plain file"));
    EXPECT_EQ(tree.get("p.csv"), kOld) << "before anything is replaced";
    EXPECT_EQ(tree.names(""), "o.csv p.csv p.csv.old real");
}

TEST_F(Files, WhatADeadImportLeftIsNoHindrance) {
    tree.put("o.csv", kOld);
    tree.put(".o.csv.new", "half");
    ASSERT_TRUE(replace_whole(files, tree.at("o.csv"), kNew));
    EXPECT_EQ(tree.get("o.csv"), kNew);
    EXPECT_EQ(tree.names(""), "o.csv o.csv.old");
}

TEST_F(Files, WhereTheServiceMayNotWriteIsSaidWithWhatHelps) {
    struct ReadOnly : test::ForwardingFiles {
        Result<UniqueFd> create(int, std::string_view) override { return sys_fail("create '.o.csv.new'", EROFS); }
    } read_only;
    tree.put("o.csv", kOld);
    const auto done = replace_whole(read_only, tree.at("o.csv"), kNew);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::denied);
    EXPECT_THAT(done.error().what,
                HasSubstr(tree.at("o.csv") + ": create '.o.csv.new': Read-only file system: the service may not write into " + tree.path()));
    EXPECT_THAT(done.error().what, HasSubstr("ReadWritePaths="));
}

constexpr const char* kFile = "/etc/bkmon/o.csv";

/// What lies there after the disk came back.
std::string left(const SimFiles& sim, const std::string& path = kFile) { return sim.get(path).value_or("<nothing>"); }

/// Dies at each call of it in turn, and loses what was not synced in each way: the file is the old or the new one, never half of one.
void dies_everywhere(const std::string& before) {
    constexpr std::array kLosses{SimFiles::Loss::process,      SimFiles::Loss::everything,  SimFiles::Loss::some_whole,
                                 SimFiles::Loss::by_directory, SimFiles::Loss::some_halves, SimFiles::Loss::none};
    std::size_t cases = 0;
    for (std::uint64_t call = 1;; ++call) {
        bool finished = false;
        for (const auto loss : kLosses)
            for (std::uint64_t seed = 1; seed <= 3; ++seed) {
                SimFiles sim;
                sim.make_dirs("/etc/bkmon");
                if (!before.empty()) sim.put(kFile, before);
                sim.flush();
                sim.die_at(call);
                const auto done = replace_whole(sim, kFile, kNew);
                finished = !sim.dead();
                sim.crash(loss, seed);
                sim.live_on();
                ++cases;
                const auto what = left(sim);
                if (done)
                    EXPECT_EQ(what, kNew) << "what was said to be written is there, call " << call << ", loss " << static_cast<int>(loss);
                else
                    EXPECT_THAT(what, AnyOf(before.empty() ? "<nothing>" : before, kNew)) << "call " << call << ", loss " << static_cast<int>(loss);
                if (done && !before.empty()) {
                    EXPECT_EQ(left(sim, std::string(kFile) + ".old"), before);
                }
                // And the next import is not hindered.
                ASSERT_TRUE(replace_whole(sim, kFile, "next")) << "call " << call;
                EXPECT_EQ(left(sim), "next");
            }
        if (finished) break;
    }
    EXPECT_GT(cases, 100u);
}

TEST(ReplacedFiles, OutliveDeathAtEveryCall) { dies_everywhere(kOld); }
TEST(ReplacedFiles, TheFirstOneToo) { dies_everywhere(""); }

TEST(ReplacedFiles, AFailingCallLeavesTheOldOneOrSaysThatTheNewOneIsThere) {
    for (std::uint64_t call = 1;; ++call) {
        SimFiles sim;
        sim.make_dirs("/etc/bkmon");
        sim.put(kFile, kOld);
        sim.flush();
        sim.fail_at(call, ENOSPC, false);
        const auto done = replace_whole(sim, kFile, kNew);
        if (sim.faults() == 0) {
            EXPECT_TRUE(done);
            break;
        }
        if (done) continue;
        EXPECT_THAT(left(sim), AnyOf(kOld, kNew)) << call;
        if (done.error().what.find("could not be kept") != std::string::npos) {
            EXPECT_EQ(left(sim), kNew) << call;
        }
        EXPECT_TRUE(sim.retried_syncs().empty()) << call;
    }
}

}  // namespace
}  // namespace bkmon::outlets
