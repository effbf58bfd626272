#pragma once
// What the files of this room share. Private to it.
#include <array>
#include <map>
#include <set>

#include "daemon/alerts/facts.h"
#include "daemon/alerts/letters.h"
#include "daemon/alerts/outbox/sender.h"
#include "daemon/alerts/part.h"
#include "daemon/alerts/rules/decide.h"
#include "daemon/alerts/rules/incident.h"
#include "daemon/alerts/rules/silence.h"

namespace bkmon::alerts {

inline constexpr const char* kMark = "alerts.read";          ///< setting: the last event that became incidents
inline constexpr const char* kLastDigest = "alerts.digest";  ///< setting: the moment of the last digest

/// What is known on the loop about a target when something happened to it, for the thread that writes.
struct Prepared {
    TargetId target;
    core::Verdict verdict;  ///< without evidence
    Decision decision;      ///< its rule is not to be touched off the loop
    bool silenced = false;
    std::optional<Time> silence_ends;  ///< when what hides it may change
    Traits traits;
    bool defined = false;  ///< somebody watches it
    bool gone = false;     ///< nobody does any more
};

struct Part::Impl : std::enable_shared_from_this<Impl> {
    Impl(Rooms r, Options o);

    Time now() const { return rooms.loop.clock().now(); }
    FlapRules flap() const { return {options.alerts.flap_changes, options.alerts.flap_within, options.alerts.flap_hold}; }

    // part.cc
    void start();
    void first_mark(std::int64_t last);
    void take_options(Options o);
    Sender::Options sender_options() const;
    void listen();
    void set_digest();
    void missed_digest(const std::optional<std::string>& last);
    void silences_changed();
    /// One step at a time: each rests on what the one before has written.
    enum class Step { read, reconcile, tick, mail, digest };  ///< in this order
    void want(Step step);
    void next();
    void over(Step step, const Result<void>& result);
    void arm_tick();
    Prepared prepare(const TargetId& target, const core::Verdict& verdict) const;
    Subject subject_of(const TargetId& target) const;
    Decision decision_of(const Subject& subject, const core::Verdict& verdict) const;
    void judge_way();
    bool in_the_way() const { return sender && sender->way().is != Way::Is::open && sender->way().is != Way::Is::untried; }
    void say_way(core::Status status, const char* code, std::string reason);

    // reading.cc
    void read_events();
    void tick_incidents();
    /// What changed since nobody looked: targets that are bad and have no incident, or have one and are not bad any more.
    void reconcile();

    // mailing.cc, digest.cc, direct.cc
    void write_mails();
    void compose_mails(const std::shared_ptr<void>& batch);
    Letters letters() const { return {options.mail, options.site, options.version, options.timezone, options.alerts.give_up}; }
    void write_digest();
    void fill_fleet(DigestStory& story) const;
    void fill_silences(DigestStory& story) const;
    void cannot_record(const std::string& reason);
    void direct_failed(const std::string& why);

    Rooms rooms;
    Options options;
    std::unique_ptr<Sender> sender;
    std::vector<core::Silence> asked;  ///< silences of operators that are not over
    Silences silences;                 ///< these, and those of the configuration
    struct TestMails;
    std::vector<std::shared_ptr<TestMails>> tests;
    std::int64_t mark = 0;
    std::set<Step> wanted, delayed;  ///< delayed: failed, done again soon
    std::string step_problem;        ///< said once
    bool stepping = false, started = false;
    std::optional<Time> digest_due;
    std::unique_ptr<loop::Timer> tick_timer, mail_timer, again_timer, way_timer;
    std::shared_ptr<void> listener;
    std::optional<core::Verdict> way_said;
    std::vector<std::unique_ptr<net::MailTransport::Transfer>> direct;  ///< mails that could not be recorded
    std::optional<BootTime> direct_next;                                ///< not before
};

/// What a mail says to a server for which it is too large: the same subject, and where to read on.
std::function<std::string(const history::MailRow&)> short_mail(const Letters& letters);

/// The changes that what happened makes, in one transaction of the history; used by reading and by time. Pure but for the session.
Result<void> apply_turn(history::Session& session, const Prepared& what, Time now, const FlapRules& flap);
Result<void> apply_tick(history::Session& session, const core::Incident& incident, const Prepared& what, Time now, const FlapRules& flap);

}  // namespace bkmon::alerts
