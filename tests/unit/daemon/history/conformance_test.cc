#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/unit/daemon/history/conformance.h"
#include "tests/unit/daemon/history/rows_text.h"

namespace bkmon::test {
namespace {

using namespace history;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

core::Verdict verdict(core::Status status, Time at = kStart, std::string reason = "because") {
    core::Verdict v;
    v.status = status;
    v.severity = severity_of(status);
    v.reason_code = "promoted";
    v.reason = std::move(reason);
    v.at = at;
    return v;
}

core::Verdict full_verdict() {
    auto v = verdict(core::Status::held, kStart, "Größe „klein“ \x01 \xff");
    v.severity = core::Severity::critical;
    v.due = kStart - 1h;
    v.backup_at = kStart - 2h;
    v.file = "a'b\".gz";
    v.size_bytes = 0xffffffffffffffffULL;
    v.sha256 = std::string(64, 'a');
    v.run = "r1";
    v.duration = 1234ms;
    v.place = "E:";
    v.evidence = R"({"factor":2.5})";
    return v;
}

class Conformance : public HistoryConformance {};

TEST_P(Conformance, ANewHistoryIsEmpty) {
    EXPECT_THAT(read([](Reader& r) { return r.currents(); }), IsEmpty());
    EXPECT_THAT(read([](Reader& r) { return r.verdicts({}); }), IsEmpty());
    EXPECT_THAT(read([](Reader& r) { return r.daily({}); }), IsEmpty());
    EXPECT_THAT(read([](Reader& r) { return r.events_after(0, 10); }), IsEmpty());
    EXPECT_FALSE(read([](Reader& r) { return r.current(id("deposit/a/b")); }));
    EXPECT_FALSE(read([](Reader& r) { return r.setting("vault"); }));
}

TEST_P(Conformance, VerdictsComeBackWhole) {
    std::int64_t first = 0, second = 0;
    put([&](Session& s) {
        first = s.add_verdict({0, id("deposit/a/B"), full_verdict()}).value();
        second = s.add_verdict({77, id("deposit/a/B"), verdict(core::Status::ok)}).value();
    });
    EXPECT_GT(first, 0);
    EXPECT_GT(second, first);
    const auto rows = read([](Reader& r) { return r.verdicts({}); });
    EXPECT_THAT(texts(rows), ElementsAre(text(VerdictRow{second, id("deposit/a/B"), verdict(core::Status::ok)}),
                                         text(VerdictRow{first, id("deposit/a/B"), full_verdict()})));
}

TEST_P(Conformance, EachStatusAndSeverityComesBack) {
    for (const auto status : core::kStatuses)
        put([&](Session& s) { ASSERT_TRUE(s.put_current({id("x/y"), verdict(status), kStart, {}, {}, kStart})); });
    for (const auto status : core::kStatuses) {
        put([&](Session& s) { ASSERT_TRUE(s.put_current({id("x/y"), verdict(status), kStart, {}, {}, kStart})); });
        const auto row = read([](Reader& r) { return r.current(id("x/y")); });
        ASSERT_TRUE(row);
        EXPECT_EQ(row->verdict.status, status);
        EXPECT_EQ(row->verdict.severity, severity_of(status));
    }
}

TEST_P(Conformance, CurrentsAreOnePerTargetWhateverTheSpelling) {
    const CurrentRow row{id("deposit/a/SDMC"), full_verdict(), kStart, kStart - 1h, kStart - 2h, kStart - 3h};
    put([&](Session& s) {
        ASSERT_TRUE(s.put_current({id("deposit/a/sdmc"), verdict(core::Status::ok), kStart, {}, {}, kStart}));
        ASSERT_TRUE(s.put_current({id("deposit/B/x"), verdict(core::Status::late), kStart, {}, {}, kStart}));
        ASSERT_TRUE(s.put_current(row));
    });
    const auto rows = read([](Reader& r) { return r.currents(); });
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(text(rows[0]), text(row));
    EXPECT_EQ(rows[1].target.str(), "deposit/B/x");
    const auto brief = read([](Reader& r) { return r.currents(Reader::Evidence::without); });
    auto without = row;
    without.verdict.evidence.clear();
    EXPECT_EQ(text(brief[0]), text(without));
    EXPECT_EQ(text(*read([](Reader& r) { return r.current(id("DEPOSIT/A/sdmc")); })), text(row));
    put([&](Session& s) {
        ASSERT_TRUE(s.remove_current(id("deposit/a/sdmc")));
        ASSERT_TRUE(s.remove_current(id("deposit/never/was")));
    });
    EXPECT_EQ(read([](Reader& r) { return r.currents(); }).size(), 1U);
}

TEST_P(Conformance, EventsAreNumberedAndReadOnFromANumber) {
    put([&](Session& s) {
        for (int i = 0; i < 5; ++i)
            ASSERT_TRUE(s.add_event({0, kStart + milliseconds(i), "verdict", id("deposit/a/b"), "r" + std::to_string(i), "{}"}));
        ASSERT_TRUE(s.add_event({0, kStart, "daemon", {}, "", R"({"text":"started"})"}));
    });
    const auto all = read([](Reader& r) { return r.events_after(0, 100); });
    ASSERT_EQ(all.size(), 6U);
    EXPECT_EQ(text(all[5]), text(EventRow{all[4].seq + 1, kStart, "daemon", {}, "", R"({"text":"started"})"}));
    EXPECT_TRUE(all[5].target.empty());
    const auto rest = read([&](Reader& r) { return r.events_after(all[1].seq, 2); });
    ASSERT_EQ(rest.size(), 2U);
    EXPECT_EQ(rest[0].seq, all[2].seq);
    EXPECT_EQ(rest[0].run, "r2");
}

TEST_P(Conformance, EventNumbersAreNeverUsedTwice) {
    put([&](Session& s) { ASSERT_TRUE(s.add_event({0, kStart, "daemon", {}, "", "{}"})); });
    const auto before = read([](Reader& r) { return r.events_after(0, 1); }).at(0).seq;
    put([&](Session& s) { ASSERT_TRUE(s.expire(kStart + 1h, 100)); });
    put([&](Session& s) { ASSERT_TRUE(s.add_event({0, kStart, "daemon", {}, "", "{}"})); });
    EXPECT_GT(read([](Reader& r) { return r.events_after(0, 1); }).at(0).seq, before);
    EXPECT_GT(read([](Reader& r) { return r.last_event(); }), before) << "also when it has expired";
}

TEST_P(Conformance, VerdictsAreFiltered) {
    put([&](Session& s) {
        for (int i = 0; i < 30; ++i) {
            const auto status = i % 3 == 0 ? core::Status::missing : core::Status::ok;
            ASSERT_TRUE(s.add_verdict({0, id(i % 2 == 0 ? "deposit/even/DB" : "outlet/odd/d-drive"),
                                       verdict(status, kStart + std::chrono::minutes(i), std::to_string(i))}));
        }
    });
    const auto reasons = [&](const VerdictQuery& q) {
        std::string out;
        for (const auto& row : read([&](Reader& r) { return r.verdicts(q); })) out += row.verdict.reason + " ";
        return out;
    };
    VerdictQuery q;
    q.limit = 4;
    EXPECT_EQ(reasons(q), "29 28 27 26 ");
    q.kind = "deposit";
    EXPECT_EQ(reasons(q), "28 26 24 22 ");
    q.status = core::Status::missing;
    EXPECT_EQ(reasons(q), "24 18 12 6 ");
    q = {};
    q.limit = 3;
    q.target_glob = "OUTLET/odd/D-drive";
    EXPECT_EQ(reasons(q), "29 27 25 ");
    q.target_glob = "*/odd/*";
    EXPECT_EQ(reasons(q), "29 27 25 ");
    q.kind = "deposit";
    EXPECT_EQ(reasons(q), "");
    q = {};
    q.since = kStart + 5min;
    q.until = kStart + 7min;
    EXPECT_EQ(reasons(q), "7 6 5 ");
    q.status = core::Status::missing;
    EXPECT_EQ(reasons(q), "6 ");
    q = {};
    q.target_glob = "deposit/unknown/x";
    EXPECT_EQ(reasons(q), "");
    q.target_glob = "no id";
    EXPECT_EQ(reasons(q), "");
    q = {};
    q.limit = 0;
    EXPECT_EQ(reasons(q), "");
}

TEST_P(Conformance, PagesCoverEveryVerdictOnceThoughTheClockWasSetBack) {
    put([&](Session& s) {
        for (int i = 0; i < 40; ++i)
            ASSERT_TRUE(
                s.add_verdict({0, id("a/b"), verdict(core::Status::ok, kStart + std::chrono::minutes(i < 20 ? i : i - 15), std::to_string(i))}));
    });
    for (const std::string& glob : {std::string(), std::string("a/b"), std::string("a/*")}) {
        VerdictQuery q;
        q.limit = 7;
        q.target_glob = glob;
        std::vector<std::string> seen;
        std::optional<Time> last;
        for (;;) {
            const auto page = read([&](Reader& r) { return r.verdicts(q); });
            if (page.empty()) break;
            for (const auto& row : page) {
                EXPECT_LE(row.verdict.at, last.value_or(row.verdict.at));
                last = row.verdict.at;
                seen.push_back(row.verdict.reason);
            }
            q.before_id = page.back().id;
        }
        EXPECT_EQ(seen.size(), 40U);
        std::sort(seen.begin(), seen.end());
        EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
    }
}

TEST_P(Conformance, ManyTargetsAreFilteredLikeFew) {
    put([&](Session& s) {
        for (int i = 0; i < 300; ++i)
            ASSERT_TRUE(s.add_verdict(
                {0, id("deposit/a" + std::to_string(i % 150) + "/db"), verdict(core::Status::ok, kStart + seconds(i), std::to_string(i))}));
        for (int i = 0; i < 150; ++i)
            ASSERT_TRUE(s.put_daily({id("deposit/a" + std::to_string(i) + "/db"), "2025-11-22", verdict(core::Status::ok)}));
    });
    VerdictQuery q;
    q.target_glob = "deposit/a?*/db";
    q.limit = 200;
    EXPECT_EQ(read([&](Reader& r) { return r.verdicts(q); }).size(), 200U);
    q.target_glob = "deposit/a1*/db";  // 1, 10..19, 100..149
    const auto some = read([&](Reader& r) { return r.verdicts(q); });
    EXPECT_EQ(some.size(), 2U * 61U);
    EXPECT_EQ(some.front().verdict.reason, "299");
    DailyQuery d;
    d.target_glob = "deposit/a*";
    d.limit = 149;
    EXPECT_EQ(read([&](Reader& r) { return r.daily(d); }).size(), 149U);
    d.target_glob = "deposit/a14?/*";
    EXPECT_EQ(read([&](Reader& r) { return r.daily(d); }).size(), 10U);
}

/// A verdict of the cycle that was due at this hour of the day.
core::Verdict of_cycle(int hour, core::Status status) {
    auto v = verdict(status);
    v.due = *parse_rfc3339("2025-11-22T00:00:00Z") + std::chrono::hours(hour);
    return v;
}

TEST_P(Conformance, ADayOfSeveralCyclesIsTheWorstOfThem) {
    const std::string date = "2025-11-22";
    const auto day = [&](core::Verdict v) {
        put([&](Session& s) { ASSERT_TRUE(s.put_daily({id("a/db"), date, v})); });
        DailyQuery q;
        q.target_glob = "a/db";
        const auto rows = read([&](Reader& r) { return r.daily(q); });
        if (rows.size() != 1) return std::to_string(rows.size()) + " rows";
        return std::to_string((*rows[0].verdict.due - *parse_rfc3339("2025-11-22T00:00:00Z")).count() / 3600000) + " " +
               std::string(name_of(rows[0].verdict.status));
    };
    using core::Status;
    EXPECT_EQ(day(of_cycle(6, Status::late)), "6 late");
    EXPECT_EQ(day(of_cycle(6, Status::missing)), "6 missing") << "its own cycle, later";
    EXPECT_EQ(day(of_cycle(12, Status::ok)), "6 missing") << "another cycle heals nothing";
    EXPECT_EQ(day(of_cycle(18, Status::ok)), "6 missing");
    EXPECT_EQ(day(of_cycle(6, Status::ok)), "18 ok") << "late, but its own";
    EXPECT_EQ(day(of_cycle(12, Status::held)), "12 held");
    EXPECT_EQ(day(of_cycle(18, Status::corrupt)), "18 corrupt");
    EXPECT_EQ(day(of_cycle(18, Status::unchanged)), "12 held") << "what stood behind it is remembered";
    EXPECT_EQ(day(of_cycle(12, Status::ok)), "18 unchanged");
    EXPECT_EQ(day(of_cycle(6, Status::paused)), "18 unchanged") << "a paused cycle says nothing";
    EXPECT_EQ(day(of_cycle(12, Status::warning)), "12 warning") << "not good outweighs good";
    // Others are not touched.
    put([&](Session& s) { ASSERT_TRUE(s.put_daily({id("b/db"), date, of_cycle(6, Status::ok)})); });
    put([&](Session& s) { ASSERT_TRUE(s.put_daily({id("a/db"), "2025-11-23", of_cycle(30, Status::ok)})); });
    EXPECT_EQ(read([&](Reader& r) { return r.daily({}); }).size(), 3U);
}

TEST_P(Conformance, VerdictsWithoutACycleReplaceEachOther) {
    put([&](Session& s) {
        ASSERT_TRUE(s.put_daily({id("bkmon/vault"), "2025-11-22", verdict(core::Status::unreachable)}));
        ASSERT_TRUE(s.put_daily({id("bkmon/vault"), "2025-11-22", verdict(core::Status::ok)}));
    });
    EXPECT_EQ(read([&](Reader& r) { return r.daily({}); }).at(0).verdict.status, core::Status::ok);
}

TEST_P(Conformance, AWorkThatFailsLeavesTheDayAsItWas) {
    put([&](Session& s) { ASSERT_TRUE(s.put_daily({id("a/db"), "2025-11-22", of_cycle(6, core::Status::missing)})); });
    bool over = false;
    store_->write(
        [](Session& s) -> Result<void> {
            if (auto r = s.put_daily({id("a/db"), "2025-11-22", of_cycle(12, core::Status::corrupt)}); !r) return r;
            return fail(Errc::invalid, "no");
        },
        [&](Result<void>) { over = true; });
    pump(over);
    put([&](Session& s) { ASSERT_TRUE(s.put_daily({id("a/db"), "2025-11-22", of_cycle(6, core::Status::ok)})); });
    EXPECT_EQ(read([&](Reader& r) { return r.daily({}); }).at(0).verdict.status, core::Status::ok);
}

TEST_P(Conformance, OneDailyRowPerTargetAndDay) {
    put([&](Session& s) {
        ASSERT_TRUE(s.put_daily({id("deposit/b/db"), "2025-11-22", verdict(core::Status::ok)}));
        ASSERT_TRUE(s.put_daily({id("deposit/a/DB"), "2025-11-22", verdict(core::Status::late)}));
        ASSERT_TRUE(s.put_daily({id("deposit/a/DB"), "2025-11-21", full_verdict()}));
        ASSERT_TRUE(s.put_daily({id("deposit/a/DB"), "2025-11-22", verdict(core::Status::missing)}));
        ASSERT_TRUE(s.put_daily({id("outlet/a/DB"), "2025-11-20", verdict(core::Status::missing)}));
    });
    const auto lines = [&](const DailyQuery& q) {
        std::string out;
        for (const auto& row : read([&](Reader& r) { return r.daily(q); }))
            out += row.date + " " + row.target.str() + " " + std::string(name_of(row.verdict.status)) + "; ";
        return out;
    };
    EXPECT_EQ(lines({}),
              "2025-11-20 outlet/a/DB missing; 2025-11-21 deposit/a/DB held; 2025-11-22 deposit/a/DB missing; 2025-11-22 deposit/b/db ok; ");
    DailyQuery q;
    q.target_glob = "deposit/a/db";
    EXPECT_EQ(lines(q), "2025-11-21 deposit/a/DB held; 2025-11-22 deposit/a/DB missing; ");
    EXPECT_EQ(text(read([&](Reader& r) { return r.daily(q); }).at(0)), text(DailyRow{id("deposit/a/DB"), "2025-11-21", full_verdict()}));
    q = {};
    q.from = "2025-11-21";
    q.to = "2025-11-21";
    EXPECT_EQ(lines(q), "2025-11-21 deposit/a/DB held; ");
    q = {};
    q.status = core::Status::missing;
    q.kind = "deposit";
    EXPECT_EQ(lines(q), "2025-11-22 deposit/a/DB missing; ");
    q = {};
    q.limit = 1;
    EXPECT_EQ(lines(q), "2025-11-20 outlet/a/DB missing; ");
}

TEST_P(Conformance, RunsAreUpdatedInPlaceNewestFirst) {
    const RunRow first{"r1", "intake", "deposit/a/b", "running", kStart, {}, 1, 2, ""};
    put([&](Session& s) {
        ASSERT_TRUE(s.put_run(first));
        ASSERT_TRUE(s.put_run({"r2", "rescan", "all", "queued", {}, {}, 0, 0, ""}));
        ASSERT_TRUE(s.put_run({"r3", "rescan", "all", "done", kStart, kStart + 1s, 5, 5, ""}));
    });
    RunRow ended = first;
    ended.state = "failed";
    ended.ended_at = kStart + 2s;
    ended.error = "no";
    put([&](Session& s) { ASSERT_TRUE(s.put_run(ended)); });
    auto rows = read([](Reader& r) { return r.runs(10); });
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(rows[0].id, "r3");
    EXPECT_EQ(text(rows[2]), text(ended));
    EXPECT_EQ(read([](Reader& r) { return r.runs(1); }).size(), 1U);
}

TEST_P(Conformance, AfterARestartOpenRunsAreInterrupted) {
    put([&](Session& s) {
        ASSERT_TRUE(s.put_run({"r1", "intake", "x", "running", kStart, {}, 1, 2, ""}));
        ASSERT_TRUE(s.put_run({"r2", "intake", "x", "queued", {}, {}, 0, 0, ""}));
        ASSERT_TRUE(s.put_run({"r3", "intake", "x", "done", kStart, kStart, 0, 0, ""}));
    });
    int n = 0;
    put([&](Session& s) { n = s.interrupt_runs(kStart + 1h).value(); });
    EXPECT_EQ(n, 2);
    const auto rows = read([](Reader& r) { return r.runs(10); });
    EXPECT_EQ(rows[0].state, "done");
    EXPECT_EQ(rows[0].ended_at, kStart);
    EXPECT_EQ(rows[1].state, "interrupted");
    EXPECT_EQ(rows[2].ended_at, kStart + 1h);
}

TEST_P(Conformance, SmallTablesComeBackWhole) {
    const ScheduleStateRow schedule{"deposits", kStart, "done", kStart + 1s};
    const PauseRow pause{id("deposit/a/b"), "alice (uid 1001)", "moving", kStart, kStart + 1h};
    const AuditRow audit{kStart, 4294967294U, 4242, "alice", "io.bkmon.Targets.Pause", R"({"target":"x"})", "denied"};
    const HeldRow held{id("deposit/a/b"), std::string(64, 'b'), 5, ".held/a/b/f", "a/b/f", kStart, kStart - 1h, "size_band", "too small", "{}"};
    put([&](Session& s) {
        ASSERT_TRUE(s.put_schedule_state({"deposits", {}, "", {}}));
        ASSERT_TRUE(s.put_schedule_state(schedule));
        ASSERT_TRUE(s.put_pause({id("deposit/a/b"), "bob", "x", kStart, {}}));
        ASSERT_TRUE(s.put_pause(pause));
        ASSERT_TRUE(s.put_pause({id("deposit/a/c"), "bob", "x", kStart, {}}));
        ASSERT_TRUE(s.remove_pause(id("deposit/a/C")));
        ASSERT_TRUE(s.add_audit({kStart, 0, 1, "root", "m", "{}", "ok"}));
        ASSERT_TRUE(s.add_audit(audit));
        ASSERT_TRUE(s.put_held({id("deposit/a/B"), "old", 1, "p", "f", kStart, {}, "r", "r", "{}"}));
        ASSERT_TRUE(s.put_held(held));
        ASSERT_TRUE(s.put_held({id("deposit/a/c"), "old", 1, "p", "f", kStart, {}, "r", "r", "{}"}));
        ASSERT_TRUE(s.remove_held(id("deposit/a/c")));
        ASSERT_TRUE(s.put_setting("vault", "1"));
        ASSERT_TRUE(s.put_setting("vault", "2"));
    });
    EXPECT_THAT(texts(read([](Reader& r) { return r.schedule_states(); })), ElementsAre(text(schedule)));
    EXPECT_THAT(texts(read([](Reader& r) { return r.pauses(); })), ElementsAre(text(pause)));
    EXPECT_EQ(text(read([](Reader& r) { return r.audits(1); }).at(0)), text(audit));
    EXPECT_EQ(read([](Reader& r) { return r.audits(9); }).size(), 2U);
    EXPECT_THAT(texts(read([](Reader& r) { return r.held(); })), ElementsAre(text(held)));
    EXPECT_EQ(read([](Reader& r) { return r.setting("vault"); }), "2");
}

TEST_P(Conformance, ARunIsFoundByItsIdHoweverManyCameAfterIt) {
    put([&](Session& s) {
        for (int i = 0; i < 12000; ++i) ASSERT_TRUE(s.put_run({"r" + std::to_string(i), "k", "w", "done", kStart, kStart, i, i, ""}));
    });
    EXPECT_EQ(read([](Reader& r) { return r.run_of("r0"); })->total, 0);
    EXPECT_EQ(read([](Reader& r) { return r.run_of("r11999"); })->total, 11999);
    EXPECT_FALSE(read([](Reader& r) { return r.run_of("R0"); }));
    EXPECT_FALSE(read([](Reader& r) { return r.run_of(""); }));
}

TEST_P(Conformance, HealthyVersionsAreTheBaselineAndTheReplayGate) {
    HealthyRow old{0, id("deposit/a/b"), "h1", 10, 20, kStart, kStart + 1h, "a/b/1", true, true, {}, 0ms};
    HealthyRow now{0, id("deposit/a/b"), "h2", 11, 0, {}, kStart + 2h, "a/b/2", false, true, {}, 0ms};
    put([&](Session& s) {
        old.id = s.put_healthy(old).value();
        now.id = s.put_healthy(now).value();
        old.current = false;
        old.vault_path.clear();
        old.replaced_at = kStart + 2h;
        old.replaced_uptime = 5000ms;
        old.verified_at = kStart + 4h;
        ASSERT_EQ(s.put_healthy(old).value(), old.id);
        EXPECT_EQ(s.put_healthy({999, id("deposit/a/b"), "h", 1, 1, {}, kStart, "", false, false, {}, 0ms}).error().code, Errc::not_found);
    });
    EXPECT_THAT(texts(read([](Reader& r) { return r.healthy(id("deposit/A/b"), 10); })), ElementsAre(text(now), text(old)));
    EXPECT_EQ(read([](Reader& r) { return r.healthy(id("deposit/a/b"), 1); }).size(), 1U);
    EXPECT_THAT(texts(read([](Reader& r) { return r.vault_files(); })), ElementsAre(text(now)));
    EXPECT_TRUE(read([](Reader& r) { return r.was_healthy(id("deposit/a/b"), "h1"); }));
    EXPECT_FALSE(read([](Reader& r) { return r.was_healthy(id("deposit/a/b"), "h3"); }));
    EXPECT_FALSE(read([](Reader& r) { return r.was_healthy(id("deposit/a/c"), "h1"); }));
}

TEST_P(Conformance, DamagedVersionWasNeverHealthy) {
    HealthyRow row{0, id("deposit/a/b"), "h1", 10, 20, kStart, kStart + 1h, "a/b/1", false, true, {}, 0ms};
    HeldRow held{id("deposit/a/b"), std::string(64, 'b'), 5, ".held/a/b/f", "a/b/f", kStart, kStart - 1h, "size_band", "too small", "{}"};
    put([&](Session& s) {
        row.id = s.put_healthy(row).value();
        row.verified_at = row.damaged_at = held.verified_at = held.damaged_at = kStart + 9h;
        row.damage = held.damage = "other bytes";
        row.damaged_ino = ~std::uint64_t{0};
        ASSERT_TRUE(s.put_healthy(row));
        ASSERT_TRUE(s.put_held(held));
    });
    EXPECT_THAT(texts(read([](Reader& r) { return r.vault_files(); })), ElementsAre(text(row)));
    EXPECT_THAT(texts(read([](Reader& r) { return r.held(); })), ElementsAre(text(held)));
    EXPECT_FALSE(read([](Reader& r) { return r.was_healthy(id("deposit/a/b"), "h1"); }));
}

TEST_P(Conformance, PromotionRowsComeBackWhole) {
    DepositStateRow row;
    row.tx = "t1";
    row.phase = "copying";
    row.target = id("deposit/a/B");
    row.agent = "A";
    row.source_file = "f.gz";
    row.source_dev = 0xffffffffffffff01ULL;
    row.source_ino = 7;
    row.source_size = 8;
    row.source_mtime_ns = -9;
    row.source_ctime_ns = 10;
    row.claimed_sha256 = "c";
    row.report_file = "STATUS.json";
    row.report_sha256 = "r";
    row.temp_name = "t1.tmp";
    row.verdict_json = "{}";
    put([&](Session& s) { ASSERT_TRUE(s.put_deposit_state(row)); });
    row.phase = "ready";
    row.final_path = "a/b/f.gz";
    row.old_path = "a/b/e.gz";
    row.temp_ino = 11;
    row.old_ino = 12;
    row.old_sha256 = "o";
    put([&](Session& s) { ASSERT_TRUE(s.put_deposit_state(row)); });
    EXPECT_THAT(texts(read([](Reader& r) { return r.deposit_states(); })), ElementsAre(text(row)));
    put([&](Session& s) { ASSERT_TRUE(s.remove_deposit_state("t1")); });
    EXPECT_THAT(read([](Reader& r) { return r.deposit_states(); }), IsEmpty());
}

TEST_P(Conformance, WhatWasJudgedIsFoundByReportAndFile) {
    const JudgedRow row{id("deposit/a/b"), "A", "rep", "sha", "ok", "promoted", kStart + 1s, kStart, "1:2:3:4:5"};
    const JudgedRow refused{{}, "A", "bad", "", "failed", "report_invalid", kStart + 2s, {}, ""};
    put([&](Session& s) {
        JudgedRow earlier = row;
        earlier.status = "missing";
        ASSERT_TRUE(s.put_judged(earlier));
        ASSERT_TRUE(s.put_judged(row));
        ASSERT_TRUE(s.put_judged(refused));
        ASSERT_TRUE(s.put_judged(refused));
        ASSERT_TRUE(s.put_judged({{}, "B", "bad", "", "failed", "report_invalid", kStart, {}, ""}));
    });
    EXPECT_THAT(texts(read([](Reader& r) { return r.judged("A", 10); })), ElementsAre(text(refused), text(row)));
    EXPECT_EQ(read([](Reader& r) { return r.judged("A", 1); }).size(), 1U);
    EXPECT_EQ(read([](Reader& r) { return r.judged("B", 10); }).size(), 1U);
    EXPECT_THAT(texts(read([](Reader& r) { return r.judged_report("A", "rep"); })), ElementsAre(text(row)));
    EXPECT_THAT(texts(read([](Reader& r) { return r.judged_report("A", "bad"); })), ElementsAre(text(refused)));
    EXPECT_TRUE(read([](Reader& r) { return r.judged_report("B", "rep"); }).empty());
}

TEST_P(Conformance, AFailedWorkLeavesNothingAndItsNeighboursStay) {
    std::vector<std::string> said;
    bool over = false;
    const auto add = [](const std::string& name) {
        return [name](Session& s) -> Result<void> {
            auto r = s.put_current({id("x/" + name), verdict(core::Status::ok), kStart, {}, {}, kStart});
            if (!r) return r;
            if (name == "b") return fail(Errc::denied, "no b");
            if (name == "c") throw std::runtime_error("boom");
            return {};
        };
    };
    for (const std::string name : {"a", "b", "c", "d"})
        store_->write(add(name), [&, name](Result<void> r) {
            said.push_back(name + ":" + (r ? "ok" : std::string(name_of(r.error().code))));
            over = name == "d";
        });
    pump(over);
    EXPECT_THAT(said, ElementsAre("a:ok", "b:denied", "c:internal", "d:ok"));
    const auto rows = read([](Reader& r) { return r.currents(); });
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].target.str(), "x/a");
    EXPECT_EQ(rows[1].target.str(), "x/d");
    // A target that was first named in a work that failed must be usable afterwards.
    EXPECT_TRUE(write([](Session& s) { return s.put_current({id("x/b"), verdict(core::Status::ok), kStart, {}, {}, kStart}); }));
}

