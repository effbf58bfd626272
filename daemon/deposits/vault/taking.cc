#include "common/base/text.h"
#include "daemon/deposits/vault/impl.h"

namespace bkmon::deposits {
namespace {

constexpr std::uint64_t kProgressStep = std::uint64_t{16} << 20;
constexpr std::uint64_t kSlowestCopy = std::uint64_t{1} << 20;  // bytes a second: who is slower is not waited for
constexpr std::uint64_t kFollowed = std::uint64_t{8} << 20;     // smaller ones are copied before an inspector has started

Taken ended(Taken::Outcome outcome, std::string code, std::string detail) {
    Taken t;
    t.outcome = outcome;
    t.reason_code = std::move(code);
    t.detail = printable(detail);
    return t;
}

history::DepositStateRow copying_row(const Taking& t) {
    history::DepositStateRow row;
    const auto& r = t.request;
    row.tx = t.tx;
    row.phase = "copying";
    row.target = r.target;
    row.agent = r.agent;
    row.source_file = r.folder + "/" + r.file;
    row.source_dev = r.expected.dev;
    row.source_ino = r.expected.ino;
    row.source_size = r.expected.size;
    row.source_mtime_ns = r.expected.mtime_ns;
    row.source_ctime_ns = r.expected.ctime_ns;
    row.claimed_sha256 = lower(r.claimed_sha256);
    row.report_file = r.report_file;
    row.report_sha256 = r.report_sha256;
    row.temp_name = t.tx;
    return row;
}

/// Progress from the lane to the loop, every now and then; false once nobody waits any more.
files::GoOn tell(loop::EventLoop& loop, const std::shared_ptr<Taking>& t, std::stop_token stop) {
    return [&loop, t, stop, told = std::uint64_t{0}](std::uint64_t done) mutable {
        if (t->cancelled || stop.stop_requested()) return false;
        if (done < told + kProgressStep && done != t->request.claimed_size) return true;
        told = done;
        loop.post(Task([t, done] {
            if (!t->cancelled && t->progress) t->progress(done, t->request.claimed_size);
        }));
        return true;
    };
}

}  // namespace

void Vault::Impl::take(std::shared_ptr<Taking> t) {
    if (t->cancelled) return;
    if (!state.usable) return finish(t, ended(Taken::Outcome::unavailable, "vault_unavailable", state.problem));
    on_lane([&f = files, root = options.deposit_root, t](std::stop_token) { return disk::open_source(f, root, t->request); },
            [this, t](disk::Source source) {
                if (source.refused) return finish(t, std::move(*source.refused));
                t->source = std::move(source.file);
                intend(t);
            });
}

/// INTENT: from here on a crash is answered by recovery, so the row is there before the copy is.
void Vault::Impl::intend(std::shared_ptr<Taking> t) {
    if (t->cancelled) return;
    if (!state.usable) return finish(t, ended(Taken::Outcome::unavailable, "vault_unavailable", state.problem));
    t->tx = disk::random_id();
    live.insert(t->tx);
    commit([row = copying_row(*t)](history::Session& s) { return s.put_deposit_state(row); },
           [this, t](Result<void> written) {
               if (written) return copy(t);
               live.erase(t->tx);
               trouble(of_history(written.error()));
               finish(t, ended(Taken::Outcome::unavailable, "vault_unavailable", "the history cannot be written: " + written.error().what));
           });
}

void Vault::Impl::copy(std::shared_ptr<Taking> t) {
    t->copying = true;
    std::function<void(UniqueFd)> reader;
    if (t->request.claimed_size >= kFollowed) {
        reader = [this, weak = weak_from_this(), &l = loop, t](UniqueFd file) {
            l.post(Task([this, weak, t, file = std::move(file)]() mutable {
                if (!weak.expired() && !t->cancelled) inspect(t, std::move(file));
            }));
        };
    }
    on_lane([&f = files, &l = loop, where = place, reserve = options.reserve_bytes, t, reader = std::move(reader)](
                std::stop_token stop) { return disk::copy_source(f, where, t->request, t->source.get(), t->tx, reserve, reader, tell(l, t, stop)); },
            [this, t](disk::CopyEnd end) { copied(t, std::move(end)); });
}

void Vault::Impl::copied(std::shared_ptr<Taking> t, disk::CopyEnd end) {
    t->source.reset();
    t->copying = false;
    if (end.taken.outcome == Taken::Outcome::copied && !t->cancelled) {
        if (t->request.claimed_size >= room_wanted) room_wanted = 0;
        end.taken.findings = std::move(t->taken.findings);  // of one who was faster than the copy
        t->taken = std::move(end.taken);
        if (!t->inspected) inspect(t, std::move(end.file));
        return prove(t);
    }
    t->inspection.reset();
    if (end.trouble) {
        if (end.trouble->code == Errc::no_space) room_wanted = std::max(room_wanted, t->request.claimed_size);
        trouble(*end.trouble);
    }
    if (t->cancelled && end.taken.outcome == Taken::Outcome::copied) return drop_copy(t->tx, [] {});
    auto told = [this, t, taken = std::move(end.taken)] { finish(t, taken); };
    if (end.temp_gone) return forget_row(t->tx, std::move(told));
    leave_to_recovery(t->tx, Error{Errc::unavailable, "a copy in " + std::string(disk::kTemp) + " of the vault could not be removed", 0});
    told();
}

void Vault::Impl::inspect(std::shared_ptr<Taking> t, UniqueFd file) {
    inspect::Request request;
    request.file = std::move(file);
    request.name = t->request.file;
    request.content = t->request.content;
    request.end_mark = t->request.end_mark;
    request.size = t->request.claimed_size;
    request.growing = t->copying;
    if (t->copying) request.deadline += seconds(request.size / kSlowestCopy);  // it can be no faster than its copy
    t->inspected = true;
    t->inspection = inspector.inspect(std::move(request), [this, weak = weak_from_this(), t](inspect::Findings findings) {
        if (weak.expired()) return;
        // The job ends inside its own callback: it is destroyed a turn later.
        loop.post(Task([job = std::move(t->inspection)]() mutable { job.reset(); }));
        t->taken.findings = std::move(findings);
        looked_at(t);
    });
}

/// CHECK begins here, since it reads while the inspector computes: what is judged bad was read in vain, and nothing else.
void Vault::Impl::prove(std::shared_ptr<Taking> t) {
    on_lane(
        [&f = files, where = place, t, sha256 = t->taken.sha256, size = t->taken.size](std::stop_token stop) {
            return disk::prove(f, where, t->tx, sha256, size, [t, stop](std::uint64_t) { return !t->cancelled && !stop.stop_requested(); });
        },
        [this, t](Result<FileIdentity> proven) {
            if (proven)
                t->taken.proven = *proven;
            else
                t->taken.unproven = std::move(proven.error());
            looked_at(t);
        });
}

void Vault::Impl::looked_at(std::shared_ptr<Taking> t) {
    if (--t->awaited > 0) return;
    if (t->cancelled) return drop_copy(t->tx, [] {});
    if (t->taken.findings.not_started) {
        // No word about the file: it is taken again once there is room for a process.
        return drop_copy(t->tx, [this, t] { finish(t, ended(Taken::Outcome::unavailable, "vault_unavailable", t->taken.findings.detail)); });
    }
    finish(t, std::move(t->taken));
}

/// The other steps look at `cancelled` when they come back; an inspection may last for hours, so it is ended here.
void Vault::Impl::cancelled(const std::shared_ptr<Taking>& t) {
    if (!t->inspection) return;
    t->inspection.reset();
    if (!t->copying) looked_at(t);
}

void Vault::Impl::finish(std::shared_ptr<Taking> t, Taken taken) {
    if (t->cancelled || !t->done) return;
    auto done = std::move(t->done);
    t->done = nullptr;
    t->progress = nullptr;
    done(std::move(taken));
}

}  // namespace bkmon::deposits
