#include "daemon/targets/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "daemon/core/json_tree.h"
#include "daemon/core/schedule.h"
#include "tests/support/fake_store.h"
#include "tests/support/manual_loop.h"

namespace bkmon::test {
namespace {

using namespace targets;
using namespace std::chrono_literals;
using core::Severity;
using core::Status;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TargetId id(std::string_view text) { return *TargetId::parse(text); }

class RegistryTest : public testing::Test {
protected:
    RegistryTest() : store_(loop_), registry_(std::make_unique<Registry>(loop_, store_)) { load(); }

    Time now() const { return loop_.clock().now(); }
    Result<void> run(const std::function<void(std::function<void(Result<void>)>)>& call) {
        // Shared: some tests let the answer come after they have stopped waiting for it.
        auto result = std::make_shared<std::optional<Result<void>>>();
        call([result](Result<void> r) { *result = std::move(r); });
        loop_.run_posted();
        return result->value_or(fail(Errc::timeout, "no answer"));
    }
    void load() {
        ASSERT_TRUE(run([&](auto done) { registry_->load(std::move(done)); }));
    }
    void restart() {
        registry_ = std::make_unique<Registry>(loop_, store_);
        load();
    }
    TargetSpec spec(std::string_view name, std::optional<milliseconds> interval = 24h) {
        TargetSpec s;
        s.id = id(name);
        s.interval = interval;
        s.initial = verdict(Status::unknown, "first_due", "First backup due tomorrow.");
        return s;
    }
    Result<void> define(std::vector<TargetSpec> specs, const std::string& kind = "deposit") {
        return run([&](auto done) { registry_->define(kind, std::move(specs), std::move(done)); });
    }
    core::Verdict verdict(Status status, std::string code = "promoted", std::string reason = "Because.") {
        core::Verdict v;
        v.status = status;
        v.severity = severity_of(status);
        v.reason_code = std::move(code);
        v.reason = std::move(reason);
        v.at = now();
        return v;
    }
    Result<void> publish(std::string_view name, core::Verdict v, const std::function<void(Registry::Publication&)>& adjust = {}) {
        Registry::Publication p;
        p.target = id(name);
        p.verdict = std::move(v);
        if (adjust) adjust(p);
        return run([&](auto done) { registry_->publish(std::move(p), std::move(done)); });
    }
    Result<void> pause(std::string_view name, std::optional<Time> until = {}) {
        return run([&](auto done) { registry_->pause({id(name), "alice (uid 1001)", "moving", now(), until}, std::move(done)); });
    }
    Result<void> resume(std::string_view name) {
        return run([&](auto done) { registry_->resume(id(name), "bob", std::move(done)); });
    }
    const Target& target(std::string_view name) { return *registry_->find(id(name)); }
    core::Verdict shown(std::string_view name) { return registry_->shown(target(name)); }
    std::size_t count(Status s) { return registry_->counts()[static_cast<std::size_t>(s)]; }
    /// One text field of the JSON; nullopt for null.
    std::optional<std::string> field(const Target& of, std::string_view key) {
        const auto json = core::parse_json(registry_->json(of));
        if (!json || json->find(key) == nullptr) return "no such field";
        const auto& node = *json->find(key);
        return node.kind == core::JsonNode::Kind::null ? std::nullopt : std::optional(node.text);
    }
    std::optional<std::string> field(std::string_view name, std::string_view key) { return field(target(name), key); }
    std::vector<history::EventRow> events() { return *store_.tables().events_after(0, 10000); }
    std::vector<history::VerdictRow> verdicts() { return *store_.tables().verdicts({}); }
    std::vector<history::DailyRow> days() { return *store_.tables().daily({}); }

    ManualLoop loop_;
    FakeStore store_;
    std::unique_ptr<Registry> registry_;
};

TEST_F(RegistryTest, ATargetSeenForTheFirstTimeIsStoredWithItsInitialVerdict) {
    const Time start = now();
    ASSERT_TRUE(define({spec("deposit/a/db"), spec("deposit/B/db")}));
    EXPECT_EQ(registry_->size(), 2U);
    EXPECT_EQ(count(Status::unknown), 2U);
    EXPECT_EQ(target("deposit/A/DB").current.first_known, start);
    EXPECT_EQ(store_.tables().currents()->size(), 2U);
    EXPECT_THAT(events(), IsEmpty());
    EXPECT_THAT(verdicts(), IsEmpty());
    loop_.advance(1h);
    restart();
    EXPECT_EQ(registry_->size(), 0U) << "nobody watches them yet";
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    EXPECT_EQ(target("deposit/a/db").current.first_known, start);
}

TEST_F(RegistryTest, WhatVanishesLeavesTheViewAndKeepsItsHistory) {
    ASSERT_TRUE(define({spec("deposit/a/db"), spec("deposit/b/db")}));
    ASSERT_TRUE(define({spec("bkmon/mail")}, "bkmon"));
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::ok)));
    ASSERT_TRUE(define({spec("deposit/b/db")}));
    EXPECT_EQ(registry_->find(id("deposit/a/db")), nullptr);
    EXPECT_EQ(registry_->size(), 2U);
    EXPECT_EQ(count(Status::ok), 0U);
    EXPECT_NE(registry_->find(id("bkmon/mail")), nullptr) << "another kind";
    EXPECT_EQ(store_.tables().currents()->size(), 3U);
    ASSERT_TRUE(define({spec("deposit/a/db"), spec("deposit/b/db")}));
    EXPECT_EQ(shown("deposit/a/db").status, Status::ok);
}

TEST_F(RegistryTest, DefinitionsThatCannotBeAreRefusedWhole) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    EXPECT_EQ(define({spec("deposit/b/db"), spec("outlet/b/db")}).error().code, Errc::invalid);
    EXPECT_EQ(define({spec("deposit/b/db"), spec("deposit/B/DB")}).error().code, Errc::invalid);
    EXPECT_NE(registry_->find(id("deposit/a/db")), nullptr);
    EXPECT_EQ(registry_->find(id("deposit/b/db")), nullptr);
}

