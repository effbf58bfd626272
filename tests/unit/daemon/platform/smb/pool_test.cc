// The pool's own rules, with workers that the test plays and time that it moves.
#include "daemon/platform/smb/pool.h"

#include <map>
#include <set>

#include "fake_workers.h"
#include "tests/support/poll_loop.h"

namespace bkmon::smb {
namespace {

using namespace std::chrono_literals;
using test::FakeWorkers;

class Pool : public testing::Test {
protected:
    static Order order(const std::string& folder, const std::string& user = "u") {
        Order o;
        o.address = "192.0.2.1";
        o.shares = {"d$"};
        o.folder = folder;
        o.patterns = {"*.bak"};
        o.credential = {user, "CORP", "secret of " + user};
        return o;
    }
    void make(int workers, milliseconds deadline = 20s) { pool = make_pool(make_spawner(workers_, "/worker"), loop, {workers, deadline}); }
    void visit(const std::string& folder, const std::string& user = "u", Connection connection = {}) {
        tickets[folder] = pool->visit(order(folder, user), std::move(connection), [this, folder](Visit v) {
            EXPECT_FALSE(inside) << "from inside visit()";
            EXPECT_EQ(got.count(folder), 0U) << folder << " is told twice";
            sequence.push_back(folder);
            got[folder] = std::move(v);
        });
    }
    void visits(const std::string& prefix, int n, const std::string& user = "u") {
        inside = true;
        for (int i = 0; i < n; ++i) visit(prefix + std::to_string(i), user);
        inside = false;
        loop.spin();
    }
    /// Each worker that was asked answers; how many did.
    int answer_round() {
        int n = 0;
        for (const auto& p : workers_.alive())
            if (p->asked()) {
                asked.push_back(p->order->folder);
                p->answer();
                ++n;
            }
        loop.spin();
        workers_.bury();
        loop.spin();
        return n;
    }
    void answer_all() {
        for (int idle = 0; idle < 60;) {
            if (answer_round() > 0) {
                idle = 0;
                continue;
            }
            ++idle;
            loop.advance(100ms);
        }
    }

