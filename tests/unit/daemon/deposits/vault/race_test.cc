#include <gtest/gtest.h>

#include "tests/unit/daemon/deposits/vault/sim_vault.h"

namespace bkmon::test {
namespace {

using deposits::Taken;

const std::string kFile = "/deposits/agent1/database/db.gz";

/// What an agent may do to its file at any moment.
struct Trick {
    std::string name;
    std::function<void(SimFiles&)> play;
};
void PrintTo(const Trick& trick, std::ostream* out) { *out << trick.name; }
const std::vector<Trick>& tricks() {
    static const std::vector<Trick> all{
        {"replaced", [](SimFiles& d) { d.put(kFile, "EVIL DATA"); }},
        {"in_place", [](SimFiles& d) { d.overwrite(kFile, "EVIL DATA"); }},
        {"shorter", [](SimFiles& d) { d.overwrite(kFile, "the"); }},
        {"longer", [](SimFiles& d) { d.overwrite(kFile, "good data and more"); }},
        {"removed", [](SimFiles& d) { d.remove(kFile); }},
        {"directory", [](SimFiles& d) { d.remove(kFile), d.make_dirs(kFile); }},
    };
    return all;
}

class Race : public testing::TestWithParam<Trick> {};

TEST_P(Race, WhatIsTakenIsWhatWasClaimed) {
    int copied = 0, other = 0;
    for (std::uint64_t k = 1; k < 40; ++k) {
        SimVault v;
        v.start();
        v.deposit("good data");
        const auto request = v.world->request("db.gz", "good data");
        v.disk.meanwhile(k, [&] { GetParam().play(v.disk); });
        const auto t = v.world->take(request);
        ASSERT_TRUE(v.world->done) << k;
        if (t.outcome == Taken::Outcome::copied) {
            ++copied;
            ASSERT_EQ(v.disk.get("/vault/.tmp/" + t.tx), "good data") << GetParam().name << " at call " << k;
            ASSERT_TRUE(v.world->promote(t, "db"));
        } else {
            ++other;
        }
        ASSERT_EQ(v.wrong(), "") << GetParam().name << " at call " << k;
    }
    EXPECT_GT(copied, 0);
    EXPECT_GT(other, 0);
}

TEST_P(Race, WhatWasNotJudgedIsNotTakenAway) {
    int taken = 0, left = 0;
    for (std::uint64_t k = 1; k < 12; ++k) {
        SimVault v;
        v.start();
        v.deposit("good data");
        const auto id = v.world->identity("db.gz");
        bool played = false;
        v.disk.meanwhile(k, [&] {
            played = true;
            GetParam().play(v.disk);
        });
        Result<void> done = fail(Errc::cancelled, "never called back");
        v.world->vault->consume("agent1", "database", "db.gz", id, [&](Result<void> result) { done = std::move(result); });
        v.loop.run_posted();
        const auto now = v.disk.get(kFile);
        const auto files = v.disk.all_files("/deposits");
        if (!played) break;
        // Either the judged bytes went, or what is there now is what the agent put there, under its own name.
        if (done && files.empty()) {
            ++taken;
        } else {
            ++left;
            ASSERT_LE(files.size(), 1u) << GetParam().name << " at call " << k;
            ASSERT_TRUE(files.empty() || now) << files[0] << ": " << GetParam().name << " at call " << k;
        }
        ASSERT_TRUE(GetParam().name != "replaced" || now == "EVIL DATA") << "an unjudged file was removed, call " << k;
    }
    EXPECT_GT(taken + left, 4);
}

TEST(RaceInTheVault, AFileOfTheOperatorIsNeverMovedOrOverwritten) {
    const std::string path = "/vault/ACME/DB/db.gz";
    int promoted = 0, refused = 0;
    for (std::uint64_t k = 1; k < 110; ++k) {
        SimVault v;
        v.start();
        v.deposit("the first");
        ASSERT_TRUE(v.promote("the first"));
        v.deposit("the second");
        bool played = false;
        v.disk.meanwhile(k, [&] {
            played = true;
            v.disk.put(path, "OPERATORS");
        });
        (v.promote("the second") ? promoted : refused) += 1;
        if (!played) break;
        ASSERT_EQ(v.disk.get(path), "OPERATORS") << "at call " << k;
    }
    EXPECT_GT(promoted, 5) << "after the switch it is the operator who overwrote";
    EXPECT_GT(refused, 30);
}

INSTANTIATE_TEST_SUITE_P(All, Race, testing::ValuesIn(tricks()), [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace bkmon::test