TEST_F(RegistryTest, AnInitialVerdictFollowsTheConfigurationUntilThereIsAnother) {
    auto moved = spec("deposit/a/db");
    ASSERT_TRUE(define({moved}));
    const Time since = target("deposit/a/db").current.since;
    loop_.advance(1h);
    moved.initial.reason = "First backup due next week.";
    ASSERT_TRUE(define({moved}));
    EXPECT_EQ(shown("deposit/a/db").reason, "First backup due next week.");
    EXPECT_EQ(target("deposit/a/db").current.since, since);
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::missing, "no_report")));
    moved.initial.reason = "Whatever.";
    ASSERT_TRUE(define({moved}));
    EXPECT_EQ(shown("deposit/a/db").status, Status::missing);
    restart();
    ASSERT_TRUE(define({moved}));
    EXPECT_EQ(shown("deposit/a/db").status, Status::missing);
}

TEST_F(RegistryTest, APublicationWritesEverythingInOneTransaction) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    auto v = verdict(Status::ok);
    v.due = now() + 90min;  // 01:30 UTC: still yesterday in Lima
    v.run = "r1";
    auto s = spec("deposit/a/db");
    s.timezone = "America/Lima";
    ASSERT_TRUE(define({s}));
    const int before = store_.commits();
    ASSERT_TRUE(
        publish("deposit/a/db", v, [](auto& p) { p.with.push_back([](history::Session& session) { return session.put_setting("part", "row"); }); }));
    EXPECT_EQ(store_.commits(), before + 1);
    ASSERT_EQ(verdicts().size(), 1U);
    ASSERT_EQ(events().size(), 1U);
    const auto event = events()[0];
    EXPECT_EQ(event.type, "verdict");
    EXPECT_EQ(event.run, "r1");
    EXPECT_EQ(event.target.str(), "deposit/a/db");
    EXPECT_EQ(event.body, R"({"status":"ok","severity":"OK","previous":"unknown","reason_code":"promoted","reason":"Because."})");
    ASSERT_EQ(days().size(), 1U);
    EXPECT_EQ(days()[0].date, "2026-11-21");
    EXPECT_EQ(store_.tables().setting("part").value(), "row");
    EXPECT_EQ(store_.tables().current(id("deposit/a/db")).value()->verdict.status, Status::ok);
}

TEST_F(RegistryTest, EvidenceIsOfTheHistoryAlone) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    auto v = verdict(Status::held);
    v.evidence = R"({"rule":"size"})";
    ASSERT_TRUE(publish("deposit/a/db", v));
    EXPECT_EQ(target("deposit/a/db").current.verdict.evidence, "") << "a kilobyte for each of thousands of targets";
    EXPECT_EQ((*store_.tables().currents())[0].verdict.evidence, R"({"rule":"size"})");
    auto worse = target("deposit/a/db").current.verdict;
    worse.severity = Severity::critical;
    worse.due = now();
    ASSERT_TRUE(publish("deposit/a/db", worse));
    EXPECT_EQ((*store_.tables().currents())[0].verdict.evidence, R"({"rule":"size"})") << "made of the current verdict: its evidence stays";
    EXPECT_EQ(verdicts().front().verdict.evidence, R"({"rule":"size"})");
    EXPECT_EQ(days().back().verdict.evidence, R"({"rule":"size"})");
    restart();
    EXPECT_EQ((*store_.tables().currents())[0].verdict.evidence, R"({"rule":"size"})");
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    EXPECT_EQ(target("deposit/a/db").current.verdict.evidence, "");
}

TEST_F(RegistryTest, ThousandsAreDefinedInTurnsOfTheLoop) {
    std::vector<TargetSpec> many;
    for (int i = 0; i < 2500; ++i) many.push_back(spec("deposit/a/db" + std::to_string(i)));
    ASSERT_TRUE(define(many));
    EXPECT_EQ(registry_->size(), 2500U);
    many.resize(2400);
    ASSERT_TRUE(define(many));
    EXPECT_EQ(registry_->size(), 2400U);
    restart();
    ASSERT_TRUE(define(many));
    EXPECT_EQ(registry_->size(), 2400U);
    EXPECT_EQ(count(Status::unknown), 2400U);
}

TEST_F(RegistryTest, MemoryChangesOnlyAfterTheCommit) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    store_.hold();
    EXPECT_EQ(publish("deposit/a/db", verdict(Status::ok)).error().code, Errc::timeout);
    EXPECT_EQ(shown("deposit/a/db").status, Status::unknown);
    store_.release();
    EXPECT_EQ(shown("deposit/a/db").status, Status::unknown) << "the answer has not come yet";
    loop_.run_posted();
    EXPECT_EQ(shown("deposit/a/db").status, Status::ok);
}

TEST_F(RegistryTest, AFailedCommitChangesNothingAndTheNextOneGoesOn) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    std::vector<std::int64_t> heard;
    const auto token = registry_->listen([&](const Change& c) { heard.push_back(c.seq); });
    store_.fail_next_writes(1, Error{Errc::no_space, "disk full"});
    const auto r = publish("deposit/a/db", verdict(Status::ok));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, Errc::no_space);
    EXPECT_EQ(shown("deposit/a/db").status, Status::unknown);
    EXPECT_EQ(count(Status::unknown), 1U);
    EXPECT_THAT(heard, IsEmpty());
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::ok)));
    EXPECT_EQ(heard.size(), 1U);

    store_.fail_next_writes(1, Error{Errc::no_space, "disk full"});
    EXPECT_FALSE(pause("deposit/a/db"));
    EXPECT_FALSE(target("deposit/a/db").pause);
    store_.fail_next_writes(1, Error{Errc::no_space, "disk full"});
    EXPECT_FALSE(define({spec("deposit/new/db")}));
    EXPECT_EQ(registry_->size(), 1U);
    EXPECT_NE(registry_->find(id("deposit/a/db")), nullptr);
}

