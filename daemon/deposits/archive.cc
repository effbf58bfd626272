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
    auto file = files.create(dir->get(), name);
    if (!file) {
        if (file.error().code == Errc::exists) return {};
        return fail(file.error());
    }
    const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
    return files.write(file->get(), std::span(data, bytes.size()), 0);
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

}  // namespace bkmon::deposits
