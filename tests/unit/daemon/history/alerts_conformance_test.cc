#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/daemon/history/conformance.h"
#include "tests/unit/daemon/history/rows_text.h"

// What every engine of the history must do with the rows of alerts.

namespace bkmon::test {
namespace {

using namespace history;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

/// Text of any bytes: what names and reasons may hold.
const std::string kAnyBytes("Größe\0 \x01\\n\n\xff\xc3(", 16);

core::Incident incident(std::string_view target, Time opened = kStart) {
    core::Incident i;
    i.target = id(target);
    i.status = core::Status::missing;
    i.severity = core::Severity::critical;
    i.problem_at = i.opened_at = i.changed_at = opened;
    i.bad_in_row = 1;
    return i;
}

core::Incident full_incident() {
    auto i = incident("deposit/Agent/DB");
    i.reason_code = "no_file";
    i.reason = kAnyBytes;
    i.problem_at = kStart - 1h;
    i.closed_at = kStart + 1h;
    i.bad_in_row = 7;
    i.said = core::Status::corrupt;
    i.said_at = kStart + 2h;
    i.at_once = true;
    i.reminders = 3;
    i.told = {"a@b", kAnyBytes};
    i.cause = kAnyBytes;
    i.thread = "<a@b>";
    i.acked_by = "eve";
    i.note = kAnyBytes;
    i.acked_at = kStart + 3h;
    i.turns = {kStart, kStart - 5h, from_ms(-1)};
    i.flapping = true;
    i.changed_at = kStart + 4h;
    i.next_at = kStart + 5h;
    return i;
}

NoticeRow notice(std::int64_t of, std::string recipient, bool at_once = true) {
    NoticeRow n;
    n.incident = of;
    n.target = id("deposit/Agent/DB");
    n.recipient = std::move(recipient);
    n.word = core::Word::worse;
    n.at_once = at_once;
    n.from = core::Status::missing;
    n.to = core::Status::corrupt;
    n.severity = core::Severity::critical;
    n.at = kStart;
    n.text = "short";
    n.facts = R"({"a":1})";
    return n;
}

MailRow mail(std::string message_id, std::string recipient = "a@b", Time next = kStart) {
    MailRow m;
    m.kind = "alert";
    m.message_id = std::move(message_id);
    m.recipient = std::move(recipient);
    m.subject = "s";
    m.bytes = "Subject: s\r\n\r\nx";
    m.state = "waiting";
    m.created_at = m.next_at = next;
    m.give_up_at = next + 72h;
    return m;
}

MailRow leased(MailRow m, Time until) {
    m.state = "leased";
    m.lease_until = until;
    m.lease_by = "1";
    return m;
}

MailRow ended(MailRow m, std::string state, Time at) {
    m.state = std::move(state);
    m.ended_at = at;
    return m;
}

core::Silence silence(std::optional<Time> until) {
    core::Silence s;
    s.targets = {"deposit/*", kAnyBytes, ""};
    s.kinds = {"deposit"};
    s.labels = {{"site", "north"}, {kAnyBytes, "\n"}, {"", "\\"}};
    s.from = kStart;
    s.until = until;
    s.windows = {"mon-fri 22:00-06:00"};
    s.timezone = "Europe/Madrid";
    s.reason = kAnyBytes;
    s.by = "eve";
    s.at = kStart;
    s.origin = "x";
    return s;
}

IncidentQuery page(std::string glob, bool open_only, std::optional<Time> since, std::int64_t before_id, int limit, std::string thread = "") {
    IncidentQuery q;
    q.target_glob = std::move(glob);
    q.open_only = open_only;
    q.since = since;
    q.before_id = before_id;
    q.limit = limit;
    q.thread = std::move(thread);
    return q;
}

template <class Row>
std::vector<std::int64_t> ids(const std::vector<Row>& rows) {
    std::vector<std::int64_t> out;
    for (const auto& row : rows) out.push_back(row.id);
    return out;
}

class AlertsConformance : public HistoryConformance {
protected:
    std::vector<std::int64_t> ids_of(IncidentQuery q) {
        return ids(read([q](Reader& r) { return r.incidents(q); }));
    }
    std::vector<std::int64_t> ids_of(MailQuery q) {
        return ids(read([q](Reader& r) { return r.mails(q); }));
    }
    std::vector<std::int64_t> due(Time now, int limit = 100) {
        return ids(read([=](Reader& r) { return r.mails_due(now, limit); }));
    }
    std::optional<Time> next_mail() {
        return read([](Reader& r) { return r.next_mail_at(); });
    }
    std::vector<std::int64_t> incidents_due(Time now, int limit = 100) {
        return ids(read([=](Reader& r) { return r.incidents_due(now, limit); }));
    }
    template <class Row, class Put>
    std::int64_t added(const Row& row, Put put_it) {
        std::int64_t its = 0;
        put([&](Session& s) {
            const auto r = (s.*put_it)(row);
            ASSERT_TRUE(r) << r.error().what;
            its = *r;
        });
        return its;
    }
    std::int64_t add(const core::Incident& row) { return added(row, &Session::put_incident); }
    std::int64_t add(const NoticeRow& row) { return added(row, &Session::put_notice); }
    std::int64_t add(const MailRow& row) { return added(row, &Session::put_mail); }
    std::int64_t add(const core::Silence& row) { return added(row, &Session::put_silence); }
    template <class Row, class Put>
    Errc refused(const Row& row, Put put_it) {
        const auto r = write([=](Session& s) -> Result<void> {
            if (auto done = (s.*put_it)(row); !done) return fail(done.error());
            return {};
        });
        EXPECT_FALSE(r) << "it was taken";
        return r ? Errc::internal : r.error().code;
    }
};

TEST_P(AlertsConformance, ANewHistoryHasNoneOfThem) {
    EXPECT_THAT(ids_of(IncidentQuery{}), IsEmpty());
    EXPECT_FALSE(read([](Reader& r) { return r.incident(1); }));
    EXPECT_FALSE(read([](Reader& r) { return r.last_incident(id("a/b")); }));
    EXPECT_FALSE(read([](Reader& r) { return r.next_incident_at(); }));
    EXPECT_THAT(read([](Reader& r) { return r.notices(true, 10); }), IsEmpty());
    EXPECT_THAT(ids_of(MailQuery{}), IsEmpty());
    EXPECT_FALSE(read([](Reader& r) { return r.mail(1); }));
    EXPECT_FALSE(next_mail());
    EXPECT_THAT(read([](Reader& r) { return r.silences(); }), IsEmpty());
    EXPECT_FALSE(read([](Reader& r) { return r.expectation(id("a/b")); }));
}

TEST_P(AlertsConformance, IncidentsComeBackWhole) {
    auto full = full_incident(), bare = incident("a/b");
    full.id = add(full);
    bare.id = add(bare);
    EXPECT_EQ(text(*read([&](Reader& r) { return r.incident(full.id); })), text(full));
    EXPECT_EQ(text(*read([&](Reader& r) { return r.incident(bare.id); })), text(bare)) << "with all that may be absent absent";
    EXPECT_THAT(texts(read([](Reader& r) { return r.incidents({}); })), ElementsAre(text(bare), text(full)));

    auto changed = bare;
    bare.id = full.id;  // all of a row is replaced
    add(bare);
    EXPECT_EQ(text(*read([&](Reader& r) { return r.incident(full.id); })), text(bare));
    EXPECT_EQ(text(*read([&](Reader& r) { return r.incident(changed.id); })), text(changed));
    changed.id = 99;
    EXPECT_EQ(refused(changed, &Session::put_incident), Errc::not_found);
}

TEST_P(AlertsConformance, EachStatusSeverityAndWordComesBack) {
    for (const auto status : core::kStatuses) {
        auto i = incident("a/b");
        i.status = status;
        i.said = status;
        i.severity = severity_of(status);
        i.id = add(i);
        EXPECT_EQ(text(*read([&](Reader& r) { return r.incident(i.id); })), text(i));
        auto n = notice(i.id, "a@b");
        n.from = n.to = status;
        n.severity = i.severity;
        n.word = static_cast<core::Word>(static_cast<int>(status) % 6);
        n.id = add(n);
        EXPECT_EQ(text(*read([&](Reader& r) { return r.notices(true, 100); }).rbegin()), text(n));
    }
}

TEST_P(AlertsConformance, TheLastIncidentOfATargetIsTheOneOfTheGreatestId) {
    add(incident("a/b"));
    const auto second = add(incident("A/B", kStart - 9h));
    add(incident("a/c"));
    EXPECT_EQ(read([](Reader& r) { return r.last_incident(id("a/b")); })->id, second);
    EXPECT_FALSE(read([](Reader& r) { return r.last_incident(id("a/d")); }));
}

TEST_P(AlertsConformance, IncidentsAreFilteredAndPaged) {
    // 1 deposit/a/x closed long ago, 2 deposit/b/x open, 3 deposit/a/x closed lately, 4 node/n open, 5 deposit/a/x open
    auto closed = incident("deposit/a/x", kStart);
    closed.closed_at = kStart + 1h;
    add(closed);
    add(incident("deposit/b/x", kStart + 1h));
    closed.opened_at = kStart + 2h;
    closed.closed_at = kStart + 8h;
    add(closed);
    add(incident("node/n", kStart + 9h));
    add(incident("deposit/a/x", kStart + 9h));
    const auto late = kStart + 8h;
    EXPECT_THAT(ids_of(IncidentQuery{}), ElementsAre(5, 4, 3, 2, 1));
    EXPECT_THAT(ids_of(page("", false, {}, 4, 2)), ElementsAre(3, 2));
    EXPECT_THAT(ids_of(page("", true, {}, 0, 100)), ElementsAre(5, 4, 2));
    EXPECT_THAT(ids_of(page("", true, {}, 5, 1)), ElementsAre(4));
    EXPECT_THAT(ids_of(page("", false, late, 0, 100)), ElementsAre(5, 4, 3)) << "opened or closed then or later";
    EXPECT_THAT(ids_of(page("", false, late, 5, 1)), ElementsAre(4));
    EXPECT_THAT(ids_of(page("", true, late, 0, 100)), ElementsAre(5, 4));
    EXPECT_THAT(ids_of(page("Deposit/A/X", false, {}, 0, 100)), ElementsAre(5, 3, 1));
    EXPECT_THAT(ids_of(page("deposit/a/x", true, {}, 0, 100)), ElementsAre(5));
    EXPECT_THAT(ids_of(page("deposit/a/x", false, late, 5, 100)), ElementsAre(3));
    EXPECT_THAT(ids_of(page("deposit/*", false, {}, 0, 3)), ElementsAre(5, 3, 2));
    EXPECT_THAT(ids_of(page("no/such", false, {}, 0, 3)), IsEmpty());
    EXPECT_THAT(ids_of(page("", false, {}, 0, 0)), IsEmpty());
}

TEST_P(AlertsConformance, TheIncidentsOfAThreadAreFound) {
    for (int i = 1; i <= 4; ++i) {
        auto row = incident(i == 4 ? "a/c" : "a/b", kStart + std::chrono::hours(i));
        row.thread = i == 3 ? "<2@x>" : "<1@x>";
        if (i == 1) row.closed_at = kStart + 1h;
        add(row);
    }
    add(incident("a/b"));
    EXPECT_THAT(ids_of(page("", false, {}, 0, 100, "<1@x>")), ElementsAre(4, 2, 1));
    EXPECT_THAT(ids_of(page("", true, {}, 4, 100, "<1@x>")), ElementsAre(2));
    EXPECT_THAT(ids_of(page("", false, kStart + 2h, 0, 100, "<1@x>")), ElementsAre(4, 2));
    EXPECT_THAT(ids_of(page("a/b", false, {}, 0, 1, "<1@x>")), ElementsAre(2));
    EXPECT_THAT(ids_of(page("a/?", true, {}, 0, 100, "<2@x>")), ElementsAre(3));
    EXPECT_THAT(ids_of(page("", false, {}, 0, 100, "<3@x>")), IsEmpty());
}

TEST_P(AlertsConformance, IncidentsOfManyTargetsAreFilteredLikeThoseOfFew) {
    put([](Session& s) {
        for (int i = 0; i < 160; ++i) ASSERT_TRUE(s.put_incident(incident((i % 2 == 0 ? "even/t" : "odd/t") + std::to_string(i))));
    });
    std::vector<std::int64_t> seen;
    for (std::int64_t before = 0;;) {
        const auto some = ids_of(page("odd/*", true, {}, before, 30));
        if (some.empty()) break;
        seen.insert(seen.end(), some.begin(), some.end());
        before = some.back();
    }
    ASSERT_EQ(seen.size(), 80U);
    for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], 160 - 2 * static_cast<std::int64_t>(i));
}

