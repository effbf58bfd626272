// Which report's word about a job is judged next, and what it still waits for.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"
#include "daemon/deposits/part_impl.h"

namespace bkmon::deposits {

namespace {

const core::ReportDatabase* entry_of(const core::Report& report, const Job& job) {
    for (const auto& entry : report.databases)
        if (job_matches(job.settings, entry.name)) return &entry;
    return nullptr;
}

bool same_cycle(const std::optional<core::Cycle>& a, const std::optional<core::Cycle>& b) {
    return a.has_value() == b.has_value() && (!a || a->due == b->due);
}

bool is_bad(std::string_view status) { return status == "corrupt" || status == "failed" || status == "unreachable"; }

}  // namespace

void Part::Impl::consider(AgentState& agent) {
    for (Job* job : agent.jobs) consider(*job);
    consume_reports(agent);
}

void Part::Impl::consider(Job& job) {
    if (job.agent == nullptr || !job.agent->loaded) return;
    if (job.busy) return;  // what ends the work looks again
    if (job.blocked_until && *job.blocked_until > boot()) return wake_at(job, *job.blocked_until - boot() + milliseconds(1));
    job.waiting.reset();
    while (next_step(job)) {
        if (job.busy) return;
    }
    refuse_reports(job);
    check_deadlines(job);
}

void Part::Impl::consider_again(Job& job) {
    rooms.loop.post(Task([self = weak_from_this(), key = job.id.key()] {
        auto me = self.lock();
        if (!me) return;
        auto it = me->jobs.find(key);
        if (it == me->jobs.end()) return;
        me->consider(*it->second);
        if (it->second->agent->loaded) me->consume_reports(*it->second->agent);
    }));
}

std::vector<Case> Part::Impl::open_cases(Job& job) {
    std::vector<Case> cases;
    for (const auto& [sha, known] : job.agent->reports) {
        if (!known.report || !known.refused.empty() || known.too_old) continue;
        if (now() - known.when() > job.settings.max_report_age) continue;
        const auto* entry = entry_of(*known.report, job);
        if (entry == nullptr) continue;
        Case c{&known, entry, std::nullopt};
        if (job.rule) c.cycle = core::cycle_of(*job.rule, known.when());
        cases.push_back(c);
    }
    // A report dated in the future never counts as the newest.
    std::sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) {
        const auto key = [](const Case& c) { return std::tuple(!c.report->clock.future, c.report->when(), c.report->arrival); };
        return key(a) < key(b);
    });
    return cases;
}

void Part::Impl::drop_superseded(Job& job, const std::vector<Case>& cases, std::vector<Case>& kept) {
    for (std::size_t i = 0; i < cases.size(); ++i) {
        const Case& c = cases[i];
        if (job.agent->judged.count({job.id.key(), c.report->sha256}) > 0) {
            kept.push_back(c);
            continue;
        }
        bool newer = false;
        for (std::size_t k = i + 1; k < cases.size(); ++k) newer = newer || same_cycle(cases[k].cycle, c.cycle);
        const bool behind = job.last_report_at && c.report->when() < *job.last_report_at &&
                            (!c.cycle || same_cycle(core::cycle_of(*job.rule, *job.last_report_at), c.cycle));
        if (!newer && !behind) {
            kept.push_back(c);
            continue;
        }
        history::JudgedRow row{job.id, lower(job.agent->folder), c.report->sha256, "", "superseded", "", now(), c.report->order(), ""};
        remember(job, row);
        rooms.store.write([row](history::Session& s) { return s.put_judged(row); }, [](Result<void>) {});
    }
}

const SeenFile* Part::Impl::find_file(const AgentState& agent, const std::string& name) const {
    for (const auto& file : agent.files)
        if (file.name == name) return &file;
    return nullptr;
}

/// A report whose word was judged is no event, unless the verdict was bad and its file is another one now.
bool Part::Impl::already_judged(const Job& job, const Case& c, const SeenFile* file) const {
    auto it = job.agent->judged.find({job.id.key(), c.report->sha256});
    if (it == job.agent->judged.end()) return false;
    const auto& row = it->second;
    if (file != nullptr && is_wanted_again(job, row, c.cycle)) return false;
    if (!is_bad(row.status) || row.reason_code == "stage_failed" || row.reason_code == "report_invalid" || row.reason_code == "bad_name") return true;
    // Nobody could look: once the vault is back, the file is taken in after all.
    if (row.status == "unreachable" && vault && vault->state().usable) return false;
    if (file == nullptr) return true;
    return row.file_identity == file->id.text();
}

/// True when exactly this was said about this report and this state of its file.
bool Part::Impl::said_already(const Job& job, const Case& c, std::string_view code, const SeenFile* file) const {
    auto it = job.agent->judged.find({job.id.key(), c.report->sha256});
    return it != job.agent->judged.end() && it->second.reason_code == code && it->second.file_identity == (file != nullptr ? file->id.text() : "");
}