TEST_P(Conformance, AWorkSeesItsOwnRows) {
    put([&](Session& s) {
        ASSERT_TRUE(s.put_setting("a", "1"));
        EXPECT_EQ(s.setting("a").value(), "1");
    });
}

TEST_P(Conformance, ALookThatThrowsIsAnError) {
    bool over = false;
    Result<void> result;
    store_->read([](Reader&) -> Result<void> { throw std::runtime_error("boom"); },
                 [&](Result<void> r) {
                     result = std::move(r);
                     over = true;
                 });
    pump(over);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::internal);
    EXPECT_NE(result.error().what.find("boom"), std::string::npos);
}

TEST_P(Conformance, DoneIsNeverCalledFromInsideWrite) {
    bool over = false;
    store_->write([](Session&) -> Result<void> { return {}; }, [&](Result<void>) { over = true; });
    EXPECT_FALSE(over);
    pump(over);
}

TEST_P(Conformance, RetentionTakesTheOldInBatchesAndKeepsWhatStands) {
    put([&](Session& s) {
        for (int day = 0; day < 10; ++day) {
            const Time at = kStart + 24h * day;
            ASSERT_TRUE(s.add_verdict({0, id("x/y"), verdict(core::Status::ok, at)}));
            ASSERT_TRUE(s.add_event({0, at, "verdict", id("x/y"), "", "{}"}));
            ASSERT_TRUE(s.put_run({"r" + std::to_string(day), "k", "w", "done", at, at, 0, 0, ""}));
            ASSERT_TRUE(s.add_audit({at, 0, 0, "", "", "{}", "ok"}));
            ASSERT_TRUE(s.put_judged({id("x/y"), "A", "rep" + std::to_string(day), "", "ok", "promoted", at, {}, ""}));
            ASSERT_TRUE(s.add_report({"A", "f", "h", at, "used", "p"}));
            ASSERT_TRUE(s.put_daily({id("x/y"), rfc3339(at).substr(0, 10), verdict(core::Status::ok, at)}));
        }
        ASSERT_TRUE(s.put_current({id("x/y"), verdict(core::Status::ok, kStart - 1000h), kStart, {}, {}, kStart}));
        ASSERT_TRUE(s.put_run({"open", "k", "w", "running", kStart - 1000h, {}, 0, 0, ""}));
    });
    std::vector<int> gone;
    do put([&](Session& s) { gone.push_back(s.expire(kStart + 24h * 5, 3).value()); });
    while (gone.back() != 0 && gone.size() < 10);
    EXPECT_THAT(gone, ElementsAre(21, 14, 0));
    EXPECT_EQ(read([](Reader& r) { return r.verdicts({}); }).size(), 5U);
    EXPECT_EQ(read([](Reader& r) { return r.events_after(0, 100); }).size(), 5U);
    EXPECT_EQ(read([](Reader& r) { return r.runs(100); }).size(), 6U);
    EXPECT_EQ(read([](Reader& r) { return r.audits(100); }).size(), 5U);
    EXPECT_EQ(read([](Reader& r) { return r.judged("A", 100); }).size(), 5U);
    EXPECT_EQ(read([](Reader& r) { return r.daily({}); }).size(), 5U);
    EXPECT_EQ(read([](Reader& r) { return r.currents(); }).size(), 1U);
}