TEST_F(RegistryTest, AParticipantThatFailsTakesTheVerdictWithIt) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    const auto r = publish("deposit/a/db", verdict(Status::ok),
                           [](auto& p) { p.with.push_back([](history::Session&) -> Result<void> { return fail(Errc::exists, "conflict"); }); });
    EXPECT_EQ(r.error().code, Errc::exists);
    EXPECT_THAT(verdicts(), IsEmpty());
    EXPECT_THAT(events(), IsEmpty());
    EXPECT_EQ(shown("deposit/a/db").status, Status::unknown);
}

TEST_F(RegistryTest, PublicationsOfOneTargetAreDecidedOneAfterTheOther) {
    ASSERT_TRUE(define({spec("deposit/a/db"), spec("deposit/b/db")}));
    store_.hold();
    std::string order;
    const auto send = [&](std::string_view name, Status s, const std::string& mark) {
        Registry::Publication p;
        p.target = id(name);
        p.verdict = verdict(s);
        registry_->publish(std::move(p), [&order, mark](Result<void>) { order += mark; });
    };
    send("deposit/a/db", Status::failed, "1");
    send("deposit/a/db", Status::ok, "2");
    send("deposit/a/db", Status::ok, "3");
    send("deposit/b/db", Status::ok, "b");
    EXPECT_EQ(store_.waiting(), 2U) << "one of each target";
    store_.release();
    loop_.run_posted();
    EXPECT_EQ(order, "1b23");
    ASSERT_EQ(events().size(), 3U);
    EXPECT_THAT(events()[2].body, HasSubstr(R"("previous":"failed")")) << "decided on what was committed before it";
    EXPECT_EQ(verdicts().size(), 3U) << "the third was equal to the second";
}

TEST_F(RegistryTest, AnEqualVerdictMovesOnlyTheTimeOfJudgement) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    auto v = verdict(Status::ok);
    v.due = now();
    v.sha256 = std::string(64, 'a');
    ASSERT_TRUE(publish("deposit/a/db", v));
    const Time since = target("deposit/a/db").current.since;
    loop_.advance(1h);
    v.at = now();
    v.reason = "Other words.";
    const auto old_json = registry_->json(target("deposit/a/db"));
    ASSERT_TRUE(publish("deposit/a/db", v));
    EXPECT_EQ(verdicts().size(), 1U);
    EXPECT_EQ(events().size(), 1U);
    EXPECT_EQ(days().size(), 1U);
    EXPECT_EQ(target("deposit/a/db").current.verdict.at, now());
    EXPECT_EQ(target("deposit/a/db").current.last_proof_at, now());
    EXPECT_EQ(target("deposit/a/db").current.since, since);
    EXPECT_EQ(store_.tables().current(id("deposit/a/db")).value()->verdict.reason, "Other words.");
    EXPECT_NE(registry_->json(target("deposit/a/db")), old_json);

    for (const auto& change : std::vector<std::function<void(core::Verdict&)>>{
             [](auto& x) { x.sha256 = std::string(64, 'b'); }, [](auto& x) { *x.due += 24h; }, [](auto& x) { x.reason_code = "released"; },
             [](auto& x) { x.severity = Severity::warning; }}) {
        const auto n = events().size();
        change(v);
        ASSERT_TRUE(publish("deposit/a/db", v));
        EXPECT_EQ(events().size(), n + 1);
        EXPECT_EQ(target("deposit/a/db").current.since, since);
    }
}

/// Where no hash is known (nothing was copied), another file is another backup.
TEST_F(RegistryTest, WithoutAHashNameSizeTimeAndPlaceTellBackupsApart) {
    ASSERT_TRUE(define({spec("outlet/a/usb")}, "outlet"));
    auto v = verdict(Status::ok, "fresh");
    v.file = "a.bak";
    v.size_bytes = 7;
    v.backup_at = now() - 1h;
    v.place = "E:";
    ASSERT_TRUE(publish("outlet/a/usb", v));
    ASSERT_TRUE(publish("outlet/a/usb", v));
    ASSERT_EQ(verdicts().size(), 1U);
    for (const auto& change :
         std::vector<std::function<void(core::Verdict&)>>{[](auto& x) { x.file = "b.bak"; }, [](auto& x) { x.size_bytes = 8; },
                                                          [](auto& x) { *x.backup_at += 1ms; }, [](auto& x) { x.place = "F:"; }}) {
        const auto n = verdicts().size();
        change(v);
        ASSERT_TRUE(publish("outlet/a/usb", v));
        EXPECT_EQ(verdicts().size(), n + 1);
        EXPECT_EQ(events().size(), n + 1);
        EXPECT_EQ(days().at(0).verdict.file, v.file);
        EXPECT_EQ(days().at(0).verdict.place, v.place);
        EXPECT_EQ(days().at(0).verdict.backup_at, v.backup_at);
    }
    v.duration = 3s;
    ASSERT_TRUE(publish("outlet/a/usb", v));
    EXPECT_EQ(verdicts().size(), 5U) << "how long it took is no news";
    v.reason = "Other words.";
    ASSERT_TRUE(publish("outlet/a/usb", v));
    EXPECT_EQ(verdicts().size(), 5U);
    EXPECT_EQ(days().size(), 1U);
    EXPECT_EQ(days().at(0).verdict.reason, "Other words.") << "the day tells them";
}

TEST_F(RegistryTest, ALookBackChangesItsDayAlone) {
    ASSERT_TRUE(define({spec("outlet/a/usb")}, "outlet"));
    ASSERT_TRUE(publish("outlet/a/usb", verdict(Status::ok, "fresh")));
    const auto before = registry_->json(target("outlet/a/usb"));
    const auto look_back = [&](core::Verdict v) {
        return publish("outlet/a/usb", std::move(v), [](auto& p) {
            p.date = "2025-01-01";
            p.current = false;
        });
    };
    auto v = verdict(Status::missing, "too_old");
    ASSERT_TRUE(look_back(v));
    EXPECT_EQ(registry_->json(target("outlet/a/usb")), before);
    EXPECT_EQ(events().size(), 1U) << "nobody is told, and no incident begins";
    EXPECT_EQ(verdicts().size(), 1U) << "it is no verdict about now";
    ASSERT_EQ(days().size(), 2U);
    EXPECT_EQ(days().at(0).date, "2025-01-01");
    EXPECT_EQ(days().at(0).verdict.status, Status::missing);

    loop_.advance(1h);
    v.at = now();
    ASSERT_TRUE(look_back(v));
    EXPECT_EQ(days().at(0).verdict.at, now() - 1h) << "written only when something changed";
    v.reason = "The newest is 4 days old.";
    ASSERT_TRUE(look_back(v));
    EXPECT_EQ(days().at(0).verdict.at, now());
    ASSERT_TRUE(look_back(verdict(Status::ok, "fresh")));
    EXPECT_EQ(days().at(0).verdict.status, Status::ok);
    ASSERT_TRUE(publish("outlet/a/usb", verdict(Status::ok, "fresh")));
    EXPECT_EQ(days().size(), 2U) << "today's row is still known";
}