    test::PollLoop loop;
    FakeWorkers workers_;
    std::unique_ptr<Visitor> pool;
    std::map<std::string, std::unique_ptr<Visitor::Ticket>> tickets;
    std::map<std::string, Visit> got;
    std::vector<std::string> sequence, asked;
    bool inside = false;
};

TEST_F(Pool, StartsWorkersAsOrdersWaitAndNeverMoreThanItMay) {
    make(3);
    EXPECT_EQ(workers_.tried, 0) << "nothing to do, nobody there";
    visits("a", 2);
    EXPECT_EQ(workers_.alive().size(), 2U);
    visits("b", 10);
    EXPECT_EQ(workers_.alive().size(), 3U);
    answer_all();
    EXPECT_EQ(workers_.tried, 3);
    EXPECT_EQ(got.size(), 12U);
    for (const auto& [folder, v] : got) {
        EXPECT_EQ(v.outcome, Outcome::listed);
        EXPECT_EQ(v.share, folder) << "the answer of another one";
    }
}

/// A connection of which the other end is kept.
struct Line {
    explicit Line(BootTime now) {
        std::array<int, 2> fds{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
        ours.socket = UniqueFd(fds[0]);
        ours.since = now;
        theirs = UniqueFd(fds[1]);
    }
    bool open() const {
        char c = 0;
        return ::recv(theirs.get(), &c, 1, MSG_DONTWAIT) < 0;
    }
    Connection ours;
    UniqueFd theirs;
};

TEST_F(Pool, AConnectionGoesWithItsOrderAlone) {
    make(1);
    Line first(loop.clock().boot()), third(loop.clock().boot());
    visit("first", "u", std::move(first.ours));
    visit("second");
    visit("third", "u", std::move(third.ours));
    loop.spin();
    const auto worker = workers_.alive().at(0);
    for (auto* line : {&first, static_cast<Line*>(nullptr), &third}) {
        ASSERT_TRUE(worker->asked());
        EXPECT_EQ(static_cast<bool>(worker->connection), line != nullptr) << worker->order->folder;
        if (line != nullptr) {
            EXPECT_EQ(::send(line->theirs.get(), "x", 1, MSG_NOSIGNAL), 1);
            char c = 0;
            EXPECT_EQ(::recv(worker->connection.get(), &c, 1, MSG_DONTWAIT), 1) << "this one";
            EXPECT_TRUE(line->open());
            worker->connection.reset();
            EXPECT_FALSE(line->open()) << "nobody else has it";
        }
        worker->answer();
        loop.spin();
    }
    EXPECT_EQ(got.size(), 3U);
}

TEST_F(Pool, AnOldConnectionIsClosedAndNotGiven) {
    make(1);
    Line fresh(loop.clock().boot()), old(loop.clock().boot());
    visit("a");
    loop.spin();
    visit("fresh", "u", std::move(fresh.ours));
    visit("old", "u", std::move(old.ours));
    const auto worker = workers_.alive().at(0);
    loop.advance(4900ms);
    ASSERT_TRUE(worker->asked());
    worker->answer();
    loop.spin();
    ASSERT_TRUE(worker->asked());
    EXPECT_TRUE(worker->connection);
    loop.advance(200ms);
    worker->answer();
    loop.spin();
    ASSERT_TRUE(worker->asked());
    EXPECT_FALSE(worker->connection);
    EXPECT_FALSE(old.open());
}

TEST_F(Pool, GivingUpClosesItsConnection) {
    make(1);
    Line waiting(loop.clock().boot()), given(loop.clock().boot()), last(loop.clock().boot());
    visit("given", "u", std::move(given.ours));
    visit("waiting", "u", std::move(waiting.ours));
    loop.spin();
    EXPECT_TRUE(given.open());
    tickets["waiting"].reset();
    EXPECT_FALSE(waiting.open());
    tickets["given"].reset();
    loop.spin();
    ASSERT_TRUE(workers_.all.at(0)->killed);
    workers_.bury();
    EXPECT_FALSE(given.open()) << "gone with the worker, which had not read it";
    visit("last", "u", std::move(last.ours));
    pool.reset();
    tickets.clear();
    EXPECT_FALSE(last.open());
}

TEST_F(Pool, AWorkerThatGoesUnreadTakesTheConnectionWithIt) {
    make(1);
    Line line(loop.clock().boot());
    visit("a", "u", std::move(line.ours));
    loop.spin();
    workers_.alive().at(0)->die(9);
    EXPECT_FALSE(line.open());
    loop.advance(1s);
    const auto next = workers_.alive().at(0);
    ASSERT_TRUE(next->asked()) << "the order itself is given again";
    EXPECT_FALSE(next->connection);
}

TEST_F(Pool, FirstComeFirstServed) {
    make(1);
    visits("", 50);
    answer_all();
    ASSERT_EQ(asked.size(), 50U);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(asked[static_cast<std::size_t>(i)], std::to_string(i));
    EXPECT_EQ(asked, sequence);
}

TEST_F(Pool, AllAreGoneTenSecondsAfterTheLast) {
    make(4);
    visits("a", 4);
    answer_round();
    loop.advance(9s);
    EXPECT_EQ(workers_.alive().size(), 4U);
    visits("b", 1);
    answer_round();
    loop.advance(9900ms);
    EXPECT_EQ(workers_.alive().size(), 4U) << "something was asked meanwhile";
    loop.advance(200ms);
    EXPECT_EQ(workers_.alive().size(), 0U);
    workers_.bury();
    visits("c", 1);
    EXPECT_EQ(workers_.alive().size(), 1U);
    loop.advance(11s);
    EXPECT_EQ(workers_.alive().size(), 1U) << "it has work";
}

TEST_F(Pool, OneThatDoesNotAnswerIsKilledAtTheDeadlineAndOnlyThatVisitIsLost) {
    make(2, 20s);
    visits("a", 4);
    loop.advance(10s);
    workers_.all[1]->asked();
    workers_.all[1]->answer();
    loop.advance(9900ms);
    EXPECT_EQ(got.count("a0"), 0U);
    loop.advance(200ms);
    ASSERT_EQ(got.count("a0"), 1U);
    EXPECT_EQ(got["a0"].outcome, Outcome::timeout);
    EXPECT_GE(got["a0"].took, 20s);
    EXPECT_NE(got["a0"].detail.find("20 s"), std::string::npos) << got["a0"].detail;
    EXPECT_TRUE(workers_.all[0]->killed);
    EXPECT_EQ(got["a1"].outcome, Outcome::listed);
    visit("later");
    loop.spin();
    EXPECT_EQ(workers_.tried, 2) << "its place is taken until the kernel has buried it";
    workers_.bury();
    loop.spin();
    EXPECT_EQ(workers_.tried, 3);
    answer_all();
    EXPECT_EQ(got.size(), 5U);
}

TEST_F(Pool, WaitingCostsNoDeadline) {
    make(1, 20s);
    visits("a", 3);
    for (int i = 0; i < 3; ++i) {
        loop.advance(15s);
        answer_round();
    }
    for (const auto& [folder, v] : got) EXPECT_EQ(v.outcome, Outcome::listed) << folder;
    EXPECT_EQ(got.size(), 3U);
}

TEST_F(Pool, SaysHowItsWorkerDied) {
    make(1);
    visits("a", 1);
    workers_.all[0]->asked();
    workers_.all[0]->die(11);
    loop.spin();
    EXPECT_EQ(got["a0"].outcome, Outcome::worker_crashed);
    EXPECT_EQ(got["a0"].detail, "the worker died of signal 11 (Segmentation fault)");
    visits("b", 1);
    ASSERT_EQ(workers_.all.size(), 2U);
    workers_.all[1]->asked();
    workers_.all[1]->die(0, 70, "noise\nsomething \x1b[31m bad\n");
    loop.spin();
    EXPECT_EQ(got["b0"].outcome, Outcome::worker_crashed);
    EXPECT_EQ(got["b0"].detail, "the worker ended with code 70: something \\x1b[31m bad");
}

TEST_F(Pool, AnAnswerBeforeItDiedCounts) {
    make(1);
    visits("a", 1);
    workers_.all[0]->asked();
    workers_.all[0]->answer();
    workers_.all[0]->die(11);  // reported before the socket was looked at
    loop.spin();
    EXPECT_EQ(got["a0"].outcome, Outcome::listed);
}

TEST_F(Pool, WhatIsNoAnswerCostsTheVisitAndTheWorker) {
    const std::map<std::string, std::string> bad{
        {"not JSON", "nonsense"}, {"another document", "{}"}, {"too long", std::string(kMaxMessage + 1, ' ')}, {"nothing", ""}};
    for (const auto& [what, text] : bad) {
        SCOPED_TRACE(what);
        make(1);
        workers_.all.clear();
        got.clear();
        visits("a", 2);
        workers_.all[0]->asked();
        workers_.all[0]->say(text);
        loop.spin();
        EXPECT_TRUE(workers_.all[0]->killed);
        workers_.bury();
        loop.spin();
        EXPECT_EQ(got["a0"].outcome, Outcome::worker_crashed);
        EXPECT_FALSE(got["a0"].detail.empty());
        answer_all();
        EXPECT_EQ(got["a1"].outcome, Outcome::listed) << "the next one has a worker of its own";
    }
}

TEST_F(Pool, TwoAnswersAreNone) {
    make(1);
    visits("a", 2);
    workers_.all[0]->asked();
    workers_.all[0]->answer();
    workers_.all[0]->answer();
    loop.spin();
    EXPECT_EQ(got["a0"].outcome, Outcome::worker_crashed);
    EXPECT_TRUE(workers_.all[0]->killed);
    EXPECT_EQ(got.count("a1"), 0U) << "the second one was taken for its answer";
}

TEST_F(Pool, WordsThatNobodyAskedForEndTheWorker) {
    make(1);
    visits("a", 1);
    answer_round();
    workers_.all[0]->answer();
    loop.spin();
    EXPECT_TRUE(workers_.all[0]->killed);
    EXPECT_EQ(got.size(), 1U);
}

TEST_F(Pool, GivingUpKillsOnlyTheWorkerOfWhatHasBegun) {
    make(2);
    visits("a", 5);
    tickets.erase("a3");  // waits
    tickets.erase("a0");  // has begun
    loop.spin();
    EXPECT_TRUE(workers_.all[0]->killed);
    EXPECT_FALSE(workers_.all[1]->killed);
    workers_.bury();
    answer_all();
    EXPECT_EQ(got.count("a0") + got.count("a3"), 0U);
    EXPECT_EQ(got.size(), 3U);
    EXPECT_EQ(std::set<std::string>(asked.begin(), asked.end()), (std::set<std::string>{"a1", "a2", "a4"}));
}

TEST_F(Pool, NobodyIsToldWhenThePoolIsGone) {
    make(2);
    visits("a", 5);
    pool.reset();
    loop.spin();
    for (const auto& p : workers_.all) EXPECT_TRUE(p->destroyed);
    tickets.clear();
    loop.advance(1min);
    EXPECT_TRUE(got.empty());
}

TEST_F(Pool, DoneMayDestroyThePoolOrAskAgain) {
    make(2);
    visits("a", 4);
    auto again = pool->visit(order("again"), {}, [&](const Visit&) {
        visit("more");
        pool.reset();
    });
    answer_all();
    EXPECT_EQ(got.count("more"), 0U);
    EXPECT_EQ(got.size(), 4U);
    tickets.clear();
    // The same where many are told in one turn.
    workers_.refuse = Errc::not_found;
    make(2);
    int told = 0;
    std::vector<std::unique_ptr<Visitor::Ticket>> mine;
    for (int i = 0; i < 10; ++i)
        mine.push_back(pool->visit(order("x"), {}, [&](const Visit&) {
            ++told;
            pool.reset();
        }));
    loop.spin();
    EXPECT_EQ(told, 1);
}

TEST_F(Pool, FewerOrMoreAreTakenAtOnce) {
    make(4);
    visits("a", 20);
    EXPECT_EQ(workers_.alive().size(), 4U);
    pool->set_workers(1, 20s);
    EXPECT_EQ(workers_.alive().size(), 4U) << "they have work";
    answer_round();
    EXPECT_EQ(workers_.alive().size(), 1U);
    EXPECT_EQ(got.size(), 4U);
    pool->set_workers(6, 5s);
    loop.spin();
    EXPECT_EQ(workers_.alive().size(), 6U);
    answer_all();
    EXPECT_EQ(got.size(), 20U);
    pool->set_workers(2, 5s);
    EXPECT_EQ(workers_.alive().size(), 2U) << "who is free goes at once";
    workers_.bury();
    visits("b", 1);
    loop.advance(5100ms);
    EXPECT_EQ(got["b0"].outcome, Outcome::timeout) << "the new deadline";
}

TEST_F(Pool, AWorkerNeverSeesASecondCredential) {
    make(2);
    visits("a", 6, "alice");
    visits("b", 6, "bob");
    std::map<FakeWorkers::Process*, std::string> users;
    for (int round = 0; round < 200 && got.size() < 12; ++round) {
        for (const auto& p : workers_.alive())
            if (p->asked()) {
                const auto [it, fresh] = users.emplace(p.get(), p->order->credential.user);
                EXPECT_EQ(it->second, p->order->credential.user) << "a worker that talked to a server knows another one's password";
                p->answer();
            }
        loop.spin();
        workers_.bury();
        loop.advance(50ms);
    }
    EXPECT_EQ(got.size(), 12U);
    EXPECT_LE(users.size(), 6U) << "and they are not changed all the time";
}

TEST_F(Pool, EachCredentialHasItsShare) {
    make(4);
    visits("a", 400, "alice");
    visits("b", 20, "bob");
    for (int round = 0; round < 40; ++round) {
        answer_round();
        loop.advance(50ms);
    }
    int bobs = 0;
    for (const auto& [folder, v] : got) bobs += folder[0] == 'b' ? 1 : 0;
    EXPECT_EQ(bobs, 20) << "they need not wait until the other 400 are done";
    EXPECT_LT(got.size(), 200U);
}

TEST_F(Pool, AWorkerThatIsNotThereIsSaidToAllAndTriedRarely) {
    make(8);
    workers_.refuse = Errc::not_found;
    visits("a", 1000);
    EXPECT_EQ(got.size(), 1000U);
    EXPECT_EQ(got["a0"].outcome, Outcome::internal);
    EXPECT_EQ(got["a999"].detail, "the worker cannot be started: no such thing");
    EXPECT_EQ(workers_.tried, 1);
    for (int i = 0; i < 100; ++i) {
        visits("b" + std::to_string(i) + "/", 1);
        loop.advance(100ms);
    }
    EXPECT_EQ(got.size(), 1100U) << "nobody waits for a worker that will not come";
    EXPECT_LE(workers_.tried, 8);
    workers_.refuse.reset();
    loop.advance(30s);
    visits("c", 3);
    answer_all();
    EXPECT_EQ(got["c2"].outcome, Outcome::listed);
}

TEST_F(Pool, AShortageIsWaitedFor) {
    make(8);
    workers_.refuse = Errc::unavailable;
    visits("a", 10);
    EXPECT_EQ(workers_.tried, 1);
    EXPECT_TRUE(got.empty());
    workers_.refuse.reset();
    loop.advance(1s);
    answer_all();
    EXPECT_EQ(got.size(), 10U);
    for (const auto& [folder, v] : got) EXPECT_EQ(v.outcome, Outcome::listed) << folder;
}

TEST_F(Pool, WithFewerThanItMayItGoesOn) {
    make(8);
    visits("a", 1);
    workers_.refuse = Errc::unavailable;
    visits("b", 20);
    for (int i = 0; i < 40; ++i) {
        answer_round();
        loop.advance(1s);
    }
    EXPECT_EQ(got.size(), 21U);
    for (const auto& [folder, v] : got) EXPECT_EQ(v.outcome, Outcome::listed) << folder;
}

TEST_F(Pool, OneThatEndsBeforeItLooksAtItsOrderIsNoServersFault) {
    make(4);
    visits("a", 50);
    for (int i = 0; i < 1000 && got.size() < 50; ++i) {
        for (const auto& p : workers_.alive()) p->die(0, 5, "cannot shut myself in\n");
        loop.spin();
        loop.advance(100ms);
    }
    EXPECT_EQ(got.size(), 50U);
    for (const auto& [folder, v] : got) {
        EXPECT_EQ(v.outcome, Outcome::internal) << folder;
        EXPECT_EQ(v.detail, "the worker cannot be started: it ended with code 5: cannot shut myself in");
    }
    EXPECT_LE(workers_.tried, 12);
}

TEST_F(Pool, OneThatDiedInItsSleepCostsNothing) {
    make(1);
    visits("a", 1);
    answer_round();
    workers_.all[0]->socket.reset();  // nobody has noticed yet
    visits("b", 1);
    workers_.bury();
    loop.advance(1s);
    answer_all();
    EXPECT_EQ(got["b0"].outcome, Outcome::listed);
}

TEST_F(Pool, OneThatGoesBetweenTwoOrdersIsReplacedAtOnce) {
    make(1);
    visits("a", 20);
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(workers_.all.back()->asked()) << i;
        workers_.all.back()->answer();
        loop.spin();  // the next order lies there
        workers_.all.back()->die(0, 0);
        loop.spin();
    }
    EXPECT_EQ(got.size(), 20U);
    for (const auto& [folder, v] : got) EXPECT_EQ(v.outcome, Outcome::listed) << folder;
}

TEST_F(Pool, DeathsAreMadeGoodOnlySoFast) {
    make(10);
    visits("a", 1000);
    for (int tenth = 0; tenth < 100; ++tenth) {
        for (int turn = 0; turn < 20; ++turn) {
            for (const auto& p : workers_.alive())
                if (p->asked()) p->die(11);
            loop.spin();
        }
        loop.advance(100ms);
    }
    EXPECT_GE(workers_.tried, 200);
    EXPECT_LE(workers_.tried, 25 + 10 * 25 + 1) << "ten seconds";
    for (const auto& [folder, v] : got) EXPECT_EQ(v.outcome, Outcome::worker_crashed);
}

TEST_F(Pool, AnOrderThatIsTooLongIsSaid) {
    make(1);
    inside = true;
    visit(std::string(kMaxMessage, 'x'));
    visit("b");
    inside = false;
    loop.spin();
    answer_all();
    EXPECT_EQ(got[std::string(kMaxMessage, 'x')].outcome, Outcome::internal);
    EXPECT_EQ(got["b"].outcome, Outcome::listed);
    EXPECT_EQ(workers_.tried, 1);
}

TEST_F(Pool, NothingIsInherited) {
    ::setenv("BKMON_TEST_SECRET", "leaked", 1);
    make(1);
    visits("a", 1);
    EXPECT_EQ(workers_.all[0]->env, (std::vector<std::string>{"HOME=/nonexistent", "PATH=/nonexistent", "LC_ALL=C.UTF-8"}));
}

TEST_F(Pool, ThousandsThatWaitCostLittle) {
    make(2);
    const auto began = std::chrono::steady_clock::now();
    visits("a", 20000);
    for (int i = 1; i < 20000; i += 2) tickets.erase("a" + std::to_string(i));
    tickets.clear();
    EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
    EXPECT_LE(workers_.tried, 2);
}

}  // namespace
}  // namespace bkmon::smb
