#include "daemon/control/incident_groups.h"

#include <gtest/gtest.h>

#include "tests/support/fake_store.h"

namespace bkmon::control {
namespace {

using core::Incident;
using core::Severity;
using core::Status;

const Time kStart = parse_rfc3339("2026-11-22T00:00:00Z").value();

Incident incident(std::int64_t id, const std::string& target, const std::string& thread = "", Status status = Status::missing) {
    Incident i;
    i.id = id;
    i.target = TargetId::parse(target).value();
    i.status = status;
    i.severity = core::severity_of(status);
    i.reason = "because of " + target;
    i.problem_at = kStart + std::chrono::minutes(id);
    i.opened_at = i.problem_at + seconds(5);
    i.thread = thread;
    if (!thread.empty()) {
        i.said = status;
        i.said_at = i.opened_at + seconds(30);
    }
    return i;
}

std::vector<std::int64_t> ids(const std::vector<IncidentGroup>& groups) {
    std::vector<std::int64_t> all;
    for (const auto& g : groups) all.push_back(g.id);
    return all;
}

using Ids = std::vector<std::int64_t>;

std::vector<std::string> targets(const IncidentGroup& group) {
    std::vector<std::string> all;
    for (const auto& m : group.members) all.push_back(m.target.str());
    return all;
}

TEST(IncidentGroups, OneThreadIsOneIncident) {
    auto closed = incident(5, "a/e", "<t>");
    closed.closed_at = kStart + std::chrono::hours(1);
    const auto groups = group_incidents({incident(9, "a/z"), incident(8, "a/c", "<t>", Status::held), closed, incident(7, "a/b", "<t>"),
                                         incident(6, "a/y"), incident(3, "a/a", "<t>"), incident(2, "a/x", "<other>")});
    EXPECT_EQ(ids(groups), (Ids{9, 6, 3, 2}));
    EXPECT_EQ(targets(groups[2]), (std::vector<std::string>{"a/a", "a/b", "a/c", "a/e"}));  // open, worst, oldest
    EXPECT_TRUE(groups[2].open());
    EXPECT_TRUE(group_incidents({}).empty());
}

TEST(IncidentGroups, WithoutAThreadNothingIsJoined) { EXPECT_EQ(ids(group_incidents({incident(1, "a/a"), incident(2, "a/b")})), (Ids{2, 1})); }

TEST(IncidentGroups, TheSumTellsOfAll) {
    auto a = incident(3, "a/a", "<t>"), b = incident(4, "a/b", "<t>", Status::held);
    b.problem_at = kStart - seconds(1);
    b.reminders = 2;
    b.said_at = kStart + std::chrono::hours(9);
    b.cause = "region north: 2 of 3";
    b.flapping = true;
    auto sum = group_incidents({b, a}).front().sum();
    EXPECT_EQ(sum.id, 3);
    EXPECT_EQ(sum.status, Status::missing);
    EXPECT_EQ(sum.reason, "because of a/a");
    EXPECT_EQ(sum.problem_at, b.problem_at);
    EXPECT_EQ(sum.opened_at, a.opened_at);
    EXPECT_EQ(sum.said_at, b.said_at);
    EXPECT_EQ(sum.reminders, 2);
    EXPECT_EQ(sum.cause, b.cause);
    EXPECT_TRUE(sum.flapping);
    EXPECT_FALSE(sum.closed_at);
    // One of them is over: the other one says how it is.
    a.closed_at = kStart + std::chrono::hours(1);
    sum = group_incidents({b, a}).front().sum();
    EXPECT_EQ(sum.status, Status::held);
    EXPECT_FALSE(sum.closed_at);
    b.closed_at = kStart + std::chrono::hours(2);
    EXPECT_EQ(group_incidents({b, a}).front().sum().closed_at, b.closed_at);
}

TEST(IncidentGroups, AcknowledgedOnlyWhenEachOpenOneIs) {
    auto a = incident(3, "a/a", "<t>"), b = incident(4, "a/b", "<t>");
    a.acked_by = "alice";
    a.acked_at = kStart;
    a.note = "on it";
    auto sum = group_incidents({b, a}).front().sum();
    EXPECT_EQ(sum.acked_by, "");
    EXPECT_FALSE(sum.acked_at);
    EXPECT_EQ(sum.note, "on it");
    b.acked_by = "bob";
    b.acked_at = kStart + seconds(1);
    EXPECT_EQ(group_incidents({b, a}).front().sum().acked_by, "bob");
    b.acked_at = std::nullopt;
    b.closed_at = kStart + seconds(9);
    EXPECT_EQ(group_incidents({b, a}).front().sum().acked_by, "alice");
}

class Reading : public testing::Test {
protected:
    std::int64_t put(const std::string& target, const std::string& thread = "", bool open = true) {
        auto row = incident(0, target, thread);
        row.problem_at = row.opened_at = kStart + seconds(++n_);
        if (!open) row.closed_at = row.opened_at + seconds(1);
        return tables_.put_incident(row).value();
    }
    Ids read(
        const GroupQuery& query, const MayTouch& may = [](const std::string&) { return true; }) {
        groups_ = read_groups(tables_, query, may).value();
        return ids(groups_);
    }