TEST_F(RegistryTest, ALookBackBeforeAPauseIsNoPausedDay) {
    ASSERT_TRUE(define({spec("outlet/a/usb")}, "outlet"));
    ASSERT_TRUE(pause("outlet/a/usb"));
    const std::string today = core::local_date(now(), "UTC");
    for (const std::string& date : {std::string("2025-01-01"), today})
        ASSERT_TRUE(publish("outlet/a/usb", verdict(Status::missing, "too_old"), [&](auto& p) {
            p.date = date;
            p.current = false;
        }));
    EXPECT_EQ(days().at(0).verdict.status, Status::missing);
    EXPECT_EQ(days().at(1).verdict.status, Status::paused);
}

TEST_F(RegistryTest, AnOlderCycleThatItsDayKnowsIsNotWrittenAgain) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    auto late = verdict(Status::missing, "no_report");
    late.due = now() - 48h;
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(publish("deposit/a/db", late, [](auto& p) { p.current = false; }));
    EXPECT_EQ(verdicts().size(), 1U);
    *late.due += 1h;
    ASSERT_TRUE(publish("deposit/a/db", late, [](auto& p) { p.current = false; }));
    EXPECT_EQ(verdicts().size(), 2U) << "another cycle of that day";
}

TEST_F(RegistryTest, AnEqualVerdictOfANewDayGetsItsDailyRow) {
    ASSERT_TRUE(define({spec("bkmon/mail")}, "bkmon"));
    ASSERT_TRUE(publish("bkmon/mail", verdict(Status::ok, "working")));
    loop_.advance(24h);
    restart();
    ASSERT_TRUE(define({spec("bkmon/mail")}, "bkmon"));
    ASSERT_TRUE(publish("bkmon/mail", verdict(Status::ok, "working")));
    ASSERT_TRUE(publish("bkmon/mail", verdict(Status::ok, "working")));
    EXPECT_EQ(days().size(), 2U);
    EXPECT_EQ(events().size(), 1U);
}

TEST_F(RegistryTest, ADateThatIsNamedIsTheDay) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::ok), [](auto& p) { p.date = "2026-01-01"; }));
    EXPECT_EQ(days().at(0).date, "2026-01-01");
}

TEST_F(RegistryTest, AnOlderCycleFillsItsDayAndChangesNothingElse) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::ok)));
    auto late = verdict(Status::missing, "no_report");
    late.due = now() - 48h;
    ASSERT_TRUE(publish("deposit/a/db", late, [](auto& p) { p.current = false; }));
    EXPECT_EQ(shown("deposit/a/db").status, Status::ok);
    EXPECT_EQ(events().size(), 1U);
    EXPECT_EQ(verdicts().size(), 2U);
    EXPECT_EQ(days().at(0).date, "2026-11-20");
    EXPECT_EQ(days().at(0).verdict.status, Status::missing);
}

TEST_F(RegistryTest, SinceIsWhenTheStatusBeganAndProofsAreKept) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    const Time t0 = now();
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::ok)));
    loop_.advance(1h);
    const Time t1 = now();
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::unchanged, "same_content")));
    loop_.advance(1h);
    const Time t2 = now();
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::failed, "stage_failed")));
    loop_.advance(1h);
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::failed, "report_invalid")));
    const auto& row = target("deposit/a/db").current;
    EXPECT_EQ(row.since, t2);
    EXPECT_EQ(row.last_ok_at, t0);
    EXPECT_EQ(row.last_proof_at, t1);
}

TEST_F(RegistryTest, AnOldProofTurnsUnknownByItselfAtTwiceTheInterval) {
    ASSERT_TRUE(define({spec("deposit/a/db"), spec("deposit/b/db"), spec("deposit/never/db", std::nullopt)}));
    for (const auto* name : {"deposit/a/db", "deposit/b/db", "deposit/never/db"}) ASSERT_TRUE(publish(name, verdict(Status::ok)));
    loop_.advance(24h);
    ASSERT_TRUE(publish("deposit/b/db", verdict(Status::unchanged, "same_content")));
    loop_.advance(24h - 1ms);
    EXPECT_EQ(count(Status::ok), 2U);
    EXPECT_EQ(field("deposit/a/db", "status"), "ok");
    loop_.advance(1ms);
    EXPECT_EQ(count(Status::unknown), 1U);
    EXPECT_EQ(count(Status::ok), 1U);
    EXPECT_EQ(count(Status::unchanged), 1U);
    const auto v = shown("deposit/a/db");
    EXPECT_EQ(v.status, Status::unknown);
    EXPECT_EQ(v.severity, Severity::unknown);
    EXPECT_EQ(v.reason_code, "no_evidence");
    EXPECT_EQ(field("deposit/a/db", "status"), "unknown");
    EXPECT_EQ(field("deposit/a/db", "since"), rfc3339(now()));
    EXPECT_EQ(target("deposit/a/db").current.verdict.status, Status::ok) << "what is stored stays";
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::ok)));
    EXPECT_EQ(count(Status::ok), 2U);
}

TEST_F(RegistryTest, CountsFollowTheClockAlsoBackwards) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::ok)));
    loop_.jump(72h);
    EXPECT_EQ(count(Status::unknown), 1U);
    EXPECT_EQ(field("deposit/a/db", "status"), "unknown");
    loop_.jump(-72h);
    EXPECT_EQ(count(Status::ok), 1U);
    EXPECT_EQ(field("deposit/a/db", "status"), "ok");
}