TEST_P(AlertsConformance, IncidentsAreDueByTheirTimeOpenOrNot) {
    auto flapping = incident("a/closed");
    flapping.closed_at = kStart;
    flapping.flapping = true;
    flapping.next_at = kStart + 2h;
    add(flapping);
    auto later = incident("a/later"), never = incident("a/never"), first = incident("a/first"), same = incident("a/same");
    later.next_at = kStart + 3h;
    first.next_at = same.next_at = kStart + 1h;
    add(later);
    add(never);
    add(first);
    add(same);
    EXPECT_EQ(read([](Reader& r) { return r.next_incident_at(); }), kStart + 1h);
    EXPECT_THAT(incidents_due(kStart), IsEmpty());
    EXPECT_THAT(incidents_due(kStart + 2h), ElementsAre(4, 5, 1));
    EXPECT_THAT(incidents_due(kStart + 9h, 2), ElementsAre(4, 5));
    EXPECT_THAT(incidents_due(kStart + 9h), ElementsAre(4, 5, 1, 2));
}

TEST_P(AlertsConformance, TouchingMakesDueWhatIsOpenOrFlapping) {
    auto closed = incident("a/b"), flapping = incident("a/b"), open = incident("a/b"), other = incident("a/c");
    closed.closed_at = flapping.closed_at = kStart;
    flapping.flapping = true;
    other.flapping = true;  // both: once
    open.next_at = kStart + 9h;
    for (const auto& row : {closed, flapping, open, other}) add(row);
    const auto touch = [&](std::optional<TargetId> target, Time at) {
        int n = 0;
        put([&](Session& s) { n = s.touch_incidents(target, at).value(); });
        return n;
    };
    EXPECT_EQ(touch(id("A/b"), kStart), 2);
    EXPECT_THAT(incidents_due(kStart), ElementsAre(2, 3));
    EXPECT_EQ(touch(id("no/such"), kStart), 0);
    EXPECT_EQ(touch({}, kStart - 1h), 3);
    EXPECT_THAT(incidents_due(kStart - 1h), ElementsAre(2, 3, 4));
}

