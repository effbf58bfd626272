// What shows only when all jobs are known.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "common/base/text.h"
#include "daemon/config/deposits.h"
#include "daemon/config/likes.h"
#include "daemon/core/job_names.h"
#include "daemon/core/path_template.h"
#include "daemon/core/schedule.h"

namespace bkmon::config {
namespace {

using core::DepositJob;
using core::DepositSettings;

std::string shown(const DepositJob& job) { return printable(job.agent + "/" + job.database, 280); }

/// The place of the first of these keys that the map sets; nullptr when it inherits all.
const Mark* set_here(const KeyMarks& keys, std::initializer_list<std::string_view> names) {
    for (const auto name : names)
        if (const auto at = keys.find(name); at != keys.end()) return &at->second;
    return nullptr;
}

/// One target, one job: ids are compared without case, and a pattern may not mean another job's database.
/// Returns the jobs that are one too many.
std::set<std::size_t> check_identities(Context& context, const DepositSettings& settings, const DepositPlaces& places) {
    std::set<std::size_t> extra;
    Likes likes;
    for (std::size_t i = 0; i < settings.jobs.size(); ++i) {
        const auto& job = settings.jobs[i];
        const Likes::Forms forms{lower(job.agent), core::pattern_form(job.database)};
        const auto alike = likes.of(forms);
        likes.add(forms, i);
        if (alike.empty()) continue;
        extra.insert(i);
        const auto& first = settings.jobs[alike.front()];
        const auto also = context.where(places.jobs[alike.front()].at);
        const bool to_the_letter = job.agent == first.agent && job.database == first.database;
        context.problem(places.jobs[i].at, to_the_letter ? fmt::format("the job {} is set twice: also at {}", shown(job), also)
                                           : equal_ignoring_case(job.database, first.database)
                                               ? fmt::format("the job {} differs only in case from {} at {}", shown(job), shown(first), also)
                                               : fmt::format("the job {} could mean the same database as {} at {}", shown(job), shown(first), also));
    }
    return extra;
}

/// What is known of a schedule in a zone. Thousands of jobs share a few.
struct Beat {
    std::string problem;
    std::optional<milliseconds> shortest;
};

class Beats {
public:
    explicit Beats(Time now) : now_(now) {}
    const Beat& of(const std::string& text, const std::string& zone) {
        const auto [at, fresh] = known_.try_emplace(text + '\n' + zone);
        if (fresh) at->second = look(text, zone);
        return at->second;
    }

private:
    Beat look(const std::string& text, const std::string& zone) const {
        const auto schedule = core::Schedule::parse(text, zone);
        if (!schedule) return {printable(schedule.error().what, 300), {}};
        if (!schedule->next_after(now_) && !schedule->last_at_or_before(now_)) return {"it never comes", {}};
        return {{}, schedule->shortest_period(now_)};
    }
    Time now_;
    std::unordered_map<std::string, Beat> known_;
};

/// `inherited`: what this map does not set was judged where it is set, unless one of the others makes it wrong here.
void check_beat(Context& context, Beats& beats, const DepositJob& job, const KeyMarks& keys, std::string_view who) {
    if (!job.schedule) return;
    const auto& beat = beats.of(*job.schedule, job.timezone);
    if (!beat.problem.empty()) {
        if (const auto* at = set_here(keys, {"schedule", "timezone"}))
            context.problem(*at, fmt::format("schedule: '{}': {}", printable(*job.schedule, 120), beat.problem));
        return;
    }
    if (!beat.shortest || job.early + job.deadline < *beat.shortest) return;
    if (const auto* at = set_here(keys, {"deadline", "early", "schedule", "timezone"}))
        context.problem(*at, fmt::format("early ({}) and deadline ({}){} must together be shorter than the schedule's shortest period ({})",
                                         duration_text(job.early), duration_text(job.deadline), who, duration_text(*beat.shortest)));
}

void check_schedules(Context& context, const DepositSettings& settings, const DepositPlaces& places) {
    Beats beats(system_clock().now());
    check_beat(context, beats, settings.defaults, places.defaults, " of defaults");
    for (std::size_t i = 0; i < settings.jobs.size(); ++i)
        check_beat(context, beats, settings.jobs[i], places.jobs[i].keys, " of " + shown(settings.jobs[i]));
}

core::PathFields fields_of(const DepositJob& job) {
    const auto name = core::split_agent(job.agent);
    core::PathFields f;
    f.agent = job.agent;
    f.company = job.company.empty() ? name.company : job.company;
    f.city = job.city.empty() ? name.city : job.city;
    f.district = job.district.empty() ? name.district : job.district;
    f.database = job.database;
    f.year = job.year;
    return f;
}

/// A backup as it may come, so that a template that can never work is said now and not at night.
std::string sample_problem(const core::PathTemplate& path, core::PathFields f) {
    if (f.year.empty()) f.year = "2026";
    for (auto at = lower(f.database).find("{year}"); at != std::string::npos; at = lower(f.database).find("{year}"))
        f.database.replace(at, 6, "2026");
    f.month = "11";
    f.day = "22";
    f.file = "backup.sql.gz";
    const auto expanded = path.expand(f);
    return expanded ? std::string() : expanded.error().what;
}

/// Where one job may write, and what it takes to find the few others that could meet it.
struct Reach {
    std::size_t job;
    core::ReachablePaths paths;
};

class Meetings {
public:
    Meetings(Context& context, const DepositSettings& settings, const DepositPlaces& places)
        : context_(context), settings_(settings), places_(places) {}

