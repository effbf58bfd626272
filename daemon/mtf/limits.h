#pragma once
#include <cstddef>

namespace bkmon::mtf {

// What a Reading may hold, in bytes: all of it together stays below kMaxEncoded.
inline constexpr std::size_t kMaxName = 512;  ///< of a database or server: 128 UTF-16 units become at most 384 bytes
inline constexpr std::size_t kMaxQuestion = 100;
inline constexpr std::size_t kMaxSentence = 600;
inline constexpr std::size_t kMaxFirstBytes = 32;
inline constexpr std::size_t kMaxClaims = 12;
inline constexpr std::size_t kMaxEncoded = 20 * 1024;
inline constexpr int kMaxSets = 1'000'000;
inline constexpr int kMaxParts = 64;  ///< devices of one backup, as SQL Server allows them

}  // namespace bkmon::mtf