/// Until when a file may still come. A report that comes after the deadline leaves its file the quiet time.
Time Part::Impl::deadline_of(const Job& job, const Case& c) const {
    if (c.cycle) return std::max(c.cycle->deadline, c.report->arrival + options.settings.settle);
    return c.report->arrival + job.settings.deadline;
}

/// Until when a bad verdict may still be mended by the same report with another file.
Time Part::Impl::mendable_until(const Job& job, const Case& c) const {
    return std::max(deadline_of(job, c), c.cycle ? c.cycle->closes : c.report->arrival + job.settings.max_age);
}

void Part::Impl::wait(Job& job, const Case& c, std::string what, std::string code, core::Status status, const std::string& file) {
    job.waiting = Waiting{std::move(what), std::move(code), status, c.report->sha256, file, c.report->arrival};
    const auto left = deadline_of(job, c) - now();
    if (left > milliseconds(0)) wake_at(job, left + milliseconds(5));
}

bool Part::Impl::next_step(Job& job) {
    std::vector<Case> kept;
    drop_superseded(job, open_cases(job), kept);
    for (const Case& c : kept) {
        const SeenFile* file = find_file(*job.agent, c.entry->staged_file_name);
        // A file pushed again stays where it is: its bytes were not hashed, it may be the next report's.
        if (already_judged(job, c, file)) continue;
        if (evaluate(job, c)) return true;
    }
    return false;
}

/// True when the case was concluded or its file is being taken in; false when it waits.
bool Part::Impl::evaluate(Job& job, const Case& c) {
    Candidate candidate{&job.settings, c.report->report.get(), c.entry, c.report->arrival, c.cycle, c.report->clock};
    const std::string& name = c.entry->staged_file_name;
    const SeenFile* file = find_file(*job.agent, name);
    auto early = judge_entry(candidate, now());
    if (early && early->status != core::Status::held) {
        publish_entry(job, c, std::move(*early), file);
        return true;
    }
    if (!acceptable_name(name)) {
        publish_entry(job, c,
                      plain_verdict(core::Status::failed, "bad_name", fmt::format("the staged file name '{}' is not acceptable", printable(name))),
                      file);
        return true;
    }
    const bool over = now() >= deadline_of(job, c);
    const auto& sent = sent_stage(*c.entry);
    const std::uint64_t claimed = sent.size_bytes.value_or(0);
    if (file == nullptr) {
        const auto arriving = std::any_of(job.agent->temporaries.begin(), job.agent->temporaries.end(),
                                          [&](const SeenFile& t) { return t.name.find(name) != std::string::npos; });
        const bool hidden = job.agent->truncated && !arriving;  // it may be there: say what was seen, and no more
        if (over) {
            const char* what =
                arriving ? "'{}' was still being transferred when the deadline passed"
                : hidden ? "'{}' was not found: more than 20000 names lie in the agent's folder and only so many are looked at; clear it out"
                         : "the agent says that it sent '{}', but it is not in its deposit folder";
            publish_entry(
                job, c,
                plain_verdict(core::Status::corrupt, arriving ? "never_finished" : "no_file", fmt::format(fmt::runtime(what), printable(name))),
                nullptr);
            return true;
        }
        wait(job, c,
             fmt::format("'{}' {}", printable(name),
                         arriving ? "is being transferred"
                         : hidden ? "is not among the first 20000 names of the agent's folder: only so many are looked at, clear it out"
                                  : "has not arrived yet"),
             arriving ? "never_finished" : "no_file", core::Status::corrupt, name);
        return false;
    }
    const Time changed = std::max(Time(milliseconds(file->id.ctime_ns / 1000000)), c.report->arrival);
    const auto quiet = now() - changed;
    const bool settled_now = quiet >= options.settings.settle || over;
    const bool is_old = std::any_of(job.agent->judged.begin(), job.agent->judged.end(), [&](const auto& item) {
        return item.first.first == job.id.key() && item.first.second != c.report->sha256 && item.second.file_identity == file->id.text();
    });
    if (claimed != file->id.size && (file->mode & 0170000) == 0100000 && file->nlink == 1) {
        // Shorter may still grow until the deadline; longer may be an older file that is written over in place.
        const bool conclude = over || (file->id.size > claimed && settled_now && !is_old);
        const std::string what = fmt::format("'{}' has {} of {} bytes", printable(name), file->id.size, claimed);
        if (conclude) {
            publish_entry(job, c, plain_verdict(core::Status::corrupt, "size_mismatch", what + (over ? " and the deadline has passed" : "")), file);
            return true;
        }
        wait(job, c, what, "size_mismatch", core::Status::corrupt, name);
        if (file->id.size > claimed && !is_old) wake_at(job, options.settings.settle - quiet + milliseconds(50));
        return false;
    }
    if (job.last_mismatch == file->id.text() && !(settled_now && !is_old) && !over) {
        wait(job, c, fmt::format("'{}' does not have the declared hash yet", printable(name)), "hash_mismatch", core::Status::corrupt, name);
        if (!is_old) wake_at(job, options.settings.settle - quiet + milliseconds(50));
        return false;
    }
    // A moment ago it could not be taken. What was seen before the deadline decides nothing after it: then it is tried once more.
    const bool tried_since = job.retry_since >= deadline_of(job, c);
    if (job.retry_after && *job.retry_after > boot() && job.retry_report == c.report->sha256 && (!over || tried_since)) {
        const bool refused = job.retry_code == "not_a_file" || job.retry_code == "unreadable";
        const auto status = job.retry_code == "vault_unavailable" ? core::Status::unreachable
                            : refused                             ? core::Status::failed
                                                                  : core::Status::corrupt;
        if (over && !said_already(job, c, job.retry_code, file)) {
            publish_entry(job, c, plain_verdict(status, job.retry_code, job.retry_detail + " and the deadline has passed"), file);
            return true;
        }
        wait(job, c, job.retry_detail, job.retry_code, status, name);
        wake_at(job, *job.retry_after - boot() + milliseconds(1));
        return false;
    }
    if (vault && !vault->state().usable) {
        const std::string problem = "the vault cannot be used: " + vault->state().problem;
        if (over && !said_already(job, c, "vault_unavailable", file)) {
            publish_entry(job, c, plain_verdict(core::Status::unreachable, "vault_unavailable", problem), file);
            return true;
        }
        wait(job, c, problem, "vault_unavailable", core::Status::unreachable, name);
        return false;
    }
    if (const std::string why = options.hold_off ? options.hold_off() : std::string(); !why.empty()) {
        if (over && !said_already(job, c, "disk_full", file)) {
            publish_entry(job, c, plain_verdict(core::Status::unreachable, "disk_full", "nothing is taken in: " + why), file);
            return true;
        }
        wait(job, c, "nothing is taken in: " + why, "disk_full", core::Status::unreachable, name);
        return false;
    }
    enqueue(job, c, *file, std::move(early), (settled_now && !is_old) || over);
    return true;
}

