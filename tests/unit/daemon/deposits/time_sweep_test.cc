// The clock is set, the machine sleeps, bkmond is restarted, at any moment of a cycle: each due time that passes is missing once.
#include <chrono>
#include <random>
#include <set>

#include "tests/support/facts.h"
#include "tests/unit/daemon/deposits/bench.h"

namespace bkmon::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

class TimeSweep : public DepositsTest {
protected:
    /// The clock is set; the kernel tells those who asked.
    void set_clock(milliseconds by) {
        loop.jump(by);
        scheduler->clock_changed();
        part->clock_changed();
        pass(seconds(3));
    }
    /// Nothing runs, both clocks go on: CLOCK_BOOTTIME counts a suspend, and nobody is told.
    void suspend(milliseconds d) {
        loop.manual_clock().wall += d;
        loop.manual_clock().up += d;
        pass(seconds(70));
    }
    void restart(milliseconds down) {
        part.reset();
        scheduler.reset();
        loop.manual_clock().wall += down;
        loop.manual_clock().up += down;
        start();
    }
    /// Back to an empty machine at noon of the day.
    void begin_again() {
        part.reset();
        scheduler.reset();
        runs_engine.reset();
        registry.reset();
        loop.run_posted();
        store.tables() = FakeTables();
        for (const char* name : {"vault", "state", "deposits"}) std::filesystem::remove_all(tree.at(name));
        for (const char* dir : {"deposits/SHOP_CITY_NORTH/log", "deposits/SHOP_CITY_NORTH/database", "vault", "state"}) tree.make_dirs(dir);
        loop.manual_clock().wall = *parse_rfc3339("2026-11-22T12:00:00Z");
        start();
    }
    /// How often each due time was announced as missing: days that are only recorded, and what is said again after a wrong clock, left out.
    std::map<Time, int> missing() {
        std::map<Time, int> out;
        const auto rows = store.tables().verdicts({"deposit/*", "", core::Status::missing, {}, {}, 0, 100000});
        for (const auto& row : *rows)
            if (row.verdict.reason.find("noticed afterwards") == std::string::npos && row.verdict.reason.find("said again") == std::string::npos)
                ++out[row.verdict.due.value_or(Time{})];
        return out;
    }
    /// Days that are recorded as missing, the filled ones too.
    std::set<std::string> missing_days() {
        std::set<std::string> out;
        for (const auto& day : days())
            if (day.find("missing") != std::string::npos) out.insert(day.substr(0, 10));
        return out;
    }
};

struct Total {
    std::int64_t cases = 0, violations = 0;
    void check(bool right, const std::string& what) {
        ++cases;
        if (right) return;
        if (violations++ < 5) ADD_FAILURE() << what;
    }
};

std::string words(milliseconds d) { return std::to_string(d.count() / 60000) + " min"; }

TEST_F(TimeSweep, EachDueTimeIsMissingOnce) {
    const auto begin = std::chrono::steady_clock::now();
    const bool full = full_sweep();
    const Time due = *parse_rfc3339("2026-11-22T13:00:00Z"), next = due + hours(24);
    Total total;
    const std::vector<milliseconds> jumps{hours(1), -hours(1), hours(24 * 3653), -hours(24 * 3653), -hours(24 * 20779)};
    const milliseconds step = full ? milliseconds(minutes(15)) : milliseconds(minutes(110));
    // The clock is wrong for ten minutes: whoever is right afterwards was never missing more than once, and no due time of a wrong year stays.
    for (const auto by : jumps)
        for (milliseconds at{0}; at < hours(5); at += step) {
            begin_again();
            pass(at);
            set_clock(by);
            pass(minutes(10));
            set_clock(-by);
            until("2026-11-23T16:00:00Z");
            const auto told = missing();
            const std::string name = "set by " + words(by) + " at noon + " + words(at) + ", and back after 10 min";
            for (const auto& [d, n] : told) total.check(n == 1, name + ": " + rfc3339(d) + " is missing " + std::to_string(n) + " times");
            total.check(told.count(due) == 1, name + ": today's is not missing");
            total.check(told.count(next) == 1, name + ": tomorrow's is not missing");
            total.check(status() == "missing", name + ": it is " + status());
        }
    // Asleep, or not running, across any part of the cycle.
    for (const bool asleep : {true, false})
        for (milliseconds at{0}; at < hours(5); at += step)
            for (const milliseconds away : {milliseconds(minutes(2)), milliseconds(minutes(70)), milliseconds(hours(4)), milliseconds(hours(26))}) {
                begin_again();
                pass(at);
                asleep ? suspend(away) : restart(away);
                until("2026-11-24T12:00:00Z");
                const auto told = missing();
                const std::string name = (asleep ? "asleep for " : "down for ") + words(away) + " from noon + " + words(at);
                for (const auto& [d, n] : told) total.check(n == 1, name + ": " + rfc3339(d) + " is missing " + std::to_string(n) + " times");
                total.check(missing_days() == std::set<std::string>{"2026-11-22", "2026-11-23"}, name + ": days");
            }
    // A good backup of today is there; a clock that jumps forth and back makes nothing of it.
    for (const auto by : jumps)
        for (milliseconds at{minutes(70)}; at < hours(5); at += step) {
            begin_again();
            until("2026-11-22T13:05:00Z");
            push("good " + words(by) + words(at));
            pass(at - minutes(65));
            set_clock(by);
            set_clock(-by);
            until("2026-11-22T20:00:00Z");
            const std::string name = "ok, then set by " + words(by) + " and back after 3 s, at noon + " + words(at);
            total.check(missing().count(due) == 0, name + ": today's is missing");
            total.check(status() == "ok", name + ": it is " + status() + ", " + shown().reason);
        }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    fact("clock_jumps", {{"checks", total.cases}, {"violations", total.violations}}, took.count());
    EXPECT_EQ(total.violations, 0);
    EXPECT_GT(total.cases, 100);
}

}  // namespace
}  // namespace bkmon::test
