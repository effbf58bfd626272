#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/daemon/deposits/vault/real_vault.h"

namespace bkmon::test {
namespace {

using deposits::Taken;

class Open : public RealVault {
protected:
    std::string problem() const { return world->vault->state().problem; }
    std::string init() {
        std::string id;
        world->vault->init([&](Result<std::string> result) { id = result ? *result : "error: " + result.error().what; });
        loop.run_posted();
        return id;
    }
};

TEST_F(Open, AnEmptyVaultIsMarkedByItself) {
    EXPECT_TRUE(world->vault->state().usable) << problem();
    EXPECT_EQ(tree.get("vault/.bkmon-vault"), store.tables().setting("vault_marker")->value() + "\n");
    EXPECT_EQ(tree.names("vault"), ".bkmon-vault .held .quarantine .tmp .versions");
    struct stat st {};
    ASSERT_EQ(::stat(tree.at("vault/.tmp").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777u, 0700u);
    const auto marker = tree.get("vault/.bkmon-vault");
    restart();
    EXPECT_TRUE(world->vault->state().usable);
    EXPECT_EQ(tree.get("vault/.bkmon-vault"), marker);
}

TEST_F(Open, AnEmptyMountPointIsNotTakenForTheVault) {
    ASSERT_EQ(::rename(tree.at("vault").c_str(), tree.at("real_vault").c_str()), 0);
    tree.make_dirs("vault");
    restart();
    EXPECT_FALSE(world->vault->state().usable);
    EXPECT_NE(problem().find("mounted"), std::string::npos) << problem();
    EXPECT_EQ(tree.names("vault"), "") << "nothing is written under a bare mount point";
    deposit("f.gz", "x");
    EXPECT_EQ(world->take(world->request("f.gz", "x")).outcome, Taken::Outcome::unavailable);
    // Mounted again: it notices by itself.
    ASSERT_EQ(::rmdir(tree.at("vault").c_str()), 0);
    ASSERT_EQ(::rename(tree.at("real_vault").c_str(), tree.at("vault").c_str()), 0);
    loop.advance(std::chrono::seconds(31));
    EXPECT_TRUE(world->vault->state().usable) << problem();
    ASSERT_TRUE(world->told);
    EXPECT_TRUE(world->told->usable);
}

TEST_F(Open, UnmountedWhileRunning) {
    ASSERT_TRUE(promote("first"));
    auto t = take("second");
    ASSERT_EQ(::rename(tree.at("vault").c_str(), tree.at("real_vault").c_str()), 0);
    tree.make_dirs("vault/.tmp");
    EXPECT_FALSE(world->promote(t, "ACME/db.sql.gz"));
    EXPECT_EQ(tree.names("vault"), ".tmp");
    EXPECT_FALSE(world->vault->state().usable);
    EXPECT_EQ(world->journal.count(journal::msg::vault_unavailable), 1u);
}

TEST_F(Open, AnotherOneMountedWhileRunning) {
    auto t = take("second");
    ASSERT_EQ(::rename(tree.at("vault").c_str(), tree.at("real_vault").c_str()), 0);
    tree.put("vault/.bkmon-vault", "0123456789abcdef0123456789abcdef\n");
    tree.put("vault/.tmp/" + t.tx, "second");
    EXPECT_FALSE(world->promote(t, "db"));
    EXPECT_FALSE(tree.has("vault/db"));
    EXPECT_EQ(tree.get("vault/.tmp/" + t.tx), "second") << "not ours to remove";
}

TEST_F(Open, AnotherVaultIsRefused) {
    tree.put("vault/.bkmon-vault", "0123456789abcdef0123456789abcdef\n");
    restart();
    EXPECT_FALSE(world->vault->state().usable);
    EXPECT_NE(problem().find("deposits init"), std::string::npos) << problem();
    EXPECT_EQ(init(), "0123456789abcdef0123456789abcdef") << "a restored vault keeps its id";
    EXPECT_TRUE(world->vault->state().usable);
    EXPECT_EQ(store.tables().setting("vault_marker")->value(), "0123456789abcdef0123456789abcdef");
}

TEST_F(Open, AVaultWithFilesAndNoHistoryWaitsForTheOperator) {
    TempTree other;
    other.make_dirs("deposits/agent1/database");
    other.put("vault/something", "x");
    FakeStore fresh(loop);
    VaultWorld w(*ops, fresh, loop, other.at("deposits"), other.at("vault"));
    w.open();
    EXPECT_FALSE(w.vault->state().usable);
    EXPECT_NE(w.vault->state().problem.find("deposits init"), std::string::npos);
    EXPECT_EQ(other.names("vault"), "something");
    w.vault->init([](Result<std::string> id) { EXPECT_TRUE(id); });
    loop.run_posted();
    EXPECT_TRUE(w.vault->state().usable) << w.vault->state().problem;
    w.vault.reset();
}

TEST_F(Open, AMissingVaultIsSaidWithWhatToDo) {
    world->options.root = tree.at("nowhere");
    world->open();
    EXPECT_TRUE(world->done);
    EXPECT_FALSE(world->vault->state().usable);
    EXPECT_NE(problem().find("mount it or set deposits.vault"), std::string::npos) << problem();
}

TEST_F(Open, AVaultThatIsALinkIsRefused) {
    ASSERT_EQ(::symlink(tree.at("vault").c_str(), tree.at("link").c_str()), 0);
    world->options.root = tree.at("link");
    world->open();
    EXPECT_FALSE(world->vault->state().usable);
}

TEST_F(Open, UnknownFilesAreKeptAsEvidence) {
    tree.put("vault/.tmp/stray", "who knows");
    restart();
    EXPECT_TRUE(world->vault->state().usable);
    EXPECT_EQ(tree.names("vault/.tmp"), "");
    const auto kept = tree.names("vault/.quarantine");
    EXPECT_NE(kept.find("-stray"), std::string::npos) << kept;
    EXPECT_EQ(tree.get("vault/.quarantine/" + kept), "who knows");
    EXPECT_EQ(world->journal.count(journal::msg::vault_unknown_file), 1u);
}

TEST_F(Open, AHistoryThatCannotBeReadIsRetried) {
    store.fail_next_reads(3, Error{Errc::unavailable, "history gone", 0});
    world->open();
    EXPECT_FALSE(world->vault->state().usable);
    loop.advance(std::chrono::seconds(100));
    EXPECT_TRUE(world->vault->state().usable);
}

TEST_F(Open, ReopeningLeavesRunningCopiesAlone) {
    auto t = take("mine");
    auto other = take("other");
    tree.put("vault/.tmp/" + other.tx, "OTHER");
    EXPECT_FALSE(world->promote(other, "db"));  // the disk is suspect now: recovery runs in 30 s
    loop.advance(std::chrono::seconds(31));
    ASSERT_TRUE(world->vault->state().usable);
    EXPECT_EQ(tree.get("vault/.tmp/" + t.tx), "mine");
    EXPECT_TRUE(world->promote(t, "db"));
    expect_clean();
}

TEST_F(Open, ALostHistoryIsRebuiltByInit) {
    const auto made = loop.clock().now() + std::chrono::minutes(1);
    ASSERT_TRUE(promote("first"));
    ASSERT_TRUE(promote("second"));
    tree.put("vault/ACME/unknown", "not ours");
    FakeStore fresh(loop);
    VaultWorld w(*ops, fresh, loop, tree.at("deposits"), tree.at("vault"));
    w.open();
    EXPECT_FALSE(w.vault->state().usable) << "the operator decides";
    bool done = false;
    w.vault->init([&](Result<std::string> id) { done = id.has_value(); });
    loop.run_posted();
    EXPECT_TRUE(done);
    EXPECT_TRUE(w.vault->state().usable) << w.vault->state().problem;
    const auto rows = *fresh.tables().healthy(w.target, 10);
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].sha256, files::Sha256::of("second"));
    EXPECT_EQ(rows[0].vault_path, "ACME/db.sql.gz");
    EXPECT_EQ(rows[0].backup_at, made + std::chrono::minutes(1));
    EXPECT_TRUE(rows[0].current);
    EXPECT_TRUE(w.journal.says(journal::msg::vault_recovered, "known again"));
    deposit("db.sql.gz", "third");
    EXPECT_TRUE(w.promote("db.sql.gz", "third", "ACME/db.sql.gz")) << "the old one is known, so it may be exchanged";
    w.vault.reset();
}

TEST_F(Open, ADamagedFileIsNotRebuiltFrom) {
    ASSERT_TRUE(promote("first"));
    ASSERT_EQ(::chmod(tree.at("vault/ACME/db.sql.gz").c_str(), 0600), 0);
    tree.put("vault/ACME/db.sql.gz", "FIRST");
    ASSERT_EQ(::chmod(tree.at("vault/ACME/db.sql.gz").c_str(), 0440), 0);
    FakeStore fresh(loop);
    VaultWorld w(*ops, fresh, loop, tree.at("deposits"), tree.at("vault"));
    w.open();
    w.vault->init([](Result<std::string>) {});
    loop.run_posted();
    EXPECT_TRUE(fresh.tables().healthy(w.target, 10)->empty());
    EXPECT_TRUE(w.journal.says(journal::msg::vault_unknown_file, "ACME/db.sql.gz"));
    w.vault.reset();
}

class Consume : public RealVault {
protected:
    Result<void> consume(const deposits::FileIdentity& id) {
        Result<void> out = fail(Errc::cancelled, "");
        world->vault->consume("agent1", "database", "f.gz", id, [&](Result<void> done) { out = std::move(done); });
        loop.run_posted();
        return out;
    }
    std::string names() const { return tree.names("deposits/agent1/database"); }
};

TEST_F(Consume, TakesTheJudgedFileAway) {
    deposit("f.gz", "x");
    ASSERT_TRUE(consume(world->identity("f.gz")));
    EXPECT_EQ(names(), "");
    EXPECT_TRUE(consume({})) << "gone already";
}

TEST_F(Consume, NotAnotherFile) {
    deposit("f.gz", "x");
    const auto judged = world->identity("f.gz");
    deposit("f.gz", "xy");
    auto done = consume(judged);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::busy);
    EXPECT_EQ(tree.get("deposits/agent1/database/f.gz"), "xy");
    EXPECT_EQ(names(), "f.gz");
}

