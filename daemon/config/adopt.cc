#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"
#include "common/base/utf8.h"
#include "daemon/config/config.h"
#include "daemon/core/job_names.h"

namespace bkmon::config {
namespace {

/// Words that YAML, or a reader of YAML, could take for something else than text.
bool is_special(std::string_view word) {
    for (const std::string_view special : {"null", "true", "false", "yes", "no", "on", "off", "y", "n", "none"})
        if (equal_ignoring_case(word, special)) return true;
    return false;
}

/// A double-quoted scalar (YAML 1.2, 5.7). It is shown on terminals too: what moves or hides text there is written as its number.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        const auto [code, length] = first_utf8(text);
        const auto piece = text.substr(0, length);
        if (piece == "\"" || piece == "\\")
            out += fmt::format("\\{}", piece);
        else if (printable(piece) == piece && code != 0xFFFE && code != 0xFFFF)
            out += piece;
        else
            out += fmt::format("\\U{:08x}", static_cast<unsigned>(code));
        text.remove_prefix(length);
    }
    return out + "\"";
}

/// Plain where nothing can be misread. `text` is valid UTF-8.
std::string scalar(const std::string& text) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    const bool plain = !text.empty() && letter(text.front()) && !is_special(text) &&
                       std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-'; });
    return plain ? text : quoted(text);
}

/// A job can have these names. Braces would be read as a pattern.
bool expressible(const AdoptJob& job) {
    return valid_utf8(job.agent) && valid_utf8(job.database) && core::check_database_pattern(job.database) &&
           job.database.find('{') == std::string::npos && core::check_database_pattern(job.agent) &&
           job.agent.find_first_of("/{") == std::string::npos && !job.agent.starts_with('.');
}

}  // namespace

std::string adopt_yaml(const std::vector<AdoptJob>& jobs) {
    std::string lines, refused;
    for (const auto& job : jobs)
        if (expressible(job))
            lines += "    - {agent: " + scalar(job.agent) + ", database: " + scalar(job.database) + "}\n";
        else
            refused += "# cannot be the names of a job: " + printable(job.agent, 140) + " / " + printable(job.database, 140) + "\n";
    if (lines.empty()) return refused;
    return refused + "deposits:\n  jobs:\n" + lines;
}

}  // namespace bkmon::config
