#include "daemon/deposits/archive.h"

#include <fmt/format.h>

#include <span>

#include "common/base/target_id.h"
#include "common/base/text.h"

namespace bkmon::deposits {

namespace {

/// A directory that may be there already.
Result<UniqueFd> ensure_dir(files::FileOps& files, int parent, const std::string& name) {
    if (auto made = files.make_dir(parent, name, 0700); !made && made.error().code != Errc::exists) return fail(made.error());
    return files.open_dir(parent, name);
}

Result<void> write_copy(files::FileOps& files, const std::string& state_dir, const std::string& month, const std::string& name,
                        const std::string& bytes) {
    auto state = files.open_root(state_dir);
    if (!state) return fail(state.error());
    auto reports = ensure_dir(files, state->get(), "reports");
    if (!reports) return fail(reports.error());
    auto dir = ensure_dir(files, reports->get(), month);
    if (!dir) return fail(dir.error());
    if (auto there = files.stat_at(dir->get(), name)) return {};
    // Under another name until it is whole: half a copy, which a full disk or a death leaves, is never taken for one.
    const std::string part = name + ".part";
    if (auto old = files.unlink(dir->get(), part); !old && old.error().code != Errc::not_found) return old;
    auto file = files.create(dir->get(), part);
    if (!file) return fail(file.error());
    const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
    auto kept = files.write(file->get(), std::span(data, bytes.size()), 0);
    if (kept) kept = files.rename_new(dir->get(), part, dir->get(), name);
    if (kept) return {};
    static_cast<void>(files.unlink(dir->get(), part));
    return kept.error().code == Errc::exists ? Result<void>() : kept;
}

constexpr std::size_t kMostMonths = 2000, kMostFiles = 5000;

/// One month's folder; it goes with its last file.
Result<void> expire_month(files::FileOps& files, int reports, const std::string& month, std::int64_t before_ns) {
    auto dir = files.open_dir(reports, month);
    if (!dir) return fail(dir.error());
    bool more = false;
    auto names = files.list(dir->get(), kMostFiles, more);
    if (!names) return fail(names.error());
    std::size_t gone = 0;
    for (const auto& entry : *names) {
        const auto file = files.stat_at(dir->get(), entry.name);
        if (!file || file->mtime_ns >= before_ns) continue;
        if (auto removed = files.unlink(dir->get(), entry.name); !removed) return removed;
        ++gone;
    }
    return more || gone < names->size() ? Result<void>() : files.remove_dir(reports, month);
}

Result<void> expire_reports(files::FileOps& files, const std::string& state_dir, Time before) {
    auto state = files.open_root(state_dir);
    if (!state) return fail(state.error());
    auto reports = files.open_dir(state->get(), "reports");
    if (!reports) return reports.error().code == Errc::not_found ? Result<void>() : fail(reports.error());
    bool more = false;
    auto months = files.list(reports->get(), kMostMonths, more);
    if (!months) return fail(months.error());
    const std::string last = rfc3339(before).substr(0, 7);
    const std::int64_t before_ns = to_ms(before) * 1'000'000;
    for (const auto& month : *months) {
        const bool named =
            month.name.size() == last.size() && month.name[4] == '-' && month.name.find_first_not_of("0123456789-") == std::string::npos;
        if (!named || month.name > last) continue;
        if (auto done = expire_month(files, reports->get(), month.name, before_ns); !done) return done;
    }
    return {};
}

}  // namespace

Archive::Archive(loop::EventLoop& loop, loop::Lane& lane, files::FileOps& files, history::Store& store, journal::Journal& journal,
                 std::string state_dir)
    : loop_(loop), lane_(lane), files_(files), store_(store), journal_(journal), state_dir_(std::move(state_dir)) {}

void Archive::keep(const std::string& agent, const std::string& file, const std::string& sha256, std::shared_ptr<const std::string> bytes,
                   std::string outcome) {
    const Time now = loop_.clock().now();
    const std::string month = rfc3339(now).substr(0, 7);
    const std::string name = fmt::format("{}-{}.json", encode_component(agent).substr(0, 150), sha256.substr(0, 16));
    history::ReportRow row{agent, printable(file), sha256, now, std::move(outcome), "reports/" + month + "/" + name};
    loop::submit(
        lane_, loop_, alive_,
        [&files = files_, state = state_dir_, month, name, bytes](std::stop_token) -> Result<void> {
            if (!bytes) return {};
            return write_copy(files, state, month, name, *bytes);
        },
        [this, row, agent](Result<void> written) mutable {
            if (!written) {
                journal_.log(
                    journal::Level::warning, journal::msg::note,
                    fmt::format("the report {} of agent {} could not be kept in the archive: {}", row.file, printable(agent), written.error().what));
                row.archive_path.clear();
            }
            store_.write([row](history::Session& s) { return s.add_report(row); }, [](Result<void>) {});
        });
}

void Archive::expire(Time before) {
    // Times of files have nanoseconds: what lies outside of their range is older than every file.
    if (before < Time()) return;
    loop::submit(
        lane_, loop_, alive_, [&files = files_, state = state_dir_, before](std::stop_token) { return expire_reports(files, state, before); },
        [this](Result<void> done) {
            if (!done)
                journal_.log(journal::Level::warning, journal::msg::note, "old reports in the archive cannot be removed: " + done.error().what);
        });
}

}  // namespace bkmon::deposits
