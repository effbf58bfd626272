// Reading the vault's files again: what is found is concluded in the target's turn, so that a promotion on its way is never called damage.
#include <algorithm>
#include <thread>

#include "common/base/text.h"
#include "daemon/deposits/vault/impl.h"

namespace bkmon::deposits {
namespace {

using Found = Verified::Found;

constexpr std::uint64_t kProgressStep = std::uint64_t{16} << 20;
constexpr milliseconds kSlice{20};

/// Lets the reader go on at no more than the rate, tells about progress now and then, and ends it soon after somebody wants that.
files::GoOn bounded(loop::EventLoop& loop, const std::shared_ptr<Verifying>& v, std::stop_token stop) {
    return [&loop, v, stop, told = std::uint64_t{0}, begun = std::chrono::steady_clock::now()](std::uint64_t done) mutable {
        const auto rate = v->bytes_per_second;
        const auto due = begun + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                     std::chrono::duration<double>(rate == 0 ? 0.0 : static_cast<double>(done) / static_cast<double>(rate)));
        while (!v->cancelled && !stop.stop_requested() && std::chrono::steady_clock::now() < due)
            std::this_thread::sleep_until(std::min(due, std::chrono::steady_clock::now() + kSlice));
        if (v->cancelled || stop.stop_requested()) return false;
        if (done < told + kProgressStep) return true;
        told = done;
        loop.post(Task([v, done] {
            if (!v->cancelled && v->progress) v->progress(done);
        }));
        return true;
    };
}

/// What the history says now about the file that was read.
struct NowKnown {
    bool same = false;    ///< under the same name still
    bool moving = false;  ///< a promotion or a removal is between its steps: left to recovery
    VaultFile::Kind kind = VaultFile::Kind::current;
    std::vector<history::HealthyRow> rows;
};

Result<void> read_now(history::Reader& r, const VaultFile& file, NowKnown& out) {
    out = {};
    auto rows = r.healthy(file.target, kHealthyRows);
    if (!rows) return fail(std::move(rows.error()));
    auto states = r.deposit_states();
    if (!states) return fail(std::move(states.error()));
    for (const auto& state : *states) out.moving = out.moving || (state.target == file.target && state.phase != "copying");
    out.rows = std::move(*rows);
    if (file.kind == VaultFile::Kind::held) {
        auto held = r.held();
        if (!held) return fail(std::move(held.error()));
        out.kind = VaultFile::Kind::held;
        out.same = std::any_of(held->begin(), held->end(), [&](const auto& h) { return h.target == file.target && h.path == file.path; });
        return {};
    }
    for (const auto& row : out.rows) {
        if (row.id != file.id || row.vault_path != file.path) continue;
        out.same = true;
        out.kind = row.current ? VaultFile::Kind::current : VaultFile::Kind::version;
    }
    return {};
}

}  // namespace

void Vault::Impl::verify(std::shared_ptr<Verifying> v) {
    if (v->cancelled) return;
    if (!state.usable) return verified(v, Verified{Found::unavailable, 0, state.problem, false});
    loop::submit(
        *v->lane, loop, std::weak_ptr<const void>(weak_from_this()),
        [&f = files, &l = loop, where = place, v](std::stop_token stop) { return disk::verify_file(f, where, v->file, bounded(l, v, stop)); },
        [this, v](Verified end) {
            if (v->cancelled) return;
            const bool concluded = end.bad() || end.found == Found::whole;
            if (!concluded) return verified(v, std::move(end));
            end.news = end.bad() != v->file.damaged_at.has_value();
            if (end.news) return conclude(v, std::move(end));
            commit(mark_verified(v->file, end, loop.clock().now()), [this, v, end](Result<void> marked) mutable {
                if (marked) return verified(v, std::move(end));
                verified(v, Verified{Found::unavailable, 0, "the history cannot be written: " + marked.error().what, false});
            });
        });
}

/// In the target's turn, and only when what was read is what the history means: else it was replaced while it was read.
void Vault::Impl::conclude(std::shared_ptr<Verifying> v, Verified end) {
    in_turn(v->file.target, [this, v, end](Turn turn) {
        auto now = std::make_shared<NowKnown>();
        read([now, file = v->file](history::Reader& r) { return read_now(r, file, *now); },
             [this, v, end, turn, now](Result<void> known) {
                 if (!known || !state.usable) return verified(v, Verified{Found::unavailable, 0, known ? state.problem : known.error().what, false});
                 if (!now->same || now->moving) return verified(v, Verified{Found::moved, 0, "", false});
                 v->file.kind = now->kind;
                 on_lane([&f = files, where = place, path = v->file.path,
                          ino = end.ino](std::stop_token) { return disk::still_found(f, where, path, ino); },
                         [this, v, end, turn, now](Result<bool> still) {
                             if (!still) return verified(v, Verified{Found::unavailable, 0, still.error().what, false});
                             if (!*still) return verified(v, Verified{Found::moved, 0, "", false});
                             publish_verified(v, end, now->rows, turn);
                         });
             });
    });
}

/// The mark and what is said about it, in one transaction.
void Vault::Impl::publish_verified(std::shared_ptr<Verifying> v, const Verified& end, const std::vector<history::HealthyRow>& rows, Turn turn) {
    if (v->cancelled) return;
    auto publication = v->word ? v->word(v->file, end, rows) : std::nullopt;
    auto work = mark_verified(v->file, end, loop.clock().now());
    auto written = [this, v, end, turn](Result<void> done) {
        if (done) return verified(v, end);
        trouble(of_history(done.error()));
        verified(v, Verified{Found::unavailable, 0, "the history cannot be written: " + done.error().what, false});
    };
    if (!publication) return commit(std::move(work), std::move(written));
    publication->with.push_back(std::move(work));
    registry.publish(std::move(*publication), [weak = weak_from_this(), written = std::move(written)](Result<void> done) {
        if (!weak.expired()) written(std::move(done));
    });
}

void Vault::Impl::verified(const std::shared_ptr<Verifying>& v, Verified end) {
    if (v->cancelled || !v->done) return;
    auto done = std::move(v->done);
    v->done = nullptr;
    v->progress = nullptr;
    done(v->file, std::move(end));
}

}  // namespace bkmon::deposits
