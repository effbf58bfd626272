#include "daemon/core/status.h"

namespace bkmon::core {

std::string_view name_of(Status s) {
    switch (s) {
        case Status::ok: return "ok";
        case Status::unchanged: return "unchanged";
        case Status::warning: return "warning";
        case Status::held: return "held";
        case Status::late: return "late";
        case Status::missing: return "missing";
        case Status::failed: return "failed";
        case Status::corrupt: return "corrupt";
        case Status::unreachable: return "unreachable";
        case Status::unknown: return "unknown";
        case Status::paused: return "paused";
    }
    return "unknown";
}

std::optional<Status> status_of(std::string_view name) {
    for (const Status s : kStatuses)
        if (name_of(s) == name) return s;
    return std::nullopt;
}

std::string_view name_of(Severity s) {
    switch (s) {
        case Severity::ok: return "OK";
        case Severity::warning: return "WARNING";
        case Severity::unknown: return "UNKNOWN";
        case Severity::critical: return "CRITICAL";
    }
    return "UNKNOWN";
}

std::optional<Severity> severity_of(std::string_view name) {
    for (const Severity s : {Severity::ok, Severity::warning, Severity::unknown, Severity::critical})
        if (name_of(s) == name) return s;
    return std::nullopt;
}

Severity severity_of(Status s) {
    switch (s) {
        case Status::ok:
        case Status::paused: return Severity::ok;
        case Status::unchanged:
        case Status::warning:
        case Status::held:
        case Status::late: return Severity::warning;
        case Status::missing:
        case Status::failed:
        case Status::corrupt:
        case Status::unreachable: return Severity::critical;
        case Status::unknown: return Severity::unknown;
    }
    return Severity::unknown;
}

bool is_good(Status s) { return s == Status::ok || s == Status::unchanged; }

}  // namespace bkmon::core
