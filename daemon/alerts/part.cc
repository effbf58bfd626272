#include "daemon/alerts/part.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/base/text.h"
#include "daemon/alerts/part_impl.h"
#include "daemon/core/schedule.h"

namespace bkmon::alerts {

namespace {

constexpr milliseconds kAgain{std::chrono::seconds(5)};         ///< the history did not take it
constexpr milliseconds kLongestSleep{std::chrono::minutes(1)};  ///< the wall clock may be set meanwhile
constexpr milliseconds kJudgeWay{std::chrono::seconds(30)};
constexpr milliseconds kDown{std::chrono::minutes(15)};
constexpr const char* kDigest = "alerts/digest";
const TargetId kMail = TargetId::of("bkmon", {"mail"});

}  // namespace

Part::Impl::Impl(Rooms r, Options o) : rooms(r), options(std::move(o)) {
    tick_timer = rooms.loop.make_timer([this] { want(Step::tick); });
    mail_timer = rooms.loop.make_timer([this] { want(Step::mail); });
    again_timer = rooms.loop.make_timer([this] {
        if (!started) return start();
        wanted.merge(delayed);
        next();
    });
    way_timer = rooms.loop.make_timer([this] { judge_way(); });
}

Sender::Options Part::Impl::sender_options() const {
    Sender::Options o;
    o.mail = options.mail;
    o.hello = options.host;
    o.secret = options.secret;
    o.shorter = short_mail(letters());
    return o;
}

// --- steps

void Part::Impl::want(Step step) {
    wanted.insert(step);
    next();
}

void Part::Impl::next() {
    if (!started || stepping || wanted.empty()) return;
    stepping = true;
    const auto step = *wanted.begin();
    wanted.erase(wanted.begin());
    switch (step) {
        case Step::read: return read_events();
        case Step::reconcile: return reconcile();
        case Step::tick: return tick_incidents();
        case Step::mail: return write_mails();
        case Step::digest: return write_digest();
    }
}

/// What failed is done again, and holds up none of the others: the events are still there.
void Part::Impl::over(Step step, const Result<void>& result) {
    stepping = false;
    if (!result) {
        if (result.error().what != step_problem)
            rooms.journal.log(journal::Level::error, journal::msg::history_degraded,
                              "alerts cannot go on: " + printable(result.error().what) + "; tried again every 5 s");
        step_problem = result.error().what;
        wanted.erase(step);
        delayed.insert(step);
        if (!again_timer->armed()) again_timer->arm(kAgain);
        return next();
    }
    step_problem.clear();
    if (step <= Step::tick && !mail_timer->armed()) mail_timer->arm(milliseconds(1));
    next();
}

void Part::Impl::arm_tick() {
    auto at = std::make_shared<std::optional<Time>>();
    rooms.store.read(
        [at](history::Reader& r) -> Result<void> {
            auto next_at = r.next_incident_at();
            if (!next_at) return fail(std::move(next_at.error()));
            *at = *next_at;
            return {};
        },
        [weak = weak_from_this(), at](Result<void> done) {
            const auto self = weak.lock();
            if (!self) return;
            if (!done) return self->tick_timer->arm(kAgain);
            if (*at) self->tick_timer->arm(std::clamp<milliseconds>(**at - self->now(), milliseconds(1), kLongestSleep));
        });
}

// --- what is known on the loop

Subject Part::Impl::subject_of(const TargetId& target) const {
    static const core::Labels no_labels;
    static const std::vector<std::string> nobody;
    const auto* known = rooms.registry.find(target);
    if (known == nullptr) return {target, no_labels, nobody};
    return {known->spec.id, known->spec.labels, known->spec.recipients ? *known->spec.recipients : nobody};
}

Decision Part::Impl::decision_of(const Subject& subject, const core::Verdict& verdict) const {
    auto d = decide(options.alerts, options.mail.to, subject, verdict);
    if (d.mail == core::AlertRule::Mail::digest && !options.mail.digest) d.mail = core::AlertRule::Mail::at_once;  // there is none
    return d;
}

Prepared Part::Impl::prepare(const TargetId& target, const core::Verdict& verdict) const {
    Prepared p;
    p.target = target;
    p.verdict = verdict;
    std::string().swap(p.verdict.evidence);
    const auto* known = rooms.registry.find(target);
    p.defined = known != nullptr && known->defined;
    p.gone = !p.defined && (!options.complete || options.complete());
    const auto subject = subject_of(target);
    p.decision = decision_of(subject, verdict);
    p.decision.rule = nullptr;
    p.traits = traits_of(target, subject.labels);
    if (silences.covering(target, subject.labels, now())) {
        p.silenced = true;
        p.silence_ends = silences.next_change(target, subject.labels, now());
    }
    if (known != nullptr && rooms.registry.status(*known) == core::Status::paused) {
        p.silenced = true;
        p.silence_ends = known->pause ? known->pause->until : std::nullopt;
    }
    return p;
}

// --- beginning and settings

void Part::Impl::start() {
    struct Known {
        std::optional<std::string> mark;
        std::int64_t last = 0;
        std::vector<core::Silence> silences;
        std::optional<std::string> digest;
    };
    auto known = std::make_shared<Known>();
    rooms.store.read(
        [known](history::Reader& r) -> Result<void> {
            auto text = r.setting(kMark);
            auto last = r.last_event();
            auto asked_for = r.silences();
            auto digest = r.setting(kLastDigest);
            if (!digest) return fail(std::move(digest.error()));
            if (!text || !last || !asked_for) return fail(!text ? text.error() : !last ? last.error() : asked_for.error());
            *known = {*text, *last, std::move(*asked_for), std::move(*digest)};
            return {};
        },
        [weak = weak_from_this(), known](Result<void> read) {
            const auto self = weak.lock();
            if (!self) return;
            if (!read) {
                self->rooms.journal.log(journal::Level::error, journal::msg::history_degraded,
                                        "alerts have not begun: " + read.error().what + "; tried again in 5 s");
                return self->again_timer->arm(kAgain);
            }
            if (!known->mark) return self->first_mark(known->last);
            std::from_chars(known->mark->data(), known->mark->data() + known->mark->size(), self->mark);
            self->asked = std::move(known->silences);
            self->silences_changed();
            self->started = true;
            self->listen();
            self->sender = std::make_unique<Sender>(
                Sender::Rooms{self->rooms.loop, self->rooms.lane, self->rooms.store, self->rooms.transport, self->rooms.journal},
                self->sender_options(), [weak] {
                    if (const auto me = weak.lock()) me->judge_way();
                });
            self->set_digest();
            self->missed_digest(known->digest);
            self->judge_way();
            self->wanted.insert({Step::read, Step::reconcile, Step::tick, Step::mail});
            self->next();
        });
}

/// Of a history that is older than alerts nothing is told again; what comes from now on is.
void Part::Impl::first_mark(std::int64_t last) {
    rooms.store.write([last](history::Session& s) { return s.put_setting(kMark, std::to_string(last)); },
                      [weak = weak_from_this()](Result<void> written) {
                          const auto self = weak.lock();
                          if (!self) return;
                          if (!written) return self->again_timer->arm(kAgain);
                          self->start();
                      });
}

void Part::Impl::listen() {
    listener = rooms.registry.listen([this](const targets::Change&) { want(Step::read); });
}

void Part::Impl::set_digest() {
    if (!options.mail.configured || !options.mail.digest) return rooms.scheduler.remove(kDigest);
    auto schedule = core::Schedule::parse(*options.mail.digest, options.timezone);
    if (!schedule) return;  // the configuration was checked
    runs::Scheduler::Entry entry;
    entry.id = kDigest;
    entry.what = "the daily mail";
    entry.schedule = std::move(*schedule);
    entry.fire = [this](Time due) {
        digest_due = due;
        want(Step::digest);
        return std::string("queued");
    };
    rooms.scheduler.set(std::move(entry));
}

/// Its moment was handled, and a crash came before it was written: it is written now.
void Part::Impl::missed_digest(const std::optional<std::string>& last) {
    if (!options.mail.configured || !options.mail.digest || !last) return;
    const auto schedule = core::Schedule::parse(*options.mail.digest, options.timezone);
    const auto written = parse_rfc3339(*last);
    const auto due = schedule ? schedule->last_at_or_before(now()) : std::nullopt;
    if (!due || !written || *due <= *written || digest_due) return;
    digest_due = due;
    wanted.insert(Step::digest);
}

void Part::Impl::take_options(Options o) {
    options = std::move(o);
    silences_changed();
    if (!started) return;
    sender->reconfigure(sender_options());
    set_digest();
    judge_way();
    want(Step::reconcile);
}

// --- how it goes, as a target

void Part::Impl::say_way(core::Status status, const char* code, std::string reason) {
    if (way_said && way_said->status == status && way_said->reason_code == code && way_said->reason == reason) return;
    if (rooms.registry.find(kMail) == nullptr) return;
    way_said = core::plain_verdict(status, code, std::move(reason), now());
    targets::Registry::Publication p;
    p.target = kMail;
    p.verdict = *way_said;
    rooms.registry.publish(std::move(p), [weak = weak_from_this()](Result<void> stored) {
        if (const auto self = weak.lock(); self && !stored) self->way_said.reset();
    });
}

void Part::Impl::judge_way() {
    if (!started || !options.mail.configured) return;
    way_timer->arm(kJudgeWay);
    const auto& way = sender->way();
    const auto server = printable(options.mail.server);
    switch (way.is) {
        case Way::Is::login:
            return say_way(core::Status::failed, "mail_login", fmt::format("{} does not take the login: {}; no mail goes out", server, way.detail));
        case Way::Is::tls:
            return say_way(core::Status::failed, "mail_tls", fmt::format("{} cannot be trusted, nothing is sent: {}", server, way.detail));
        case Way::Is::down:
            if (rooms.loop.clock().boot() - way.since < kDown) break;
            return say_way(core::Status::unreachable, "mail_down",
                           fmt::format("{} takes no mail: {}; what must be sent waits, and it is tried again and again", server, way.detail));
        case Way::Is::open:
        case Way::Is::untried: break;
    }
    if (sender->failed() > 0)
        return say_way(core::Status::warning, "mail_refused",
                       fmt::format("{} mails were not delivered in the last 24 hours: see bkmonctl alerts outbox", sender->failed()));
    if (way.is == Way::Is::open) say_way(core::Status::ok, "working", "the mail server takes mails");
}

std::string Part::trouble() const {
    if (!impl_->started || !impl_->way_said || impl_->way_said->severity == core::Severity::ok) return "";
    return impl_->way_said->reason_code == "mail_refused" ? "mails were refused" : "mails do not go out";
}

// --- the part

Part::Part(Rooms rooms, Options options) : impl_(std::make_shared<Impl>(rooms, std::move(options))) {}
Part::~Part() {
    if (impl_->started) impl_->rooms.scheduler.remove(kDigest);
}
void Part::start() { impl_->start(); }
void Part::reconfigure(Options options) { impl_->take_options(std::move(options)); }
void Part::cannot_record(const std::string& reason) { impl_->cannot_record(reason); }

void Part::clock_changed(milliseconds by) {
    if (!impl_->started) return;
    impl_->sender->clock_changed(by);
    impl_->silences_changed();  // what waits for a moment looks anew
}

}  // namespace bkmon::alerts
