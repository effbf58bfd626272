#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/fake_store.h"
#include "tests/support/temp_tree.h"
#include "tests/unit/daemon/deposits/vault/vault_world.h"

namespace bkmon::test {

/// Real files in a directory of the test's own, a history in memory.
class RealVault : public testing::Test {
protected:
    TempTree tree;
    std::unique_ptr<files::FileOps> ops = files::system_files();
    ManualLoop loop;
    FakeStore store{loop};
    std::unique_ptr<VaultWorld> world;

    void SetUp() override {
        tree.make_dirs("deposits/agent1/database");
        tree.make_dirs("deposits/agent1/log");
        tree.make_dirs("vault");
        restart();
    }
    /// As a new process on the same files and history.
    void restart() {
        world.reset();
        loop.run_posted();
        world = std::make_unique<VaultWorld>(*ops, store, loop, tree.at("deposits"), tree.at("vault"));
        world->open();
    }
    void deposit(const std::string& file, const std::string& bytes) { tree.put("deposits/agent1/database/" + file, bytes); }
    Result<std::string> promote(const std::string& bytes, const std::string& path = "ACME/db.sql.gz") {
        loop.advance(std::chrono::minutes(1));
        deposit("db.sql.gz", bytes);
        return world->promote("db.sql.gz", bytes, path);
    }
    deposits::Taken take(const std::string& bytes) {
        deposit("db.sql.gz", bytes);
        return world->take(world->request("db.sql.gz", bytes));
    }
    std::vector<history::HealthyRow> healthy() { return *store.tables().healthy(world->target, 100); }
    std::vector<history::HeldRow> held() { return *store.tables().held(); }
    std::size_t rows() { return store.tables().deposit_states()->size(); }
    /// Nothing half done is left.
    void expect_clean() {
        EXPECT_EQ(rows(), 0u);
        EXPECT_EQ(tree.names("vault/.tmp"), "");
        EXPECT_EQ(tree.names("vault/.quarantine"), "");
    }
};

}  // namespace bkmon::test