TEST_P(AlertsConformance, OneNoticeWaitsForEachIncidentRecipientAndKind) {
    auto first = notice(1, "a@b"), digest = notice(1, "a@b", false), other = notice(1, "c@d"), second = notice(2, "a@b");
    first.text = first.facts = kAnyBytes;
    for (auto* row : {&first, &digest, &other, &second}) row->id = add(*row);
    EXPECT_THAT(texts(read([](Reader& r) { return r.notices(true, 100); })), ElementsAre(text(first), text(other), text(second)));
    EXPECT_THAT(texts(read([](Reader& r) { return r.notices(true, 1); })), ElementsAre(text(first)));
    EXPECT_THAT(texts(read([](Reader& r) { return r.notices(false, 100); })), ElementsAre(text(digest)));
    put([&](Session& s) {
        EXPECT_EQ(text(*s.notice_of(1, "a@b", false).value()), text(digest));
        EXPECT_FALSE(s.notice_of(2, "a@b", false).value());
        EXPECT_FALSE(s.notice_of(1, "A@b", true).value()) << "recipients are as configured";
    });

    auto again = notice(1, "a@b");
    again.word = core::Word::better;
    EXPECT_EQ(add(again), first.id) << "it takes the place of the one that waits";
    again.id = first.id;
    other.word = core::Word::reminder;
    EXPECT_EQ(add(other), other.id);
    EXPECT_THAT(texts(read([](Reader& r) { return r.notices(true, 100); })), ElementsAre(text(again), text(other), text(second)));
    second.incident = 1;
    EXPECT_EQ(refused(second, &Session::put_notice), Errc::exists);

    put([&](Session& s) {
        ASSERT_TRUE(s.remove_notice(first.id));
        ASSERT_TRUE(s.remove_notice(first.id)) << "again is nothing to do";
    });
    EXPECT_THAT(ids(read([](Reader& r) { return r.notices(true, 100); })), ElementsAre(other.id, second.id));
    EXPECT_EQ(refused(again, &Session::put_notice), Errc::not_found);
    EXPECT_GT(add(notice(1, "a@b")), second.id) << "ids are never used twice";
}

