#include <algorithm>

#include "common/base/text.h"
#include "daemon/deposits/vault/impl.h"

namespace bkmon::deposits {
namespace {

constexpr milliseconds kWarnBefore{std::chrono::hours(72)};
constexpr milliseconds kWarnedFor{std::chrono::hours(1)};  ///< a clock that jumps by years must not empty .held at once

}  // namespace

void Vault::Impl::tidy(std::function<void()> done) {
    if (!state.usable) return static_cast<void>(loop.post(Task(std::move(done))));
    count_uptime([this, done = std::move(done)](Result<void> counted) {
        if (!counted) {
            trouble(of_history(counted.error()));
            return done();
        }
        auto targets = std::make_shared<std::vector<TargetId>>();
        read(
            [targets](history::Reader& r) -> Result<void> {
                auto rows = r.vault_files();
                if (!rows) return fail(std::move(rows.error()));
                for (const auto& row : *rows)
                    if (!row.current) targets->push_back(row.target);
                std::sort(targets->begin(), targets->end());
                targets->erase(std::unique(targets->begin(), targets->end()), targets->end());
                return {};
            },
            [this, targets, done](Result<void> known) {
                if (!known) return done();
                prune_all(targets, 0, [this, done] { expire_held(done); });
            });
    });
}

/// keep_replaced counts how long bkmond has run, not the wall clock: a machine that was off for a week, or a clock that jumped, takes
/// nothing away from the time in which somebody may notice.
void Vault::Impl::count_uptime(std::function<void(Result<void>)> done) {
    const BootTime now = loop.clock().boot();
    const BootTime since = uptime_counted.value_or(now);
    auto fresh = std::move(replaced_since);
    replaced_since.clear();
    uptime_counted = now;
    commit(
        [now, since, fresh](history::Session& s) -> Result<void> {
            auto rows = s.vault_files();
            if (!rows) return fail(std::move(rows.error()));
            for (auto& row : *rows) {
                if (row.current || !row.replaced_at) continue;
                const auto own = fresh.find(row.vault_path);
                const auto ran = now - (own == fresh.end() ? since : std::max(since, own->second));
                if (ran <= milliseconds(0)) continue;
                row.replaced_uptime += ran;
                if (auto put = s.put_healthy(row); !put) return fail(std::move(put.error()));
            }
            return {};
        },
        std::move(done));
}

void Vault::Impl::prune_all(std::shared_ptr<std::vector<TargetId>> targets, std::size_t next, std::function<void()> done) {
    if (next == targets->size() || !state.usable) return done();
    in_turn((*targets)[next], [this, targets, next, done = std::move(done)](Turn turn) {
        prune((*targets)[next], std::move(turn), [this, targets, next, done] { prune_all(targets, next + 1, done); });
    });
}

void Vault::Impl::prune(const TargetId& target, Turn turn, std::function<void()> done) {
    struct Found {
        std::vector<history::HealthyRow> expired;
        std::optional<history::HealthyRow> current;
    };
    auto found = std::make_shared<Found>();
    const auto own = keep_rules.find(target.key());
    read(
        [found, target, now = own == keep_rules.end() ? std::nullopt : std::optional(own->second)](history::Reader& r) -> Result<void> {
            auto rows = r.healthy(target, kHealthyRows);
            if (!rows) return fail(std::move(rows.error()));
            auto rule = r.setting(keep_setting_name(target));
            if (!rule) return fail(std::move(rule.error()));
            found->expired = expired_versions(*rows, now ? *now : keep_from(*rule));
            for (const auto& row : *rows)
                if (row.current) found->current = row;
            return {};
        },
        [this, found, turn, done = std::move(done)](Result<void> known) {
            if (!known || found->expired.empty() || !found->current) return done();
            on_lane(
                [&f = files, where = place, current = *found->current](std::stop_token) { return disk::check_current(f, where, current); },
                [this, found, turn, done](Result<void> whole) {
                    if (whole) return end_version(std::make_shared<std::vector<history::HealthyRow>>(found->expired), 0, turn, done);
                    if (whole.error().code == Errc::corrupt)
                        journal.log(journal::Level::error, journal::msg::note, whole.error().what, {{"BKMON_TARGET", found->current->target.str()}});
                    else
                        trouble(whole.error());
                    done();
                });
        });
}

void Vault::Impl::end_version(std::shared_ptr<std::vector<history::HealthyRow>> versions, std::size_t next, Turn turn, std::function<void()> done) {
    if (next == versions->size() || !state.usable) return done();
    auto row = (*versions)[next];
    const std::string path = row.vault_path;
    row.vault_path.clear();
    end_file(
        row.target, path, turn,
        [row](history::Session& s) -> Result<void> {
            if (auto put = s.put_healthy(row); !put) return fail(std::move(put.error()));
            return {};
        },
        [this](history::Store::Work work, std::function<void(Result<void>)> written) { commit(std::move(work), std::move(written)); },
        [this, versions, next, turn, done = std::move(done)](Result<void> gone) {
            if (!gone) trouble(gone.error());
            end_version(versions, next + 1, turn, done);
        });
}

void Vault::Impl::expire_held(std::function<void()> done) {
    auto rows = std::make_shared<std::vector<history::HeldRow>>();
    read(
        [rows](history::Reader& r) -> Result<void> {
            auto held = r.held();
            if (!held) return fail(std::move(held.error()));
            *rows = std::move(*held);
            return {};
        },
        [this, rows, done = std::move(done)](Result<void> known) {
            if (!known) return done();
            expire_each(rows, 0, done);
        });
}

void Vault::Impl::expire_each(std::shared_ptr<std::vector<history::HeldRow>> rows, std::size_t next, std::function<void()> done) {
    const auto keep = std::chrono::hours(24) * options.held_days;
    for (; next < rows->size() && state.usable; ++next) {
        const auto& row = (*rows)[next];
        const auto left = row.held_at + keep - loop.clock().now();
        if (left > kWarnBefore) continue;
        const auto [warned, first] = held_warned.try_emplace(row.path, loop.clock().boot());
        if (first)
            journal.log(journal::Level::warning, journal::msg::deposit_held,
                        row.target.str() + ": the held file expires " +
                            (left > milliseconds(0) ? "in " + duration_words(left) : std::string("soon")) +
                            "; `bkmonctl deposits release` or `reject` it (" + row.reason + ")",
                        {{"BKMON_TARGET", row.target.str()}, {"BKMON_SHA256", row.sha256}});
        if (left > milliseconds(0) || loop.clock().boot() - warned->second < kWarnedFor) continue;
        in_turn(row.target, [this, rows, next, done](Turn turn) {
            // Looked up again: it may have been released while this waited for its turn.
            find_held((*rows)[next].target, (*rows)[next].sha256, [this, rows, next, done, turn](Result<history::HeldRow> held) {
                auto go_on = [this, rows, next, done](Result<void>) { expire_each(rows, next + 1, done); };
                if (!held) return go_on({});
                journal.log(journal::Level::warning, journal::msg::deposit_held,
                            held->target.str() + ": the held file was removed, nobody released it for " + std::to_string(options.held_days) + " days",
                            {{"BKMON_TARGET", held->target.str()}, {"BKMON_SHA256", held->sha256}});
                end_file(
                    held->target, held->path, turn, [target = held->target](history::Session& s) { return s.remove_held(target); },
                    [this](history::Store::Work work, std::function<void(Result<void>)> written) { commit(std::move(work), std::move(written)); },
                    std::move(go_on));
            });
        });
        return;
    }
    done();
}

}  // namespace bkmon::deposits
