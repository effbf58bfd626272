#include <fmt/format.h>

#include "common/base/text.h"
#include "daemon/core/path_template.h"
#include "daemon/deposits/vault/impl.h"

namespace bkmon::deposits {
namespace {

/// What is held now, and for the target itself, which the new one replaces.
struct HeldNow {
    std::uint64_t others_bytes = 0;
    std::optional<history::HeldRow> old;
};

Result<void> read_held(history::Reader& r, const TargetId& target, HeldNow& out) {
    auto rows = r.held();
    if (!rows) return fail(std::move(rows.error()));
    for (auto& row : *rows) {
        if (row.target == target)
            out.old = std::move(row);
        else
            out.others_bytes += row.size_bytes;
    }
    return {};
}

}  // namespace

void Vault::Impl::hold(HoldPlan plan, std::function<void(Result<void>)> done) {
    auto m = std::make_shared<Move>();
    m->row.tx = plan.taken.tx;
    m->row.temp_name = plan.taken.tx;
    m->row.target = plan.publication.target;
    m->row.claimed_sha256 = plan.taken.sha256;
    m->size = plan.taken.size;
    m->proven = plan.taken.proven;
    m->unproven = std::move(plan.taken.unproven);
    m->publication = std::move(plan.publication);
    auto& held = m->record.held.emplace(std::move(plan.held));
    held.target = m->row.target;
    held.sha256 = plan.taken.sha256;
    held.size_bytes = plan.taken.size;
    held.held_at = loop.clock().now();
    held.path = held_path(held, m->row.tx);
    m->row.final_path = held.path;
    m->done = [done = std::move(done)](Result<std::string> path) { done(path ? Result<void>() : Result<void>(fail(std::move(path.error())))); };
    in_turn(m->row.target, [this, m](Turn turn) {
        m->turn = std::move(turn);
        if (live.count(m->row.tx) == 0) return end_move(m, fail(Errc::not_found, "there is no copy to hold"));
        auto now = std::make_shared<HeldNow>();
        read([now, target = m->row.target](history::Reader& r) { return read_held(r, target, *now); },
             [this, m, now](Result<void> known) {
                 if (!known) return give_up(m, of_history(std::move(known.error())), false);
                 if (now->others_bytes + m->size > options.held_max_bytes)
                     return give_up(
                         m,
                         Error{Errc::invalid,
                               fmt::format("held files would use more than held_max_bytes ({}): release or reject some (`bkmonctl deposits list`)",
                                           size_words(options.held_max_bytes)),
                               0},
                         false);
                 if (now->old) {
                     m->row.old_path = now->old->path;
                     m->row.old_sha256 = now->old->sha256;
                     m->old_size = now->old->size_bytes;
                 }
                 begin_move(m);
             });
    });
}

void Vault::Impl::find_held(const TargetId& target, const std::string& sha256, std::function<void(Result<history::HeldRow>)> done) {
    auto now = std::make_shared<HeldNow>();
    read([now, target](history::Reader& r) { return read_held(r, target, *now); },
         [now, target, sha256, done = std::move(done)](Result<void> known) {
             if (!known) return done(fail(of_history(std::move(known.error()))));
             if (!now->old) return done(fail(Errc::not_found, "nothing is held for " + target.str()));
             if (!sha256.empty() && lower(sha256) != now->old->sha256)
                 return done(fail(Errc::invalid, "what is held for " + target.str() + " has the SHA-256 " + now->old->sha256));
             done(std::move(*now->old));
         });
}

void Vault::Impl::release(MovePtr m, const std::string& sha256) {
    in_turn(m->row.target, [this, m, sha256](Turn turn) {
        m->turn = std::move(turn);
        find_held(m->row.target, sha256.empty() ? "-" : sha256, [this, m](Result<history::HeldRow> held) {
            if (!held) return end_move(m, fail(std::move(held.error())));
            for (const auto& part : split(held->final_path, '/'))
                if (!core::acceptable_component(part))
                    return end_move(
                        m, fail(Errc::invalid, "where '" + printable(held->final_path) + "' should go is no acceptable path: see the job's path"));
            m->row.tx = disk::random_id();
            live.insert(m->row.tx);
            m->row.temp_name = held->path;
            m->row.final_path = held->final_path;
            m->row.claimed_sha256 = held->sha256;
            m->size = held->size_bytes;
            begin_move(m);
        });
    });
}

void Vault::Impl::reject(const TargetId& target, const std::string& sha256, targets::Registry::Publication publication,
                         std::function<void(Result<void>)> done) {
    auto pub = std::make_shared<targets::Registry::Publication>(std::move(publication));
    in_turn(target, [this, target, sha256, pub, done = std::move(done)](Turn turn) {
        if (!state.usable) return done(fail(Errc::unavailable, state.problem));
        find_held(target, sha256.empty() ? "-" : sha256, [this, target, pub, turn, done](Result<history::HeldRow> held) {
            if (!held) return done(fail(std::move(held.error())));
            end_file(
                target, held->path, turn, [target](history::Session& s) { return s.remove_held(target); },
                [this, pub](history::Store::Work work, std::function<void(Result<void>)> written) {
                    pub->with.push_back(std::move(work));
                    registry.publish(std::move(*pub), [weak = weak_from_this(), written = std::move(written)](Result<void> result) {
                        if (!weak.expired()) written(std::move(result));
                    });
                },
                done);
        });
    });
}

/// The file goes after the row: the other way round a crash in between would leave a row for a file that is not there. What tells that
/// the file still has to go is a row that is PROMOTED and has no final name.
void Vault::Impl::end_file(const TargetId& target, const std::string& path, Turn turn, history::Store::Work forget, const CommitWith& commit_with,
                           std::function<void(Result<void>)> done) {
    auto m = std::make_shared<Move>();
    m->turn = std::move(turn);
    m->row.tx = disk::random_id();
    m->row.phase = "promoted";
    m->row.target = target;
    m->row.temp_name = path;
    m->old_lies = path;
    m->done = [done](Result<std::string>) { done({}); };
    live.insert(m->row.tx);
    commit_with(
        [row = m->row, forget = std::move(forget)](history::Session& s) -> Result<void> {
            if (auto forgotten = forget(s); !forgotten) return forgotten;
            return s.put_deposit_state(row);
        },
        [this, m, done](Result<void> written) {
            if (written) return clean(m);
            live.erase(m->row.tx);
            m->done = nullptr;
            done(fail(of_history(std::move(written.error()))));
        });
}

}  // namespace bkmon::deposits