TEST_F(RegistryTest, PausedWinsThenRunningKeeps) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::ok)));
    loop_.advance(24h);
    registry_->set_running(id("deposit/a/db"), true);
    const Time began = now();
    loop_.advance(72h);
    EXPECT_EQ(shown("deposit/a/db").status, Status::ok);
    EXPECT_EQ(count(Status::ok), 1U);
    EXPECT_EQ(field("deposit/a/db", "running_since"), rfc3339(began));
    ASSERT_TRUE(pause("deposit/a/db"));
    EXPECT_EQ(shown("deposit/a/db").status, Status::paused);
    EXPECT_EQ(shown("deposit/a/db").severity, Severity::ok);
    EXPECT_EQ(count(Status::paused), 1U);
    registry_->set_running(id("deposit/a/db"), false);
    EXPECT_EQ(count(Status::paused), 1U);
    ASSERT_TRUE(resume("deposit/a/db"));
    EXPECT_EQ(shown("deposit/a/db").status, Status::unknown);
    EXPECT_EQ(count(Status::unknown), 1U);
    registry_->set_running(id("deposit/unknown/db"), true);
}

TEST_F(RegistryTest, ARunningJobDoesNotTurnAnOldProofGreen) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::ok)));
    const Time stale = now() + 48h;
    loop_.advance(72h);
    registry_->set_running(id("deposit/a/db"), true);
    loop_.advance(1h);
    EXPECT_EQ(shown("deposit/a/db").status, Status::unknown);
    EXPECT_EQ(shown("deposit/a/db").reason_code, "no_evidence");
    EXPECT_EQ(count(Status::unknown), 1U);
    EXPECT_EQ(field("deposit/a/db", "since"), rfc3339(stale));
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::ok)));
    EXPECT_EQ(count(Status::ok), 1U) << "what the job proves counts at once";
}

TEST_F(RegistryTest, APromotedWarningIsAProofThatAges) {
    ASSERT_TRUE(define({spec("deposit/a/db"), spec("deposit/b/db")}));
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::ok)));
    loop_.advance(24h);
    auto promoted = verdict(Status::warning, "overall_status");
    promoted.file = "db.sql.gz";
    promoted.sha256 = std::string(64, 'a');
    ASSERT_TRUE(publish("deposit/a/db", promoted));
    ASSERT_TRUE(publish("deposit/b/db", verdict(Status::warning, "degraded")));
    EXPECT_EQ(target("deposit/a/db").current.last_ok_at, now());
    EXPECT_EQ(target("deposit/a/db").current.last_proof_at, now());
    EXPECT_FALSE(target("deposit/b/db").current.last_ok_at) << "nothing was promoted";
    EXPECT_FALSE(target("deposit/b/db").current.last_proof_at);
    loop_.advance(48h - 1ms);
    EXPECT_EQ(count(Status::warning), 2U);
    loop_.advance(1ms);
    EXPECT_EQ(shown("deposit/a/db").status, Status::unknown);
    EXPECT_EQ(shown("deposit/a/db").reason_code, "no_evidence");
    EXPECT_THAT(shown("deposit/a/db").reason, HasSubstr("it was 'warning'"));
    EXPECT_EQ(shown("deposit/b/db").status, Status::warning) << "without a backup there is no proof to age";
}

TEST_F(RegistryTest, HeldStaysHeld) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    auto held = verdict(Status::held, "future");
    held.sha256 = std::string(64, 'a');
    ASSERT_TRUE(publish("deposit/a/db", held));
    loop_.advance(240h);
    EXPECT_EQ(shown("deposit/a/db").status, Status::held);
    EXPECT_FALSE(target("deposit/a/db").current.last_proof_at);
}

TEST_F(RegistryTest, APauseIsWrittenWithItsEventAndOutlivesARestart) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::missing, "no_report")));
    std::vector<std::optional<Status>> from;
    const auto token = registry_->listen([&](const Change& c) { from.push_back(c.from); });
    ASSERT_TRUE(pause("deposit/A/db"));
    ASSERT_EQ(events().size(), 2U);
    EXPECT_EQ(events()[1].type, "operator");
    EXPECT_EQ(events()[1].target.str(), "deposit/a/db");
    EXPECT_THAT(events()[1].body, HasSubstr(R"("status":"paused","severity":"OK","previous":"missing","reason_code":"paused")"));
    EXPECT_THAT(events()[1].body, HasSubstr("Paused by alice (uid 1001): moving"));
    restart();
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    EXPECT_EQ(shown("deposit/a/db").status, Status::paused);
    EXPECT_EQ(field("deposit/a/db", "paused_by"), "alice (uid 1001)");
    EXPECT_EQ(field("deposit/a/db", "paused_reason"), "moving");
    EXPECT_FALSE(field("deposit/a/db", "paused_until"));
    ASSERT_TRUE(resume("deposit/a/db"));
    EXPECT_EQ(shown("deposit/a/db").status, Status::missing);
    EXPECT_FALSE(field("deposit/a/db", "paused_by"));
    ASSERT_EQ(events().size(), 3U);
    EXPECT_THAT(events()[2].body, HasSubstr(R"("status":"missing","severity":"CRITICAL","previous":"paused")"));
    EXPECT_THAT(events()[2].body, HasSubstr("Resumed by bob."));
    ASSERT_TRUE(resume("deposit/a/db"));
    EXPECT_EQ(events().size(), 3U) << "nothing to resume";
    EXPECT_THAT(from, ElementsAre(std::optional(Status::missing)));
}

TEST_F(RegistryTest, PausesThatCannotBeAreRefused) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    EXPECT_EQ(pause("deposit/nobody/db").error().code, Errc::not_found);
    EXPECT_EQ(resume("deposit/nobody/db").error().code, Errc::not_found);
    EXPECT_EQ(pause("deposit/a/db", now()).error().code, Errc::invalid);
    ASSERT_TRUE(define({}));
    EXPECT_EQ(pause("deposit/a/db").error().code, Errc::not_found) << "no longer watched";
}

