#include "daemon/alerts/outbox/sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <random>
#include <set>

#include "common/base/still_printable.h"
#include "common/base/text.h"
#include "daemon/core/mail_address.h"

namespace bkmon::alerts {

namespace {

using history::MailRow;
using net::Sent;

constexpr std::size_t kAtOnce = 4;
constexpr milliseconds kTransfer{std::chrono::minutes(2)};
constexpr int kBatch = 20;         ///< leased in one transaction
constexpr int kMostBatch = 160;    ///< the same where so many are gone within a second
constexpr std::size_t kSoon = 40;  ///< with so few left the next ones are leased, so that nobody waits for the disk
constexpr milliseconds kQuick{1000};
constexpr milliseconds kEndings{20};                   ///< so long an end may wait for others to be written with
constexpr milliseconds kLease{std::chrono::hours(2)};  // longer than all that may be leased takes; what a crash leaves is freed at the next start
constexpr milliseconds kCountEach{1000};
constexpr milliseconds kNewFailure{std::chrono::hours(24)};
constexpr milliseconds kLongestSleep{std::chrono::minutes(1)};
constexpr milliseconds kLongestBackoff{std::chrono::minutes(72)};
constexpr int kMostWaiting = 100000;
constexpr milliseconds kStoreAgain{std::chrono::seconds(5)};
constexpr milliseconds kFresh{std::chrono::seconds(10)};  // so long the server is thought to be as it was: then one mail alone asks it

/// A leased row that waits for a place, with the secret of its batch.
struct Queued {
    MailRow row;
    std::shared_ptr<const std::string> secret;
};

}  // namespace

struct Sender::Impl : std::enable_shared_from_this<Impl> {
    Impl(Rooms r, Options o, std::function<void()> c)
        : rooms(r),
          options(std::move(o)),
          changed(std::move(c)),
          me(fmt::format("{:016x}", std::random_device{}())),
          timer(rooms.loop.make_timer([this] { pump(); })),
          endings_timer(rooms.loop.make_timer([this] { write_endings(); })) {}

    Time now() const { return rooms.loop.clock().now(); }
    BootTime boot() const { return rooms.loop.clock().boot(); }
    bool ready() const { return options.mail.configured; }

    void pump();
    /// Something was in the way, or nobody asked for a while: a password that is wrong by now is tried once, not by all at once.
    bool alone() const { return hold.count() > 0 || way.is != Way::Is::open || boot() - heard > kFresh; }
    void sleep();
    void lease(int room);
    void with_secret(std::vector<MailRow> rows);
    void send(const MailRow& row, const std::string& secret);
    void ended(MailRow row, const Sent& sent);
    void give_back();
    void judge_way(const Sent& sent);
    int how_many();
    void settle();
    void write_endings();
    void catch_up(MailRow& row);
    void count();
    void free_own_leases();

