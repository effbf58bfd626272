// What reading the vault again has found: a damaged backup is no backup any more, and the same bytes sent again are welcome.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "daemon/deposits/part_impl.h"

namespace bkmon::deposits {

namespace {

using Kind = VaultFile::Kind;
using Found = Verified::Found;

/// The newest replaced version that is whole as far as is known.
const history::HealthyRow* older_one(const std::vector<history::HealthyRow>& rows) {
    for (const auto& row : rows)
        if (!row.current && !row.damaged_at && !row.vault_path.empty()) return &row;
    return nullptr;
}

std::string evidence(const VaultFile& file, const Verified& found, const history::HealthyRow* older, const core::Verdict* before) {
    JsonWriter w;
    w.begin_object().field("rule", found.bad() ? (found.found == Found::missing ? "vault_missing" : "vault_damaged") : "vault_healed");
    w.key("vault_file").begin_object().field("path", printable(file.path)).field("size_bytes", file.size).field("sha256", file.sha256);
    w.field("backup_at", file.backup_at).field("last_read_whole_at", file.damaged_at ? std::optional<Time>() : std::optional(file.read_at));
    w.field("found", found.bad() ? found.detail : std::string("whole")).end_object();
    w.key("older_version");
    if (older != nullptr)
        w.begin_object().field("path", printable(older->vault_path)).field("sha256", older->sha256).field("backup_at", older->backup_at).end_object();
    else
        w.null();
    w.key("before");
    // What was said of it until now; its own evidence lies in the history.
    if (before != nullptr)
        w.begin_object()
            .field("status", name_of(before->status))
            .field("reason_code", before->reason_code)
            .field("reason", before->reason)
            .field("at", before->at)
            .end_object();
    else
        w.null();
    return w.end_object().take();
}

std::string sentence(const VaultFile& file, const Verified& found, const history::HealthyRow* older) {
    const auto name = printable(file.path);
    if (!found.bad()) return fmt::format("'{}' in the vault can be read whole again, which it could not before: check the disk", name);
    const auto next = older != nullptr ? fmt::format("; an older one is whole: {}", printable(older->vault_path)) : "; there is no older one";
    if (found.found == Found::missing)
        return fmt::format("the backup '{}' is gone from the vault: somebody removed it; the next healthy one takes its place{}", name, next);
    return fmt::format("the backup '{}' in the vault is damaged: {}; it is kept until the next healthy one replaces it{}", name, found.detail, next);
}

}  // namespace

void Part::Impl::load_damage(const std::vector<VaultFile>& files) {
    damaged.clear();
    for (const auto& f : files)
        if (f.kind == Kind::current && f.damaged_at) damaged[f.target.key()] = {f.sha256, *f.damaged_at};
}

/// A verdict for the current backup. A damaged old version or held file is no word about the target, whose backup is whole: it is said by
/// bkmon/verify and in the journal.
std::optional<targets::Registry::Publication> Part::Impl::word_of(const VaultFile& file, const Verified& found,
                                                                  const std::vector<history::HealthyRow>& rows) {
    if (file.kind != Kind::current) return std::nullopt;
    const auto* target = rooms.registry.find(file.target);
    const auto* before = target != nullptr ? &target->current.verdict : nullptr;
    const bool said_damaged = before != nullptr && (before->reason_code == "vault_damaged" || before->reason_code == "vault_missing");
    if (!found.bad() && !said_damaged) return std::nullopt;  // something else is said of it by now, and stands
    const auto* older = older_one(rows);
    const char* code = !found.bad() ? "vault_healed" : found.found == Found::missing ? "vault_missing" : "vault_damaged";
    auto v = plain_verdict(found.bad() ? core::Status::corrupt : core::Status::warning, code, sentence(file, found, older));
    v.file = printable(file.path);
    v.size_bytes = file.size;
    v.sha256 = file.sha256;
    v.backup_at = file.backup_at;
    v.evidence = evidence(file, found, older, before);
    targets::Registry::Publication p;
    p.target = file.target;
    if (before != nullptr) v.due = before->due;  // the cycle that is spoken of: the next one is judged by itself
    if (const Job* job = job_of(file.target); job != nullptr && v.due) p.date = core::local_date(*v.due, job->settings.timezone);
    p.verdict = std::move(v);
    return p;
}

void Part::Impl::told_of(const VaultFile& file, const Verified& found) {
    if (!found.news) return;
    const auto key = file.target.key();
    if (file.kind == Kind::current && found.bad())
        damaged[key] = {file.sha256, now()};
    else if (file.kind == Kind::current)
        damaged.erase(key);
    if (auto it = held.find(key); file.kind == Kind::held && it != held.end() && it->second.path == file.path) {
        it->second.damaged_at = found.bad() ? std::optional(now()) : std::nullopt;
        it->second.damage = found.detail;
    }
    const char* what = file.kind == Kind::current ? "the backup" : file.kind == Kind::version ? "the replaced version" : "the held file";
    rooms.journal.log(found.bad() ? journal::Level::error : journal::Level::notice, journal::msg::vault_damaged,
                      fmt::format("{}: {} '{}' {}", file.target.str(), what, printable(file.path),
                                  found.bad() ? "is damaged or gone: " + found.detail : "can be read whole again"),
                      {{"BKMON_TARGET", file.target.str()}, {"BKMON_FILE", file.path}, {"BKMON_SHA256", file.sha256}});
    // What was sent before may lie there still, or come again under the same report.
    if (auto* job = job_of(file.target); job != nullptr && found.bad()) {
        if (arrival && job->agent != nullptr) arrival->look_at(job->agent->folder);
        consider_again(*job);
    }
}

/// The vault lost exactly the bytes that this report once brought: they are taken in again when they lie there.
bool Part::Impl::is_wanted_again(const Job& job, const history::JudgedRow& judged, const std::optional<core::Cycle>& cycle) const {
    const auto lost = damaged.find(job.id.key());
    if (lost == damaged.end() || judged.file_sha256 != lost->second.sha256 || judged.at >= lost->second.since) return false;
    const auto* target = rooms.registry.find(job.id);
    return target != nullptr && (!cycle || !target->current.verdict.due || *target->current.verdict.due <= cycle->due);
}

Result<std::string> Part::verify(const std::string& what, std::function<bool(const TargetId&)> picks) {
    if (!impl_->scrub) return fail(Errc::unavailable, "the deposits are not ready yet");
    return impl_->scrub->run(what, std::move(picks));
}

}  // namespace bkmon::deposits