TEST_F(RegistryTest, APauseWithAnEndEndsByItselfWithAnEvent) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::failed, "stage_failed")));
    ASSERT_TRUE(pause("deposit/a/db", now() + 3h));
    EXPECT_EQ(field("deposit/a/db", "paused_until"), rfc3339(now() + 3h));
    loop_.advance(3h - 1ms);
    EXPECT_EQ(count(Status::paused), 1U);
    EXPECT_EQ(events().size(), 2U);
    loop_.advance(1ms);
    loop_.run_posted();
    EXPECT_EQ(count(Status::failed), 1U);
    ASSERT_EQ(events().size(), 3U);
    EXPECT_THAT(events()[2].body, HasSubstr("The pause by alice (uid 1001) ended."));
    EXPECT_THAT(*store_.tables().pauses(), IsEmpty());
    EXPECT_FALSE(target("deposit/a/db").pause);
}

TEST_F(RegistryTest, TheEndOfAPauseIsTriedAgainAfterADiskFull) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    ASSERT_TRUE(pause("deposit/a/db", now() + 1h));
    store_.fail_next_writes(2, Error{Errc::no_space, "disk full"});
    loop_.advance(1h);
    EXPECT_EQ(count(Status::unknown), 1U) << "over all the same";
    EXPECT_EQ(store_.tables().pauses()->size(), 1U);
    loop_.advance(2min);
    EXPECT_THAT(*store_.tables().pauses(), IsEmpty());
    EXPECT_EQ(events().size(), 2U);
}

TEST_F(RegistryTest, APauseThatEndedDuringDowntimeEndsAtTheStart) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    ASSERT_TRUE(pause("deposit/a/db", now() + 1h));
    registry_.reset();
    loop_.advance(5h);
    restart();
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    EXPECT_EQ(count(Status::paused), 0U);
    loop_.advance(1s);
    EXPECT_EQ(events().size(), 2U);
    EXPECT_THAT(*store_.tables().pauses(), IsEmpty());
}

TEST_F(RegistryTest, ANewPauseReplacesTheOldOneAndItsEnd) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    ASSERT_TRUE(pause("deposit/a/db", now() + 1h));
    ASSERT_TRUE(pause("deposit/a/db", now() + 10h));
    loop_.advance(2h);
    EXPECT_EQ(count(Status::paused), 1U);
    loop_.advance(9h);
    EXPECT_EQ(count(Status::paused), 0U);
    EXPECT_EQ(events().size(), 3U);
}

TEST_F(RegistryTest, WhatOverrulesIsShownUntilItEndsAndTellsOfBoth) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::ok)));
    const auto before = events().size();
    loop_.advance(1h);
    const Time began = now();
    registry_->overrule(id("deposit/A/db"), verdict(Status::failed, "folder_changed", "Not its owner."));
    EXPECT_EQ(shown("deposit/a/db").reason, "Not its owner.");
    EXPECT_EQ(count(Status::failed), 1U);
    EXPECT_EQ(count(Status::ok), 0U);
    EXPECT_EQ(field("deposit/a/db", "status"), "failed");
    EXPECT_EQ(field("deposit/a/db", "since"), rfc3339(began));
    loop_.run_posted();
    ASSERT_EQ(events().size(), before + 1);
    EXPECT_THAT(events().back().body, HasSubstr(R"("status":"failed","severity":"CRITICAL","previous":"ok","reason_code":"folder_changed")"));
    // What is stored goes on by itself, and the same again is no news.
    loop_.advance(1h);
    registry_->overrule(id("deposit/a/db"), verdict(Status::failed, "folder_changed", "Not its owner."));
    registry_->overrule(id("deposit/a/db"), verdict(Status::failed, "folder_changed", "In other words."));
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::ok)));
    EXPECT_EQ(shown("deposit/a/db").reason, "In other words.");
    EXPECT_EQ(field("deposit/a/db", "since"), rfc3339(began));
    EXPECT_EQ(events().size(), before + 1);
    EXPECT_EQ(days().size(), 1U);
    EXPECT_EQ(days()[0].verdict.status, Status::ok);
    registry_->overrule(id("deposit/a/db"), std::nullopt);
    loop_.run_posted();
    EXPECT_EQ(shown("deposit/a/db").status, Status::ok);
    EXPECT_EQ(count(Status::ok), 1U);
    EXPECT_EQ(field("deposit/a/db", "status"), "ok");
    ASSERT_EQ(events().size(), before + 2);
    EXPECT_THAT(events().back().body, HasSubstr(R"("status":"ok","severity":"OK","previous":"failed")"));
    registry_->overrule(id("deposit/a/db"), std::nullopt);
    loop_.run_posted();
    EXPECT_EQ(events().size(), before + 2);
}

TEST_F(RegistryTest, WhatOverrulesNeedsNoHistory) {
    ASSERT_TRUE(define({spec("bkmon/history", std::nullopt)}, "bkmon"));
    ASSERT_TRUE(publish("bkmon/history", verdict(Status::ok, "working")));
    const auto before = events().size();
    store_.fail_next_writes(2, Error{Errc::no_space, "disk full"});
    EXPECT_FALSE(publish("bkmon/history", verdict(Status::failed, "degraded")));
    registry_->overrule(id("bkmon/history"), verdict(Status::failed, "degraded"));
    loop_.run_posted();
    EXPECT_EQ(shown("bkmon/history").status, Status::failed);
    EXPECT_EQ(events().size(), before);
    // Stored afterwards: the end of it changes nothing that is shown, and is no event of its own.
    ASSERT_TRUE(publish("bkmon/history", verdict(Status::failed, "degraded")));
    registry_->overrule(id("bkmon/history"), std::nullopt);
    loop_.run_posted();
    EXPECT_EQ(shown("bkmon/history").status, Status::failed);
    EXPECT_EQ(events().size(), before + 1);
}