    test::FakeTables tables_;
    std::vector<IncidentGroup> groups_;
    int n_ = 0;
};

TEST_F(Reading, PagesGiveEachGroupOnceAndWhole) {
    // Thread <t> reaches over the others: 1, 4, 7.
    for (const char* thread : {"<t>", "", "<u>", "<t>", "", "<u>", "<t>", ""}) put("a/x" + std::to_string(n_), thread);
    EXPECT_EQ(read({}), (Ids{8, 5, 3, 2, 1}));
    EXPECT_EQ(groups_.back().members.size(), 3U);
    for (std::size_t limit = 1; limit <= 6; ++limit) {
        Ids all;
        GroupQuery query;
        query.limit = limit;
        while (true) {
            const auto page = read(query);
            for (const auto& g : groups_) EXPECT_EQ(g.members.size(), g.id == 1 ? 3U : g.id == 3 ? 2U : 1U) << g.id;
            all.insert(all.end(), page.begin(), page.end());
            EXPECT_LE(page.size(), limit);
            if (page.size() < limit) break;
            query.before = page.back();
        }
        EXPECT_EQ(all, (Ids{8, 5, 3, 2, 1})) << limit;
    }
}

TEST_F(Reading, AFilterNeedsOneMemberAndGivesTheWholeGroup) {
    put("a/old", "<t>", false);
    put("a/single");
    put("b/young", "<t>");
    put("b/over", "", false);
    GroupQuery query;
    query.open_only = true;
    EXPECT_EQ(read(query), (Ids{2, 1}));
    EXPECT_EQ(targets(groups_[1]), (std::vector<std::string>{"b/young", "a/old"}));
    query.limit = 1;
    EXPECT_EQ(read(query), (Ids{2}));  // though a row of 1 is newer than it
    query.before = 2;
    EXPECT_EQ(read(query), (Ids{1}));
    GroupQuery named;
    named.pattern = "b/*";
    EXPECT_EQ(read(named), (Ids{4, 1}));
    named.pattern = "young";
    EXPECT_EQ(read(named), (Ids{1}));
    GroupQuery late;
    late.since = kStart + seconds(4);
    EXPECT_EQ(read(late), (Ids{4}));
}

TEST_F(Reading, ManyRowsAreReadPageByPage) {
    for (int i = 0; i < 1300; ++i) put("a/x" + std::to_string(i), i % 13 == 0 ? "<t>" : "");
    GroupQuery query;
    query.limit = 5000;
    EXPECT_EQ(read(query).size(), 1201U);
    EXPECT_EQ(groups_.back().id, 1);
    EXPECT_EQ(groups_.back().members.size(), 100U);
}

TEST_F(Reading, WhatTheCallerMayNotSeeIsNotThere) {
    put("a/one", "<t>");
    put("b/two", "<t>");
    put("a/three");
    const auto only_b = [](const std::string& target) { return target.front() == 'b'; };
    EXPECT_EQ(read({}, only_b), (Ids{2}));
    EXPECT_EQ(groups_[0].members.size(), 1U);
    EXPECT_FALSE(read_group(tables_, 1, only_b).value());
    EXPECT_FALSE(read_group(tables_, 99, only_b).value());
    const auto found = read_group(tables_, 2, only_b).value();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->hidden, 1U);
    EXPECT_EQ(found->group.id, 2);
    const auto all = read_group(tables_, 2, [](const std::string&) { return true; }).value();
    EXPECT_EQ(all->hidden, 0U);
    EXPECT_EQ(all->group.id, 1);
}

TEST_F(Reading, MailsAboutIt) {
    put("a/one", "<t>");
    put("b/two", "<t>");
    const auto mail = [&](const std::string& id, Ids about, Time at) {
        history::MailRow row;
        row.kind = "alert";
        row.message_id = id;
        row.recipient = "ops@example.org";
        row.state = "waiting";
        row.created_at = row.next_at = at;
        row.incidents = std::move(about);
        return tables_.put_mail(row).value();
    };
    const Time later = kStart + std::chrono::hours(1);
    mail("<0>", {7}, kStart - seconds(9));
    const auto both = mail("<1>", {1, 2}, later), other = mail("<2>", {3}, later), mixed = mail("<3>", {2, 3}, later);
    const auto group = read_group(tables_, 1, [](const std::string&) { return true; }).value()->group;
    const auto about = [&](bool only) {
        Ids all;
        const auto rows = read_mails_about(tables_, group, only).value();
        for (const auto& row : rows) all.push_back(row.id);
        return all;
    };
    EXPECT_EQ(about(false), (Ids{mixed, both}));
    EXPECT_EQ(about(true), (Ids{both}));
    EXPECT_NE(other, both);
}

}  // namespace
}  // namespace bkmon::control
