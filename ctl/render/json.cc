#include "ctl/render/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base/text.h"
#include "common/base/utf8.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

using Json = nlohmann::ordered_json;

Json read(std::string_view text) { return Json::parse(text, nullptr, false); }

std::string dumped(const Json& json, int indent = -1) { return json.dump(indent, ' ', false, Json::error_handler_t::replace); }

/// Only inside strings can such characters stand, so replacing them everywhere is right.
std::string without_controls(const std::string& json) {
    std::string out;
    out.reserve(json.size());
    for (std::string_view rest = json; !rest.empty();) {
        if (rest.front() >= ' ' && rest.front() <= '~') {  // nearly always
            out += rest.front();
            rest.remove_prefix(1);
            continue;
        }
        const auto [code, length] = first_utf8(rest);
        const std::size_t n = std::max<std::size_t>(length, 1);
        const std::string_view piece = rest.substr(0, n);
        if (length == 0 || code == '\n' || printable(piece) == piece) {  // a line end is the JSON's own layout
            out += piece;
        } else if (code < 0x10000) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(code));
        } else {
            const auto above = static_cast<unsigned>(code) - 0x10000U;
            out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800U + (above >> 10U), 0xDC00U + (above & 0x3FFU));
        }
        rest.remove_prefix(n);
    }
    return out;
}

bool ends_with(std::string_view text, std::string_view end) { return text.size() >= end.size() && text.substr(text.size() - end.size()) == end; }

std::string number_words(const std::string& name, const Json& value) {
    const bool bytes = ends_with(name, "_bytes") || name == "bytes" || ends_with(name, "size") || ends_with(name, "sizes");
    if (bytes && value.is_number_integer() && value.get<std::int64_t>() >= 0) {
        const auto n = value.get<std::uint64_t>();
        return n < 1024 ? size_words(n) : fmt::format("{} ({} bytes)", size_words(n), n);
    }
    const bool time_span = ends_with(name, "_seconds") || ends_with(name, "duration") || name == "age";
    const double amount = value.get<double>();
    if (time_span && amount >= 0 && amount < 1e10) return duration_words(milliseconds(static_cast<std::int64_t>(amount * 1000)));
    return dumped(value);
}

std::string text_words(const std::string& text, Time now) {
    if (text.empty()) return "(empty)";
    if (const auto t = read_time(text)) {
        const std::string ago = *t <= now ? age(*t, now) + " ago" : age(*t, now);
        return fmt::format("{} {} ({})", local_time(*t), zone_name(*t), ago);
    }
    return shown(text);
}

std::string scalar_words(const std::string& name, const Json& value, Time now) {
    if (value.is_string()) return text_words(value.get<std::string>(), now);
    if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
    if (value.is_number()) return number_words(name, value);
    if (value.is_null()) return "-";
    return value.is_array() ? "(none)" : "(empty)";
}

std::string label_of(const std::string& name) {
    std::string label = shown(name, 200);
    std::replace(label.begin(), label.end(), '_', ' ');
    return label;
}

std::size_t longest_word(const std::string& text) {
    std::size_t most = 0;
    for (const std::string& word : split(text, ' ')) most = std::max(most, display_width(word));
    return most;
}

struct TreeWriter {
    Time now;
    std::size_t width;
    std::string out = {};

    /// "label  value", the value wrapped under itself.
    void line(std::size_t indent, const std::string& label, std::size_t label_width, const std::string& value) {
        const std::size_t start = indent + label_width + 2;
        // A hash must not be broken: it gets a line of its own when it does not fit beside its name, and is left whole in any case.
        const std::size_t longest = longest_word(value);
        const bool narrow = width > 0 && (start + 24 > width || longest > width - start);
        const std::size_t own_line = std::max(width, indent + 12) - indent - 4;
        const std::size_t room = width == 0 ? 0 : narrow ? std::max(own_line, longest) : width - start;
        const auto lines = wrap(value, room);
        out += std::string(indent, ' ') + label;
        std::size_t first = 0;
        if (!narrow || lines.size() == 1) {
            const std::size_t used = display_width(label);
            out += std::string(label_width - std::min(label_width, used) + 2, ' ') + lines[0];
            first = 1;
        }
        out += '\n';
        for (std::size_t i = first; i < lines.size(); ++i) out += std::string(narrow ? indent + 4 : start, ' ') + lines[i] + "\n";
    }

    /// What is absent is left out for people; JSON has it.
    static bool says_nothing(const Json& value) {
        if (value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty())) return true;
        return value.is_structured() && std::all_of(value.begin(), value.end(), says_nothing);
    }

    static bool is_leaf(const Json& value) { return !value.is_structured() || value.empty(); }

    void members(const Json& object, std::size_t indent) {
        std::size_t label_width = 0;
        for (const auto& [name, value] : object.items()) {
            if (says_nothing(value)) continue;
            if (is_leaf(value) || is_list_of_leaves(value))
                label_width = std::max(label_width, std::min<std::size_t>(display_width(label_of(name)), 24));
        }
        for (const auto& [name, value] : object.items()) {
            if (!says_nothing(value)) member(name, value, indent, label_width);
        }
    }

    static bool is_list_of_leaves(const Json& value) { return value.is_array() && std::all_of(value.begin(), value.end(), is_leaf); }

    void member(const std::string& name, const Json& value, std::size_t indent, std::size_t label_width) {
        if (is_leaf(value)) return line(indent, label_of(name), label_width, scalar_words(name, value, now));
        if (is_list_of_leaves(value)) {
            std::string joined;
            for (const auto& item : value) joined += (joined.empty() ? "" : ", ") + scalar_words(name, item, now);
            return line(indent, label_of(name), label_width, joined);
        }
        out += std::string(indent, ' ') + label_of(name) + "\n";
        if (value.is_object()) return members(value, indent + 2);
        for (const auto& item : value) {
            const std::size_t from = out.size();
            if (item.is_object())
                members(item, indent + 4);
            else
                line(indent + 2, "", 0, is_leaf(item) ? scalar_words(name, item, now) : shown(dumped(item)));
            if (out.size() > from + indent + 2) out[from + indent + 2] = '-';  // one dash before each item of a list
        }
    }
};

}  // namespace

std::string json_text(std::string_view json, bool pretty) {
    const Json parsed = read(json);
    if (parsed.is_discarded()) return std::string(json);
    return without_controls(dumped(parsed, pretty ? 2 : -1));
}

std::string json_tree(std::string_view json, Time now, std::size_t width) {
    const Json parsed = read(json);
    if (!parsed.is_object()) return {};
    TreeWriter writer{now, width};
    writer.members(parsed, 2);
    return writer.out;
}

std::string json_cell(std::string_view json) {
    const Json parsed = read(json);
    if (parsed.is_discarded() || parsed.is_null()) return {};
    if (parsed.is_string()) return parsed.get<std::string>();
    if (!parsed.is_structured()) return dumped(parsed);
    std::string out;
    for (const auto& [name, value] : parsed.items()) {
        if (!out.empty()) out += ';';
        if (parsed.is_object()) out += name + "=";
        out += value.is_string() ? value.get<std::string>() : dumped(value);
    }
    return out;
}

}  // namespace bkmon::ctl
