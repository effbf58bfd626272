#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bkmon::core {

/// What bkmon concluded about a target. One vocabulary for every kind.
enum class Status : std::uint8_t { ok, unchanged, warning, held, late, missing, failed, corrupt, unreachable, unknown, paused };
inline constexpr std::array kStatuses{Status::ok,     Status::unchanged, Status::warning,     Status::held,    Status::late, Status::missing,
                                      Status::failed, Status::corrupt,   Status::unreachable, Status::unknown, Status::paused};

/// Ordered by how bad: the worst of several is the greatest.
enum class Severity : std::uint8_t { ok, warning, unknown, critical };

std::string_view name_of(Status s);               ///< "ok", "unchanged", …
std::optional<Status> status_of(std::string_view name);
std::string_view name_of(Severity s);             ///< "OK", "WARNING", "CRITICAL", "UNKNOWN"
std::optional<Severity> severity_of(std::string_view name);

/// The table of product: `held` is CRITICAL once the next deadline passed without an ok, `unchanged` may be configured OK;
/// both are passed explicitly in Verdict::severity, this is the default.
Severity severity_of(Status s);

/// Good in `summary`: ok, unchanged.
bool is_good(Status s);

}  // namespace bkmon::core