TEST_F(RegistryTest, APauseWinsOverWhatOverrulesAndAnUndefinedTargetForgetsIt) {
    ASSERT_TRUE(define({spec("deposit/a/db"), spec("deposit/b/db")}));
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::ok)));
    ASSERT_TRUE(pause("deposit/a/db"));
    const auto before = events().size();
    registry_->overrule(id("deposit/a/db"), verdict(Status::failed, "folder_changed"));
    loop_.run_posted();
    EXPECT_EQ(shown("deposit/a/db").status, Status::paused);
    EXPECT_EQ(events().size(), before) << "nobody wants to hear of it now";
    ASSERT_TRUE(resume("deposit/a/db"));
    EXPECT_EQ(shown("deposit/a/db").status, Status::failed);
    loop_.advance(72h);
    EXPECT_EQ(shown("deposit/a/db").status, Status::failed) << "it does not age";
    ASSERT_TRUE(define({spec("deposit/b/db")}));
    ASSERT_TRUE(define({spec("deposit/a/db"), spec("deposit/b/db")}));
    EXPECT_EQ(shown("deposit/a/db").status, Status::unknown);
    registry_->overrule(id("deposit/nobody/db"), verdict(Status::failed));
    EXPECT_EQ(registry_->size(), 2U);
}

TEST_F(RegistryTest, ABadDayOfAPausedTargetIsAPausedDay) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    ASSERT_TRUE(pause("deposit/a/db"));
    auto v = verdict(Status::missing, "no_report");
    v.due = now();
    ASSERT_TRUE(publish("deposit/a/db", v));
    EXPECT_EQ(days().at(0).verdict.status, Status::paused);
    EXPECT_EQ(verdicts().at(0).verdict.status, Status::missing);
    ASSERT_TRUE(resume("deposit/a/db"));
    ASSERT_TRUE(publish("deposit/a/db", v));
    EXPECT_EQ(days().at(0).verdict.status, Status::missing);
    ASSERT_TRUE(pause("deposit/a/db"));
    auto good = verdict(Status::ok);
    good.due = v.due;
    ASSERT_TRUE(publish("deposit/a/db", good));
    EXPECT_EQ(days().at(0).verdict.status, Status::ok) << "a good day stays one";
}

TEST_F(RegistryTest, RecoveryMayPublishBeforeAnybodyDefinesTheTarget) {
    std::vector<std::int64_t> heard;
    const auto token = registry_->listen([&](const Change& c) { heard.push_back(c.seq); });
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::ok)));
    EXPECT_EQ(registry_->size(), 0U);
    EXPECT_THAT(heard, IsEmpty());
    EXPECT_THAT(events().at(0).body, HasSubstr(R"("previous":null)"));
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    EXPECT_EQ(shown("deposit/a/db").status, Status::ok);
    EXPECT_EQ(count(Status::ok), 1U);
}

TEST_F(RegistryTest, ADefinitionBesideAPublicationDoesNotOverwriteIt) {
    store_.hold();
    Registry::Publication p;
    p.target = id("deposit/a/db");
    p.verdict = verdict(Status::ok);
    registry_->publish(std::move(p), nullptr);
    registry_->define("deposit", {spec("deposit/a/db")}, nullptr);
    store_.release();
    loop_.run_posted();
    EXPECT_EQ(shown("deposit/a/db").status, Status::ok);
    EXPECT_EQ(store_.tables().current(id("deposit/a/db")).value()->verdict.status, Status::ok);
}

TEST_F(RegistryTest, JsonHasEveryFieldOfTheInterface) {
    auto s = spec("deposit/a/DB");
    s.labels = {{"city", "Düsseldorf"}, {"region", "\xff"}};
    ASSERT_TRUE(define({s}));
    EXPECT_EQ(registry_->json(target("deposit/a/db")),
              R"({"id":"deposit/a/DB","kind":"deposit","status":"unknown","severity":"UNKNOWN","reason_code":"first_due",)"
              R"("reason":"First backup due tomorrow.","since":"2026-11-22T00:00:00Z","judged_at":"2026-11-22T00:00:00Z","last_ok_at":null,)"
              R"("running_since":null,"due_at":null,"backup_at":null,"file":null,"size_bytes":null,"sha256":null,)"
              "\"labels\":{\"city\":\"Düsseldorf\",\"region\":\"\xEF\xBF\xBD\"},"
              R"("paused_by":null,"paused_reason":null,"paused_until":null,"silenced":null})");
    auto v = verdict(Status::ok);
    v.due = now();
    v.backup_at = now() - 1h;
    v.file = "f.gz";
    v.size_bytes = 5;
    v.sha256 = "ab";
    ASSERT_TRUE(publish("deposit/a/db", v));
    EXPECT_THAT(registry_->json(target("deposit/a/db")),
                HasSubstr(R"("last_ok_at":"2026-11-22T00:00:00Z","running_since":null,"due_at":"2026-11-22T00:00:00Z",)"
                          R"("backup_at":"2026-11-21T23:00:00Z","file":"f.gz","size_bytes":5,"sha256":"ab")"));
    const Target copy = target("deposit/a/db");
    EXPECT_EQ(registry_->json(copy), registry_->json(target("deposit/a/db")));
}

TEST_F(RegistryTest, AProblemSaysWhatSilencesItAndNothingElseDoes) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    registry_->on_silence([](const Target& t) { return "until Monday, " + t.spec.id.str(); });
    const auto says = [&] { return registry_->json(target("deposit/a/db")).find(R"("silenced":"until Monday, deposit/a/db")") != std::string::npos; };
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::missing, "no_report")));
    EXPECT_TRUE(says());
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::late, "report_late")));
    EXPECT_FALSE(says()) << "of a late one nobody would be told anyway";
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::ok)));
    EXPECT_FALSE(says());
}

