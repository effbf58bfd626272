#include "daemon/deposits/scrub.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "common/base/text.h"

namespace bkmon::deposits {
namespace {

constexpr std::size_t kPlanned = 256;
constexpr milliseconds kLongestPlan{std::chrono::minutes(10)};
constexpr milliseconds kRetry{std::chrono::seconds(30)};
constexpr const char* kSinceSetting = "verify_since";

/// A clock that was set back must not put a file off for years.
Time read_at(const VaultFile& file, Time now) { return file.read_at > now + std::chrono::hours(24) ? Time{} : file.read_at; }

std::string name_of(const VaultFile& f) { return printable(f.path, 120); }

}  // namespace

ScrubPlan plan_scrub(std::vector<VaultFile> files, const ScrubRules& rules, Time now, Time since) {
    ScrubPlan plan;
    plan.files = files.size();
    for (const auto& f : files) {
        plan.bytes += f.size;
        if (rules.every > milliseconds(0) && now - std::max(read_at(f, now), since) > rules.every) ++plan.behind;
        if (!f.damaged_at) continue;
        if (++plan.damaged <= 3) plan.damaged_names += (plan.damaged_names.empty() ? "" : ", ") + name_of(f);
    }
    if (plan.damaged > 3) plan.damaged_names += fmt::format(" and {} more", plan.damaged - 3);
    const auto kept = std::min(files.size(), kPlanned);
    const auto longest_ago = [&](const VaultFile& a, const VaultFile& b) {
        return std::pair(read_at(a, now), a.path) < std::pair(read_at(b, now), b.path);
    };
    std::partial_sort(files.begin(), files.begin() + static_cast<std::ptrdiff_t>(kept), files.end(), longest_ago);
    files.resize(kept);
    plan.next = std::move(files);
    plan.gap = plan.files == 0 ? rules.every : rules.every * 2 / 7 / static_cast<std::int64_t>(plan.files);
    return plan;
}

Time due_at(const VaultFile& file, const ScrubRules& rules, const ScrubPlan& plan, Time last, Time now) {
    const Time read = read_at(file, now);
    return std::min(read + rules.every * 6 / 7, std::max(read + rules.every * 4 / 7, last + plan.gap));
}

std::uint64_t scrub_rate(const ScrubRules& rules, const ScrubPlan& plan) {
    if (rules.bytes_per_second == 0) return 0;
    const auto window = std::max<std::int64_t>(1, (rules.every * 2 / 7).count() / 1000);
    return std::max(rules.bytes_per_second, plan.bytes / static_cast<std::uint64_t>(window) * 3 / 2);
}

struct Scrub::Impl : std::enable_shared_from_this<Scrub::Impl> {
    /// A run that somebody asked for.
    struct Wanted {
        std::unique_ptr<runs::Run> run;
        std::function<bool(const TargetId&)> picks;
        std::vector<VaultFile> files;
        std::size_t next = 0, whole = 0, damaged = 0, missing = 0;
        std::uint64_t done = 0, total = 0;
        std::string names;  ///< of the bad ones
        bool begun = false;
        std::unique_ptr<Vault::Job> job;
    };

    Impl(Rooms r, Vault& v, ScrubRules ru, Part p) : rooms(r), vault(v), rules(ru), part(std::move(p)) {
        timer = rooms.loop.make_timer([this] { step(); });
    }

    Time now() const { return rooms.loop.clock().now(); }
    /// How long a plan is good: what is promoted meanwhile is in the next one.
    milliseconds plan_for() const {
        return rules.every > milliseconds(0) ? std::clamp(rules.every / 14, milliseconds(1000), kLongestPlan) : kLongestPlan;
    }

    void step();
    void replan();
    void planned(std::vector<VaultFile> files, Time since);
    void say();
    void begin(VaultFile file);

    void pump();
    void list(std::shared_ptr<Wanted> w);
    void read_next(std::shared_ptr<Wanted> w);
    void counted(const std::shared_ptr<Wanted>& w, const VaultFile& file, const Verified& end);
    void finish(const std::shared_ptr<Wanted>& w, const std::string& state, const std::string& error);
    void cancel(const std::weak_ptr<Wanted>& which);
    std::unique_ptr<Vault::Job> verify(VaultFile file, std::uint64_t rate, std::string run_id, std::function<void(std::uint64_t)> progress,
                                       std::function<void(const VaultFile&, Verified)> done);
    /// A job ends inside its own callback: it is destroyed a turn later.
    void release(std::unique_ptr<Vault::Job>& ended) {
        rooms.loop.post(Task([gone = std::move(ended)]() mutable { gone.reset(); }));
    }