    void add(std::size_t job, const core::PathTemplate& path) { by_template_[path.text()].push_back({job, {path, fields_of(settings_.jobs[job])}}); }

    void check() {
        for (auto a = by_template_.begin(); a != by_template_.end(); ++a)
            for (auto b = a; b != by_template_.end(); ++b) compare(a->second, b->second, a == b);
    }

private:
    /// Jobs whose paths begin differently cannot meet. Within one template {file} stands at the same place: there only jobs that could
    /// mean one database meet.
    void compare(const std::vector<Reach>& a, const std::vector<Reach>& b, bool same) {
        const auto fixed = std::min(a.front().paths.fixed_components(), b.front().paths.fixed_components());
        const bool by_database = same && fixed < a.front().paths.size();
        const auto forms = [&](const Reach& r) {
            return Likes::Forms{r.paths.form(fixed), by_database ? core::pattern_form(settings_.jobs[r.job].database) : std::string()};
        };
        Likes likes;
        for (std::size_t i = 0; i < b.size() && !same; ++i) likes.add(forms(b[i]), i);
        for (std::size_t i = 0; i < a.size(); ++i) {
            for (const auto near : likes.of(forms(a[i])))
                if (a[i].paths.could_collide(b[near].paths)) {
                    say(a[i].job, b[near].job);
                    break;
                }
            if (same) likes.add(forms(a[i]), i);
        }
    }
    void say(std::size_t a, std::size_t b) {
        if (places_.jobs[a].at < places_.jobs[b].at) std::swap(a, b);
        context_.problem(places_.jobs[a].at,
                         fmt::format("the job {} could reach the same path in the vault as {} at {}: make the path tell them apart ({} and {})",
                                     shown(settings_.jobs[a]), shown(settings_.jobs[b]), context_.where(places_.jobs[b].at), settings_.jobs[a].path,
                                     settings_.jobs[b].path));
    }

    Context& context_;
    const DepositSettings& settings_;
    const DepositPlaces& places_;
    std::map<std::string, std::vector<Reach>> by_template_;
};

void check_paths(Context& context, const DepositSettings& settings, const DepositPlaces& places, const std::set<std::size_t>& without) {
    Meetings meetings(context, settings, places);
    for (std::size_t i = 0; i < settings.jobs.size(); ++i) {
        const auto& job = settings.jobs[i];
        const auto path = core::PathTemplate::parse(job.path);
        if (!path) continue;  // said where it stands
        if (const auto problem = sample_problem(*path, fields_of(job)); !problem.empty())
            context.problem(places.jobs[i].at, fmt::format("the job {}: {}", shown(job), problem));
        else if (job.active && !without.contains(i))
            meetings.add(i, *path);
    }
    meetings.check();
}

bool inside(const std::string& path, const std::string& folder) { return path == folder || path.starts_with(folder == "/" ? folder : folder + "/"); }

void check_roots(Context& context, const DepositSettings& settings, const DepositPlaces& places) {
    const auto* at = set_here(places.section, {"vault", "root"});
    if (!at || (!inside(settings.vault, settings.root) && !inside(settings.root, settings.vault))) return;
    context.problem(*at, fmt::format("the vault ({}) and the deposit root ({}) may not be the same folder or lie inside each other", settings.vault,
                                     settings.root));
}

}  // namespace

void check_deposits(Context& context, const DepositSettings& settings, const DepositPlaces& places) {
    check_roots(context, settings, places);
    const auto extra = check_identities(context, settings, places);
    check_schedules(context, settings, places);
    check_paths(context, settings, places, extra);
}

}  // namespace bkmon::config
