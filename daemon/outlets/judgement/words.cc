#include "daemon/outlets/judgement/words.h"

#include <fmt/format.h>

#include "common/base/text.h"

namespace bkmon::outlets {
namespace {

/// The glob that matches nothing but `text`.
std::string literal(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (c == '*' || c == '?' || c == '[')
            out.append({'[', c, ']'});
        else
            out += c;
    return out;
}

}  // namespace

std::string shown(std::string_view text, std::size_t limit) {
    if (text.find('\\') == std::string_view::npos) return printable(text, limit);
    std::string out;
    for (const auto& part : split(text, '\\')) out += printable(part, limit) + '\\';
    out.pop_back();
    return out.size() <= limit ? out : printable(text, limit);
}

std::string age_words(milliseconds age) {
    const auto days = std::chrono::duration_cast<std::chrono::days>(age).count();
    if (days < 1) return duration_words(age);
    return days == 1 ? "1 day" : fmt::format("{} days", days);
}

std::string expected_database(std::string_view glob, const core::Outlet& outlet) {
    std::string out;
    while (!glob.empty()) {
        const auto open = glob.find('{');
        const auto close = open == std::string_view::npos ? open : glob.find('}', open);
        if (close == std::string_view::npos) return out.append(glob);
        out.append(glob.substr(0, open));
        const auto field = glob.substr(open + 1, close - open - 1);
        glob.remove_prefix(close + 1);
        if (field == "code") {
            out += literal(outlet.code);
            continue;
        }
        const auto label = field.starts_with("label:") ? outlet.labels.find(std::string(field.substr(6))) : outlet.labels.end();
        if (label == outlet.labels.end()) return {};
        out += literal(label->second);
    }
    return out;
}

std::string one_of(const std::vector<std::string>& list) {
    std::string out;
    for (std::size_t i = 0; i < list.size(); ++i) out += (i == 0 ? "" : i + 1 == list.size() ? " or " : ", ") + shown(list[i], 80);
    return out;
}

}  // namespace bkmon::outlets