TEST_P(AlertsConformance, MailsComeBackWhole) {
    auto full = ended(leased(mail("<1@x>"), kStart + 5min), "failed", kStart + 1h), bare = mail("<2@x>");
    full.kind = "digest";
    full.subject = full.last_error = kAnyBytes;
    full.bytes = std::string(1 << 20, '\0') + kAnyBytes;
    full.attempts = 4;
    full.code = 550;
    full.incidents = {7, -1, 9223372036854775807};
    full.id = add(full);
    bare.id = add(bare);
    EXPECT_TRUE(text(*read([&](Reader& r) { return r.mail(full.id); })) == text(full)) << "a megabyte that differs is not printed";
    EXPECT_EQ(text(*read([&](Reader& r) { return r.mail(bare.id); })), text(bare));
    full.bytes.clear();
    bare.bytes.clear();
    EXPECT_THAT(texts(read([](Reader& r) { return r.mails({}); })), ElementsAre(text(bare), text(full))) << "lists do without the bytes";
    EXPECT_THAT(texts(read([](Reader& r) { return r.mails_due(kStart, 10); })), ElementsAre(text(bare)));
}

TEST_P(AlertsConformance, AMailIsMadeOnceForEachRecipient) {
    const auto first = add(mail("<1@x>"));
    auto again = mail("<1@x>");
    again.subject = again.bytes = "another";
    EXPECT_EQ(add(again), first);
    EXPECT_EQ(read([&](Reader& r) { return r.mail(first); })->subject, "s") << "what is there stays";
    const auto other = add(mail("<1@x>", "c@d"));
    EXPECT_NE(other, first);
    add(ended(mail("<2@x>"), "sent", kStart));
    EXPECT_EQ(add(mail("<2@x>")), 3) << "also when it was sent";
    EXPECT_THAT(ids_of(MailQuery{}), ElementsAre(3, other, first));
    auto moved = mail("<1@x>");
    moved.id = other;
    EXPECT_EQ(refused(moved, &Session::put_mail), Errc::exists);
    moved.id = 99;
    moved.message_id = "<9@x>";
    EXPECT_EQ(refused(moved, &Session::put_mail), Errc::not_found);
}