    Rooms rooms;
    Options options;
    std::function<void()> changed;
    std::string me;
    Way way;
    milliseconds hold{0};
    BootTime blocked_until{}, heard{};  ///< heard: when the way was last found open
    std::map<std::int64_t, std::unique_ptr<net::MailTransport::Transfer>> in_flight;
    std::deque<Queued> queue;
    std::vector<MailRow> endings;  ///< sent or not, and not written yet
    /// Leased, in flight or not written yet, not to be taken again; with `clock_moved` as it was when its moments were last right.
    std::map<std::int64_t, milliseconds> ours;
    milliseconds clock_moved{0};  ///< by how much the wall clock was set in all
    std::unique_ptr<loop::Timer> timer, endings_timer;
    BootTime leased_at{};  ///< when the last ones were
    int lot = kBatch;
    std::mt19937_64 random{std::random_device{}()};
    BootTime counted{};
    bool more = false;  ///< the last ones were as many as were asked for
    bool busy = false, again = false, writing = false, counting = false;
    std::size_t waiting = 0, failed = 0;
};

Sender::Sender(Rooms rooms, Options options, std::function<void()> changed)
    : impl_(std::make_shared<Impl>(rooms, std::move(options), std::move(changed))) {
    impl_->free_own_leases();
}

Sender::~Sender() = default;

void Sender::reconfigure(Options options) {
    const bool same = options.mail.server == impl_->options.mail.server && options.mail.user == impl_->options.mail.user;
    impl_->options = std::move(options);
    if (!same) impl_->way = {};
    try_again();
}

void Sender::kick() { impl_->pump(); }

void Sender::try_again() {
    impl_->hold = milliseconds(0);
    impl_->blocked_until = {};
    impl_->pump();
}

const Way& Sender::way() const { return impl_->way; }
std::size_t Sender::waiting() const { return impl_->waiting; }
std::size_t Sender::failed() const { return impl_->failed; }

/// This process is the only one that sends for this history: what is leased was leased by one that is gone. And what waits longer than
/// anything waits was put off by a clock that has been set back meanwhile.
void Sender::Impl::free_own_leases() {
    rooms.store.write(
        [at = now()](history::Session& s) -> Result<void> {
            auto rows = s.mails({"leased", 0, 1000});
            auto patient = s.mails({"waiting", 0, kMostWaiting});
            if (!rows || !patient) return fail(!rows ? rows.error() : patient.error());
            std::erase_if(*patient, [&](const MailRow& row) { return row.next_at <= at + kLongestBackoff; });
            rows->insert(rows->end(), patient->begin(), patient->end());
            for (auto& row : *rows) {  // their bytes stay as they are
                row.state = "waiting";
                row.lease_until.reset();
                row.lease_by.clear();
                row.next_at = std::min(row.next_at, at);
                if (row.created_at > at) row.give_up_at = at + (row.give_up_at - row.created_at);
                if (auto r = s.put_mail(row); !r) return fail(std::move(r.error()));
            }
            return {};
        },
        [weak = weak_from_this()](Result<void>) {
            if (const auto self = weak.lock()) self->pump();
        });
}

void Sender::clock_changed(milliseconds by) {
    impl_->clock_moved += by;
    impl_->rooms.store.write(
        [by](history::Session& s) -> Result<void> {
            for (std::int64_t before = 0;;) {
                auto rows = s.mails({"waiting", before, 500});
                if (!rows) return fail(std::move(rows.error()));
                for (auto& row : *rows) {
                    row.next_at += by;
                    row.give_up_at += by;
                    if (auto r = s.put_mail(row); !r) return fail(std::move(r.error()));
                    before = row.id;
                }
                if (rows->size() < 500) return {};
            }
        },
        [weak = std::weak_ptr(impl_)](Result<void>) {
            if (const auto self = weak.lock()) self->pump();
        });
}

void Sender::Impl::pump() {
    count();
    if (!ready()) return;
    settle();
    if (boot() < blocked_until) give_back();
    const std::size_t most = alone() ? 1 : kAtOnce;
    while (!queue.empty() && in_flight.size() < most) {
        auto next = std::move(queue.front());
        queue.pop_front();
        send(next.row, *next.secret);
    }
    if (busy) {
        again = true;
        return;
    }
    if (boot() < blocked_until) return sleep();
    const bool ahead = more && !alone() && queue.size() < kSoon;
    if (!ahead && (!queue.empty() || in_flight.size() >= most)) return;
    lease(hold.count() > 0 ? 1 : how_many());
}

/// More where they go quickly: each transaction costs as much as some mails.
int Sender::Impl::how_many() {
    const bool quick = !alone() && leased_at != BootTime{} && boot() - leased_at < kQuick;
    lot = quick ? std::min(lot * 2, kMostBatch) : kBatch;
    leased_at = boot();
    return lot;
}

/// Ends are written together while others are on their way: a crash in between sends no more than these again.
void Sender::Impl::settle() {
    if (endings.empty()) return;
    if (in_flight.empty() || endings.size() >= static_cast<std::size_t>(kBatch)) return write_endings();
    if (!endings_timer->armed()) endings_timer->arm(kEndings);
}

/// Leased, and not tried: others may have them.
void Sender::Impl::give_back() {
    for (auto& item : queue) {
        item.row.state = "waiting";
        item.row.lease_until.reset();
        item.row.lease_by.clear();
        endings.push_back(std::move(item.row));
    }
    queue.clear();
    write_endings();
}

/// Until the next mail is due, or what is in the way is tried again; the wall clock may be set meanwhile.
void Sender::Impl::sleep() {
    if (boot() < blocked_until) return timer->arm(std::min<milliseconds>(blocked_until - boot(), kLongestSleep));
    auto next = std::make_shared<std::optional<Time>>();
    rooms.store.read(
        [next](history::Reader& r) -> Result<void> {
            auto at = r.next_mail_at();
            if (!at) return fail(std::move(at.error()));
            *next = *at;
            return {};
        },
        [weak = weak_from_this(), next](Result<void> done) {
            const auto self = weak.lock();
            if (!self || self->busy) return;
            if (!done) return self->timer->arm(kStoreAgain);
            if (*next) self->timer->arm(std::clamp<milliseconds>(**next - self->now(), milliseconds(10), kLongestSleep));
        });
}

void Sender::Impl::lease(int room) {
    busy = true;
    auto taken = std::make_shared<std::vector<MailRow>>();
    std::set<std::int64_t> skip;
    for (const auto& [id, moved] : ours) skip.insert(id);
    const auto pick = [taken, room, at = now(), skip = std::move(skip)](history::AlertReader& r) -> Result<void> {
        taken->clear();
        auto due = r.mails_due(at, room + static_cast<int>(skip.size()));
        if (!due) return fail(std::move(due.error()));
        for (const auto& listed : *due) {
            if (skip.contains(listed.id) || taken->size() >= static_cast<std::size_t>(room)) continue;
            auto row = r.mail(listed.id);
            if (!row) return fail(std::move(row.error()));
            if (*row) taken->push_back(std::move(**row));
        }
        return {};
    };
    const auto done = [weak = weak_from_this(), taken, room, moved = clock_moved](Result<void> result) {
        const auto self = weak.lock();
        if (!self) return;
        self->busy = false;
        self->more = result && taken->size() >= static_cast<std::size_t>(room);
        if (!result) return self->timer->arm(kStoreAgain);
        for (const auto& row : *taken) self->ours.emplace(row.id, moved);
        if (!taken->empty()) return self->with_secret(std::move(*taken));
        if (std::exchange(self->again, false)) return self->pump();
        self->sleep();
    };
    rooms.store.write(
        [pick, taken, at = now(), by = me](history::Session& s) -> Result<void> {
            if (auto r = pick(s); !r) return r;
            for (auto& row : *taken) {
                row.state = "leased";
                row.lease_until = at + kLease;
                row.lease_by = by;
                if (auto r = s.put_mail(row); !r) return fail(std::move(r.error()));
            }
            return {};
        },
        [weak = weak_from_this(), pick, done](Result<void> result) {
            const auto self = weak.lock();
            if (!self || result) return done(std::move(result));
            self->rooms.store.read([pick](history::Reader& r) { return pick(r); }, done);  // nothing can be written: it is sent all the same
        });
}

void Sender::Impl::with_secret(std::vector<MailRow> rows) {
    busy = true;
    auto go = [weak = weak_from_this(), rows = std::make_shared<std::vector<MailRow>>(std::move(rows))](Result<std::string> secret) {
        const auto self = weak.lock();
        if (!self) return;
        self->busy = false;
        if (!secret) {  // as a server that does not take the login
            for (const auto& row : *rows) self->ended(row, {Sent::Kind::login, 0, printable(secret.error().what)});
            return self->pump();
        }
        const auto shared = std::make_shared<const std::string>(std::move(*secret));
        for (auto& row : *rows) self->queue.push_back({std::move(row), shared});
        self->pump();
    };
    if (options.mail.user.empty() || !options.secret) return go(Result<std::string>(std::string()));
    loop::submit(
        rooms.lane, rooms.loop, weak_from_this(), [secret = options.secret](std::stop_token) { return secret(); }, std::move(go));
}

net::MailServer server_of(const Sender::Options& options, const std::string& secret) {
    net::MailServer s;
    s.url = options.mail.server;
    s.tls_required = options.mail.tls;
    s.ca_file = options.mail.ca_file;
    s.hello = options.hello;
    s.user = options.mail.user;
    s.secret = secret;
    s.token = options.mail.token;
    return s;
}

void Sender::Impl::send(const MailRow& row, const std::string& secret) {
    const auto from = core::parse_mail_address(options.mail.from), to = core::parse_mail_address(row.recipient);
    if (!from || !to) return ended(row, {Sent::Kind::refused, 0, printable((!from ? from : to).error().what)});
    in_flight[row.id] = rooms.transport.send(server_of(options, secret), {from->address, to->address, row.bytes}, kTransfer,
                                             [weak = weak_from_this(), row](const Sent& sent) {
                                                 const auto self = weak.lock();
                                                 if (!self) return;
                                                 // Its own callback runs in the transfer, which goes with the next turn; the next mail goes now.
                                                 auto over = self->in_flight.extract(row.id);
                                                 static_cast<void>(self->rooms.loop.post(Task([over = std::move(over)] {})));
                                                 self->ended(row, sent);
                                                 self->pump();
                                             });
}

void Sender::Impl::judge_way(const Sent& sent) {
    if (sent.kind == Sent::Kind::refused && sent.code == 0) return;  // no server heard of it
    const auto before = way;
    if (const auto is = in_the_way(sent)) {
        if (way.is != *is) way.since = boot();
        way.is = *is;
        const auto rule = hold_for(*is);
        if (boot() >= blocked_until) {
            hold = hold.count() == 0 || before.is != *is ? rule.first : std::min(hold * 2, rule.most);
            blocked_until = boot() + hold;
        }
    } else {
        // It spoke to us, whatever it said of this mail.
        if (way.is != Way::Is::open) way.since = boot();
        way.is = Way::Is::open;
        heard = boot();
        hold = milliseconds(0);
        blocked_until = {};
        if (sent.kind == Sent::Kind::accepted) way.last_accepted = boot();
    }
    way.code = static_cast<int>(sent.code);
    way.detail = way.is == Way::Is::open ? std::string() : sent.detail;
}

/// The wall clock was set since the row was read: its moments go with it.
void Sender::Impl::catch_up(MailRow& row) {
    const auto at = ours.find(row.id);
    if (at == ours.end()) return;
    const auto by = clock_moved - std::exchange(at->second, clock_moved);
    row.next_at += by;
    row.give_up_at += by;
}

void Sender::Impl::ended(MailRow row, const Sent& sent) {
    judge_way(sent);
    catch_up(row);
    row = after(std::move(row), sent, now(), std::uniform_real_distribution<>(0, 1)(random), options.shorter);
    const journal::Journal::Fields fields{{"BKMON_MAIL", row.message_id}, {"BKMON_RECIPIENT", row.recipient}};
    if (row.state == "sent")
        rooms.journal.log(journal::Level::info, journal::msg::mail_sent,
                          fmt::format("mail {} accepted for {}: {}", row.id, printable(row.recipient), still_printable(row.subject)), fields);
    if (row.state == "failed")
        rooms.journal.log(
            journal::Level::error, journal::msg::mail_failed,
            fmt::format("mail {} to {} was not delivered: {}; see bkmonctl alerts outbox", row.id, printable(row.recipient), row.last_error), fields);
    endings.push_back(std::move(row));
    settle();
}

/// A sent mail's bytes are not kept.
void Sender::Impl::write_endings() {
    if (writing || endings.empty()) return;
    writing = true;
    auto batch = std::make_shared<std::vector<MailRow>>(std::exchange(endings, {}));
    for (auto& row : *batch) catch_up(row);
    rooms.store.write(
        [batch](history::Session& s) -> Result<void> {
            for (auto row : *batch) {
                if (row.state == "sent") row.bytes.clear();
                if (auto r = s.put_mail(row); !r) return fail(std::move(r.error()));
            }
            return {};
        },
        [weak = weak_from_this(), batch](Result<void> done) {
            const auto self = weak.lock();
            if (!self) return;
            self->writing = false;
            if (!done) {
                self->endings.insert(self->endings.begin(), batch->begin(), batch->end());
                return self->timer->arm(kStoreAgain);
            }
            for (const auto& row : *batch) self->ours.erase(row.id);
            self->changed();
            self->pump();
        });
}

/// For `status`: now and then while there is much to do.
void Sender::Impl::count() {
    if (counting || (counted != BootTime{} && boot() - counted < kCountEach && !in_flight.empty())) return;
    counting = true;
    counted = boot();
    auto counts = std::make_shared<std::pair<std::size_t, std::size_t>>();
    rooms.store.read(
        [counts, since = now() - kNewFailure](history::Reader& r) -> Result<void> {
            auto waits = r.mails_in("waiting");
            auto leased = r.mails_in("leased");
            auto lost = r.mails({"failed", 0, 100});
            if (!waits || !leased || !lost) return fail(!waits ? waits.error() : !leased ? leased.error() : lost.error());
            counts->first = static_cast<std::size_t>(*waits + *leased);
            counts->second =
                static_cast<std::size_t>(std::count_if(lost->begin(), lost->end(), [&](const MailRow& m) { return m.ended_at >= since; }));
            return {};
        },
        [weak = weak_from_this(), counts](Result<void> done) {
            const auto self = weak.lock();
            if (!self) return;
            self->counting = false;
            if (!done || *counts == std::pair(self->waiting, self->failed)) return;
            std::tie(self->waiting, self->failed) = *counts;
            self->changed();
        });
}

}  // namespace bkmon::alerts
