#pragma once
#include <array>
#include <cstddef>
#include <string_view>

namespace bkmon::smb {

/// In the order of Outcome.
inline constexpr std::array<std::string_view, 18> kOutcomeWords{
    "listed",       "no_share", "no_folder",   "no_drive", "access_denied", "login_refused", "account_locked", "password_expired", "clock_skew",
    "name_unknown", "refused",  "unreachable", "timeout",  "reset",         "protocol",      "too_many",       "worker_crashed",   "internal"};
/// In the order of Visit::Content.
inline constexpr std::array<std::string_view, 5> kContentWords{"not_asked", "read", "not_opened", "in_use", "changed"};

// Longer texts are cut by the writer and refused by the reader.
inline constexpr std::size_t kMaxFileName = 1024, kMaxDetail = 1024, kMaxShare = 256;

}  // namespace bkmon::smb
