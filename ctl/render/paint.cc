#include "ctl/render/paint.h"

namespace bkmon::ctl {

namespace {

std::string_view escape_of(Tone tone) {
    switch (tone) {
        case Tone::plain: return "";
        case Tone::strong: return "\033[1m";
        case Tone::dim: return "\033[2m";
        case Tone::good: return "\033[32m";
        case Tone::notice: return "\033[36m";
        case Tone::warning: return "\033[33m";
        case Tone::critical: return "\033[1;31m";
        case Tone::unknown: return "\033[35m";
    }
    return "";
}

}  // namespace

std::string paint(const Terminal& terminal, Tone tone, std::string_view text) {
    const std::string_view escape = escape_of(tone);
    if (!terminal.colour || escape.empty() || text.empty()) return std::string(text);
    return std::string(escape) + std::string(text) + "\033[0m";
}

std::string_view severity_of(std::string_view status) {
    if (status == "ok" || status == "paused") return "OK";
    if (status == "unchanged" || status == "warning" || status == "held" || status == "late") return "WARNING";
    if (status == "missing" || status == "failed" || status == "corrupt" || status == "unreachable") return "CRITICAL";
    return "UNKNOWN";
}

Tone tone_of_severity(std::string_view severity) {
    if (severity == "OK") return Tone::good;
    if (severity == "WARNING") return Tone::warning;
    if (severity == "CRITICAL") return Tone::critical;
    return Tone::unknown;
}

Tone tone_of_status(std::string_view status) { return tone_of(status, severity_of(status)); }

Tone tone_of(std::string_view status, std::string_view severity) {
    if (status == "paused" && severity == "OK") return Tone::notice;
    // The worse of both words: a green "unknown" or a green word from a newer daemon must not happen.
    if (severity == "OK" && status != "unchanged") return tone_of_severity(severity_of(status));
    return tone_of_severity(severity);
}

int rank_of(std::string_view severity) {
    if (severity == "OK") return 0;
    if (severity == "WARNING") return 1;
    return severity == "CRITICAL" ? 3 : 2;
}

}  // namespace bkmon::ctl
