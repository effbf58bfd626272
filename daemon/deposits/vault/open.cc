#include <fmt/format.h>

#include "common/base/text.h"
#include "daemon/deposits/vault/impl.h"

namespace bkmon::deposits {
namespace {

constexpr const char* kMarkerSetting = "vault_marker";

/// What READY wanted to publish; something true and plain when that cannot be read (written by another version of bkmon).
DoneRecord record_of(const history::DepositStateRow& row, Time now) {
    if (auto record = done_record_from_json(row.verdict_json)) return std::move(*record);
    DoneRecord out;
    out.verdict.status = core::Status::ok;
    out.verdict.severity = core::Severity::ok;
    out.verdict.reason_code = "promoted";
    out.verdict.reason = "finished after a crash";
    out.verdict.at = now;
    out.verdict.file = row.final_path;
    out.verdict.sha256 = row.claimed_sha256;
    if (disk::is_held_path(row.final_path)) {
        out.verdict.status = core::Status::held;
        out.verdict.severity = core::Severity::warning;
        auto& held = out.held.emplace();
        held.target = row.target;
        held.sha256 = row.claimed_sha256;
        held.path = row.final_path;
        held.held_at = now;
    } else {
        auto& healthy = out.healthy.emplace();
        healthy.size_bytes = row.source_size;
        out.old_to = std::string(disk::kVersions) + "/" + slot_of(row.target) + "/recovered-" + row.tx.substr(0, 8);
    }
    return out;
}

/// Where the old version of a switched row lies before it is set aside.
std::string old_lies(const history::DepositStateRow& row) {
    if (row.final_path.empty()) return row.temp_name;  // a held file that was rejected or expired
    if (row.old_ino == 0) return {};
    return row.old_path == row.final_path ? disk::temp_path(row.temp_name) : row.old_path;
}

}  // namespace

void Vault::Impl::open(std::function<void()> done) {
    if (done) open_done.push_back(std::move(done));
    if (opening) return;
    opening = true;
    retry->cancel();
    auto rows = std::make_shared<std::vector<history::DepositStateRow>>();
    auto marker = std::make_shared<std::string>();
    read(
        [rows, marker](history::Reader& r) -> Result<void> {
            auto known = r.setting(kMarkerSetting);
            if (!known) return fail(std::move(known.error()));
            auto states = r.deposit_states();
            if (!states) return fail(std::move(states.error()));
            *marker = known->value_or("");
            *rows = std::move(*states);
            return {};
        },
        [this, rows, marker](Result<void> known) {
            if (!known) return opened(fail(of_history(std::move(known.error()))));
            std::erase_if(*rows, [this](const auto& row) { return live.count(row.tx) != 0; });
            prepare(rows, *marker);
        });
}

void Vault::Impl::prepare(Rows rows, const std::string& known_marker) {
    on_lane([&f = files, root = place.root, known_marker](std::stop_token) { return disk::prepare(f, root, known_marker); },
            [this, rows](Result<disk::Prepared> prepared) {
                if (!prepared) return opened(fail(std::move(prepared.error())));
                place.marker = prepared->marker;
                if (!prepared->fresh) return recover(rows, 0);
                commit([id = prepared->marker](history::Session& s) { return s.put_setting(kMarkerSetting, id); },
                       [this, rows](Result<void> written) {
                           if (!written) return opened(fail(of_history(std::move(written.error()))));
                           recover(rows, 0);
                       });
            });
}

/// One row after the other: recovery is rare, and simple is safer than fast here.
void Vault::Impl::recover(Rows rows, std::size_t next) {
    if (next == rows->size()) return sweep();
    on_lane([&f = files, where = place, row = (*rows)[next],
             now = to_ms(loop.clock().now())](std::stop_token) { return disk::repair(f, where, row, now); },
            [this, rows, next](Result<disk::Finding> finding) {
                if (!finding) return opened(fail(in("recovery", std::move(finding.error()))));
                recovered(rows, next, *finding);
            });
}

void Vault::Impl::recovered(Rows rows, std::size_t next, const disk::Finding& finding) {
    const auto& row = (*rows)[next];
    if (!finding.note.empty()) journal.log(journal::Level::error, journal::msg::vault_recovered, finding.note, {{"BKMON_TARGET", row.target.str()}});
    if (finding.next == disk::Finding::Next::forget) {
        journal.log(journal::Level::notice, journal::msg::vault_recovered,
                    fmt::format("{}: an interrupted promotion of {} was undone; the deposit is looked at again", row.target.str(),
                                printable(row.source_file)),
                    {{"BKMON_TARGET", row.target.str()}});
        return commit([tx = row.tx](history::Session& s) { return s.remove_deposit_state(tx); },
                      [this, rows, next](Result<void> gone) {
                          if (!gone) return opened(fail(of_history(std::move(gone.error()))));
                          recover(rows, next + 1);
                      });
    }
    auto m = std::make_shared<Move>();
    m->row = row;
    m->recovering = true;
    m->record = record_of(row, loop.clock().now());
    m->old_lies = old_lies(row);
    if (row.final_path.empty()) m->record.old_to.clear();
    m->done = [this, rows, next](Result<std::string> done) {
        if (!done) return opened(fail(in("recovery", std::move(done.error()))));
        recover(rows, next + 1);
    };
    if (finding.next == disk::Finding::Next::clean) return clean(m);
    if (row.old_path == row.final_path && !finding.old_set_aside) m->old_lies.clear();
    journal.log(journal::Level::notice, journal::msg::vault_recovered,
                fmt::format("{}: an interrupted promotion was finished: {}", row.target.str(), printable(row.final_path)),
                {{"BKMON_TARGET", row.target.str()}, {"BKMON_SHA256", row.claimed_sha256}});
    m->publication.target = row.target;
    m->publication.verdict = m->record.verdict;
    m->publication.date = m->record.date;
    m->publication.current = m->record.current;
    publish(m);
}

/// What lies in .tmp and has no row is nobody's: kept as evidence.
void Vault::Impl::sweep() {
    on_lane([&f = files, where = place, known = live, now = to_ms(loop.clock().now())](std::stop_token) { return disk::sweep(f, where, known, now); },
            [this](Result<std::vector<std::string>> moved) {
                if (!moved) return opened(fail(in("recovery", std::move(moved.error()))));
                for (const auto& path : *moved)
                    journal.log(
                        journal::Level::warning, journal::msg::vault_unknown_file,
                        "a file in the vault's " + std::string(disk::kTemp) + " that the history does not know was moved to " + printable(path),
                        {{"BKMON_VAULT", place.root}});
                opened({});
            });
}

void Vault::Impl::opened(Result<void> result) {
    opening = false;
    VaultState next;
    next.usable = result.has_value();
    if (!result) next.problem = printable(result.error().what);
    if (!result || room_wanted != 0) retry_soon();
    set_state(std::move(next));
    auto told = std::move(open_done);
    open_done.clear();
    for (const auto& done : told) done();
    if (state.usable) check_room_again();
}

void Vault::Impl::init(std::function<void(Result<std::string>)> done) {
    struct Marked {
        std::string id;
        disk::Rebuilt found;
    };
    on_lane(
        [&f = files, root = place.root](std::stop_token) -> Result<Marked> {
            auto id = disk::mark(f, root);
            if (!id) return fail(std::move(id.error()));
            auto found = disk::find_sealed(f, root);
            if (!found) return fail(std::move(found.error()));
            return Marked{std::move(*id), std::move(*found)};
        },
        [this, done = std::move(done)](Result<Marked> marked) {
            if (!marked) return done(fail(std::move(marked.error())));
            for (const auto& path : marked->found.damaged)
                journal.log(journal::Level::error, journal::msg::vault_unknown_file,
                            "'" + path + "' does not hash to what was recorded with it: damaged, it is not taken for a backup",
                            {{"BKMON_VAULT", place.root}});
            auto added = std::make_shared<int>(0);
            commit(
                [id = marked->id, rows = marked->found.healthy, added](history::Session& s) -> Result<void> {
                    if (auto put = s.put_setting(kMarkerSetting, id); !put) return put;
                    return adopt_sealed(s, rows, *added);
                },
                [this, id = marked->id, added, done](Result<void> written) {
                    if (!written) return done(fail(of_history(std::move(written.error()))));
                    if (*added > 0)
                        journal.log(journal::Level::warning, journal::msg::vault_recovered,
                                    fmt::format("{} backups in the vault were unknown to the history and are known again", *added),
                                    {{"BKMON_VAULT", place.root}});
                    open([id, done] { done(id); });
                });
        });
}

/// Is there room again for what did not fit?
void Vault::Impl::check_room_again() {
    struct Room {
        std::uint64_t free_bytes = 0;
        Result<void> enough;
    };
    on_lane(
        [&f = files, where = place, wanted = room_wanted, reserve = options.reserve_bytes](std::stop_token) -> Result<Room> {
            auto tree = disk::open_tree(f, where);
            if (!tree) return fail(std::move(tree.error()));
            auto space = f.space(tree->root.get());
            if (!space) return fail(std::move(space.error()));
            return Room{space->free_bytes, disk::check_room(f, tree->root.get(), wanted, reserve)};
        },
        [this](Result<Room> room) {
            if (!state.usable) return;
            if (!room) return trouble(room.error());
            VaultState next = state;
            next.free_bytes = room->free_bytes;
            next.problem = room->enough ? "" : printable(room->enough.error().what);
            if (room->enough)
                room_wanted = 0;
            else
                retry_soon();
            set_state(std::move(next));
        });
}

}  // namespace bkmon::deposits
