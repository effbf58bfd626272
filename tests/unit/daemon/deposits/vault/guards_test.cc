// Each test here sees one protection alone: where several stand behind each other, the others would hide that one is gone.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "daemon/deposits/vault/tree.h"
#include "tests/unit/daemon/deposits/vault/real_vault.h"
#include "tests/unit/daemon/deposits/vault/sim_vault.h"

namespace bkmon::test {
namespace {

class Guards : public RealVault {
protected:
    std::string deposited(const std::string& file) const { return tree.at("deposits/agent1/database/" + file); }
    struct stat stat_of(const std::string& path) {
        struct stat st {};
        EXPECT_EQ(::stat(path.c_str(), &st), 0) << path;
        return st;
    }
    Result<void> consume(const std::string& file, const deposits::FileIdentity& judged) {
        Result<void> out = fail(Errc::internal, "no answer");
        world->vault->consume("agent1", "database", file, judged, [&](Result<void> r) { out = std::move(r); });
        loop.run_posted();
        return out;
    }
};

TEST_F(Guards, TheAgentsOwnFileNeverEntersTheVault) {
    deposit("db.sql.gz", "good");
    const UniqueFd theirs(::open(deposited("db.sql.gz").c_str(), O_RDONLY | O_CLOEXEC));
    const auto before = stat_of(deposited("db.sql.gz"));
    ASSERT_TRUE(world->promote("db.sql.gz", "good", "db"));
    EXPECT_NE(stat_of(tree.at("vault/db")).st_ino, before.st_ino);
    // Whoever had it open may open it for writing once more.
    const UniqueFd writer(::open(("/proc/self/fd/" + std::to_string(theirs.get())).c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_TRUE(writer);
    ASSERT_EQ(::pwrite(writer.get(), "evil", 4, 0), 4);
    EXPECT_EQ(tree.get("vault/db"), "good");
}

TEST_F(Guards, ACopyThatWaitsForItsSwitchIsHashedAgain) {
    ASSERT_TRUE(promote("first"));
    const auto t = take("second");
    store.hold();
    static_cast<void>(world->promote(t, "ACME/db.sql.gz"));
    ASSERT_TRUE(store.step());  // READY
    world.reset();
    store.release();
    loop.run_posted();
    const auto copy = tree.at("vault/.tmp/" + t.tx);
    ASSERT_EQ(::chmod(copy.c_str(), 0600), 0);
    tree.put("vault/.tmp/" + t.tx, "SECOND");
    restart();
    EXPECT_TRUE(world->vault->state().usable) << world->vault->state().problem;
    EXPECT_EQ(tree.get("vault/ACME/db.sql.gz"), "first");
    expect_clean();
}

TEST_F(Guards, ReplacedVersionsStayWhenTheCurrentOneIsShorter) {
    world->keep_replaced = std::chrono::hours(1);
    ASSERT_TRUE(promote("first"));
    ASSERT_TRUE(promote("second"));
    const auto path = healthy()[1].vault_path;
    ASSERT_EQ(::chmod(tree.at("vault/ACME/db.sql.gz").c_str(), 0600), 0);
    ASSERT_EQ(::truncate(tree.at("vault/ACME/db.sql.gz").c_str(), 3), 0);
    world->tidy();
    loop.advance(std::chrono::hours(2));
    world->tidy();
    EXPECT_EQ(tree.get("vault/" + path), "first");
}

TEST_F(Guards, WhatWasChangedInPlaceAfterItWasJudgedIsNotTakenAway) {
    deposit("f.gz", "judged");
    const auto judged = world->identity("f.gz");
    const UniqueFd writer(::open(deposited("f.gz").c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(writer.get(), "unseen", 6, 0), 6);
    const timespec times[2] = {{0, UTIME_OMIT}, {judged.mtime_ns / 1'000'000'000, judged.mtime_ns % 1'000'000'000}};
    ASSERT_EQ(::futimens(writer.get(), times), 0);
    const auto done = consume("f.gz", judged);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::busy);
    EXPECT_EQ(tree.get("deposits/agent1/database/f.gz"), "unseen");
}

TEST_F(Guards, AFileThatIsAnotherByNowIsNotRemoved) {
    tree.put("vault/ACME/x", "1");
    const auto root = ops->open_root(tree.at("vault"));
    ASSERT_TRUE(root);
    const auto ino = stat_of(tree.at("vault/ACME/x")).st_ino;
    const auto kept = deposits::disk::remove_file(*ops, root->get(), "ACME/x", ino + 1);
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().code, Errc::exists);
    EXPECT_EQ(tree.get("vault/ACME/x"), "1");
    EXPECT_TRUE(deposits::disk::remove_file(*ops, root->get(), "ACME/x", ino));
    EXPECT_EQ(tree.names("vault/ACME"), "");
}

TEST_F(Guards, InAnotherVaultNothingIsMade) {
    ASSERT_EQ(::rmdir(tree.at("vault/.quarantine").c_str()), 0);
    tree.put("vault/.bkmon-vault", "0123456789abcdef0123456789abcdef\n");
    restart();
    EXPECT_FALSE(world->vault->state().usable);
    EXPECT_NE(::access(tree.at("vault/.quarantine").c_str(), F_OK), 0);
}

TEST_F(Guards, ANameThatIsTakenIsSeenBeforeTheCopyIsReadBack) {
    tree.put("vault/ACME/db.sql.gz", "of the operator");
    const auto path = world->promote(take("first"), "ACME/db.sql.gz");
    ASSERT_FALSE(path);
    EXPECT_NE(path.error().what.find("the history does not know it"), std::string::npos) << path.error().what;
}

/// How often a directory was synced with something in it that was not on the disk yet.
long needed(const SimVault& v, const std::string& path) {
    const auto& syncs = v.disk.syncs();
    return std::count_if(syncs.begin(), syncs.end(), [&](const SimFiles::Synced& s) { return s.path == path && s.needed; });
}

TEST(GuardsOnDisk, ANewVaultIsSyncedAfterItsMarkerAndAfterItsFolders) {
    SimVault v;
    v.disk.ignore_sync(0);
    v.start();
    ASSERT_TRUE(v.usable()) << v.problem();
    EXPECT_EQ(needed(v, "/vault"), 2);
}

TEST(GuardsOnDisk, EvidenceIsSyncedUnderItsNewNameAndAwayFromItsOldOne) {
    SimVault v;
    v.start();
    v.stop();
    v.disk.put("/vault/.tmp/stray", "evidence");
    v.disk.ignore_sync(0);
    v.start();
    ASSERT_TRUE(v.usable()) << v.problem();
    EXPECT_EQ(needed(v, "/vault/.quarantine"), 1);
    EXPECT_EQ(needed(v, "/vault/.tmp"), 1);
}

}  // namespace
}  // namespace bkmon::test
