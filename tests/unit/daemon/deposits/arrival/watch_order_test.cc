#include <functional>

#include "tests/support/forwarding_files.h"
#include "tests/unit/daemon/deposits/arrival/rig.h"

namespace bkmon::deposits {
namespace {

/// Something happens right after a folder was listed.
class BusyFolder : public bkmon::test::ForwardingFiles {
public:
    Result<std::vector<files::DirEntry>> list(int dir, std::size_t limit, bool& truncated) override {
        auto names = ForwardingFiles::list(dir, limit, truncated);
        for (const auto& entry : names ? *names : std::vector<files::DirEntry>())
            if (entry.name == when && then) std::exchange(then, nullptr)();
        return names;
    }
    std::string when;
    std::function<void()> then;
};

/// What arrives between the look and the watch would be found by the next scan alone, so the watch comes first.
TEST(WatchOrder, WhatComesWhileItLooksGivesAnEvent) {
    Rig rig;
    auto busy = std::make_unique<BusyFolder>();
    busy->when = "first.gz";
    busy->then = [&] { rig.put("A/database/second.gz"); };
    rig.files = std::move(busy);
    rig.put("A/database/first.gz");
    rig.tree.make_dirs("root/A/log");
    rig.begin();
    EXPECT_EQ(Rig::names(rig.last("A").files), "database/first.gz");
    rig.settle();
    rig.settle();
    EXPECT_EQ(Rig::names(rig.last("A").files), "database/first.gz database/second.gz");
}

TEST(WatchOrder, AnAgentThatComesWhileTheRootIsLookedAtGivesAnEvent) {
    Rig rig;
    auto busy = std::make_unique<BusyFolder>();
    busy->when = "A";
    busy->then = [&] { rig.put("B/database/first.gz"); };
    rig.files = std::move(busy);
    rig.put("A/database/first.gz");
    rig.begin();
    rig.settle();
    rig.settle();
    EXPECT_EQ(Rig::names(rig.last("B").files), "database/first.gz");
}

}  // namespace
}  // namespace bkmon::deposits
