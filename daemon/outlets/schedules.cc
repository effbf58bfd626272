// When modes are scanned by themselves.
#include <fmt/format.h>

#include <utility>

#include "common/base/text.h"
#include "daemon/core/schedule.h"
#include "daemon/outlets/part_impl.h"

namespace bkmon::outlets {
namespace {

constexpr milliseconds kTryAgain{std::chrono::seconds(30)};

}  // namespace

void Part::Impl::set_schedules() {
    const auto before = std::exchange(schedule_ids, {});
    for (const auto& mode : modes) {
        for (std::size_t n = 0; n < mode->schedules.size(); ++n) {
            const auto& entry = mode->schedules[n];
            auto schedule = core::Schedule::parse(entry.expression, mode->timezone);
            if (!schedule) continue;  // the configuration was refused before
            const auto id = fmt::format("outlets/{}/{}", mode->name, n + 1);
            schedule_ids.insert(id);
            runs::Scheduler::Entry set;
            set.id = id;
            set.what = fmt::format("scan of {}{}", mode->name, entry.only.empty() ? "" : ", " + entry.only);
            set.schedule = std::move(*schedule);
            set.fire = [this, weak = weak_from_this(), id, name = mode->name, only = entry.only](Time) {
                return weak.expired() ? std::string() : scheduled(id, name, only);
            };
            rooms.scheduler.set(std::move(set));
        }
    }
    for (const auto& id : before)
        if (!schedule_ids.contains(id)) rooms.scheduler.remove(id);
    std::erase_if(owed, [this](const auto& entry) { return !schedule_ids.contains(entry.first); });
}

std::string Part::Impl::scheduled(const std::string& id, const std::string& mode, const std::string& only) {
    ScanRequest request;
    request.mode = mode;
    request.pending = only == "pending";
    request.problems = only == "problems";
    auto begun = scan(std::move(request));
    owed.erase(id);
    if (begun) return (begun->joined ? "joined run " : "run ") + begun->run;
    if (begun.error().code != Errc::unavailable) return begun.error().what;
    owed[id] = {mode, only};
    owed_timer->arm(kTryAgain);
    return "waits: " + begun.error().what;
}

/// Their moment came while nothing could be recorded: late is better than not at all.
void Part::Impl::begin_owed() {
    for (const auto& [id, what] : std::map(owed)) static_cast<void>(scheduled(id, what.mode, what.only));
}

}  // namespace bkmon::outlets