TEST_F(Consume, FinishesWhatACrashInterrupted) {
    deposit("f.gz", "x");
    const auto id = world->identity("f.gz");
    char ours[200];
    std::snprintf(ours, sizeof ours, ".bkmon-judged-%lx-%lx-%lx-%lx", id.dev, id.ino, id.size, static_cast<unsigned long>(id.mtime_ns));
    ASSERT_EQ(::rename(tree.at("deposits/agent1/database/f.gz").c_str(), tree.at(std::string("deposits/agent1/database/") + ours).c_str()), 0);
    deposit(".bkmon-judged-1-2-3-4", "not what its name says");
    ASSERT_TRUE(consume(id));
    EXPECT_EQ(names(), ".bkmon-judged-1-2-3-4");
}

TEST_F(Consume, DeniedChangesNothing) {
    deposit("f.gz", "x");
    for (const char* dir : {"", "deposits", "deposits/agent1", "deposits/agent1/database"}) ASSERT_EQ(::chmod(tree.at(dir).c_str(), 0755), 0);
    const auto check = [](void* p) {
        auto* w = static_cast<VaultWorld*>(p);
        int code = 1;
        w->vault->consume("agent1", "database", "f.gz", w->identity("f.gz"),
                          [&](Result<void> done) { code = !done && done.error().code == Errc::denied ? 0 : 2; });
        w->loop.run_posted();
        return code;
    };
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
    EXPECT_EQ(run_as(65534, check, world.get()), 0);
    EXPECT_EQ(names(), "f.gz");
}

}  // namespace
}  // namespace bkmon::test