TEST_P(AlertsConformance, TheBytesOfAMailStayUntilItIsSent) {
    auto row = mail("<1@x>");
    row.id = add(row);
    const auto bytes = [&] { return read([&](Reader& r) { return r.mail(row.id); })->bytes; };
    auto listed = read([](Reader& r) { return r.mails_due(kStart, 1); }).at(0);
    EXPECT_EQ(listed.bytes, "");
    add(leased(listed, kStart + 5min));
    EXPECT_EQ(bytes(), row.bytes) << "a row of a list does not erase them";
    add(ended(listed, "failed", kStart));
    EXPECT_EQ(bytes(), row.bytes);
    row.bytes = "new";
    add(row);
    EXPECT_EQ(bytes(), "new");
    add(ended(row, "sent", kStart));
    EXPECT_EQ(bytes(), "");
}

TEST_P(AlertsConformance, NoMailWaitsForEverOrIsForgotten) {
    auto row = mail("<1@x>");
    for (const auto* state : {"", "Waiting", "gone"}) {
        row.state = state;
        EXPECT_EQ(refused(row, &Session::put_mail), Errc::invalid) << state;
    }
    for (const auto* state : {"leased", "sent", "failed"}) {
        row.state = state;
        EXPECT_EQ(refused(row, &Session::put_mail), Errc::invalid) << state << " without its time";
    }
    EXPECT_EQ(refused(ended(row, "waiting", kStart), &Session::put_mail), Errc::invalid);
    EXPECT_THAT(ids_of(MailQuery{}), IsEmpty());
}