TEST_P(Conformance, EvidenceThatIsToldElsewhereIsReadAsItsOwn) {
    const auto at = kStart;
    const auto date = rfc3339(at).substr(0, 10);
    auto told = verdict(core::Status::ok, at);
    told.evidence = R"({"a":"told"})";
    auto own = told;
    own.evidence = R"({"a":"own"})";
    put([&](Session& s) {
        const auto number = s.add_verdict({0, id("x/y"), told}).value();
        ASSERT_TRUE(s.put_current({id("x/y"), told, kStart, {}, {}, kStart, number}));
        ASSERT_TRUE(s.put_daily({id("x/y"), date, told, number}));
        ASSERT_TRUE(s.put_current({id("x/z"), own, kStart, {}, {}, kStart}));
        ASSERT_TRUE(s.put_daily({id("x/z"), date, own}));
    });
    const auto expect = [&] {
        EXPECT_EQ(read([](Reader& r) { return r.current(id("x/y")); })->verdict.evidence, told.evidence);
        EXPECT_EQ(read([](Reader& r) { return r.current(id("x/z")); })->verdict.evidence, own.evidence);
        EXPECT_EQ(read([](Reader& r) { return r.currents(); }).at(0).verdict.evidence, told.evidence);
        const auto days = read([](Reader& r) { return r.daily({}); });
        ASSERT_EQ(days.size(), 2U);
        EXPECT_EQ(days[0].verdict.evidence, told.evidence);
        EXPECT_EQ(days[1].verdict.evidence, own.evidence);
        DailyQuery without;
        without.evidence = false;
        for (const auto& day : read([&](Reader& r) { return r.daily(without); })) EXPECT_EQ(day.verdict.evidence, "");
        without.target_glob = "x/y";
        EXPECT_EQ(read([&](Reader& r) { return r.daily(without); }).at(0).verdict.evidence, "");
        for (const auto& c : read([](Reader& r) { return r.currents(Reader::Evidence::without); })) EXPECT_EQ(c.verdict.evidence, "");
    };
    expect();
    // The verdict goes before the day is over, and the target has had none since.
    put([&](Session& s) { ASSERT_EQ(s.expire(at + 1ms, 100).value(), 1); });
    EXPECT_TRUE(read([](Reader& r) { return r.verdicts({}); }).empty());
    expect();
}

