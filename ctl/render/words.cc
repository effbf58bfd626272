#include "ctl/render/words.h"

#include <fmt/format.h>

#include <ctime>

#include "common/base/text.h"

namespace bkmon::ctl {

namespace {

std::tm local(Time t) {
    const std::time_t since = std::chrono::floor<seconds>(t).time_since_epoch().count();
    std::tm parts{};
    ::localtime_r(&since, &parts);
    return parts;
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// The longest tail of at most `columns`.
std::string_view tail(std::string_view text, std::size_t columns) {
    std::size_t at = text.size();
    for (std::size_t i = text.size(); i-- > 0;) {
        if (is_continuation(text[i])) continue;
        if (display_width(text.substr(i)) > columns) break;
        at = i;
    }
    return text.substr(at);
}

/// The longest head of at most `columns`, at least one character.
std::string_view head(std::string_view text, std::size_t columns) {
    std::size_t at = 0;
    for (std::size_t i = 1; i <= text.size(); ++i) {
        if (i < text.size() && is_continuation(text[i])) continue;
        if (at > 0 && display_width(text.substr(0, i)) > columns) break;
        at = i;
    }
    return text.substr(0, at);
}

}  // namespace

std::string shown(std::string_view text, std::size_t limit) {
    const std::string safe = printable(text, limit);
    std::string out;
    out.reserve(safe.size());
    // printable() doubles every backslash of its input; its own escapes have one. Halving the doubled ones cannot bring a control byte back.
    for (std::size_t i = 0; i < safe.size(); ++i) {
        out += safe[i];
        if (safe[i] == '\\' && i + 1 < safe.size() && safe[i + 1] == '\\') ++i;
    }
    return out;
}

std::string local_time(Time t) { return fmt::format("{}:{:02}", local_minute(t), local(t).tm_sec); }

std::string local_minute(Time t) {
    const std::tm parts = local(t);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min);
}

std::string zone_name(Time t) { return shown(local(t).tm_zone); }

std::optional<Time> read_time(const std::string& text) {
    const auto t = parse_rfc3339(text);
    return t ? std::optional<Time>(*t) : std::nullopt;
}

std::string age(Time then, Time now) { return then <= now ? duration_words(now - then) : "in " + duration_words(then - now); }

std::vector<std::string> wrap(std::string_view text, std::size_t columns) {
    std::vector<std::string> lines;
    std::string line;
    std::size_t used = 0;
    for (std::string& word : split(text, ' ')) {
        std::size_t width = display_width(word);
        if (columns != 0 && used > 0 && used + 1 + width > columns) {
            lines.push_back(std::move(line));
            line.clear();
            used = 0;
        }
        while (columns != 0 && width > columns) {  // a word longer than a line
            const std::string part(head(word, columns));
            if (used > 0) lines.push_back(std::move(line));
            lines.push_back(part);
            word.erase(0, part.size());
            width = display_width(word);
            line.clear();
            used = 0;
        }
        if (used > 0) line += ' ', ++used;
        line += word;
        used += width;
    }
    if (!line.empty() || lines.empty()) lines.push_back(std::move(line));
    return lines;
}

std::string fit_middle(std::string_view text, std::size_t columns) {
    if (display_width(text) <= columns) return std::string(text);
    if (columns < 8) return fit_width(text, columns);
    const std::size_t back = (columns - 1) / 2;
    return fit_width(text, columns - back) + std::string(tail(text, back));
}

std::string counted(std::int64_t n, std::string_view what) { return std::to_string(n) + " " + std::string(what) + (n == 1 ? "" : "s"); }

}  // namespace bkmon::ctl
