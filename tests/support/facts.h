#pragma once
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace bkmon::test {

/// Whether this is the long run of a sweep (BKMON_SWEEP=full); otherwise the short slice that every check runs.
bool full_sweep();

/// What this run counted, for tests/PROMISES.md: a full run writes tests/facts/<proof>.json, a short one only into the build folder.
/// Failing to write fails the running test.
void fact(std::string_view proof, std::initializer_list<std::pair<std::string_view, std::int64_t>> counts, double seconds = -1);

}  // namespace bkmon::test
