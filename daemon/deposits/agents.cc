// From a look at an agent's folder to reports that are known.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"
#include "daemon/deposits/part_impl.h"

namespace bkmon::deposits {

AgentState& Part::Impl::agent_of(const std::string& folder) {
    auto& slot = agents[lower(folder)];
    if (!slot) {
        slot = std::make_unique<AgentState>();
        slot->folder = folder;
    }
    return *slot;
}

void Part::Impl::on_agent(AgentSnapshot snapshot) {
    AgentState& agent = agent_of(snapshot.agent);
    if (agent.seen && agent.folder != snapshot.agent && !snapshot.gone) {
        // Two folders that differ only in case: the first one counts, the other is said to be in the way.
        unexpected[{lower(snapshot.agent), "\x01" + snapshot.agent}] =
            UnexpectedView{snapshot.agent, "", now(), "", "this folder's name differs from '" + printable(agent.folder) + "' only in case"};
        publish_unexpected();
        return;
    }
    agent.seen = !snapshot.gone;
    if (!snapshot.gone) agent.folder = snapshot.agent;
    if (agent.jobs.empty() && unexpected.count({lower(snapshot.agent), ""}) == 0 && !snapshot.gone) {
        unexpected[{lower(snapshot.agent), ""}] = UnexpectedView{snapshot.agent, "", now(), "", "no job names this agent"};
        publish_unexpected();
    }
    load_judged(agent, std::move(snapshot));
}

namespace {

constexpr int kMostJudged = 20000;
constexpr milliseconds kAtHand = std::chrono::minutes(10);  // longer than a verdict needs from its row to the end of its report

/// What of an agent's judged rows must be at hand. Years of them would take more memory than everything else.
class AtHand {
public:
    AtHand(std::set<std::string> reports, std::set<std::string> files, Time now)
        : reports_(std::move(reports)), files_(std::move(files)), since_(now - kAtHand) {}
    /// Each row is shown once before any is asked about.
    void see(const history::JudgedRow& row) {
        if (row.report_end && !row.target.empty()) newest_[row.target.key()] = std::max(newest_[row.target.key()], *row.report_end);
    }
    bool keeps(const history::JudgedRow& row) const {
        if (row.at >= since_ || reports_.count(row.report_sha256) > 0 || files_.count(row.file_identity) > 0) return true;
        const auto newest = newest_.find(row.target.key());
        return newest != newest_.end() && row.report_end == newest->second;
    }

private:
    std::set<std::string> reports_, files_;
    Time since_;
    std::map<std::string, Time> newest_;
};

std::set<std::string> identities(const std::vector<SeenFile>& files) {
    std::set<std::string> all;
    for (const auto& file : files) all.insert(file.id.text());
    return all;
}

std::set<std::string> hashes(const std::vector<SeenReport>& reports) {
    std::set<std::string> all;
    for (const auto& report : reports) all.insert(report.sha256);
    return all;
}

}  // namespace

void Part::Impl::load_judged(AgentState& agent, AgentSnapshot snapshot) {
    if (agent.loading) {
        agent.newer = std::move(snapshot);
        return;
    }
    // A refused report has no bytes: its identity stands for them.
    for (auto& report : snapshot.reports)
        if (report.sha256.empty()) report.sha256 = files::Sha256::of(report.file.name + "\n" + report.file.id.text());
    if (agent.loaded) return recall_judged(agent, std::move(snapshot));
    auto rows = std::make_shared<std::vector<history::JudgedRow>>();
    auto owner = std::make_shared<std::string>();
    auto at_hand = std::make_shared<AtHand>(hashes(snapshot.reports), identities(snapshot.files), now());
    read_judged(
        agent, std::move(snapshot),
        [rows, owner, at_hand, key = lower(agent.folder), name = owner_setting(agent)](history::Reader& r) -> Result<void> {
            auto found = r.judged(key, kMostJudged);
            if (!found) return fail(found.error());
            for (const auto& row : *found) at_hand->see(row);
            std::copy_if(std::make_move_iterator(found->begin()), std::make_move_iterator(found->end()), std::back_inserter(*rows),
                         [&](const history::JudgedRow& row) { return at_hand->keeps(row); });
            auto setting = r.setting(name);
            if (!setting) return fail(setting.error());
            *owner = setting->value_or("");
            return {};
        },
        [this, &agent, rows, owner] {
            agent.loaded = true;
            if (!agent.owner) agent.owner = remembered_owner(*owner, options.settings.root);
            for (auto& row : *rows) {  // newest first: the first of a key counts
                auto job = job_of(row.target);
                if (job != nullptr && row.report_end && (!job->last_report_at || *job->last_report_at < *row.report_end))
                    job->last_report_at = row.report_end;
                agent.judged.emplace(std::pair(row.target.key(), row.report_sha256), std::move(row));
            }
        });
}

/// A report that came anew may have been judged long ago.
void Part::Impl::recall_judged(AgentState& agent, AgentSnapshot snapshot) {
    std::vector<std::string> asked;
    for (const auto& report : snapshot.reports)
        if (agent.reports.count(report.sha256) == 0 && agent.judged.count({"", report.sha256}) == 0) asked.push_back(report.sha256);
    if (asked.empty()) return accept_snapshot(agent, std::move(snapshot));
    auto rows = std::make_shared<std::vector<history::JudgedRow>>();
    read_judged(
        agent, std::move(snapshot),
        [rows, asked = std::move(asked), key = lower(agent.folder)](history::Reader& r) -> Result<void> {
            for (const auto& sha : asked) {
                auto found = r.judged_report(key, sha);
                if (!found) return fail(found.error());
                rows->insert(rows->end(), std::make_move_iterator(found->begin()), std::make_move_iterator(found->end()));
            }
            return {};
        },
        [&agent, rows] {
            for (auto& row : *rows) agent.judged.emplace(std::pair(row.target.key(), row.report_sha256), std::move(row));
        });
}

/// One look into the history at a time for an agent: take() gets what it found, then the snapshot is accepted, then the one that came meanwhile.
void Part::Impl::read_judged(AgentState& agent, AgentSnapshot snapshot, history::Store::Look look, std::function<void()> take) {
    agent.loading = true;
    ++pending_loads;
    auto kept = std::make_shared<AgentSnapshot>(std::move(snapshot));
    rooms.store.read(std::move(look), [self = weak_from_this(), &agent, kept, take = std::move(take)](Result<void> read) {
        auto me = self.lock();
        if (!me) return;
        --me->pending_loads;
        agent.loading = false;
        const auto newer = std::exchange(agent.newer, std::nullopt);
        if (!read) {
            me->rooms.journal.log(journal::Level::error, journal::msg::history_degraded,
                                  "the history cannot be read, deposits of " + printable(agent.folder) + " wait: " + read.error().what);
            return;
        }
        take();
        me->accept_snapshot(agent, std::move(*kept));
        if (newer) me->load_judged(agent, *newer);
    });
}

void Part::Impl::forget_judged(AgentState& agent, std::set<std::string> reports) const {
    AtHand at_hand(std::move(reports), identities(agent.files), now());
    for (const auto& [key, row] : agent.judged) at_hand.see(row);
    std::erase_if(agent.judged, [&](const auto& item) { return !at_hand.keeps(item.second); });
}

void Part::Impl::accept_snapshot(AgentState& agent, AgentSnapshot snapshot) {
    if (!admit(agent, snapshot)) {
        snapshot.files.clear();
        snapshot.temporaries.clear();
        snapshot.reports.clear();
        snapshot.half_taken.clear();
    }
    if (vault)
        for (const auto& folder : snapshot.half_taken) vault->finish_consumed(agent.folder, folder);
    agent.files = std::move(snapshot.files);
    agent.temporaries = std::move(snapshot.temporaries);
    agent.truncated = snapshot.truncated;
    if (agent.oddities != snapshot.oddities) {
        for (const auto& oddity : snapshot.oddities)
            if (std::find(agent.oddities.begin(), agent.oddities.end(), oddity) == agent.oddities.end())
                rooms.journal.log(journal::Level::warning, journal::msg::deposit_refused,
                                  fmt::format("agent {}: {}", printable(agent.folder), oddity), {{"BKMON_AGENT", agent.folder}});
        agent.oddities = snapshot.oddities;
    }
    std::set<std::string> present;
    std::vector<SeenReport> fresh;
    for (auto& report : snapshot.reports) {
        present.insert(report.sha256);
        auto known = agent.reports.find(report.sha256);
        if (known == agent.reports.end() && report.settled && report.bytes.empty()) {
            arrival->unsettle(agent.folder);  // forgotten here, not there: its bytes are needed again
            arrival->look_at(agent.folder);
        } else if (known == agent.reports.end()) {
            fresh.push_back(std::move(report));
        } else {
            known->second.file = report.file.name;
            known->second.id = report.file.id;
        }
    }
    std::erase_if(agent.reports, [&](const auto& item) { return present.count(item.first) == 0; });
    for (auto& [sha, known] : agent.reports) known.refused_again = !known.refused.empty();
    forget_judged(agent, std::move(present));
    if (fresh.empty()) {
        find_unexpected(agent);
        return consider(agent);
    }
    parse_new(agent, std::move(fresh));
}

namespace {

/// Off the loop: a report of a megabyte takes its time.
std::vector<KnownReport> parse_all(const std::vector<SeenReport>& seen, const std::string& zone) {
    std::vector<KnownReport> known;
    for (const auto& s : seen) {
        KnownReport k;
        k.file = s.file.name;
        k.sha256 = s.sha256;
        k.id = s.file.id;
        k.arrival = Time(milliseconds(s.file.id.ctime_ns / 1000000));
        k.bytes = std::make_shared<const std::string>(s.bytes);
        if (!s.refused.empty()) {
            k.refused = s.refused;
            k.refused_code = "report_invalid";
        } else if (auto report = core::parse_report(s.bytes, zone)) {
            k.report = std::make_shared<const core::Report>(std::move(*report));
        } else {
            k.refused = report.error().what;
            k.refused_code = "report_invalid";
        }
        known.push_back(std::move(k));
    }
    return known;
}

}  // namespace

void Part::Impl::parse_new(AgentState& agent, std::vector<SeenReport> fresh) {
    const std::string zone = agent.jobs.empty() ? options.settings.defaults.report_timezone : agent.jobs.front()->settings.report_timezone;
    ++pending_parses;
    loop::submit(
        rooms.cpu_lane, rooms.loop, weak_from_this(), [fresh = std::move(fresh), zone](std::stop_token) { return parse_all(fresh, zone); },
        [this, &agent](std::vector<KnownReport> known) {
            --pending_parses;
            for (auto& k : known) add_report(agent, std::move(k));
            find_unexpected(agent);
            consider(agent);
        });
}

void Part::Impl::add_report(AgentState& agent, KnownReport known) {
    known.arrival = std::min(known.arrival, now());
    if (known.report && lower(known.report->agent_id) != lower(agent.folder)) {
        known.refused =
            fmt::format("it names the agent '{}', but lies in the folder '{}'", printable(known.report->agent_id), printable(agent.folder));
        known.refused_code = "agent_mismatch";
    }
    const Time end = known.report && known.report->operation_end ? *known.report->operation_end : known.arrival;
    known.clock = core::check_clock(end, known.arrival, !known.report || !known.report->zone_assumed);
    known.clock_unset = clock_implausible(end);
    if (known.clock_unset) known.clock.effective = known.arrival;  // a clock of 1970: the file counts, the gate speaks
    milliseconds limit = options.settings.defaults.max_report_age;
    for (const Job* job : agent.jobs) limit = std::max(limit, job->settings.max_report_age);
    known.too_old = now() - known.when() > limit;
    const bool seen_before = agent.judged.count({"", known.sha256}) > 0;
    if (!seen_before) {
        std::string outcome = known.too_old ? "too old" : known.refused.empty() ? "used" : "refused: " + known.refused;
        if (known.too_old || !known.refused.empty())
            rooms.journal.log(journal::Level::warning, journal::msg::deposit_refused,
                              fmt::format("agent {}: report {} {}", printable(agent.folder), printable(known.file),
                                          known.too_old ? "is older than max_report_age and is ignored" : "cannot be used: " + known.refused),
                              {{"BKMON_AGENT", agent.folder}, {"BKMON_REPORT", known.file}});
        archive.keep(lower(agent.folder), known.file, known.sha256, known.bytes, outcome);
        history::JudgedRow row{TargetId(), lower(agent.folder), known.sha256, "", "", known.too_old ? "too_old" : "", now(), known.when(), ""};
        agent.judged.emplace(std::pair(std::string(), known.sha256), row);
        rooms.store.write([row](history::Session& s) { return s.put_judged(row); }, [](Result<void>) {});
    }
    known.bytes.reset();
    if (arrival) arrival->settled(agent.folder, known.sha256);
    agent.reports.insert_or_assign(known.sha256, std::move(known));
}

/// Derived anew from what lies there: a name that is reported no more is no longer unexpected.
void Part::Impl::find_unexpected(AgentState& agent) {
    const std::string key = lower(agent.folder);
    std::set<std::string> named;
    bool changed = false;
    for (const auto& [sha, known] : agent.reports) {
        if (!known.report || !known.refused.empty() || known.too_old) continue;
        for (const auto& entry : known.report->databases) {
            const bool expected =
                std::any_of(agent.jobs.begin(), agent.jobs.end(), [&](const Job* job) { return job_matches(job->settings, entry.name); });
            if (expected || unexpected.size() > 5000) continue;
            named.insert(lower(entry.name));
            changed = unexpected
                          .try_emplace({key, lower(entry.name)},
                                       UnexpectedView{agent.folder, entry.name, now(), known.file, "no job expects this database"})
                          .second ||
                      changed;
        }
    }
    changed = std::erase_if(unexpected,
                            [&](const auto& item) {
                                const bool folder = item.second.database.empty();
                                if (item.first.first != key || item.first.second.starts_with('\x01'))
                                    return false;  // a folder that differs only in case
                                return folder ? !agent.seen || !agent.jobs.empty() : named.count(item.first.second) == 0;
                            }) > 0 ||
              changed;
    if (changed) publish_unexpected();
}

void Part::Impl::publish_unexpected() {
    std::vector<std::pair<std::string, std::string>> adopt;
    std::string names;
    std::size_t count = 0;
    for (const auto& [key, view] : unexpected) {
        for (const auto& pattern : options.settings.auto_adopt)
            if (!view.database.empty() && glob_match(pattern, view.agent)) adopt.emplace_back(view.agent, view.database);
        if (++count <= 3) names += (names.empty() ? "" : ", ") + printable(view.database.empty() ? view.agent : view.agent + "/" + view.database, 80);
    }
    if (count > 3) names += fmt::format(" and {} more", count - 3);
    if (!adopt.empty() && options.adopt) options.adopt(std::move(adopt));
    if (count == 0)
        publish_own("unexpected", core::Status::ok, "working", "every agent and database that reports is expected");
    else
        publish_own("unexpected", core::Status::warning, "unexpected_agents",
                    fmt::format("{} agents or databases that no job names: {}; see `bkmonctl deposits unexpected`", count, names));
}

}  // namespace bkmon::deposits
