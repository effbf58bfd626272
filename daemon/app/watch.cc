// What bkmond says about itself and about changes: journal, STATUS=, watchdog, the verdict on its own history.
#include <fmt/format.h>

#include "common/base/text.h"
#include "daemon/app/wiring.h"

namespace bkmon::app {

namespace {

constexpr milliseconds kBeat{1000};
constexpr milliseconds kHouse{std::chrono::hours(1)};
constexpr int kExpireBatch = 2000;

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
    const auto text = rfc3339(loop_->clock().now());
    store_->write([text](history::Session& s) { return s.put_setting("last_beat", text); },
                  [this, alive = std::weak_ptr<int>(alive_)](Result<void> done) {
                      if (alive.expired()) return;
                      const bool ok = done.has_value();
                      history_problem_ = ok ? "" : done.error().what;
                      if (ok == history_ok_ && history_judged_) return;
                      history_ok_ = ok;
                      history_judged_ = history_judged_ || ok;
                      if (!ok) {
                          journal_->log(journal::Level::error, journal::msg::history_degraded, "the history cannot be written: " + history_problem_);
                          return;
                      }
                      targets::Registry::Publication p;
                      p.target = TargetId::of("bkmon", {"history"});
                      p.verdict.status = core::Status::ok;
                      p.verdict.severity = core::Severity::ok;
                      p.verdict.reason_code = "working";
                      p.verdict.reason = "the history can be read and written";
                      p.verdict.at = loop_->clock().now();
                      registry_->publish(std::move(p), [](Result<void>) {});
                  });
}

std::vector<std::string> Wiring::degraded() const {
    std::vector<std::string> list;
    if (!history_ok_) list.push_back("the history cannot be written: " + printable(history_problem_));
    for (const auto* target : registry_->match({}, "bkmon")) {
        const auto verdict = registry_->shown(*target);
        if (verdict.severity == core::Severity::critical) list.push_back(target->spec.id.str() + ": " + verdict.reason);
    }
    if (deposits_ && !deposits_->settled()) list.push_back("the first look at the deposits is under way: nothing is called missing before it ends");
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
    if (!history_ok_) text += "; the history cannot be written";
    return text;
}

void Wiring::beat() {
    beat_timer_->arm(kBeat);
    // Fed from the loop, and only while the store shows life: a hung disk must not look well.
    if (store_->alive(std::chrono::seconds(20))) notifier_->watchdog();
    const auto line = status_line();
    if (line != last_status_) notifier_->status(line);
    last_status_ = line;
    const auto second = std::chrono::duration_cast<std::chrono::seconds>(loop_->clock().boot().time_since_epoch()).count();
    if (second % 60 == 0 || !history_ok_) judge_history();
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
}

}  // namespace bkmon::app
