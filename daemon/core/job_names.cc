#include "daemon/core/job_names.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"

namespace bkmon::core {
namespace {

constexpr std::string_view kYear = "{year}";
constexpr std::size_t kMaxBytes = 128;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

AgentName split_agent(std::string_view folder) {
    AgentName name;
    const auto first = folder.find('_');
    name.company = std::string(folder.substr(0, first));
    if (first == std::string_view::npos) return name;
    const auto second = folder.find('_', first + 1);
    name.city = std::string(folder.substr(first + 1, second == std::string_view::npos ? second : second - first - 1));
    if (second != std::string_view::npos) name.district = std::string(folder.substr(second + 1));
    return name;
}

bool database_matches(std::string_view pattern, std::string_view database, std::string* year) {
    const auto want = pattern_form(pattern);
    const auto have = lower(database);
    if (want.size() != have.size()) return false;
    std::string digits;
    for (std::size_t i = 0; i < want.size(); ++i) {
        if (want[i] != kUnknownDigit) {
            if (want[i] != have[i]) return false;
            continue;
        }
        const auto run = have.substr(i, 4);
        if (!std::all_of(run.begin(), run.end(), is_digit)) return false;
        if (!digits.empty() && digits != run) return false;
        digits = run;
        i += 3;
    }
    if (year && !digits.empty()) *year = digits;
    return true;
}

Result<void> check_database_pattern(std::string_view pattern) {
    if (trim(pattern).empty()) return fail(Errc::invalid, "the database has no name");
    if (pattern.size() > kMaxBytes) return fail(Errc::invalid, fmt::format("the name is longer than {} bytes", kMaxBytes));
    if (std::any_of(pattern.begin(), pattern.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }))
        return fail(Errc::invalid, "the name holds control characters");
    for (auto at = pattern.find_first_of("{}"); at != std::string_view::npos; at = pattern.find_first_of("{}", at)) {
        if (!equal_ignoring_case(pattern.substr(at, kYear.size()), kYear))
            return fail(Errc::invalid, "only {year} may stand in braces in a database's name");
        at += kYear.size();
    }
    return {};
}

std::string pattern_form(std::string_view pattern) {
    std::string out;
    for (std::size_t i = 0; i < pattern.size();) {
        if (equal_ignoring_case(pattern.substr(i, kYear.size()), kYear)) {
            out.append(4, kUnknownDigit);
            i += kYear.size();
        } else {
            out += lower(pattern.substr(i++, 1));
        }
    }
    return out;
}

std::string masked_form(std::string form) {
    for (auto& c : form)
        if (c == kUnknownDigit || is_digit(c)) c = '#';
    return form;
}

bool forms_meet(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i] != b[i] && !(a[i] == kUnknownDigit && is_digit(b[i])) && !(b[i] == kUnknownDigit && is_digit(a[i]))) return false;
    return true;
}

bool patterns_overlap(std::string_view a, std::string_view b) { return forms_meet(pattern_form(a), pattern_form(b)); }

}  // namespace bkmon::core
