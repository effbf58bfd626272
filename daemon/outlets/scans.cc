// What is asked for: checked, joined with what is under way, or made ready and begun.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/text.h"
#include "daemon/core/day.h"
#include "daemon/core/schedule.h"
#include "daemon/outlets/part_impl.h"
#include "daemon/platform/loop/slices.h"

namespace bkmon::outlets {
namespace {

constexpr std::size_t kRemembered = 32;     ///< scans that are over
constexpr std::size_t kOutletsATurn = 500;  ///< that are chosen from

bool whole(const ScanRequest& r) { return r.outlets.empty() && !r.problems && !r.pending && !r.permits; }

/// Whether what `a` looks at is all that `b` wants. What somebody may see is no value: nobody can compare it.
bool covers(const ScanRequest& a, const ScanRequest& b) {
    if (a.date != b.date || a.permits) return false;
    if (whole(a)) return true;
    return a.outlets == b.outlets && a.problems == b.problems && a.pending == b.pending;
}

std::string words_of(const ScanRequest& r) {
    std::string text = r.mode;
    if (r.problems) text += ", problems";
    if (r.pending) text += ", pending";
    if (!r.outlets.empty()) text += fmt::format(", {}", fmt::join(r.outlets, " "));
    if (!r.date.empty()) text += ", as of " + r.date;
    return printable(text, 200);
}

}  // namespace

bool Part::Impl::fits(const ScanRequest& request, const core::Outlet& outlet) const {
    if (!outlet.active) return false;
    return request.outlets.empty() || std::any_of(request.outlets.begin(), request.outlets.end(), [&](const auto& glob) {
               return equal_ignoring_case(glob, outlet.code) || glob_match(glob, outlet.code);
           });
}

Result<void> Part::Impl::check(const ScanRequest& request, Job& job) const {
    job.mode = mode_of(request.mode);
    if (!job.mode) return fail(Errc::not_found, fmt::format("there is no mode '{}'", printable(request.mode, 64)));
    const auto& outlets = stock ? stock->outlets : std::vector<core::Outlet>();
    if (!request.outlets.empty() && std::none_of(outlets.begin(), outlets.end(), [&](const auto& o) { return fits(request, o); }))
        return fail(Errc::not_found, fmt::format("no active outlet is called '{}' (a reload reads the inventory anew)",
                                                 printable(fmt::format("{}", fmt::join(request.outlets, "', '")), 200)));
    job.date = core::local_date(now(), job.mode->timezone);
    if (!request.date.empty()) {
        const auto day = core::parse_date(request.date);
        if (!day || *day < std::chrono::sys_days{})
            return fail(Errc::invalid, fmt::format("'{}' is no day: write it as 2026-11-22", printable(request.date, 32)));
        auto end = core::end_of_day(*day, job.mode->timezone);
        if (!end) return fail(std::move(end.error()));
        if (*end >= now())
            return fail(Errc::invalid,
                        fmt::format("{} is not over in {}: scan without a date for what is there now", request.date, job.mode->timezone));
        job.date = request.date;
        job.end_of_day = *end;
    }
    if (const auto why = options.hold_off ? options.hold_off() : std::string(); !why.empty())
        return fail(Errc::unavailable, "nothing can be recorded at the moment: " + why);
    return {};
}

/// The scan under way, or waiting, that does what is asked for anyway.
JobPtr Part::Impl::covering(const std::string& mode, const ScanRequest& request) const {
    const auto line = lines.find(lower(mode));
    if (line == lines.end()) return nullptr;
    for (const auto& job : line->second)
        if (covers(job->request, request)) return job;
    return nullptr;
}

Result<Part::Begun> Part::Impl::scan(ScanRequest request) {
    auto job = std::make_shared<Job>();
    if (auto checked = check(request, *job); !checked) return fail(std::move(checked.error()));
    request.mode = job->mode->name;
    if (const auto other = covering(request.mode, request)) return Begun{other->scan->run().id(), true};
    auto& line = lines[lower(request.mode)];
    job->request = std::move(request);
    const auto on_cancel = [this, weak = weak_from_this(), mine = std::weak_ptr(job)] {
        if (!weak.expired()) cancel(mine);
    };
    auto run =
        line.empty() ? rooms.runs.begin("scan", words_of(job->request), on_cancel) : rooms.runs.queue("scan", words_of(job->request), on_cancel);
    Scan::Owner owner;
    owner.hold_off = options.hold_off;
    owner.found_elsewhere = [this, weak = weak_from_this()](const TargetId& target, const std::string& share) {
        if (!weak.expired()) shares.insert_or_assign(target.key(), share);
    };
    owner.ended = [this, weak = weak_from_this(), mine = std::weak_ptr(job)](const std::string& state, const std::string& error) {
        const auto ended_job = mine.lock();
        if (!weak.expired() && ended_job) ended(ended_job, state, error);
    };
    owner.released = [this, weak = weak_from_this()] {
        if (!weak.expired()) std::erase_if(ending, [&](const auto& scan) { return scan->released(); });
    };
    job->scan = std::make_shared<Scan>(Scan::Rooms{rooms.loop, rooms.registry, rooms.prober, rooms.visitor}, std::move(owner), std::move(run));
    auto& view = job->scan->tally().view;
    view.mode = job->mode->name;
    view.date = job->date;
    view.back_dated = job->end_of_day.has_value();
    line.push_back(job);
    if (line.size() == 1) begin(job);
    return Begun{job->scan->run().id(), false};
}

void Part::Impl::begin(const JobPtr& job) {
    job->scan->run().start();
    read_inventory([this, weak = weak_from_this(), job](const Reread& news) {
        if (weak.expired() || job->scan->over()) return;
        auto& view = job->scan->tally().view;
        view.added = news.added;
        view.changed = news.changed;
        view.deactivated = news.deactivated;
        view.bad_rows = news.bad_rows;
        view.inventory_problem = news.problem;
        if (!news.defined) return job->scan->stop("failed", "the history cannot be written: " + news.defined.error().what);
        with_inventory(job);
    });
}

/// A waiting one takes the settings of when its turn comes.
void Part::Impl::with_inventory(const JobPtr& job) {
    job->mode = mode_of(job->mode->name);
    if (!job->end_of_day) job->scan->tally().view.date = job->date = core::local_date(now(), job->mode->timezone);
    const auto& c = job->mode->credential;
    loop::submit(
        rooms.lane, rooms.loop, weak_from_this(),
        [secret = options.secret, file = c.password_file, credential = c.password_credential](std::stop_token) { return secret(file, credential); },
        [this, job](Result<std::string> password) {
            if (job->scan->over()) return;
            if (!password) return cannot_look(job, password.error().what);
            job->password = std::move(*password);
            with_days(job);
        });
}

/// What has a result of a day that is over stands in the history.
void Part::Impl::with_days(const JobPtr& job) {
    if (!job->request.pending || !job->end_of_day) return select(job, nullptr);
    auto there = std::make_shared<std::set<std::string>>();
    history::DailyQuery query;
    query.kind = "outlet";
    query.from = query.to = job->date;
    query.evidence = false;
    rooms.store.read(
        [there, query](history::Reader& r) -> Result<void> {
            auto rows = r.daily(query);
            if (!rows) return fail(std::move(rows.error()));
            there->clear();
            for (const auto& row : *rows) there->insert(row.target.key());
            return {};
        },
        [this, weak = weak_from_this(), job, there](Result<void> read) {
            if (weak.expired() || job->scan->over()) return;
            if (!read) return job->scan->stop("failed", "the history cannot be read: " + read.error().what);
            select(job, there);
        });
}

bool Part::Impl::wanted(const Job& job, const targets::Target& target, const std::set<std::string>* with_result) const {
    const auto& r = job.request;
    const auto status = rooms.registry.status(target);
    if (status == core::Status::paused || (r.permits && !r.permits(target.spec.id))) return false;
    if (r.problems && core::is_good(status)) return false;
    if (!r.pending) return true;
    if (with_result != nullptr) return !with_result->contains(target.spec.id.key());
    const auto& current = target.current.verdict;
    return current.reason_code == "first_due" || core::local_date(current.at, job.mode->timezone) != job.date;
}

void Part::Impl::select(const JobPtr& job, std::shared_ptr<const std::set<std::string>> with_result) {
    const auto of = stock;
    const auto mode = of->mode(job->mode->name);
    auto chosen = std::make_shared<std::vector<Wanted>>();
    loop::in_slices(
        rooms.loop, weak_from_this(), mode ? of->outlets.size() : 0, kOutletsATurn,
        [this, job, of, mode, chosen, with_result](std::size_t i) {
            if (!fits(job->request, of->outlets[i])) return;
            const auto& id = of->targets[i][*mode];
            const auto* target = rooms.registry.find(id);
            if (target == nullptr || !wanted(*job, *target, with_result.get())) return;
            const auto share = shares.find(id.key());
            chosen->push_back({Stock::outlet(of, i), id, share == shares.end() ? "" : share->second});
        },
        [this, job, chosen] {
            if (job->scan->over()) return;
            shortfall.begun(job->mode->name);
            say_shortfall();
            ScanPlan plan;
            plan.mode = job->mode;
            plan.date = job->date;
            plan.end_of_day = job->end_of_day;
            plan.password = std::exchange(job->password, {});
            plan.guard = guards.of(job->mode->credential.domain, job->mode->credential.user);
            plan.workers = options.settings.workers;
            plan.connect_timeout = options.settings.connect_timeout;
            plan.request_timeout = options.settings.request_timeout;
            job->scan->look(std::move(plan), std::move(*chosen));
        });
}

/// Nobody was looked at, which must not go unnoticed until the last results are old.
void Part::Impl::cannot_look(const JobPtr& job, const std::string& why) {
    shortfall.not_scanned(job->mode->name, why);
    say_shortfall();
    job->scan->stop("failed", why);
}

void Part::Impl::note_own_fault(const Job& job) {
    const auto& own = job.scan->own_fault();
    if (own.outlets > 0)
        shortfall.own_fault(job.mode->name, fmt::format("{} of {} outlets: {}", own.outlets, job.scan->tally().view.total, own.why));
    else if (own.looked)
        shortfall.looked(job.mode->name);
    say_shortfall();
}

void Part::Impl::say_shortfall() {
    if (shortfall.empty()) return publish_own("outlets", core::Status::ok, "working", "the outlets are scanned");
    publish_own("outlets", core::Status::failed, "degraded", shortfall.sentence(), shortfall.evidence());
}

void Part::Impl::ended(const JobPtr& job, const std::string& state, const std::string& error) {
    const auto view = job->scan->tally().at(boot());
    const auto text = fmt::format("scan of {}: {}; {} of {} outlets in {}: {}{}", words_of(job->request), state, view.done, view.total,
                                  duration_words(view.took), job->scan->tally().words(), error.empty() ? "" : ": " + error);
    rooms.journal.log(state == "failed" ? journal::Level::error : journal::Level::info, journal::msg::run_ended, text,
                      {{"BKMON_RUN", view.run}, {"BKMON_MODE", view.mode}});
    note_own_fault(*job);
    ending.push_back(job->scan);
    over.push_front({view, boot()});
    if (over.size() > kRemembered) over.pop_back();
    const auto line = lines.find(lower(job->mode->name));
    if (line == lines.end()) return;
    const bool was_first = !line->second.empty() && line->second.front() == job;
    std::erase(line->second, job);
    if (line->second.empty())
        lines.erase(line);
    else if (was_first)
        begin(line->second.front());
}

/// Not from inside whoever cancels.
void Part::Impl::cancel(const std::weak_ptr<Job>& which) {
    rooms.loop.post(Task([which] {
        if (const auto job = which.lock()) job->scan->stop("cancelled", "");
    }));
}

}  // namespace bkmon::outlets
