// What operators ask for.
#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "common/base/text.h"
#include "daemon/alerts/part_impl.h"
#include "daemon/core/weekly.h"

namespace bkmon::alerts {

namespace {

constexpr int kMostOpen = 200000;
constexpr milliseconds kLookForTest{200};
constexpr milliseconds kLongestTest{std::chrono::seconds(150)};

template <class T>
std::function<void(Result<void>)> answer(std::shared_ptr<T> value, std::function<void(Result<T>)> done) {
    return [value = std::move(value), done = std::move(done)](Result<void> r) { r ? done(std::move(*value)) : done(fail(std::move(r.error()))); };
}

Result<std::uint64_t> newest_size(history::Session& s, const TargetId& target) {
    auto held = s.held();
    if (!held) return fail(std::move(held.error()));
    for (const auto& row : *held)
        if (row.target == target) return row.size_bytes;
    auto healthy = s.healthy(target, 1);
    if (!healthy) return fail(std::move(healthy.error()));
    if (healthy->empty()) return fail(Errc::not_found, "there is no backup of this target yet");
    return healthy->front().size_bytes;
}

Result<int> free_mails(history::Session& s, const std::vector<std::int64_t>& ids, Time now, milliseconds give_up) {
    int count = 0;
    for (const char* state : {"waiting", "failed"}) {  // what has failed waits after that
        auto rows = s.mails({state, 0, kMostOpen});
        if (!rows) return fail(std::move(rows.error()));
        for (auto& listed : *rows) {
            if (!ids.empty() && std::find(ids.begin(), ids.end(), listed.id) == ids.end()) continue;
            if (listed.kind == "test") continue;  // whoever asked for it has his answer
            if (listed.state == "failed") listed.give_up_at = now + give_up;
            listed.state = "waiting";
            listed.next_at = now;
            listed.ended_at.reset();
            if (auto r = s.put_mail(listed); !r) return fail(std::move(r.error()));
            ++count;
        }
    }
    return count;
}

}  // namespace

void Part::ack(std::int64_t id, const std::string& by, const std::string& note, std::function<void(Result<core::Incident>)> done) {
    auto acked = std::make_shared<core::Incident>();
    impl_->rooms.store.write(
        [acked, id, by, note, at = impl_->now()](history::Session& s) -> Result<void> {
            auto one = s.incident(id);
            if (!one) return fail(std::move(one.error()));
            if (!*one) return fail(Errc::not_found, fmt::format("there is no incident {}", id));
            if ((*one)->closed_at) return fail(Errc::invalid, fmt::format("incident {} is over", id));
            std::vector<core::Incident> all{**one};
            history::IncidentQuery open;
            open.open_only = true;
            open.limit = kMostOpen;
            open.thread = (*one)->thread;
            auto others = open.thread.empty() ? Result<std::vector<core::Incident>>() : s.incidents(open);
            if (!others) return fail(std::move(others.error()));
            for (auto& other : *others)  // what was said in one mail is one incident
                if (other.id != id) all.push_back(std::move(other));
            for (auto& i : all) {
                i.acked_by = by;
                i.note = note;
                i.acked_at = at;
                i.next_at = at;
                if (auto r = s.put_incident(i); !r) return fail(std::move(r.error()));
            }
            *acked = std::move(all.front());
            return {};
        },
        answer<core::Incident>(acked, [weak = std::weak_ptr(impl_), done = std::move(done)](Result<core::Incident> r) {
            if (const auto self = weak.lock()) self->want(Impl::Step::tick);
            done(std::move(r));
        }));
}

void Part::silence(core::Silence silence, std::function<void(Result<std::int64_t>)> done) {
    if (!silence.until || *silence.until <= impl_->now()) return done(fail(Errc::invalid, "until: a silence needs an end that has not passed"));
    if (silence.from && *silence.from >= *silence.until) return done(fail(Errc::invalid, "from: it would begin after its end"));
    for (const auto& window : silence.windows)
        if (auto r = core::parse_window(window); !r) return done(fail(in("windows", std::move(r.error()))));
    auto id = std::make_shared<std::int64_t>(0);
    silence.at = impl_->now();
    impl_->rooms.store.write(
        [id, silence](history::Session& s) -> Result<void> {
            auto stored = s.put_silence(silence);
            if (!stored) return fail(std::move(stored.error()));
            *id = *stored;
            return {};
        },
        answer<std::int64_t>(id, [weak = std::weak_ptr(impl_), silence, done = std::move(done)](Result<std::int64_t> r) mutable {
            const auto self = weak.lock();
            if (!self) return;
            if (r) {
                silence.id = *r;
                self->asked.push_back(silence);
                self->silences_changed();
            }
            done(std::move(r));
        }));
}

void Part::unsilence(std::int64_t id, const std::string& by, std::function<void(Result<void>)> done) {
    const auto known = std::find_if(impl_->asked.begin(), impl_->asked.end(), [&](const auto& s) { return s.id == id; });
    if (known == impl_->asked.end() || (known->until && *known->until <= impl_->now()))
        return done(fail(Errc::not_found, fmt::format("there is no silence {} that is not over", id)));
    auto ended = *known;
    ended.until = impl_->now();
    ended.reason += fmt::format(" (ended by {})", by);
    impl_->rooms.store.write(
        [ended](history::Session& s) -> Result<void> {
            auto r = s.put_silence(ended);
            return r ? Result<void>() : Result<void>(fail(std::move(r.error())));
        },
        [weak = std::weak_ptr(impl_), id, done = std::move(done)](Result<void> r) {
            const auto self = weak.lock();
            if (!self) return;
            if (r) {
                std::erase_if(self->asked, [&](const auto& s) { return s.id == id; });
                self->silences_changed();
            }
            done(std::move(r));
        });
}

void Part::expect(const TargetId& target, const std::string& by, const std::string& note, std::function<void(Result<std::uint64_t>)> done) {
    auto size = std::make_shared<std::uint64_t>(0);
    impl_->rooms.store.write(
        [size, target, by, note, at = impl_->now()](history::Session& s) -> Result<void> {
            auto newest = newest_size(s, target);
            if (!newest) return fail(std::move(newest.error()));
            *size = *newest;
            return s.put_expectation({target, *newest, at, by, note});
        },
        answer<std::uint64_t>(size, std::move(done)));
}

void Part::retry(std::vector<std::int64_t> ids, std::function<void(Result<int>)> done) {
    auto count = std::make_shared<int>(0);
    impl_->rooms.store.write(
        [count, ids = std::move(ids), at = impl_->now(), give_up = impl_->options.alerts.give_up](history::Session& s) -> Result<void> {
            auto freed = free_mails(s, ids, at, give_up);
            if (!freed) return fail(std::move(freed.error()));
            *count = *freed;
            return {};
        },
        answer<int>(count, [weak = std::weak_ptr(impl_), done = std::move(done)](Result<int> r) {
            if (const auto self = weak.lock(); self && self->sender) self->sender->try_again();
            done(std::move(r));
        }));
}

// --- a test mail

/// Looks at the rows until each has an answer.
struct Part::Impl::TestMails : std::enable_shared_from_this<TestMails> {
    std::weak_ptr<Impl> part;
    std::vector<std::int64_t> ids;
    std::vector<history::MailRow> rows;
    std::function<void(Result<std::vector<Tested>>)> done;
    std::unique_ptr<loop::Timer> timer;
    BootTime deadline{};