TEST_F(RegistryTest, MatchIsOrderedAndGlobs) {
    ASSERT_TRUE(define({spec("deposit/c/db"), spec("deposit/B/db"), spec("deposit/a/db")}));
    ASSERT_TRUE(define({spec("bkmon/vault")}, "bkmon"));
    const auto names = [&](const std::vector<std::string>& globs, const std::string& kind) {
        std::string out;
        for (const auto* t : registry_->match(globs, kind)) out += t->spec.id.str() + " ";
        return out;
    };
    EXPECT_EQ(names({}, ""), "bkmon/vault deposit/a/db deposit/B/db deposit/c/db ");
    EXPECT_EQ(names({}, "deposit"), "deposit/a/db deposit/B/db deposit/c/db ");
    EXPECT_EQ(names({"deposit/b/*", "*/VAULT"}, ""), "bkmon/vault deposit/B/db ");
    EXPECT_EQ(names({"deposit/b/*"}, "bkmon"), "");
    EXPECT_EQ(names({}, "dep"), "");
}

TEST_F(RegistryTest, AListenerThatDiedIsNotCalled) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    int heard = 0;
    std::optional<Status> from;
    auto token = registry_->listen([&](const Change& c) {
        ++heard;
        from = c.from;
        EXPECT_EQ(registry_->shown(*c.target).status, Status::ok) << "memory is ahead of the listener";
    });
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::ok)));
    EXPECT_EQ(heard, 1);
    EXPECT_EQ(from, Status::unknown);
    token.reset();
    ASSERT_TRUE(publish("deposit/a/db", verdict(Status::failed)));
    EXPECT_EQ(heard, 1);
}

TEST_F(RegistryTest, ARegistryThatDiedIsNotTold) {
    ASSERT_TRUE(define({spec("deposit/a/db")}));
    store_.hold();
    bool told = false;
    Registry::Publication p;
    p.target = id("deposit/a/db");
    p.verdict = verdict(Status::ok);
    registry_->publish(std::move(p), [&](Result<void>) { told = true; });
    registry_.reset();
    store_.release();
    loop_.run_posted();
    EXPECT_FALSE(told);
    EXPECT_EQ(verdicts().size(), 1U);
}

TEST_F(RegistryTest, AHistoryThatCannotBeReadIsAnError) {
    registry_ = std::make_unique<Registry>(loop_, store_);
    store_.fail_next_reads(1, Error{Errc::corrupt, "bad page"});
    EXPECT_EQ(run([&](auto done) { registry_->load(std::move(done)); }).error().code, Errc::corrupt);
}

/// Whatever happens in whatever order, the counts are those of what is shown, and memory is what the history holds.
TEST_F(RegistryTest, CountsAddUpAfterAnySequence) {
    for (unsigned seed = 1; seed <= 8; ++seed) {
        std::mt19937 random(seed);
        const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
        const auto name = [&] { return "deposit/a" + std::to_string(pick(12)) + "/db"; };
        for (int step = 0; step < 300; ++step) {
            switch (pick(9)) {
                case 0: {
                    std::vector<TargetSpec> specs;
                    for (int i = 0; i < 12; ++i)
                        if (pick(3) != 0)
                            specs.push_back(
                                spec("deposit/a" + std::to_string(i) + "/db", pick(4) == 0 ? std::nullopt : std::optional<milliseconds>(12h)));
                    registry_->define("deposit", std::move(specs), nullptr);
                    break;
                }
                case 1:
                    registry_->pause({id(name()), "x", "y", now(), pick(2) == 0 ? std::optional(now() + 1h * pick(30)) : std::nullopt}, nullptr);
                    break;
                case 2: registry_->resume(id(name()), "x", nullptr); break;
                case 3: registry_->set_running(id(name()), pick(2) == 0); break;
                case 4: loop_.advance(1h * pick(20)); break;
                case 5: loop_.jump(1h * (pick(40) - 20)); break;
                case 6: store_.fail_next_writes(pick(3), Error{Errc::no_space, "full"}); break;
                case 7: pick(2) == 0 ? store_.hold() : store_.release(); break;
                default: {
                    Registry::Publication p;
                    p.target = id(name());
                    p.verdict = verdict(core::kStatuses[random() % (core::kStatuses.size() - 1)]);
                    p.current = pick(5) != 0;
                    registry_->publish(std::move(p), nullptr);
                }
            }
            if (pick(3) == 0) loop_.run_posted();
            Counts expected{};
            const auto counts = registry_->counts();
            const auto all = registry_->match({}, "");
            for (const auto* t : all) {
                ++expected[static_cast<std::size_t>(registry_->shown(*t).status)];
                const auto said = field(*t, "status");
                ASSERT_EQ(said, name_of(registry_->shown(*t).status)) << "seed " << seed << " step " << step;
            }
            ASSERT_EQ(counts, expected) << "seed " << seed << " step " << step;
            ASSERT_EQ(registry_->size(), all.size());
            ASSERT_EQ(std::accumulate(counts.begin(), counts.end(), std::size_t{0}), all.size());
        }
        store_.release();
        store_.fail_next_writes(0, {});
        loop_.run_posted();
        for (const auto* t : registry_->match({}, "")) {
            const auto stored = store_.tables().current(t->spec.id).value();
            ASSERT_TRUE(stored);
            EXPECT_EQ(stored->verdict.status, t->current.verdict.status) << "seed " << seed;
            EXPECT_EQ(stored->since, t->current.since);
        }
    }
}

TEST_F(RegistryTest, TenThousandTargetsAreCheapToLookAt) {
    std::vector<TargetSpec> specs;
    for (int i = 0; i < 10000; ++i) specs.push_back(spec("deposit/agent" + std::to_string(i) + "/db"));
    ASSERT_TRUE(define(std::move(specs)));
    const auto timed = [](auto&& work) {
        const auto start = std::chrono::steady_clock::now();
        work();
        return std::chrono::steady_clock::now() - start;
    };
    std::size_t bytes = 0, unknown = 0;
    const auto written = timed([&] {
        for (const auto* t : registry_->match({}, "")) bytes += registry_->json(*t).size();
    });
    const auto counted = timed([&] {
        for (int i = 0; i < 10; ++i) unknown += count(Status::unknown);
    });
    EXPECT_GT(bytes, 10000U * 100U);
    EXPECT_EQ(unknown, 10U * 10000U);
    // Counts are kept, not made: ten looks cost far less than one walk over the targets that writes them.
    EXPECT_LT(counted * 10, written);
}

}  // namespace
}  // namespace bkmon::test
