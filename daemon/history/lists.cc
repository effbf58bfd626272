#include "daemon/history/lists.h"

#include <charconv>

namespace bkmon::history {

namespace {

void append_line(std::string& out, std::string_view item) {
    for (const char c : item) {
        if (c == '\n')
            out += "\\n";
        else if (c == '\\')
            out += "\\\\";
        else
            out += c;
    }
    out += '\n';
}

Error not_ours() { return {Errc::corrupt, "history: a column holds a list that is not written as lists are"}; }

}  // namespace

std::string list_text(const std::vector<std::string>& items) {
    std::string out;
    for (const auto& item : items) append_line(out, item);
    return out;
}

std::string list_text(const std::vector<std::int64_t>& numbers) {
    std::string out;
    for (const auto number : numbers) append_line(out, std::to_string(number));
    return out;
}

std::string list_text(const std::vector<Time>& times) {
    std::string out;
    for (const auto time : times) append_line(out, std::to_string(to_ms(time)));
    return out;
}

std::string list_text(const core::Labels& labels) {
    std::string out;
    for (const auto& [name, value] : labels) {
        append_line(out, name);
        append_line(out, value);
    }
    return out;
}

Result<void> read_list(std::string_view text, std::vector<std::string>& items) {
    items.clear();
    if (text.empty()) return {};
    if (text.back() != '\n') return fail(not_ours());
    std::string item;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n') {
            items.push_back(std::move(item));
            item.clear();
        } else if (text[i] != '\\') {
            item += text[i];
        } else if (++i < text.size() && (text[i] == 'n' || text[i] == '\\')) {
            item += text[i] == 'n' ? '\n' : '\\';
        } else {
            return fail(not_ours());
        }
    }
    return {};
}

Result<void> read_list(std::string_view text, std::vector<std::int64_t>& numbers) {
    numbers.clear();
    std::vector<std::string> items;
    if (auto r = read_list(text, items); !r) return r;
    for (const auto& item : items) {
        const char* const end = item.data() + item.size();
        const auto [stop, error] = std::from_chars(item.data(), end, numbers.emplace_back());
        if (error != std::errc() || stop != end) return fail(not_ours());
    }
    return {};
}

Result<void> read_list(std::string_view text, std::vector<Time>& times) {
    times.clear();
    std::vector<std::int64_t> numbers;
    if (auto r = read_list(text, numbers); !r) return r;
    for (const auto number : numbers) times.push_back(from_ms(number));
    return {};
}

Result<void> read_list(std::string_view text, core::Labels& labels) {
    labels.clear();
    std::vector<std::string> items;
    if (auto r = read_list(text, items); !r) return r;
    if (items.size() % 2 != 0) return fail(not_ours());
    for (std::size_t i = 0; i < items.size(); i += 2)
        if (!labels.emplace(std::move(items[i]), std::move(items[i + 1])).second) return fail(not_ours());
    return {};
}

}  // namespace bkmon::history