TEST_P(Conformance, RetentionOrphansNoEvidenceOfWhatStays) {
    // Every hour one, of the day it was made on, of the next and of one much later: whenever they expire, what stays has what it had.
    const auto evidence = [](int n) { return R"({"n":)" + std::to_string(n) + "}"; };
    put([&](Session& s) {
        for (int n = 0; n < 72; ++n) {
            const Time at = kStart + 1h * n;
            auto v = verdict(core::Status::ok, at);
            v.evidence = evidence(n);
            const auto target = id("x/" + std::to_string(100 + n));
            const auto number = s.add_verdict({0, target, v}).value();
            ASSERT_TRUE(s.put_current({target, v, at, {}, {}, at, number}));
            for (const auto later : {0h, 24h, 24h * 40}) ASSERT_TRUE(s.put_daily({target, rfc3339(at + later).substr(0, 10), v, number}));
        }
    });
    for (int hour = 0; hour < 24 * 6; hour += 5) {
        put([&](Session& s) {
            while (s.expire(kStart + 1h * hour, 7).value() > 0) continue;
        });
        const auto days = read([](Reader& r) {
            DailyQuery all;
            all.limit = 1000;
            return r.daily(all);
        });
        EXPECT_GE(days.size(), 72U);
        for (const auto& d : days) EXPECT_EQ(d.verdict.evidence, evidence(std::stoi(d.target.str().substr(2)) - 100)) << hour << ' ' << d.date;
        for (const auto& c : read([](Reader& r) { return r.currents(); }))
            EXPECT_EQ(c.verdict.evidence, evidence(std::stoi(c.target.str().substr(2)) - 100)) << hour;
    }
}