TEST_P(AlertsConformance, MailsAreDueWhenTheyWaitOrTheirLeaseIsOver) {
    add(mail("<late>", "a@b", kStart + 3h));
    add(leased(mail("<held>", "a@b", kStart - 9h), kStart + 2h));
    add(mail("<soon>", "a@b", kStart + 1h));
    add(mail("<same>", "a@b", kStart + 1h));
    add(ended(mail("<sent>", "a@b", kStart), "sent", kStart));
    add(ended(mail("<failed>", "a@b", kStart), "failed", kStart));
    EXPECT_EQ(next_mail(), kStart + 1h);
    EXPECT_THAT(due(kStart), IsEmpty());
    EXPECT_THAT(due(kStart + 1h), ElementsAre(3, 4));
    EXPECT_THAT(due(kStart + 2h), ElementsAre(2, 3, 4)) << "by next_at, whatever the lease";
    EXPECT_THAT(due(kStart + 9h, 2), ElementsAre(2, 3));
    EXPECT_THAT(due(kStart + 9h, 0), IsEmpty());
    for (const auto* waiting : {"<soon>", "<same>"}) {
        auto row = ended(mail(waiting), "failed", kStart);
        row.id = std::string(waiting) == "<soon>" ? 3 : 4;
        add(row);
    }
    EXPECT_EQ(next_mail(), kStart + 2h) << "the end of the lease";
    EXPECT_THAT(due(kStart + 9h), ElementsAre(2, 1));
}

TEST_P(AlertsConformance, MailsAreListedByStateAndCounted) {
    for (int i = 0; i < 4; ++i) add(mail("<w" + std::to_string(i) + ">", i % 2 == 0 ? "a@b" : "c@d", kStart + std::chrono::hours(i)));
    add(ended(mail("<f>"), "failed", kStart));
    auto digest = mail("<d>", "a@b", kStart + 9h);
    digest.kind = "digest";
    add(digest);
    EXPECT_THAT(ids_of(MailQuery{}), ElementsAre(6, 5, 4, 3, 2, 1));
    EXPECT_THAT(ids_of(MailQuery{"waiting", 0, 3}), ElementsAre(6, 4, 3));
    EXPECT_THAT(ids_of(MailQuery{"waiting", 3, 3}), ElementsAre(2, 1));
    EXPECT_THAT(ids_of(MailQuery{"", 3, 1}), ElementsAre(2));
    EXPECT_THAT(ids_of(MailQuery{"no such", 0, 3}), IsEmpty());
    const auto count = [&](std::string recipient, std::string kind, Time since) {
        return read([=](Reader& r) { return r.mails_since(recipient, kind, since); });
    };
    EXPECT_EQ(count("a@b", "alert", kStart), 3);
    EXPECT_EQ(count("a@b", "alert", kStart + 1ms), 1);
    EXPECT_EQ(count("a@b", "alert", kStart + 2h), 1) << "inclusive";
    EXPECT_EQ(count("a@b", "digest", kStart), 1);
    EXPECT_EQ(count("A@b", "alert", kStart), 0);
    const auto in = [&](std::string state) { return read([=](Reader& r) { return r.mails_in(state); }); };
    EXPECT_EQ(in("waiting"), 5);
    EXPECT_EQ(in("failed"), 1);
    EXPECT_EQ(in("sent"), 0);
}

TEST_P(AlertsConformance, SilencesComeBackWhole) {
    auto full = silence(kStart + 2h), bare = core::Silence{};
    full.id = add(full);
    bare.id = add(bare);
    EXPECT_THAT(texts(read([](Reader& r) { return r.silences(); })), ElementsAre(text(full), text(bare)));
    full.until = kStart;  // ended by hand
    full.targets.clear();
    add(full);
    EXPECT_THAT(texts(read([](Reader& r) { return r.silences(); })), ElementsAre(text(full), text(bare))) << "those that ended too";
    full.id = 99;
    EXPECT_EQ(refused(full, &Session::put_silence), Errc::not_found);
}

TEST_P(AlertsConformance, ATargetHasOneExpectation) {
    const ExpectationRow first{id("deposit/Agent/DB"), 0xffffffffffffffffULL, kStart, "eve", kAnyBytes},
        second{id("deposit/Agent/DB"), 1, kStart + 1h, "", ""};
    put([&](Session& s) {
        ASSERT_TRUE(s.put_expectation(first));
        ASSERT_TRUE(s.put_expectation({id("a/b"), 7, kStart, "", ""}));
    });
    EXPECT_EQ(text(*read([](Reader& r) { return r.expectation(id("deposit/AGENT/db")); })), text(first));
    put([&](Session& s) { ASSERT_TRUE(s.put_expectation(second)); });
    EXPECT_EQ(text(*read([](Reader& r) { return r.expectation(id("deposit/Agent/DB")); })), text(second));
    EXPECT_EQ(read([](Reader& r) { return r.expectation(id("a/b")); })->size_bytes, 7U);
}

