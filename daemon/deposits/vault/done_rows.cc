#include "common/base/text.h"
#include "daemon/deposits/vault/impl.h"

namespace bkmon::deposits {
namespace {

/// A value of its own: it runs on the history's thread, perhaps twice.
struct Rows {
    history::DepositStateRow row;
    DoneRecord record;
    std::string old_lies;
    bool hold = false, release = false, recovering = false;
    Time now{};
};

/// What was judged, for a DONE that recovery writes: the participants of those who asked died with the daemon.
history::JudgedRow judged_row(const Rows& d) {
    const auto& row = d.row;
    const auto& v = d.record.verdict;
    const FileIdentity id{row.source_dev, row.source_ino, row.source_size, row.source_mtime_ns, row.source_ctime_ns};
    history::JudgedRow out;
    out.target = row.target;
    out.agent = lower(row.agent);
    out.report_sha256 = row.report_sha256;
    out.file_sha256 = v.sha256;
    out.status = std::string(core::name_of(v.status));
    out.reason_code = v.reason_code;
    out.at = v.at;
    out.report_end = v.backup_at;
    out.file_identity = id.text();
    return out;
}

Result<void> replace_current(const Rows& d, history::Session& s) {
    auto rows = s.healthy(d.row.target, kHealthyRows);
    if (!rows) return fail(std::move(rows.error()));
    for (auto& old : *rows) {
        if (!old.current) continue;
        old.current = false;
        old.replaced_at = d.now;
        old.replaced_uptime = milliseconds(0);
        old.vault_path = old.vault_path == d.row.old_path ? d.old_lies : std::string();
        if (auto put = s.put_healthy(old); !put) return fail(std::move(put.error()));
    }
    auto fresh = *d.record.healthy;
    fresh.id = 0;
    fresh.target = d.row.target;
    fresh.sha256 = d.row.claimed_sha256;
    fresh.vault_path = d.row.final_path;
    fresh.current = true;
    fresh.promoted_at = d.now;
    fresh.verified_at = d.now;  // CHECK, or recovery, has just read it back
    fresh.damaged_at.reset();
    if (auto put = s.put_healthy(fresh); !put) return fail(std::move(put.error()));
    return s.put_setting(keep_setting_name(d.row.target), keep_text({d.record.keep, d.record.keep_replaced}));
}

Result<void> write(const Rows& d, history::Session& s) {
    auto row = d.row;
    row.phase = "promoted";
    if (auto put = s.put_deposit_state(row); !put) return put;
    if (d.recovering && !d.release)
        if (auto put = s.put_judged(judged_row(d)); !put) return put;
    if (d.hold) return s.put_held(*d.record.held);
    if (d.release)
        if (auto gone = s.remove_held(d.row.target); !gone) return gone;
    return replace_current(d, s);
}

}  // namespace

history::Store::Work done_rows(const Move& m, Time now) {
    return [d = Rows{m.row, m.record, m.old_lies, m.is_hold(), m.is_release(), m.recovering, now}](history::Session& s) { return write(d, s); };
}

}  // namespace bkmon::deposits