TEST_P(Conformance, RetentionKeepsTwoHundredHealthyRowsAndEveryFile) {
    put([&](Session& s) {
        for (int i = 0; i < 230; ++i)
            ASSERT_TRUE(
                s.put_healthy({0, id("x/y"), "h" + std::to_string(i), 1, 1, {}, kStart + seconds(i), i == 5 ? "x/y/f" : "", false, false, {}, 0ms}));
        ASSERT_TRUE(s.put_healthy({0, id("x/z"), "h", 1, 1, {}, kStart, "", false, false, {}, 0ms}));
    });
    std::vector<int> gone;
    do put([&](Session& s) { gone.push_back(s.expire(kStart, 20).value()); });
    while (gone.back() != 0 && gone.size() < 10);
    EXPECT_THAT(gone, ElementsAre(20, 9, 0));
    const auto rows = read([](Reader& r) { return r.healthy(id("x/y"), 1000); });
    EXPECT_EQ(rows.size(), 201U);
    EXPECT_EQ(rows.back().sha256, "h5");
    EXPECT_EQ(rows[199].sha256, "h30");
    EXPECT_TRUE(read([](Reader& r) { return r.was_healthy(id("x/z"), "h"); }));
}

TEST_P(Conformance, HealthyRowsGoTooWhereSomethingGetsOldAllTheTime) {
    put([&](Session& s) {
        for (int i = 0; i < 210; ++i)
            ASSERT_TRUE(s.put_healthy({0, id("x/y"), "h" + std::to_string(i), 1, 1, {}, kStart + seconds(i), "", false, false, {}, 0ms}));
    });
    for (int hour = 0; hour < 3; ++hour)
        put([&](Session& s) {
            ASSERT_TRUE(s.put_judged({{}, "A", std::to_string(hour), "", "failed", "report_invalid", kStart - 1h, {}, ""}));
            ASSERT_TRUE(s.expire(kStart, 20));
        });
    EXPECT_EQ(read([](Reader& r) { return r.healthy(id("x/y"), 1000); }).size(), 200U);
}

TEST_P(Conformance, CloseRunsWhatIsQueuedAndRefusesTheRest) {
    int done = 0;
    for (int i = 0; i < 20; ++i)
        store_->write([i](Session& s) { return s.put_setting("n", std::to_string(i)); }, [&](Result<void> r) { done += r ? 1 : 0; });
    store_->close();
    loop_.run_posted();
    EXPECT_EQ(done, 20);
    const auto late = write([](Session& s) { return s.put_setting("n", "late"); });
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, Errc::cancelled);
    bool over = false;
    store_->read([](Reader&) -> Result<void> { return {}; },
                 [&](Result<void> r) {
                     EXPECT_FALSE(r);
                     over = true;
                 });
    pump(over);
}

INSTANTIATE_TEST_SUITE_P(Engines, Conformance, engines(), [](const auto& i) { return i.param; });

}  // namespace
}  // namespace bkmon::test
