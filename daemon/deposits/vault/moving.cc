#include <fmt/format.h>

#include "common/base/text.h"
#include "daemon/core/path_template.h"
#include "daemon/deposits/vault/impl.h"

namespace bkmon::deposits {
namespace {

Result<void> check_final_path(const std::string& path) {
    for (const auto& part : split(path, '/'))
        if (!core::acceptable_component(part)) return fail(Errc::invalid, "'" + printable(path) + "' is no acceptable path in the vault");
    return {};
}

const history::HealthyRow* current_of(const std::vector<history::HealthyRow>& rows) {
    for (const auto& row : rows)
        if (row.current) return &row;
    return nullptr;
}

/// What the COPYING row knows of the deposit.
void take_source(history::DepositStateRow& to, const history::DepositStateRow& from) {
    to.agent = from.agent;
    to.source_file = from.source_file;
    to.source_dev = from.source_dev;
    to.source_ino = from.source_ino;
    to.source_size = from.source_size;
    to.source_mtime_ns = from.source_mtime_ns;
    to.source_ctime_ns = from.source_ctime_ns;
    to.report_file = from.report_file;
    to.report_sha256 = from.report_sha256;
}

}  // namespace

void Vault::Impl::promote(PromotePlan plan, std::function<void(Result<std::string>)> done) {
    auto m = std::make_shared<Move>();
    m->row.tx = plan.taken.tx;
    m->row.temp_name = plan.taken.tx;
    m->row.target = plan.publication.target;
    m->row.claimed_sha256 = plan.taken.sha256;
    m->row.final_path = plan.final_path;
    m->size = plan.taken.size;
    m->proven = plan.taken.proven;
    m->unproven = std::move(plan.taken.unproven);
    m->record.healthy = std::move(plan.healthy);
    m->record.keep = plan.keep;
    m->record.keep_replaced = plan.keep_replaced;
    m->publication = std::move(plan.publication);
    m->done = std::move(done);
    in_turn(m->row.target, [this, m](Turn turn) {
        m->turn = std::move(turn);
        if (live.count(m->row.tx) == 0) return end_move(m, fail(Errc::not_found, "there is no copy to promote"));
        if (auto good = check_final_path(m->row.final_path); !good) return give_up(m, std::move(good.error()), false);
        begin_move(m);
    });
}

void Vault::Impl::begin_move(MovePtr m) {
    if (!state.usable) return give_up(m, Error{Errc::unavailable, state.problem, 0}, false);
    m->record.verdict = m->publication.verdict;
    m->record.date = m->publication.date;
    m->record.current = m->publication.current;
    struct Known {
        std::vector<history::HealthyRow> healthy;
        std::vector<history::DepositStateRow> states;
    };
    auto known = std::make_shared<Known>();
    read(
        [known, target = m->row.target](history::Reader& r) -> Result<void> {
            auto rows = r.healthy(target, kHealthyRows);
            if (!rows) return fail(std::move(rows.error()));
            auto states = r.deposit_states();
            if (!states) return fail(std::move(states.error()));
            *known = Known{std::move(*rows), std::move(*states)};
            return {};
        },
        [this, m, known](Result<void> result) {
            if (!result) return give_up(m, of_history(std::move(result.error())), false);
            m->healthy = std::move(known->healthy);
            for (const auto& row : known->states)
                if (row.tx == m->row.tx) take_source(m->row, row);
            if (!m->is_hold()) {
                m->row.old_path.clear();
                if (const auto* old = current_of(m->healthy); old != nullptr && !old->vault_path.empty()) {
                    m->row.old_path = old->vault_path;
                    m->row.old_sha256 = old->sha256;
                    m->old_size = old->size_bytes;
                    m->old_damaged_ino = old->damaged_at ? old->damaged_ino : 0;
                    m->record.old_to = version_path(*old, m->healthy, m->row.tx) + (old->damaged_at ? std::string(kDamagedSuffix) : "");
                }
            }
            check(m);
        });
}

void Vault::Impl::check(MovePtr m) {
    if (m->unproven) return give_up(m, std::move(*m->unproven), false);
    disk::CheckRequest request;
    request.proven = m->proven;
    request.temp_name = m->row.temp_name;
    request.final_path = m->row.final_path;
    request.sha256 = m->row.claimed_sha256;
    request.size = m->size;
    request.target = m->row.target.str();
    const auto backup_at = m->record.held ? m->record.held->backup_at : m->record.healthy->backup_at;
    if (backup_at) request.backup_at = rfc3339(*backup_at);
    if (!m->row.old_path.empty()) request.old = disk::OldFile{m->row.old_path, m->row.old_sha256, m->old_size, m->old_damaged_ino};
    on_lane([&f = files, where = place,
             request](std::stop_token stop) { return disk::check(f, where, request, [stop](std::uint64_t) { return !stop.stop_requested(); }); },
            [this, m](Result<disk::Checked> checked) {
                if (!checked) return give_up(m, std::move(checked.error()), false);
                ready(m, *checked);
            });
}

void Vault::Impl::ready(MovePtr m, disk::Checked checked) {
    m->row.phase = "ready";
    m->row.temp_ino = checked.temp_ino;
    m->row.old_ino = checked.old_ino;
    if (checked.old_ino == 0) m->record.old_to.clear();
    m->row.verdict_json = to_json(m->record);
    commit([row = m->row](history::Session& s) { return s.put_deposit_state(row); },
           [this, m](Result<void> written) {
               if (!written) return give_up(m, of_history(std::move(written.error())), true);
               switch_over(m);
           });
}

void Vault::Impl::switch_over(MovePtr m) {
    struct End {
        Result<void> result;
        bool undone = true;
    };
    on_lane(
        [&f = files, where = place, row = m->row](std::stop_token) {
            End end;
            end.result = disk::switch_in(f, where, row, end.undone);
            return end;
        },
        [this, m](End end) {
            if (end.result) {
                if (m->row.old_ino != 0) m->old_lies = m->row.old_path == m->row.final_path ? disk::temp_path(m->row.temp_name) : m->row.old_path;
                return publish(m);
            }
            if (end.undone) return give_up(m, std::move(end.result.error()), true);
            leave_to_recovery(m->row.tx, end.result.error());  // the row is READY: what is really there decides
            end_move(m, fail(std::move(end.result.error())));
        });
}

/// DONE: the verdict, what the vault now holds, and what is left to do, in one transaction.
void Vault::Impl::publish(MovePtr m) {
    auto publication = std::move(m->publication);
    const Time now = loop.clock().now();
    publication.with.push_back(done_rows(*m, now));
    registry.publish(std::move(publication), [this, weak = weak_from_this(), m](Result<void> written) {
        if (weak.expired()) return;
        if (written) return clean(m);
        // It may have been committed all the same. Going back could contradict it, so this goes forward only: recovery reads the row.
        leave_to_recovery(m->row.tx, of_history(written.error()));
        end_move(m, fail(in("the history cannot be written, the promotion is finished when it can", std::move(written.error()))));
    });
}

/// Only after DONE: the old version goes where replaced ones lie.
void Vault::Impl::clean(MovePtr m) {
    on_lane([&f = files, where = place, move = disk::OldMove{m->old_lies, m->record.old_to},
             ino = m->row.old_ino](std::stop_token) { return disk::set_aside(f, where, move, ino); },
            [this, m](Result<std::string> old_now) {
                if (old_now) return close(m, std::move(*old_now));
                leave_to_recovery(m->row.tx, old_now.error());  // the row is PROMOTED: recovery cleans up
                // Recovery must not go on to sweep .tmp: what this row knows still lies there.
                end_move(m, m->recovering ? Result<std::string>(fail(std::move(old_now.error()))) : Result<std::string>(m->row.final_path));
            });
}

void Vault::Impl::close(MovePtr m, std::string old_now) {
    commit(
        [tx = m->row.tx, target = m->row.target, from = m->old_lies, old_now](history::Session& s) -> Result<void> {
            if (!from.empty()) {
                auto rows = s.healthy(target, kHealthyRows);
                if (!rows) return fail(std::move(rows.error()));
                for (auto& row : *rows) {
                    if (row.current || row.vault_path != from) continue;
                    row.vault_path = old_now;
                    if (auto put = s.put_healthy(row); !put) return fail(std::move(put.error()));
                }
            }
            return s.remove_deposit_state(tx);
        },
        [this, m, old_now](Result<void> closed) {
            if (closed)
                live.erase(m->row.tx);
            else
                leave_to_recovery(m->row.tx, of_history(closed.error()));
            if (!old_now.empty()) replaced_since[old_now] = loop.clock().boot();
            end_move(m, closed || !m->recovering ? Result<std::string>(m->row.final_path) : Result<std::string>(fail(std::move(closed.error()))));
        });
}

/// Back to where it was. The copy stays only when a name was in the way: then whoever asked may hold it.
void Vault::Impl::give_up(MovePtr m, Error error, bool row_is_ready) {
    const bool conflict = error.code == Errc::exists && !m->is_hold();
    const bool disk_is_wrong = error.code == Errc::corrupt && !m->is_release();  // a held file that rotted is its own problem
    if (error.code == Errc::unavailable || error.code == Errc::no_space || disk_is_wrong) trouble(error);
    auto end = [this, m, error] { end_move(m, fail(error)); };
    if (m->is_release()) {
        if (row_is_ready) return forget_row(m->row.tx, end);
        live.erase(m->row.tx);
        return end();
    }
    if (!conflict) return drop_copy(m->row.tx, end);
    if (!row_is_ready) return end();
    auto row = m->row;
    row.phase = "copying";
    commit([row](history::Session& s) { return s.put_deposit_state(row); },
           [this, end](Result<void> written) {
               if (!written) trouble(of_history(std::move(written.error())));
               end();
           });
}

void Vault::Impl::end_move(MovePtr m, Result<std::string> result) {
    const bool prunes = result.has_value() && !m->row.final_path.empty() && !m->is_hold();
    auto done = std::move(m->done);
    m->done = nullptr;
    auto turn = std::move(m->turn);
    if (done) done(std::move(result));
    if (prunes) prune(m->row.target, std::move(turn), [] {});
}

}  // namespace bkmon::deposits