TEST_P(AlertsConformance, AWorkThatFailsLeavesAlertsAsTheyWere) {
    auto kept = incident("a/b");
    kept.id = add(kept);
    auto waiting = mail("<1@x>");
    waiting.id = add(waiting);
    auto n = notice(kept.id, "a@b");
    n.id = add(n);
    const auto fails = [&](int) {
        return write([&](Session& s) -> Result<void> {
            auto worse = kept;
            worse.reason = "worse";
            EXPECT_TRUE(s.put_incident(worse) && s.put_incident(incident("a/c")) && s.touch_incidents({}, kStart));
            EXPECT_EQ(s.incident(kept.id).value()->next_at, kStart) << "a work sees its own rows";
            EXPECT_TRUE(s.put_notice(notice(9, "c@d")) && s.remove_notice(n.id));
            auto gone = ended(waiting, "sent", kStart);
            EXPECT_TRUE(s.put_mail(gone) && s.put_mail(mail("<2@x>")));
            EXPECT_TRUE(s.put_silence(silence(kStart)) && s.put_expectation({id("a/b"), 1, kStart, "", ""}));
            return fail(Errc::unavailable, "no");
        });
    };
    for (int again = 0; again < 2; ++again) EXPECT_FALSE(fails(again));
    EXPECT_THAT(texts(read([](Reader& r) { return r.incidents({}); })), ElementsAre(text(kept)));
    EXPECT_THAT(texts(read([](Reader& r) { return r.notices(true, 9); })), ElementsAre(text(n)));
    EXPECT_THAT(ids_of(MailQuery{}), ElementsAre(waiting.id));
    EXPECT_EQ(text(*read([&](Reader& r) { return r.mail(waiting.id); })), text(waiting));
    EXPECT_THAT(read([](Reader& r) { return r.silences(); }), IsEmpty());
    EXPECT_FALSE(read([](Reader& r) { return r.expectation(id("a/b")); }));
}

TEST_P(AlertsConformance, RetentionTakesWhatIsOverAndKeepsWhatStands) {
    const auto before = kStart + 24h;
    put([&](Session& s) {
        for (int i = 0; i < 5; ++i) {
            auto closed = incident("a/b", kStart - 100h);
            closed.closed_at = kStart + std::chrono::hours(i);
            ASSERT_TRUE(s.put_incident(closed));
            ASSERT_TRUE(s.put_mail(ended(mail("<" + std::to_string(i)), i % 2 == 0 ? "sent" : "failed", kStart + std::chrono::hours(i))));
            ASSERT_TRUE(s.put_silence(silence(kStart + std::chrono::hours(i))));
        }
        auto flapping = incident("a/b", kStart - 100h), late = flapping;
        flapping.closed_at = kStart;
        flapping.flapping = true;
        late.closed_at = before;
        for (const auto& row : {flapping, late, incident("a/b", kStart - 100h)}) ASSERT_TRUE(s.put_incident(row));
        ASSERT_TRUE(s.put_mail(mail("<open>", "a@b", kStart - 100h)));
        ASSERT_TRUE(s.put_mail(ended(mail("<late>"), "sent", before)));
        ASSERT_TRUE(s.put_silence(silence({})));
        ASSERT_TRUE(s.put_silence(silence(before)));
        ASSERT_TRUE(s.put_notice(notice(1, "a@b")));
        ASSERT_TRUE(s.put_expectation({id("a/b"), 1, kStart - 100h, "", ""}));
    });
    std::vector<int> gone;
    do put([&](Session& s) { gone.push_back(s.expire(before, 3).value()); });
    while (gone.back() != 0 && gone.size() < 10);
    EXPECT_THAT(gone, ElementsAre(9, 6, 0));
    EXPECT_THAT(ids_of(IncidentQuery{}), ElementsAre(8, 7, 6));
    EXPECT_THAT(ids_of(MailQuery{}), ElementsAre(7, 6));
    EXPECT_THAT(ids(read([](Reader& r) { return r.silences(); })), ElementsAre(6, 7));
    EXPECT_EQ(read([](Reader& r) { return r.notices(true, 9); }).size(), 1U);
    EXPECT_TRUE(read([](Reader& r) { return r.expectation(id("a/b")); }));
}

INSTANTIATE_TEST_SUITE_P(Engines, AlertsConformance, engines(), [](const auto& i) { return i.param; });

}  // namespace
}  // namespace bkmon::test
