// What reading the vault again means for targets: the deposits part on real files, with time moved by hand.
#include "daemon/deposits/scrub.h"

#include <sys/stat.h>

#include <algorithm>

#include "tests/unit/daemon/deposits/bench.h"

namespace bkmon::test {
namespace {

using deposits::ScrubRules;
using deposits::VaultFile;

class Scrub : public DepositsTest {
protected:
    static constexpr const char* kFile = "vault/SHOP_CITY_NORTH/MAIN/MAIN.bin";

    void SetUp() override {
        settings.jobs[0].gates.size.enabled = false;
        start();
    }
    void spoil(const std::string& path) {
        ASSERT_EQ(::chmod(tree.at(path).c_str(), 0600), 0);
        auto bytes = tree.get(path);
        bytes[0] = static_cast<char>(bytes[0] ^ 1);
        tree.put(path, bytes);
    }
    /// Reads everything again, as an operator would ask; the run's end.
    history::RunRow verify() {
        const auto id = part->verify("the vault", [](const TargetId&) { return true; });
        EXPECT_TRUE(id);
        pass(seconds(2));
        const auto runs = store.tables().runs(50);
        for (const auto& row : *runs)
            if (row.id == *id) return row;
        return {};
    }
    std::string about_vault() {
        const auto* own = registry->find(TargetId::of("bkmon", {"verify"}));
        return std::string(core::name_of(registry->shown(*own).status)) + ": " + registry->shown(*own).reason;
    }
    std::vector<history::HealthyRow> vault_files() {
        auto rows = store.tables().vault_files();
        return rows ? std::move(*rows) : std::vector<history::HealthyRow>();
    }
    std::string status_now() { return status() + " " + shown().reason_code; }
};

TEST_F(Scrub, DamageMakesTheTargetCorruptAndTheSameBytesAreWelcomeAgain) {
    push("the one and only dump");
    ASSERT_EQ(status_now(), "ok promoted");
    EXPECT_EQ(verify().state, "done");
    spoil(kFile);
    const auto run = verify();
    EXPECT_EQ(run.state, "failed");
    EXPECT_NE(run.error.find("1 damaged, 0 gone of 1 files"), std::string::npos) << run.error;
    EXPECT_EQ(status_now(), "corrupt vault_damaged");
    EXPECT_EQ(shown().run, run.id);
    EXPECT_NE(shown().reason.find("there is no older one"), std::string::npos) << shown().reason;
    const auto stored = store.tables().current(registry->find(TargetId::parse("deposit/SHOP_CITY_NORTH/MAIN").value())->spec.id);
    ASSERT_TRUE(stored && *stored);
    EXPECT_NE((*stored)->verdict.evidence.find(R"("before":{"status":"ok","reason_code":"promoted")"), std::string::npos) << (*stored)->verdict.evidence;
    EXPECT_EQ(journal.entries(journal::msg::vault_damaged).size(), 1U);
    const auto read = store.tables().events_after(0, 1000);
    const auto& events = *read;
    EXPECT_TRUE(std::any_of(events.begin(), events.end(), [](const auto& e) { return e.body.find("vault_damaged") != std::string::npos; }));
    start();  // what is known is known after a restart
    EXPECT_EQ(status_now(), "corrupt vault_damaged");
    until("2026-11-22T13:00:00Z");
    push("the one and only dump");
    EXPECT_EQ(status_now(), "ok promoted") << shown().reason;
    EXPECT_EQ(in_vault(), "the one and only dump");
    EXPECT_EQ(verify().error.find("SHOP_CITY"), std::string::npos) << "the damaged one lies aside, the current one is whole";
    until("2026-11-23T13:00:00Z");
    push("the one and only dump");
    EXPECT_EQ(status_now(), "unchanged same_content") << "now it is the last healthy one again";
}

TEST_F(Scrub, TheSameReportMayBringTheSameBytesAgain) {
    put_file("MAIN", "first");
    const auto said = report("MAIN", "first", loop.clock().now());
    put_report(said);
    look();
    ASSERT_EQ(status_now(), "ok promoted");
    loop.advance(seconds(60));
    ASSERT_EQ(::unlink(tree.at(kFile).c_str()), 0);
    verify();
    EXPECT_EQ(status_now(), "corrupt vault_missing");
    pass(seconds(10));
    put_file("MAIN", "first");
    put_report(said);
    look();
    EXPECT_EQ(status_now(), "ok promoted") << shown().reason;
    EXPECT_EQ(in_vault(), "first");
}

TEST_F(Scrub, WhatStillLiesInTheDepositHealsTheVault) {
    settings.jobs[0].consume = false;
    start();
    push("first");
    ASSERT_EQ(status_now(), "ok promoted");
    pass(seconds(60));
    spoil(kFile);
    verify();
    pass(seconds(30));
    EXPECT_EQ(status_now(), "ok promoted") << shown().reason;
    EXPECT_EQ(in_vault(), "first");
}

TEST_F(Scrub, AnOldVersionIsNoBaselineAndNoReplayWhenItIsDamaged) {
    push("first");
    until("2026-11-22T13:10:00Z");
    push("second");
    ASSERT_EQ(status_now(), "ok promoted");
    history::HealthyRow old;
    for (const auto& row : vault_files())
        if (!row.current) old = row;
    spoil("vault/" + old.vault_path);
    verify();
    EXPECT_EQ(status_now(), "ok promoted") << "the current one is whole";
    EXPECT_EQ(about_vault(), "warning: a file of the vault is damaged or gone: " + old.vault_path);
    until("2026-11-23T13:00:00Z");
    push("first");
    EXPECT_EQ(status_now(), "ok promoted") << shown().reason;
}

TEST_F(Scrub, AnOldHealthyVersionSentAgainIsStillAReplay) {
    push("first");
    until("2026-11-22T13:10:00Z");
    push("second");
    spoil(kFile);
    verify();
    EXPECT_NE(shown().reason.find("an older one is whole: .versions/"), std::string::npos) << shown().reason;
    until("2026-11-23T13:00:00Z");
    push("first");
    EXPECT_EQ(status_now(), "held replay");
}

TEST_F(Scrub, APromisedRereadHappensByItselfAndHealsToo) {
    push("first");
    const auto promoted = loop.clock().now();
    settings.jobs[0].active = true;
    spoil(kFile);
    pass(std::chrono::hours(24 * 3));
    EXPECT_NE(shown().reason_code, "vault_damaged") << "read when it was taken in, not due yet";
    while (loop.clock().now() < promoted + std::chrono::hours(24 * 7)) pass(std::chrono::hours(6));
    bool found = false;
    for (const auto& row : vault_files()) found = found || row.damaged_at;
    EXPECT_TRUE(found);
    EXPECT_NE(about_vault().find("is damaged or gone"), std::string::npos) << about_vault();
    spoil(kFile);  // the same bit back
    verify();
    pass(seconds(2));
    EXPECT_EQ(about_vault(), "ok: every file of the vault is read again within 7 d");
}

TEST_F(Scrub, ACancelledRunEndsAndTheNextOneBegins) {
    push("first");
    HeldLane slow;
    scrub_lane = &slow;
    start();
    const auto all = [](const TargetId&) { return true; };
    const auto first = *part->verify("first", all), second = *part->verify("second", all);
    loop.run_posted();
    EXPECT_EQ(slow.queue.size(), 1U) << "one after the other";
    ASSERT_TRUE(runs_engine->cancel(first));
    loop.run_posted();
    while (slow.step()) loop.run_posted();
    pass(seconds(1));
    const auto runs = store.tables().runs(50);
    std::map<std::string, std::string> ends;
    for (const auto& row : *runs) ends[row.id] = row.state;
    EXPECT_EQ(ends[first], "cancelled");
    EXPECT_EQ(ends[second], "done");
    part.reset();
}

TEST_F(Scrub, OffMeansOnDemandAlone) {
    settings.verify_every = milliseconds(0);
    start();
    push("first");
    spoil(kFile);
    pass(std::chrono::hours(24 * 8));
    for (const auto& row : vault_files()) EXPECT_EQ(row.damaged_at, std::nullopt);
    EXPECT_NE(about_vault().find("only read again on demand"), std::string::npos) << about_vault();
    verify();
    EXPECT_TRUE(vault_files().at(0).damaged_at);
}

std::vector<VaultFile> many(std::size_t n, Time read_at) {
    std::vector<VaultFile> files(n);
    for (std::size_t i = 0; i < n; ++i) {
        files[i].path = "f" + std::to_string(i);
        files[i].size = 1000;
        files[i].read_at = read_at;
    }
    return files;
}

TEST(ScrubPlan, AThousandFilesThatWereReadAtOnceAreSpreadAndNoneIsLate) {
    const ScrubRules rules;
    const Time start = *parse_rfc3339("2026-11-22T12:00:00Z");
    auto files = many(1000, start);
    std::map<std::int64_t, int> by_hour;
    Time now = start, last{};
    milliseconds oldest{0};
    for (int done = 0; done < 5000;) {
        const auto plan = deposits::plan_scrub(files, rules, now, start);
        ASSERT_EQ(plan.behind, 0U);
        for (const auto& f : plan.next) {
            const Time due = deposits::due_at(f, rules, plan, last, now);
            if (due > now) now = due;
            auto& real = files.at(static_cast<std::size_t>(std::stoul(f.path.substr(1))));
            oldest = std::max(oldest, std::chrono::duration_cast<milliseconds>(now - real.read_at));
            real.read_at = last = now;
            ++by_hour[std::chrono::duration_cast<std::chrono::hours>(now - start).count()];
            if (++done % 100 == 0) break;
        }
    }
    EXPECT_LE(oldest, rules.every);
    for (const auto& [hour, n] : by_hour) EXPECT_LE(n, 60) << "in hour " << hour;
}

TEST(ScrubPlan, AClockThatWasSetBackPutsNothingOff) {
    const ScrubRules rules;
    const Time now = *parse_rfc3339("2026-11-22T12:00:00Z");
    const auto files = many(1, now + std::chrono::hours(24 * 3650));
    const auto plan = deposits::plan_scrub(files, rules, now, now);
    EXPECT_LE(deposits::due_at(plan.next[0], rules, plan, now, now), now);
}

TEST(ScrubPlan, ABoundThatWouldBreakThePromiseGivesWay) {
    ScrubRules rules;
    rules.bytes_per_second = 1000;
    deposits::ScrubPlan plan;
    plan.bytes = 1'000'000;
    EXPECT_EQ(deposits::scrub_rate(rules, plan), 1000U);
    plan.bytes = std::uint64_t{100} << 40;
    EXPECT_GE(deposits::scrub_rate(rules, plan) * static_cast<std::uint64_t>(rules.every.count() / 1000), plan.bytes);
    rules.bytes_per_second = 0;
    EXPECT_EQ(deposits::scrub_rate(rules, plan), 0U);
}

}  // namespace
}  // namespace bkmon::test
