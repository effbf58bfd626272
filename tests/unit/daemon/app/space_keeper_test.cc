#include "daemon/app/space_keeper.h"

#include <gtest/gtest.h>

#include "tests/support/forwarding_files.h"
#include "tests/support/manual_loop.h"
#include "tests/support/recording_journal.h"
#include "tests/support/temp_tree.h"

namespace bkmon::test {
namespace {

/// Real files on a file system of the size that the test wants.
class SizedFiles final : public ForwardingFiles {
public:
    Result<files::Space> space(int) override { return now; }
    files::Space now{900 << 20, 900, true, std::uint64_t{1000} << 20, 1000};
    void free_mib(std::uint64_t n) { now.free_bytes = n << 20; }
};

class Keeper : public testing::Test {
protected:
    Keeper() {
        tree.make_dirs("state");
        tree.make_dirs("vault");
    }
    void start(std::uint64_t reserve = 1 << 20) {
        keeper = std::make_shared<app::SpaceKeeper>(loop, files, journal, lane, tree.at("state"),
                                                    [this](core::Status status, const char* code, std::string why) {
                                                        said.push_back(std::string(core::name_of(status)) + " " + code);
                                                        reason = std::move(why);
                                                    });
        keeper->set({{"history", tree.at("state"), &lane, 0}, {"vault", tree.at("vault"), &lane, 0}}, {{10, std::uint64_t{1} << 40}, reserve});
        keeper->start();
        loop.run_posted();
    }
    void pass() {
        loop.advance(seconds(11));
        loop.run_posted();
    }
    TempTree tree;
    ManualLoop loop;
    InlineLane lane;
    SizedFiles files;
    RecordingJournal journal;
    std::vector<std::string> said;
    std::string reason;
    std::shared_ptr<app::SpaceKeeper> keeper;
};

TEST_F(Keeper, SaysOnceThatSpaceRunsOutAndOnceThatItIsBack) {
    start();
    EXPECT_EQ(said, std::vector<std::string>{"ok working"});
    files.free_mib(99);
    for (int i = 0; i < 5; ++i) pass();
    EXPECT_EQ(said.size(), 2U);
    EXPECT_EQ(said.back(), "warning low_space");
    EXPECT_NE(reason.find("99.0 MiB of 1000.0 MiB free"), std::string::npos) << reason;
    EXPECT_EQ(keeper->shortage(), "low on space: history, vault");
    for (int i = 0; i < 6; ++i) {  // round the mark
        files.free_mib(i % 2 == 0 ? 101 : 99);
        pass();
    }
    EXPECT_EQ(said.size(), 2U);
    files.free_mib(200);
    pass();
    EXPECT_EQ(said.back(), "ok working");
    EXPECT_EQ(keeper->shortage(), "");
    EXPECT_EQ(journal.entries(journal::msg::space_low).size(), 4U) << "each file system once low and once well";
}

TEST_F(Keeper, GivesTheReserveBackAndMakesItAgain) {
    start();
    ASSERT_TRUE(tree.has("state/.bkmon-reserve"));
    files.free_mib(0);
    bool freed = false;
    keeper->emergency([&](bool f) { freed = f; });
    loop.run_posted();
    EXPECT_TRUE(freed);
    EXPECT_TRUE(keeper->on_reserve());
    EXPECT_FALSE(tree.has("state/.bkmon-reserve"));
    EXPECT_EQ(said.back(), "failed disk_full");
    pass();
    EXPECT_TRUE(keeper->on_reserve()) << "no room yet";
    keeper->emergency([&](bool f) { freed = f; });
    loop.run_posted();
    EXPECT_FALSE(freed) << "there is none any more";
    files.free_mib(500);
    pass();
    EXPECT_FALSE(keeper->on_reserve());
    EXPECT_TRUE(tree.has("state/.bkmon-reserve"));
    EXPECT_EQ(said.back(), "ok working");
}

TEST_F(Keeper, AStartOnAFullDiskIsOnTheReserve) {
    files.free_mib(1);
    start();
    EXPECT_TRUE(keeper->on_reserve());
    files.free_mib(900);
    pass();
    EXPECT_FALSE(keeper->on_reserve());
}

TEST_F(Keeper, WithoutAReserveNothingIsHeldOff) {
    start(0);
    EXPECT_FALSE(tree.has("state/.bkmon-reserve"));
    files.free_mib(0);
    pass();
    EXPECT_FALSE(keeper->on_reserve());
}

}  // namespace
}  // namespace bkmon::test