    void look();
    void finish();
};

void Part::Impl::TestMails::look() {
    const auto self = part.lock();
    if (!self) return;
    self->rooms.store.read(
        [me = shared_from_this()](history::Reader& r) -> Result<void> {
            me->rows.clear();
            for (const auto id : me->ids) {
                auto row = r.mail(id);
                if (!row) return fail(std::move(row.error()));
                if (*row) me->rows.push_back(std::move(**row));
            }
            return {};
        },
        [me = shared_from_this()](Result<void> read) {
            const auto p = me->part.lock();
            if (!p) return;
            if (!read) return me->done(fail(std::move(read.error())));
            const bool stuck = p->in_the_way() && std::any_of(me->rows.begin(), me->rows.end(), [](const auto& row) { return row.attempts > 0; });
            const bool all =
                std::all_of(me->rows.begin(), me->rows.end(), [&](const auto& row) { return (stuck || row.attempts > 0) && row.state != "leased"; });
            all || p->rooms.loop.clock().boot() >= me->deadline ? me->finish() : me->timer->arm(kLookForTest);
        });
}

/// A test that did not get through is over: it is not delivered hours later.
void Part::Impl::TestMails::finish() {
    const auto self = part.lock();
    if (!self) return;
    self->rooms.store.write(
        [me = shared_from_this(), at = self->now()](history::Session& s) -> Result<void> {
            for (auto row : me->rows) {
                if (row.state == "sent" || row.state == "failed") continue;
                row.state = "failed";
                row.ended_at = at;
                if (auto r = s.put_mail(row); !r) return fail(std::move(r.error()));
            }
            return {};
        },
        [me = shared_from_this()](Result<void>) {
            const auto p = me->part.lock();
            const auto way = p && p->in_the_way() ? p->sender->way().detail : std::string("no answer in time");
            std::vector<Tested> results;
            for (const auto& row : me->rows)
                results.push_back({row.recipient, row.state == "sent", row.code,
                                   row.state == "sent"      ? std::string("accepted")
                                   : row.last_error.empty() ? way
                                                            : row.last_error});
            me->done(std::move(results));
            me->timer.reset();  // the cycle ends
        });
}

void Part::test(const std::string& to, const std::string& by, std::function<void(Result<std::vector<Tested>>)> done) {
    auto& p = *impl_;
    if (!p.options.mail.configured) return done(fail(Errc::unavailable, "there is no 'mail:' section in the configuration"));
    const auto run = std::make_shared<Impl::TestMails>();
    run->part = impl_;
    run->done = std::move(done);
    run->deadline = p.rooms.loop.clock().boot() + kLongestTest;
    run->timer = p.rooms.loop.make_timer([weak = std::weak_ptr(run)] {
        if (const auto me = weak.lock()) me->look();
    });
    p.tests.push_back(run);
    std::erase_if(p.tests, [](const auto& t) { return t->timer == nullptr; });
    std::vector<history::MailRow> mails;
    const auto salt = std::to_string(std::random_device{}());
    for (const auto& who : to.empty() ? p.options.mail.to : std::vector<std::string>{to}) {
        auto mail = p.letters().test(p.now(), by, who, {"test", who, rfc3339(p.now()), salt});
        if (!mail) return run->done(fail(std::move(mail.error())));
        mail->next_at = Time{};  // before all that waits: where something is in the way, one alone is tried
        mails.push_back(std::move(*mail));
    }
    p.rooms.store.write(
        [run, mails](history::Session& s) -> Result<void> {
            run->ids.clear();
            for (const auto& mail : mails) {
                auto id = s.put_mail(mail);
                if (!id) return fail(std::move(id.error()));
                run->ids.push_back(*id);
            }
            return {};
        },
        [run, weak = std::weak_ptr(impl_)](Result<void> written) {
            const auto self = weak.lock();
            if (!self) return;
            if (!written) return run->done(fail(std::move(written.error())));
            if (self->sender) self->sender->try_again();
            run->timer->arm(kLookForTest);
        });
}

}  // namespace bkmon::alerts
