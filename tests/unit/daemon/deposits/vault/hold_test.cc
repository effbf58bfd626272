#include "tests/unit/daemon/deposits/vault/real_vault.h"

namespace bkmon::test {
namespace {

class Hold : public RealVault {
protected:
    deposits::Taken hold(const std::string& bytes) {
        auto t = take(bytes);
        auto done = world->hold(t, "ACME/db.sql.gz");
        EXPECT_TRUE(done) << done.error().what;
        return t;
    }
};

TEST_F(Hold, KeepsItAsideAndTheHealthyOneInPlace) {
    ASSERT_TRUE(promote("healthy"));
    hold("odd");
    ASSERT_EQ(held().size(), 1u);
    EXPECT_EQ(held()[0].path.rfind(".held/deposit/agent1/db/", 0), 0u) << held()[0].path;
    EXPECT_EQ(tree.get("vault/" + held()[0].path), "odd");
    EXPECT_EQ(tree.get("vault/ACME/db.sql.gz"), "healthy");
    ASSERT_EQ(healthy().size(), 1u);
    EXPECT_TRUE(healthy()[0].current);
    EXPECT_EQ(world->registry.find(world->target)->current.verdict.status, core::Status::held);
    expect_clean();
}

TEST_F(Hold, OneATarget) {
    hold("odd");
    const auto first = held()[0].path;
    hold("odder");
    ASSERT_EQ(held().size(), 1u);
    EXPECT_FALSE(tree.has("vault/" + first));
    EXPECT_EQ(tree.get("vault/" + held()[0].path), "odder");
    hold("odder");
    EXPECT_EQ(tree.get("vault/" + held()[0].path), "odder");
    EXPECT_EQ(tree.names("vault/.held/deposit/agent1/db").find(' '), std::string::npos);
    expect_clean();
}

TEST_F(Hold, NotBeyondTheLimit) {
    world->options.held_max_bytes = 4;
    world->open();
    auto t = take("12345");
    auto done = world->hold(t, "db");
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::invalid);
    EXPECT_NE(done.error().what.find("held_max_bytes"), std::string::npos);
    EXPECT_TRUE(held().empty());
    expect_clean();
}

TEST_F(Hold, ReleasePromotes) {
    ASSERT_TRUE(promote("healthy"));
    const auto t = hold("odd");
    auto path = world->release(t.sha256);
    ASSERT_TRUE(path) << path.error().what;
    EXPECT_EQ(*path, "ACME/db.sql.gz");
    EXPECT_EQ(tree.get("vault/ACME/db.sql.gz"), "odd");
    EXPECT_TRUE(held().empty());
    EXPECT_EQ(tree.names("vault/.held/deposit/agent1/db"), "");
    EXPECT_EQ(tree.get("vault/" + healthy()[1].vault_path), "healthy");
    expect_clean();
}

TEST_F(Hold, ReleaseOfTheFirstOne) {
    const auto t = hold("odd");
    ASSERT_TRUE(world->release(t.sha256));
    EXPECT_EQ(tree.get("vault/ACME/db.sql.gz"), "odd");
    EXPECT_EQ(world->release(t.sha256).error().code, Errc::not_found);
    expect_clean();
}

TEST_F(Hold, ReleaseWantsTheHashOfWhatIsHeld) {
    hold("odd");
    for (const std::string& sha : {files::Sha256::of("other"), std::string()}) {
        auto path = world->release(sha);
        ASSERT_FALSE(path);
        EXPECT_EQ(path.error().code, Errc::invalid);
        auto gone = world->reject(sha);
        ASSERT_FALSE(gone);
        EXPECT_EQ(gone.error().code, Errc::invalid);
    }
    EXPECT_EQ(tree.get("vault/" + held()[0].path), "odd");
}

TEST_F(Hold, ReleaseHashesAgain) {
    const auto t = hold("odd");
    tree.put("vault/" + held()[0].path, "ODD");
    auto path = world->release(t.sha256);
    ASSERT_FALSE(path);
    EXPECT_EQ(path.error().code, Errc::corrupt);
    EXPECT_EQ(held().size(), 1u);
    EXPECT_TRUE(world->vault->state().usable);
    EXPECT_FALSE(tree.has("vault/ACME/db.sql.gz"));
}

TEST_F(Hold, ReleaseDoesNotOverwriteTheUnknown) {
    const auto t = hold("odd");
    tree.put("vault/ACME/db.sql.gz", "of the operator");
    EXPECT_EQ(world->release(t.sha256).error().code, Errc::exists);
    EXPECT_EQ(tree.get("vault/ACME/db.sql.gz"), "of the operator");
    EXPECT_EQ(tree.get("vault/" + held()[0].path), "odd");
    EXPECT_EQ(rows(), 0u);
}

TEST_F(Hold, RejectDropsIt) {
    const auto t = hold("odd");
    const auto path = held()[0].path;
    auto gone = world->reject(t.sha256);
    ASSERT_TRUE(gone) << gone.error().what;
    EXPECT_TRUE(held().empty());
    EXPECT_FALSE(tree.has("vault/" + path));
    expect_clean();
}

TEST_F(Hold, ExpiresAfterAWarning) {
    world->options.held_days = 30;
    world->open();
    hold("odd");
    loop.advance(std::chrono::hours(24 * 26));
    world->tidy();
    EXPECT_EQ(world->journal.count(journal::msg::deposit_held), 0u);
    loop.advance(std::chrono::hours(24 + 1));
    world->tidy();
    world->tidy();
    EXPECT_EQ(world->journal.count(journal::msg::deposit_held), 1u);
    EXPECT_EQ(held().size(), 1u);
    loop.advance(std::chrono::hours(24 * 3));
    world->tidy();
    EXPECT_TRUE(world->done);
    EXPECT_TRUE(held().empty());
    EXPECT_EQ(tree.names("vault/.held/deposit/agent1/db"), "");
    expect_clean();
}

TEST_F(Hold, AClockThatJumpsDoesNotEmptyIt) {
    hold("odd");
    world->tidy();
    loop.jump(std::chrono::hours(24 * 3650));
    world->tidy();
    EXPECT_EQ(held().size(), 1u);
    EXPECT_EQ(world->journal.count(journal::msg::deposit_held), 1u) << "first a warning";
}

}  // namespace
}  // namespace bkmon::test
