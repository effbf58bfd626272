// An agent's report, byte for byte in an attacker's hands. Beside memory safety: what is accepted keeps the parser's promises.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/base/text.h"
#include "daemon/core/report.h"

namespace {
void must(bool kept) {
    if (!kept) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace bkmon;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto report = core::parse_report(bytes, "UTC");
    if (!report) {
        must(report.error().code == Errc::invalid && !report.error().what.empty() && valid_utf8(report.error().what));
        return 0;
    }
    must(report->operation_end && !report->agent_id.empty());
    for (const auto& entry : report->databases) {
        must(valid_utf8(entry.name) && valid_utf8(entry.invalid));
        must(entry.staged_file_name.find_first_of("/\\") == std::string::npos);
        for (const auto* stage : {&entry.backup, &entry.compress, &entry.transfer}) must(stage->sha256.empty() || is_sha256(stage->sha256));
        const bool failed = entry.backup.status == false || entry.compress.status == false || entry.transfer.status == false;
        must(!entry.invalid.empty() || failed || (core::sent_stage(entry).size_bytes && !core::sent_stage(entry).sha256.empty()));
    }
    return 0;
}
