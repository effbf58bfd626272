// An agent's report, byte for byte in an attacker's hands. Beside memory safety: what is accepted keeps the parser's promises, in every dialect,
// in any zone, and the name that the report lies under is judged too. Input: a byte that picks the zone, the file's name up to a NUL, the report.
#include <array>

#include "daemon/core/json_tree.h"
#include "daemon/core/report.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace bkmon;

constexpr std::array<std::string_view, 5> kZones{"UTC", "Africa/Douala", "Europe/Berlin", "Australia/Lord_Howe", "No/Such"};

void check_stage(const core::Stage& stage, bool usable) {
    MUST(stage.sha256.empty() || (is_sha256(stage.sha256) && stage.sha256 == lower(stage.sha256)));
    MUST(!stage.size_bytes || *stage.size_bytes <= std::uint64_t{1} << 62);
    MUST(valid_utf8(stage.error_message));
    if (!stage.present) MUST(!stage.status && !stage.start && !stage.end && stage.sha256.empty() && !stage.size_bytes);
    static_cast<void>(usable);
}

void check_entry(const core::ReportDatabase& entry) {
    MUST(valid_utf8(entry.name) && fuzz::fit_to_show(entry.invalid));
    MUST(entry.staged_file_name.find_first_of("/\\") == std::string::npos && entry.staged_file_name_raw.ends_with(entry.staged_file_name));
    const bool usable = entry.invalid.empty();
    for (const auto* stage : {&entry.backup, &entry.compress, &entry.transfer}) check_stage(*stage, usable);
    const bool failed = entry.backup.status == false || entry.compress.status == false || entry.transfer.status == false;
    if (usable && !failed) MUST(core::sent_stage(entry).present && core::sent_stage(entry).size_bytes && !core::sent_stage(entry).sha256.empty());
    if (usable) MUST(!entry.name.empty() && entry.name.size() <= 255);
}

/// What was read is written and read again: the tree of any JSON that is accepted.
void check_tree(std::string_view bytes) {
    const auto tree = core::parse_json(bytes);
    if (!tree) {
        MUST(fuzz::speaks(tree.error()));
        return;
    }
    const auto text = core::json_text(*tree);
    const auto again = core::parse_json(text, {.bytes = 8U << 20});
    MUST(again && core::json_text(*again) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const auto zone = kZones[input.byte() % kZones.size()];
    const auto name = input.part();
    if (core::is_report_name(name)) MUST(name.size() > 5 && name.size() <= 255 && name.front() != '.' && lower(name).ends_with(".json"));
    const auto bytes = input.rest();
    check_tree(bytes);
    const auto report = core::parse_report(bytes, zone);
    if (!report) {
        MUST(fuzz::speaks(report.error()));
        return 0;
    }
    MUST(report->operation_end && !report->agent_id.empty() && report->agent_id.size() <= 255 && valid_utf8(report->agent_id));
    MUST(valid_utf8(report->overall_status));
    for (const auto& entry : report->databases) check_entry(entry);
    // The same names twice (case ignored) are usable in neither.
    for (const auto& a : report->databases)
        for (const auto& b : report->databases)
            if (&a != &b && !a.invalid.empty() && b.invalid.empty()) MUST(!equal_ignoring_case(a.name, b.name));
    return 0;
}