    Rooms rooms;
    Vault& vault;
    ScrubRules rules;
    Part part;
    std::unique_ptr<loop::Timer> timer;
    ScrubPlan plan;
    std::size_t at = 0;  ///< in plan.next
    bool planning = false, stale = true;
    BootTime planned_at{};
    Time last{};  ///< when the background last ended a file
    std::unique_ptr<Vault::Job> job;
    std::deque<std::shared_ptr<Wanted>> wanted;
};

std::unique_ptr<Vault::Job> Scrub::Impl::verify(VaultFile file, std::uint64_t rate, std::string run_id, std::function<void(std::uint64_t)> progress,
                                                std::function<void(const VaultFile&, Verified)> done) {
    const auto word = [say = part.word, id = std::move(run_id)](const VaultFile& f, const Verified& v, const std::vector<history::HealthyRow>& rows) {
        auto publication = say(f, v, rows);
        if (publication) publication->verdict.run = id;
        return publication;
    };
    const auto told = [this, weak = weak_from_this(), done = std::move(done)](const VaultFile& f, Verified v) {
        if (weak.expired()) return;
        part.told(f, v);
        if (v.news) stale = true;
        done(f, std::move(v));
    };
    return vault.verify({std::move(file), rooms.lane, rate, word, std::move(progress), told});
}

// --- the background

void Scrub::Impl::step() {
    if (job || planning) return;
    const bool old = rooms.loop.clock().boot() - planned_at >= plan_for();
    if (stale || old || at >= plan.next.size()) {
        if (stale || old || !plan.next.empty()) return replan();
        return timer->arm(plan_for());
    }
    if (rules.every <= milliseconds(0)) return timer->arm(plan_for());
    if (!vault.state().usable) return timer->arm(kRetry);
    const auto left = due_at(plan.next[at], rules, plan, last, now()) - now();
    if (left > milliseconds(0)) return timer->arm(std::min(std::max(left, milliseconds(1)), plan_for()));
    begin(plan.next[at++]);
}

void Scrub::Impl::replan() {
    planning = true;
    auto files = std::make_shared<std::vector<VaultFile>>();
    auto since = std::make_shared<std::optional<Time>>();
    rooms.store.read(
        [files, since](history::Reader& r) -> Result<void> {
            auto found = vault_files_of(r);
            if (!found) return fail(std::move(found.error()));
            *files = std::move(*found);
            auto known = r.setting(kSinceSetting);
            if (!known) return fail(std::move(known.error()));
            since->reset();
            if (auto t = parse_rfc3339(known->value_or(""))) *since = *t;
            return {};
        },
        [this, weak = weak_from_this(), files, since](Result<void> read) {
            if (weak.expired()) return;
            planning = false;
            if (!read) return timer->arm(kRetry);
            // Written once: files that were taken in before there was such a reading are not late because of that.
            if (!*since)
                rooms.store.write([first = rfc3339(now())](history::Session& s) { return s.put_setting(kSinceSetting, first); }, [](Result<void>) {});
            planned(std::move(*files), since->value_or(now()));
        });
}

void Scrub::Impl::planned(std::vector<VaultFile> files, Time since) {
    plan = plan_scrub(std::move(files), rules, now(), since);
    at = 0;
    stale = false;
    planned_at = rooms.loop.clock().boot();
    say();
    step();
}

void Scrub::Impl::say() {
    const auto every = duration_words(rules.every);
    if (plan.damaged > 0)
        return part.summary(
            core::Status::warning, "vault_damaged",
            fmt::format("{} of the vault {} damaged or gone: {}", plan.damaged == 1 ? "a file" : fmt::format("{} files", plan.damaged),
                        plan.damaged == 1 ? "is" : "are", plan.damaged_names));
    if (plan.behind > 0)
        return part.summary(
            core::Status::warning, "degraded",
            fmt::format("{} of {} files of the vault were not read again within {}: the disk is too slow or busy", plan.behind, plan.files, every));
    if (rules.every <= milliseconds(0))
        return part.summary(core::Status::ok, "working", "the vault's files are only read again on demand (deposits.verify_every: off)");
    part.summary(core::Status::ok, "working", fmt::format("every file of the vault is read again within {}", every));
}

void Scrub::Impl::begin(VaultFile file) {
    job = verify(std::move(file), scrub_rate(rules, plan), "", {}, [this](const VaultFile&, const Verified& end) {
        release(job);
        last = now();
        timer->arm(end.found == Verified::Found::unavailable ? kRetry : milliseconds(1));
    });
}

// --- on demand

void Scrub::Impl::pump() {
    if (wanted.empty() || wanted.front()->begun) return;
    auto w = wanted.front();
    w->begun = true;
    w->run->start();
    list(w);
}

void Scrub::Impl::list(std::shared_ptr<Wanted> w) {
    auto files = std::make_shared<std::vector<VaultFile>>();
    rooms.store.read(
        [files](history::Reader& r) -> Result<void> {
            auto found = vault_files_of(r);
            if (!found) return fail(std::move(found.error()));
            *files = std::move(*found);
            return {};
        },
        [this, weak = weak_from_this(), w, files](Result<void> read) {
            if (weak.expired() || !w->run) return;
            if (!read) return finish(w, "failed", "the history cannot be read: " + read.error().what);
            std::erase_if(*files, [&](const VaultFile& f) { return !w->picks(f.target); });
            std::sort(files->begin(), files->end(), [](const auto& a, const auto& b) { return a.path < b.path; });
            w->files = std::move(*files);
            for (const auto& f : w->files) w->total += f.size;
            read_next(w);
        });
}

void Scrub::Impl::read_next(std::shared_ptr<Wanted> w) {
    const auto shown = [&w](std::uint64_t part_done, std::string text) {
        w->run->progress(static_cast<std::int64_t>(w->done + part_done), static_cast<std::int64_t>(w->total), std::move(text));
    };
    if (w->next == w->files.size()) {
        const auto bad = w->damaged + w->missing;
        shown(0, w->files.empty() ? "nothing lies in the vault" : fmt::format("{} of {} files are whole", w->whole, w->files.size()));
        if (bad == 0) return finish(w, "done", "");
        return finish(w, "failed", fmt::format("{} damaged, {} gone of {} files: {}", w->damaged, w->missing, w->files.size(), w->names));
    }
    const auto& file = w->files[w->next];
    const std::string text = "reading " + name_of(file);
    shown(0, text);
    w->job = verify(
        file, 0, w->run->id(),
        [weak = std::weak_ptr<Wanted>(w), text](std::uint64_t read) {
            if (auto me = weak.lock(); me && me->run)
                me->run->progress(static_cast<std::int64_t>(me->done + read), static_cast<std::int64_t>(me->total), text);
        },
        [this, w](const VaultFile& f, const Verified& end) {
            release(w->job);
            if (end.found == Verified::Found::unavailable) return finish(w, "failed", "stopped at " + name_of(f) + ": " + end.detail);
            counted(w, f, end);
            ++w->next;
            read_next(w);
        });
}

void Scrub::Impl::counted(const std::shared_ptr<Wanted>& w, const VaultFile& file, const Verified& end) {
    w->done += file.size;
    if (!end.bad()) {
        ++w->whole;  // also one that a promotion has replaced or moved meanwhile: that one was read then
        return;
    }
    ++(end.found == Verified::Found::missing ? w->missing : w->damaged);
    if (w->damaged + w->missing <= 5)
        w->names += (w->names.empty() ? "" : "; ") + name_of(file) + ": " + end.detail;
    else if (w->damaged + w->missing == 6)
        w->names += "; and more";
}

void Scrub::Impl::finish(const std::shared_ptr<Wanted>& w, const std::string& state, const std::string& error) {
    auto run = std::move(w->run);
    w->picks = nullptr;
    std::erase(wanted, w);
    run->finish(state, error);
    timer->arm(milliseconds(1));  // what was found is summed up anew
    pump();
}

/// The file that is being read ends without a word; what was read before stays known.
void Scrub::Impl::cancel(const std::weak_ptr<Wanted>& which) {
    rooms.loop.post(Task([this, weak = weak_from_this(), which] {
        auto w = which.lock();
        if (weak.expired() || !w || !w->run) return;
        w->job.reset();
        finish(w, "cancelled", "");
    }));
}

Scrub::Scrub(Rooms rooms, Vault& vault, ScrubRules rules, Part part) : impl_(std::make_shared<Impl>(rooms, vault, rules, std::move(part))) {}

Scrub::~Scrub() {
    // The callbacks that live in jobs and runs know this object only while it lives.
    impl_->job.reset();
    for (auto& w : impl_->wanted) w->job.reset();
}

void Scrub::start() { impl_->timer->arm(milliseconds(1)); }

void Scrub::set(ScrubRules rules) {
    impl_->rules = rules;
    impl_->stale = true;
    if (!impl_->job) impl_->timer->arm(milliseconds(1));
}

std::string Scrub::run(std::string what, std::function<bool(const TargetId&)> picks) {
    auto w = std::make_shared<Impl::Wanted>();
    w->picks = std::move(picks);
    w->run = impl_->rooms.runs.queue("verify", printable(what), [me = impl_->weak_from_this(), weak = std::weak_ptr<Impl::Wanted>(w)] {
        if (auto self = me.lock()) self->cancel(weak);
    });
    const std::string id = w->run->id();
    impl_->wanted.push_back(w);
    impl_->pump();
    return id;
}

}  // namespace bkmon::deposits
