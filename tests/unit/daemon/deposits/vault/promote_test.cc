#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>

#include "daemon/deposits/vault/versions.h"
#include "tests/unit/daemon/deposits/vault/real_vault.h"

namespace bkmon::test {
namespace {

using deposits::Taken;

class Promote : public RealVault {
protected:
    std::string attribute(const std::string& path, const char* name) const {
        std::array<char, 256> value{};
        const auto n = ::getxattr(tree.at(path).c_str(), name, value.data(), value.size());
        return n < 0 ? "" : std::string(value.data(), static_cast<std::size_t>(n));
    }
    std::uint64_t inode(const std::string& path) const {
        struct stat st {};
        return ::stat(tree.at(path).c_str(), &st) == 0 ? st.st_ino : 0;
    }
};

TEST_F(Promote, TheFirstOne) {
    const auto deposited = [&] { return inode("deposits/agent1/database/db.sql.gz"); };
    auto path = promote("first");
    ASSERT_TRUE(path) << path.error().what;
    EXPECT_EQ(*path, "ACME/db.sql.gz");
    EXPECT_EQ(tree.get("vault/ACME/db.sql.gz"), "first");
    EXPECT_NE(inode("vault/ACME/db.sql.gz"), deposited()) << "never the agent's own inode";
    struct stat st {};
    ASSERT_EQ(::stat(tree.at("vault/ACME/db.sql.gz").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 07777u, 0440u);
    EXPECT_EQ(attribute("vault/ACME/db.sql.gz", "user.bkmon.sha256"), files::Sha256::of("first"));
    EXPECT_EQ(attribute("vault/ACME/db.sql.gz", "user.bkmon.target"), "deposit/agent1/DB");
    ASSERT_EQ(healthy().size(), 1u);
    EXPECT_TRUE(healthy()[0].current);
    EXPECT_EQ(healthy()[0].vault_path, "ACME/db.sql.gz");
    EXPECT_EQ(healthy()[0].sha256, files::Sha256::of("first"));
    EXPECT_EQ(world->registry.find(world->target)->current.verdict.status, core::Status::ok);
    expect_clean();
}

TEST_F(Promote, ReplacesByExchangeAndKeepsTheOldOne) {
    ASSERT_TRUE(promote("first"));
    ASSERT_TRUE(promote("second"));
    EXPECT_EQ(tree.get("vault/ACME/db.sql.gz"), "second");
    const auto rows = healthy();
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_TRUE(rows[0].current);
    EXPECT_FALSE(rows[1].current);
    EXPECT_TRUE(rows[1].replaced_at);
    EXPECT_EQ(rows[1].vault_path, ".versions/deposit/agent1/db/20261122T000100Z-" + files::Sha256::of("first").substr(0, 8));
    EXPECT_EQ(tree.get("vault/" + rows[1].vault_path), "first");
    expect_clean();
}

TEST_F(Promote, ALaterWriterDoesNotReachTheVault) {
    deposit("db.sql.gz", "good");
    ASSERT_EQ(::link(tree.at("deposits/agent1/database/db.sql.gz").c_str(), tree.at("second_name").c_str()), 0);
    ASSERT_EQ(::unlink(tree.at("second_name").c_str()), 0);
    ASSERT_TRUE(world->promote("db.sql.gz", "good", "db"));
    deposit("db.sql.gz", "evil");
    EXPECT_EQ(tree.get("vault/db"), "good");
}

TEST_F(Promote, AnotherPathMovesTheOldOneAsideAfterwards) {
    ASSERT_TRUE(promote("first", "2025/db.gz"));
    ASSERT_TRUE(promote("second", "2026/db.gz"));
    EXPECT_EQ(tree.get("vault/2026/db.gz"), "second");
    EXPECT_EQ(tree.names("vault/2025"), "");
    EXPECT_EQ(tree.get("vault/" + healthy()[1].vault_path), "first");
    EXPECT_EQ(healthy()[1].vault_path.rfind(".versions/", 0), 0u);
    expect_clean();
}

TEST_F(Promote, AnUnknownFileIsNeverOverwritten) {
    tree.put("vault/ACME/db.sql.gz", "of the operator");
    auto t = take("first");
    auto path = world->promote(t, "ACME/db.sql.gz");
    ASSERT_FALSE(path);
    EXPECT_EQ(path.error().code, Errc::exists);
    EXPECT_EQ(tree.get("vault/ACME/db.sql.gz"), "of the operator");
    EXPECT_EQ(tree.get("vault/.tmp/" + t.tx), "first") << "it can still be held";
    ASSERT_TRUE(world->hold(t, "ACME/db.sql.gz"));
    EXPECT_EQ(held().size(), 1u);
    expect_clean();
}

TEST_F(Promote, AReplacedOldFileIsNotExchanged) {
    ASSERT_TRUE(promote("first"));
    ASSERT_EQ(::unlink(tree.at("vault/ACME/db.sql.gz").c_str()), 0);
    tree.put("vault/ACME/db.sql.gz", "prime");  // same size, put there by somebody
    auto path = promote("third");
    ASSERT_FALSE(path);
    EXPECT_EQ(path.error().code, Errc::exists);
    EXPECT_EQ(tree.get("vault/ACME/db.sql.gz"), "prime");
}

TEST_F(Promote, AnotherOfOurFilesInItsPlaceIsNotExchanged) {
    ASSERT_TRUE(promote("first"));
    const std::string path = tree.at("vault/ACME/db.sql.gz"), sha = files::Sha256::of("prime");
    ASSERT_EQ(::unlink(path.c_str()), 0);
    tree.put("vault/ACME/db.sql.gz", "prime");  // as `cp -a` from another place in the vault leaves it
    if (::setxattr(path.c_str(), "user.bkmon.sha256", sha.data(), sha.size(), 0) != 0) GTEST_SKIP() << "no attributes here";
    EXPECT_EQ(promote("third").error().code, Errc::exists);
    EXPECT_EQ(tree.get("vault/ACME/db.sql.gz"), "prime");
}

TEST_F(Promote, AnOldFileCopiedBackByHandIsKnownByItsBytes) {
    ASSERT_TRUE(promote("first"));
    ASSERT_EQ(::unlink(tree.at("vault/ACME/db.sql.gz").c_str()), 0);
    tree.put("vault/ACME/db.sql.gz", "first");  // no attribute, another inode, the right bytes
    ASSERT_TRUE(promote("second"));
    EXPECT_EQ(tree.get("vault/" + healthy()[1].vault_path), "first");
}

TEST_F(Promote, AnOldFileThatIsGoneIsNoObstacle) {
    ASSERT_TRUE(promote("first"));
    ASSERT_EQ(::unlink(tree.at("vault/ACME/db.sql.gz").c_str()), 0);
    ASSERT_TRUE(promote("second"));
    EXPECT_EQ(healthy()[1].vault_path, "");
    expect_clean();
}

TEST_F(Promote, LinksInTheVaultAreNotFollowed) {
    tree.make_dirs("outside");
    ASSERT_EQ(::symlink(tree.at("outside").c_str(), tree.at("vault/ACME").c_str()), 0);
    EXPECT_FALSE(promote("first"));
    EXPECT_EQ(tree.names("outside"), "");
    expect_clean();
}

TEST_F(Promote, UnacceptablePathsAreRefused) {
    for (const char* path : {"../x", "/x", ".versions/x", "a//b", "a/.b", "", "a/b c"}) {
        auto result = promote("x", path);
        ASSERT_FALSE(result) << path;
        EXPECT_EQ(result.error().code, Errc::invalid) << path;
    }
    expect_clean();
}

TEST_F(Promote, ACopyIsPromotedOnce) {
    auto t = take("x");
    ASSERT_TRUE(world->promote(t, "db"));
    EXPECT_EQ(world->promote(t, "db").error().code, Errc::not_found);
    EXPECT_EQ(world->hold(t, "db").error().code, Errc::not_found);
    EXPECT_EQ(tree.get("vault/db"), "x");
    expect_clean();
}

TEST_F(Promote, ACopyThatChangedOnTheDiskIsThrownAway) {
    ASSERT_TRUE(promote("first"));
    auto t = take("other");
    tree.put("vault/.tmp/" + t.tx, "OTHER");
    auto path = world->promote(t, "ACME/db.sql.gz");
    ASSERT_FALSE(path);
    EXPECT_EQ(path.error().code, Errc::corrupt);
    EXPECT_EQ(tree.get("vault/ACME/db.sql.gz"), "first");
    EXPECT_FALSE(world->vault->state().usable) << "the disk is suspect";
    loop.advance(std::chrono::seconds(31));
    EXPECT_TRUE(world->vault->state().usable);
    expect_clean();
}

TEST_F(Promote, KeepsAsManyAsAskedFor) {
    world->keep = 3;
    world->keep_replaced = milliseconds(0);
    for (const char* bytes : {"1", "2", "3", "4", "5"}) ASSERT_TRUE(promote(bytes));
    world->tidy();
    std::vector<std::string> there;
    for (const auto& row : healthy())
        if (!row.vault_path.empty()) there.push_back(tree.get("vault/" + row.vault_path));
    EXPECT_EQ(there, (std::vector<std::string>{"5", "4", "3"}));
    EXPECT_EQ(healthy().size(), 5u) << "the rows stay: size baseline and replay gate";
}

TEST_F(Promote, KeepReplacedCountsUptime) {
    ASSERT_TRUE(promote("first"));
    world->tidy();
    ASSERT_TRUE(promote("second"));
    const auto path = healthy()[1].vault_path;
    loop.jump(std::chrono::hours(24 * 365));  // a clock that jumps says nothing
    world->tidy();
    EXPECT_EQ(tree.get("vault/" + path), "first");
    loop.advance(std::chrono::hours(20));
    world->tidy();
    restart();
    loop.advance(std::chrono::hours(3));
    world->tidy();
    EXPECT_EQ(tree.get("vault/" + path), "first") << "the first tidy of a run only begins to count";
    loop.advance(std::chrono::hours(3));
    world->tidy();
    EXPECT_EQ(tree.get("vault/" + path), "first");
    EXPECT_EQ(healthy()[1].replaced_uptime, std::chrono::hours(23));
    loop.advance(std::chrono::hours(1));
    world->tidy();
    EXPECT_FALSE(tree.has("vault/" + path));
    EXPECT_EQ(healthy()[1].vault_path, "");
    EXPECT_EQ(tree.get("vault/ACME/db.sql.gz"), "second");
}

TEST_F(Promote, ReplacedVersionsStayWhenTheCurrentOneIsInDoubt) {
    world->keep_replaced = std::chrono::hours(1);
    ASSERT_TRUE(promote("first"));
    ASSERT_TRUE(promote("second"));
    const auto path = healthy()[1].vault_path;
    ASSERT_EQ(::unlink(tree.at("vault/ACME/db.sql.gz").c_str()), 0);
    world->tidy();
    loop.advance(std::chrono::hours(2));
    world->tidy();
    EXPECT_EQ(tree.get("vault/" + path), "first");
    EXPECT_TRUE(world->journal.says(journal::msg::note, "replaced versions stay"));
}

TEST_F(Promote, TheHistoryFailsBeforeTheSwitch) {
    ASSERT_TRUE(promote("first"));
    auto t = take("second");
    store.fail_next_writes(1, Error{Errc::unavailable, "database is locked", 0});
    EXPECT_FALSE(world->promote(t, "ACME/db.sql.gz"));
    EXPECT_EQ(tree.get("vault/ACME/db.sql.gz"), "first");
    EXPECT_FALSE(world->vault->state().usable);
    loop.advance(std::chrono::seconds(31));
    EXPECT_TRUE(world->vault->state().usable);
    EXPECT_EQ(tree.get("vault/ACME/db.sql.gz"), "first");
    expect_clean();
}

TEST_F(Promote, TheHistoryFailsAfterTheSwitchAndRecoveryFinishes) {
    ASSERT_TRUE(promote("first"));
    auto t = take("second");
    store.hold();
    auto path = world->promote(t, "ACME/db.sql.gz");
    ASSERT_TRUE(store.step());  // READY
    store.fail_next_writes(1, Error{Errc::no_space, "disk full", 0});
    loop.run_posted();
    store.release();
    loop.run_posted();
    EXPECT_FALSE(world->vault->state().usable);
    loop.advance(std::chrono::seconds(31));
    EXPECT_TRUE(world->vault->state().usable) << world->vault->state().problem;
    EXPECT_EQ(tree.get("vault/ACME/db.sql.gz"), "second");
    ASSERT_EQ(healthy().size(), 2u);
    EXPECT_EQ(tree.get("vault/" + healthy()[1].vault_path), "first");
    EXPECT_EQ(store.tables().judged("agent1", 10)->size(), 1u);
    expect_clean();
}

TEST_F(Promote, DamageFoundByRecoveryPutsTheOldOneBack) {
    ASSERT_TRUE(promote("first"));
    auto t = take("second");
    store.hold();
    static_cast<void>(world->promote(t, "ACME/db.sql.gz"));
    ASSERT_TRUE(store.step());  // READY
    store.fail_next_writes(1, Error{Errc::unavailable, "disk full", 0});
    loop.run_posted();
    store.release();
    loop.run_posted();
    ASSERT_EQ(tree.get("vault/ACME/db.sql.gz"), "second");
    ASSERT_EQ(::chmod(tree.at("vault/ACME/db.sql.gz").c_str(), 0600), 0);
    tree.put("vault/ACME/db.sql.gz", "sec\0nd");
    restart();
    EXPECT_TRUE(world->vault->state().usable) << world->vault->state().problem;
    EXPECT_EQ(tree.get("vault/ACME/db.sql.gz"), "first");
    EXPECT_TRUE(world->journal.says(journal::msg::vault_recovered, "damaged"));
    EXPECT_NE(tree.names("vault/.quarantine"), "");
    EXPECT_EQ(healthy().size(), 1u);
    EXPECT_EQ(rows(), 0u);
    ASSERT_TRUE(promote("second"));
}

TEST(ExpiredVersions, NeverTheLastOne) {
    const auto row = [](std::int64_t id, bool current, std::string path) {
        history::HealthyRow r;
        r.id = id;
        r.promoted_at = from_ms(id);
        r.current = current;
        r.vault_path = std::move(path);
        r.replaced_at = from_ms(1);
        r.replaced_uptime = std::chrono::hours(100);
        return r;
    };
    const auto ids = [](const std::vector<history::HealthyRow>& rows) {
        std::string out;
        for (const auto& r : rows) out += std::to_string(r.id);
        return out;
    };
    const deposits::KeepRule one{1, std::chrono::hours(24)};
    EXPECT_EQ(ids(deposits::expired_versions({row(3, true, "a"), row(2, false, ".versions/b"), row(1, false, ".versions/c")}, one)), "21");
    EXPECT_EQ(
        ids(deposits::expired_versions({row(3, true, "a"), row(2, false, ".versions/b"), row(1, false, ".versions/c")}, {2, one.keep_replaced})),
        "1");
    EXPECT_EQ(ids(deposits::expired_versions({row(2, false, ".versions/b"), row(1, false, ".versions/c")}, one)), "") << "no current one";
    EXPECT_EQ(ids(deposits::expired_versions({row(3, true, ""), row(2, false, ".versions/b"), row(1, false, ".versions/c")}, one)), "");
    EXPECT_EQ(ids(deposits::expired_versions({row(3, true, "a"), row(2, false, "ACME/b")}, one)), "") << "only in .versions";
    EXPECT_EQ(ids(deposits::expired_versions({row(3, true, "a"), row(2, false, ".versions/b")}, {1, std::chrono::hours(101)})), "");
}

TEST_F(Promote, TwoOfOneTargetTakeTurns) {
    auto one = take("one");
    auto two = take("two");
    int ended = 0;
    for (const auto& t : {one, two}) {
        deposits::PromotePlan plan;
        plan.taken = t;
        plan.final_path = "db";
        plan.publication = world->publication(core::Status::ok, t.sha256);
        plan.healthy.size_bytes = t.size;
        world->vault->promote(std::move(plan), [&](Result<std::string> done) {
            EXPECT_TRUE(done);
            ++ended;
        });
    }
    loop.run_posted();
    EXPECT_EQ(ended, 2);
    EXPECT_EQ(tree.get("vault/db"), "two");
    EXPECT_EQ(tree.get("vault/" + healthy()[1].vault_path), "one");
    expect_clean();
}

}  // namespace
}  // namespace bkmon::test
