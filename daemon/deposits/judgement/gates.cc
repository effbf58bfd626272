#include "daemon/deposits/judgement/gates.h"

#include <fmt/format.h>

#include "common/base/text.h"

namespace bkmon::deposits {
namespace {

std::string moment(Time t, const core::DepositJob& job) { return core::local_text(t, job.timezone, true); }

/// Rounded for people; a band's ends are estimates.
std::string about(double bytes) {
    if (bytes > 1e18) return "any size";  // no upper end
    return size_words(bytes < 1 ? 0 : static_cast<std::uint64_t>(bytes));
}

bool always_was_empty(const Baseline& baseline) {
    if (baseline.always_empty) return true;
    if (baseline.sizes.empty()) return false;
    for (const auto size : baseline.sizes)
        if (size != 0) return false;
    return true;
}

void ask_history(const GateInput& in, std::vector<GateWord>& words) {
    const auto& c = in.candidate;
    if (c.job->gates.replay && in.baseline.sha_was_healthy_before)
        words.push_back({"replay", "these bytes were the backup at an earlier time already: an old file was sent again"});
}

void ask_clock(const GateInput& in, std::vector<GateWord>& words) {
    const auto& c = in.candidate;
    if (!c.job->gates.future) return;
    const auto made = backup_time(c);
    const bool made_later = made && core::check_clock(*made, c.arrival, true).future;  // a wrong zone was put right
    if (c.clock.future || made_later) {
        const auto said = made_later ? *made : c.report->operation_end.value_or(c.arrival);
        words.push_back({"future", fmt::format("the backup is dated {}, {} after it arrived: check the agent's clock", moment(said, *c.job),
                                               duration_words(said - c.arrival))});
    }
    for (const auto& said : {c.report->operation_end, made})
        if (said && clock_implausible(*said)) {
            words.push_back({"clock", fmt::format("the report is dated {}: the agent's clock is not set", moment(*said, *c.job))});
            break;
        }
}

void ask_order(const GateInput& in, std::vector<GateWord>& words) {
    const auto& c = in.candidate;
    const auto made = backup_time(c);
    if (!c.job->gates.not_newer || !made || !in.baseline.last_backup_at || *made > *in.baseline.last_backup_at) return;
    words.push_back({"not_newer", fmt::format("the backup was made {}, and the last healthy one {}: it is not newer", moment(*made, *c.job),
                                              moment(*in.baseline.last_backup_at, *c.job))});
}

void ask_content(const GateInput& in, std::vector<GateWord>& words) {
    const auto& c = in.candidate;
    if (c.job->gates.empty && in.empty && !always_was_empty(in.baseline))
        words.push_back(
            {"empty", in.size == 0 ? "the file has no bytes, and earlier backups of this database were not empty or there was none"
                                   : "the backup is whole but holds no table, row or member, and earlier backups were not empty or there was none"});
    const auto dumped = trim(in.findings.database);
    if (!c.job->gates.database || dumped.empty()) return;
    if (equal_ignoring_case(dumped, trim(c.entry->name)) || core::database_matches(c.job->database, dumped)) return;
    words.push_back({"other_database", fmt::format("the dump is of the database '{}', not of '{}': were two files swapped on the agent?",
                                                   printable(dumped, 100), printable(c.entry->name, 100))});
}

void ask_size(const GateInput& in, std::vector<GateWord>& words) {
    const auto& gate = in.candidate.job->gates.size;
    const auto& j = in.size_figures;
    if (j.below_minimum)
        words.push_back({"too_small", fmt::format("the file has {}, less than min_size {}", size_words(in.size), size_words(gate.min_size))});
    const double size = static_cast<double>(in.size);
    if (!j.held || (size >= j.lowest && size <= j.highest) || j.baseline == 0) return;
    const auto& b = in.baseline;
    const auto expected = b.stand_ins == 0 ? std::string() : fmt::format(", {} of them as {} expects", b.stand_ins, printable(b.expected_by, 64));
    words.push_back({"size_band", fmt::format("the file has {}, {:.0f} % of the usual {} (median of {}{}; {} to {} would be plausible)",
                                              size_words(in.size), j.median > 0 ? size / j.median * 100 : 0.0, about(j.median), j.baseline, expected,
                                              about(j.lowest), about(j.highest))});
}

}  // namespace

bool holds_nothing(std::uint64_t size, const inspect::Findings& findings) {
    return size == 0 || (findings.state == inspect::Findings::State::whole && findings.empty);
}

std::vector<GateWord> ask_gates(const GateInput& in) {
    std::vector<GateWord> words;
    ask_history(in, words);
    ask_clock(in, words);
    ask_order(in, words);
    ask_content(in, words);
    ask_size(in, words);
    return words;
}

}  // namespace bkmon::deposits