void Part::Impl::refuse_reports(Job& job) {
    // A report that stays unreadable makes those jobs failed that have no valid one of this cycle.
    for (const auto& [sha, known] : job.agent->reports) {
        if (known.refused.empty() || known.too_old || job.agent->judged.count({job.id.key(), sha}) > 0) continue;
        if (now() - known.when() > job.settings.max_report_age) continue;
        const auto quiet = now() - known.arrival;
        if (quiet < options.settings.settle) {
            wake_at(job, options.settings.settle - quiet + milliseconds(50));
            continue;
        }
        if (!known.refused_again) {
            // One read that failed says nothing yet: its disk may have coughed, and it may be consumed by now.
            if (arrival) arrival->look_at(job.agent->folder);
            continue;
        }
        Case c{&known, nullptr, std::nullopt};
        if (job.rule) c.cycle = core::cycle_of(*job.rule, known.arrival);
        bool covered = false;
        for (const auto& other : open_cases(job)) covered = covered || same_cycle(other.cycle, c.cycle);
        if (job.last_report_at && job.rule && c.cycle) covered = covered || same_cycle(core::cycle_of(*job.rule, *job.last_report_at), c.cycle);
        if (covered) continue;
        publish_entry(job, c,
                      plain_verdict(core::Status::failed, known.refused_code,
                                    fmt::format("the report {} cannot be used: {}", printable(known.file), printable(known.refused))),
                      nullptr);
        return;
    }
}

void Part::Impl::wake_at(Job& job, milliseconds after) {
    const BootTime at = boot() + std::max(after, milliseconds(1));
    if (job.wake && *job.wake <= at && *job.wake > boot()) return;
    if (job.wake) wakes.erase({*job.wake, &job});
    job.wake = at;
    wakes.insert({at, &job});
    wake_timer->arm(std::max(wakes.begin()->first - boot(), milliseconds(0)));
}

void Part::Impl::on_wake() {
    std::vector<Job*> due;
    while (!wakes.empty() && wakes.begin()->first <= boot()) {
        due.push_back(wakes.begin()->second);
        wakes.begin()->second->wake.reset();
        wakes.erase(wakes.begin());
    }
    for (Job* job : due) {
        if (arrival && job->agent != nullptr && job->waiting) arrival->look_at(job->agent->folder);
        consider(*job);
    }
    if (!wakes.empty()) wake_timer->arm(std::max(wakes.begin()->first - boot(), milliseconds(0)));
}

}  // namespace bkmon::deposits
