// What bkmond says about itself and about changes: journal, STATUS=, watchdog, the verdict on its own history.
#include <fmt/format.h>

#include <filesystem>

#include "common/base/text.h"
#include "daemon/app/wiring.h"

namespace bkmon::app {

namespace {

constexpr milliseconds kBeat{1000};
constexpr milliseconds kHouse{std::chrono::hours(1)};
constexpr milliseconds kAskHistory{std::chrono::seconds(10)};
constexpr int kExpireBatch = 2000;
constexpr milliseconds kStaleHistory{std::chrono::minutes(2)}, kStaleLook{std::chrono::minutes(10)};
const TargetId kHistory = TargetId::of("bkmon", {"history"});

journal::Level level_of(core::Severity s) {
    switch (s) {
        case core::Severity::critical: return journal::Level::error;
        case core::Severity::unknown:
        case core::Severity::warning: return journal::Level::warning;
        case core::Severity::ok: break;
    }
    return journal::Level::info;
}

}  // namespace

void Wiring::watch_verdicts() {
    verdict_listener_ = registry_->listen([this](const targets::Change& change) { log_change(change); });
}

void Wiring::log_change(const targets::Change& change) {
    if (change.target == nullptr) return;
    const auto verdict = registry_->shown(*change.target);
    if (change.from && *change.from == verdict.status && verdict.severity == core::Severity::ok) return;
    if (change.target->spec.id == kHistory && verdict.reason_code == "history_unwritable") return;  // said when it was found
    const std::string& id = change.target->spec.id.str();
    const bool problem = verdict.severity != core::Severity::ok;
    journal_->log(level_of(verdict.severity), problem ? journal::msg::verdict_problem : journal::msg::verdict_changed,
                  fmt::format("{} is {}: {}", id, core::name_of(verdict.status), verdict.reason),
                  {{"BKMON_TARGET", id},
                   {"BKMON_STATUS", std::string(core::name_of(verdict.status))},
                   {"BKMON_SEVERITY", std::string(core::name_of(verdict.severity))},
                   {"BKMON_PREVIOUS", change.from ? std::string(core::name_of(*change.from)) : ""},
                   {"BKMON_REASON", verdict.reason_code},
                   {"BKMON_RUN", verdict.run},
                   {"BKMON_FILE", verdict.file},
                   {"BKMON_SHA256", verdict.sha256}});
}

/// A write of our own every few beats shows whether the history takes any.
void Wiring::judge_history() {
    if (judging_history_) return;  // a slow disk: one question is enough
    judging_history_ = true;
    history_asked_ = loop_->clock().boot();
    const auto text = rfc3339(loop_->clock().now());
    store_->write([text](history::Session& s) { return s.put_setting("last_beat", text); },
                  [this, alive = std::weak_ptr<int>(alive_)](Result<void> done) {
                      if (alive.expired()) return;
                      judging_history_ = false;
                      if (!done) return history_fails(done.error().what);
                      history_written_ = loop_->clock().boot();
                      space_ && space_->on_reserve() ? history_on_reserve() : history_works();
                  });
}

void Wiring::keep_space() {
    const auto& s = loaded_->settings;
    std::vector<SpaceKeeper::Place> places{{"history", std::filesystem::path(s.history.path).parent_path().string(), config_lane_.get(), 0}};
    if (s.deposits.configured) {
        places.push_back({"vault", s.deposits.vault, vault_lane_.get(), s.deposits.reserve_bytes});
        places.push_back({"deposits", s.deposits.root, deposit_lane_.get(), 0});
    }
    const SpaceKeeper::Rules rules{{s.space.low_percent, s.space.low_bytes}, s.space.reserve};
    if (space_) return space_->set(std::move(places), rules);
    space_ = std::make_shared<SpaceKeeper>(*loop_, *files_, *journal_, *config_lane_, places.front().path,
                                           [this](core::Status status, const char* code, std::string reason) {
                                               targets::Registry::Publication p;
                                               p.target = TargetId::of("bkmon", {"space"});
                                               p.verdict = core::plain_verdict(status, code, std::move(reason), loop_->clock().now());
                                               registry_->publish(std::move(p), [](Result<void>) {});
                                           });
    space_->set(std::move(places), rules);
    space_->start();
}

/// It can be written, but only because the reserve was given back: the emergency is recorded, and nothing else begins.
void Wiring::history_on_reserve() {
    if (!history_failure_) {
        const std::string reason =
            "the history cannot be written for long: its disk is full and it lives on its reserve; nothing is judged and no "
            "backup is promoted until there is room";
        history_failure_ = core::plain_verdict(core::Status::failed, "history_unwritable", reason, loop_->clock().now());
        journal_->log(journal::Level::error, journal::msg::history_degraded, reason, {{"BKMON_TARGET", kHistory.str()}});
        registry_->overrule(kHistory, history_failure_);
    }
    if (history_emergency_stored_) return;
    targets::Registry::Publication p;
    p.target = kHistory;
    p.verdict = *history_failure_;
    registry_->publish(std::move(p), [this, alive = std::weak_ptr<int>(alive_)](Result<void> stored) {
        if (!alive.expired() && stored) history_emergency_stored_ = true;
    });
}

/// What cannot be stored is shown all the same: the verdict about the history overrules the last one that could be.
void Wiring::history_fails(const std::string& problem) {
    const std::string reason = fmt::format("the history cannot be written: {}; until it can, nothing is judged and no backup is promoted", problem);
    if (!history_failure_) {
        history_failure_ = core::plain_verdict(core::Status::failed, "history_unwritable", reason, loop_->clock().now());
        journal_->log(journal::Level::error, journal::msg::history_degraded, reason, {{"BKMON_TARGET", kHistory.str()}});
    }
    history_failure_->reason = reason;
    registry_->overrule(kHistory, history_failure_);
    if (alerts_) alerts_->cannot_record(reason);
    if (!space_ || space_->on_reserve()) return;
    space_->emergency([this, alive = std::weak_ptr<int>(alive_)](bool freed) {
        if (!alive.expired() && freed) judge_history();
    });
}

/// First what was true meanwhile is stored, then what is true now.
void Wiring::history_works() {
    if (registry_->find(kHistory) == nullptr) define_own_targets();  // the disk was full when we started
    const auto publish = [this](core::Verdict verdict, std::function<void(Result<void>)> done) {
        targets::Registry::Publication p;
        p.target = kHistory;
        p.verdict = std::move(verdict);
        registry_->publish(std::move(p), std::move(done));
    };
    const auto say_works = [this, publish, weak = std::weak_ptr<int>(alive_)] {
        history_known_ = false;
        publish(core::plain_verdict(core::Status::ok, "working", "the history can be read and written", loop_->clock().now()),
                [this, weak](Result<void> stored) {
                    if (!weak.expired()) history_known_ = stored.has_value();
                });
    };
    if (!history_failure_) return history_known_ ? void() : say_works();
    publish(*history_failure_, [this, alive = std::weak_ptr<int>(alive_), say_works](Result<void> stored) {
        if (alive.expired()) return;
        if (!stored) return history_fails(stored.error().what);
        history_failure_.reset();
        history_emergency_stored_ = false;
        registry_->overrule(kHistory, std::nullopt);
        say_works();
    });
}

std::vector<std::string> Wiring::degraded() const {
    std::vector<std::string> list;
    if (history_failure_ && registry_->find(kHistory) == nullptr) list.push_back(printable(history_failure_->reason));
    for (const auto* target : registry_->match({}, "bkmon")) {
        const auto verdict = registry_->shown(*target);
        if (verdict.severity == core::Severity::critical) list.push_back(target->spec.id.str() + ": " + verdict.reason);
    }
    if (deposits_ && !deposits_->settled()) list.push_back("the first look at the deposits is under way: nothing is called missing before it ends");
    return list;
}

/// What shows that we do our work, and is older than it may be: whoever relies on us must not take the last word for the present one.
std::vector<std::string> Wiring::stale() const {
    std::vector<std::string> list;
    const auto now = loop_->clock().boot();
    if (now - history_written_ > kStaleHistory) list.push_back("nothing could be recorded for " + duration_words(now - history_written_));
    if (deposits_) {
        const auto looked = deposits_->looked_at().value_or(started_boot_);
        const auto most = 2 * deposits_->settings().rescan + kStaleLook;
        if (now - looked > most) list.push_back("no look at the deposit folders has ended for " + duration_words(now - looked));
    }
    if (outlets_)
        for (auto& sentence : outlets_->stuck()) list.push_back(std::move(sentence));
    return list;
}

std::string Wiring::status_line() const {
    const auto counts = registry_->counts();
    std::string text = fmt::format("{} targets", registry_->size());
    const char* separator = ": ";
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] == 0) continue;
        text += fmt::format("{}{} {}", separator, counts[i], core::name_of(core::kStatuses[i]));
        separator = ", ";
    }
    if (const auto scans = outlets_ ? outlets_->activity() : std::string(); !scans.empty()) text += "; " + scans;
    if (history_failure_) text += "; the history cannot be written";
    if (!history_failure_ && space_ && !space_->shortage().empty()) text += "; " + space_->shortage();
    if (alerts_ && !alerts_->trouble().empty()) text += "; " + alerts_->trouble();
    return text;
}

void Wiring::beat() {
    beat_timer_->arm(kBeat);
    // Fed from the loop, and only while the store shows life: a hung disk must not look well.
    if (store_->alive(std::chrono::seconds(20))) notifier_->watchdog();
    const auto line = status_line();
    if (line != last_status_) notifier_->status(line);
    last_status_ = line;
    if (history_failure_ || loop_->clock().boot() - history_asked_ >= kAskHistory) judge_history();
}

void Wiring::keep_house() {
    house_timer_->arm(kHouse);
    const Time before = loop_->clock().now() - loaded_->settings.history.keep;
    auto gone = std::make_shared<int>(0);
    store_->write(
        [before, gone](history::Session& s) -> Result<void> {
            auto n = s.expire(before, kExpireBatch);
            if (!n) return fail(n.error());
            *gone = *n;
            return {};
        },
        [this, gone, alive = std::weak_ptr<int>(alive_)](Result<void> done) {
            // More is old than one batch may take: go on soon, so that no write waits long.
            if (!alive.expired() && done && *gone >= kExpireBatch) house_timer_->arm(std::chrono::seconds(2));
        });
    if (deposits_) deposits_->expire(before);
}

}  // namespace bkmon::app
