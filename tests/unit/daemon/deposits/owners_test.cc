// Whose folder it is: remembered from the first look on, and no other is taken from.
#include <gmock/gmock.h>

#include "tests/unit/daemon/deposits/bench.h"

namespace bkmon::test {
namespace {

using testing::HasSubstr;

class Owners : public DepositsTest {
protected:
    Owners() { files.folder_owner = 1001; }
    std::string remembered() { return store.tables().setting("deposit_owner/shop_city_north")->value_or("<none>"); }
    /// The error's name, or "done".
    std::string accept(std::uint32_t uid) {
        std::string said = "no answer";
        part->accept_owner("shop_city_north", uid, "alice", [&](Result<void> done) { said = done ? "done" : name_of(done.error().code); });
        pass(seconds(3));
        return said;
    }
    std::size_t journalled(const std::string& words) {
        const auto all = journal.entries();
        return static_cast<std::size_t>(
            std::count_if(all.begin(), all.end(), [&](const auto& e) { return e.text.find(words) != std::string::npos; }));
    }
};

TEST_F(Owners, TheFirstLookRecordsAndTheSameOwnerIsTaken) {
    start();
    EXPECT_EQ(remembered(), "1001 " + settings.root);
    push("one");
    EXPECT_EQ(status(), "ok");
    start();
    push("two");
    EXPECT_EQ(in_vault(), "two");
}

TEST_F(Owners, AnotherOwnerIsRefusedUntilTheOldOneIsBack) {
    start();
    push("one");
    files.folder_owner = 1002;
    pass(seconds(1));
    push("two");
    EXPECT_EQ(in_vault(), "one");
    const auto v = shown();
    EXPECT_EQ(v.status, core::Status::failed);
    EXPECT_EQ(v.severity, core::Severity::critical);
    EXPECT_EQ(v.reason_code, "folder_changed");
    EXPECT_THAT(v.reason, HasSubstr("belongs to uid 1002 now, before to uid 1001"));
    EXPECT_THAT(v.reason, HasSubstr("bkmonctl deposits adopt SHOP_CITY_NORTH --write"));
    EXPECT_EQ(journalled("belongs to uid 1002 now"), 1U);
    look();
    EXPECT_EQ(journalled("belongs to uid 1002 now"), 1U) << "said once";
    EXPECT_TRUE(tree.has("deposits/SHOP_CITY_NORTH/database/MAIN.bin")) << "nothing is taken away either";
    ASSERT_TRUE(part->refused_folder("Shop_City_North"));
    EXPECT_EQ(part->refused_folder("shop_city_north")->owner, 1002U);
    EXPECT_EQ(remembered(), "1001 " + settings.root);
    files.folder_owner = 1001;
    look();
    EXPECT_EQ(status(), "ok");
    EXPECT_EQ(in_vault(), "two");
    EXPECT_FALSE(part->refused_folder("shop_city_north"));
}

TEST_F(Owners, IsRememberedAcrossARestart) {
    start();
    push("one");
    files.folder_owner = 1002;
    start();
    push("two");
    EXPECT_EQ(in_vault(), "one");
    EXPECT_EQ(shown().reason_code, "folder_changed");
    EXPECT_EQ(verdicts("failed"), 0U) << "the backup of this cycle is in the vault: its record stays";
}

TEST_F(Owners, AfterTheDeadlineItIsOnRecord) {
    start();
    until("2026-11-22T13:30:00Z");
    files.folder_owner = 1002;
    push("one");
    until("2026-11-22T15:01:00Z");
    EXPECT_EQ(days(), std::vector<std::string>{"2026-11-22 failed"});
    EXPECT_EQ(shown().reason_code, "folder_changed");
    files.folder_owner = 1001;
    look();
    EXPECT_EQ(status(), "ok");
    EXPECT_EQ(days(), std::vector<std::string>{"2026-11-22 ok"});
}

TEST_F(Owners, AnOperatorSaysThatTheNewOneIsRight) {
    start();
    push("one");
    EXPECT_EQ(accept(1001), "not_found") << "nothing waits for it";
    files.folder_owner = 1002;
    push("two");
    EXPECT_EQ(accept(1003), "not_found") << "somebody else again";
    EXPECT_EQ(accept(1002), "done");
    EXPECT_EQ(remembered(), "1002 " + settings.root);
    EXPECT_EQ(status(), "ok");
    EXPECT_EQ(in_vault(), "two");
    EXPECT_EQ(journalled("uid 1002 is accepted as the owner of its folder by alice"), 1U);
    files.folder_owner = 1001;
    look();
    EXPECT_EQ(status(), "failed");
}

TEST_F(Owners, WhatCannotBeRememberedIsNotAccepted) {
    start();
    push("one");
    files.folder_owner = 1002;
    push("two");
    store.fail_next_writes(1, Error{Errc::no_space, "disk full"});
    EXPECT_EQ(accept(1002), "no_space");
    EXPECT_EQ(status(), "failed");
    EXPECT_EQ(in_vault(), "one");
}

TEST_F(Owners, ALinkIsRefusedAndCannotBeAccepted) {
    start();
    push("one");
    std::filesystem::rename(tree.at("deposits/SHOP_CITY_NORTH"), tree.at("real"));
    std::filesystem::create_directory_symlink(tree.at("real"), tree.at("deposits/SHOP_CITY_NORTH"));
    push("two");
    EXPECT_EQ(in_vault(), "one");
    EXPECT_EQ(shown().reason_code, "folder_changed");
    EXPECT_THAT(shown().reason, HasSubstr("is a symbolic link"));
    ASSERT_TRUE(part->refused_folder("shop_city_north"));
    EXPECT_FALSE(part->refused_folder("shop_city_north")->owner);
    EXPECT_EQ(accept(1001), "not_found");
    std::filesystem::remove(tree.at("deposits/SHOP_CITY_NORTH"));
    look();
    EXPECT_EQ(status(), "ok") << "gone: what was proven stays until the deadline";
    std::filesystem::rename(tree.at("real"), tree.at("deposits/SHOP_CITY_NORTH"));
    look();
    EXPECT_EQ(in_vault(), "two");
}

TEST_F(Owners, AnotherRootHasOtherFolders) {
    start();
    push("one");
    std::filesystem::rename(tree.at("deposits"), tree.at("moved"));
    settings.root = tree.at("moved");
    files.folder_owner = 1002;
    start();
    EXPECT_NE(status(), "failed");
    EXPECT_EQ(remembered(), "1002 " + settings.root);
}

TEST_F(Owners, AFolderThatNoJobNamesIsNobodysYet) {
    tree.make_dirs("deposits/OTHER/log");
    start();
    EXPECT_EQ(store.tables().setting("deposit_owner/other")->value_or("<none>"), "<none>");
}

}  // namespace
}  // namespace bkmon::test
