#include "daemon/config/setting.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/base/text.h"
#include "daemon/config/url.h"
#include "daemon/core/mail_address.h"
#include "daemon/core/path_template.h"
#include "daemon/core/schedule.h"

namespace bkmon::config {
namespace {

using NodeKind = Node::Kind;

constexpr std::size_t kMaxText = 4096;

std::string shown(std::string_view raw) { return printable(raw, 120); }

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

std::string limit_text(const Row& row, double value) {
    switch (row.kind) {
        case Kind::duration: return duration_text(milliseconds(static_cast<std::int64_t>(value)));
        case Kind::size: return size_words(static_cast<std::uint64_t>(value));
        default: return fmt::format("{}", value);
    }
}

/// One value while it is read: says what is wrong with it at its place.
class Value {
public:
    Value(Context& context, const Row& row, const Node& node) : context_(context), row_(row), node_(node) {}

    bool bad(std::string_view what) {
        context_.problem(node_.mark, fmt::format("{}: {}", row_.name, what));
        return false;
    }
    /// A scalar, or a problem that says what was expected.
    const std::string* scalar(std::string_view expected) {
        if (node_.kind == NodeKind::scalar) return &node_.text;
        bad(node_.kind == NodeKind::null ? fmt::format("is empty; expected {}", expected)
                                         : fmt::format("is a {}; expected {}", node_.kind == NodeKind::list ? "list" : "map", expected));
        return nullptr;
    }
    bool unquoted(std::string_view expected) {
        return !node_.quoted || bad(fmt::format("'{}' in quotes is text; expected {}", shown(node_.text), expected));
    }
    template <class N>
    bool in_range(N value) {
        const auto v = static_cast<double>(value);
        if ((row_.low == 0 && row_.high == 0) || (v >= row_.low && v <= row_.high)) return true;
        return bad(fmt::format("{} is not between {} and {}", shown(node_.text), limit_text(row_, row_.low), limit_text(row_, row_.high)));
    }

    bool flag(bool& into) {
        const auto* text = scalar("true or false");
        if (!text || !unquoted("true or false")) return false;
        if (*text != "true" && *text != "false") return bad(fmt::format("'{}' is neither true nor false", shown(*text)));
        into = *text == "true";
        return true;
    }
    template <class N>
    bool decimal(N& into, std::string_view expected) {
        const auto* text = scalar(expected);
        if (!text || !unquoted(expected)) return false;
        const auto digits = std::string_view(*text).substr(text->starts_with('-') ? 1 : 0);
        // YAML would read 010 as eight.
        if (digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9')
            return bad(fmt::format("'{}': write the number without leading zeros", shown(*text)));
        N value{};
        const auto [stop, error] = std::from_chars(text->data(), text->data() + text->size(), value);
        if (error != std::errc() || stop != text->data() + text->size() || !std::isfinite(static_cast<double>(value)))
            return bad(fmt::format("'{}' is not {}", shown(*text), expected));
        if (!in_range(value)) return false;
        into = value;
        return true;
    }
    bool duration(milliseconds& into) {
        const auto* text = scalar("a duration such as 90s, 30min, 26h or 7d");
        if (!text) return false;
        if (!row_.choices.empty() && *text == row_.choices) return into = milliseconds(0), true;
        const auto value = parse_duration(*text);
        if (!value) return bad(printable(value.error().what, 300));
        if (!in_range(value->count())) return false;
        into = *value;
        return true;
    }
    bool size(std::uint64_t& into) {
        const auto* text = scalar("a size such as 512, 1KiB or 20GB");
        if (!text) return false;
        const auto value = parse_size(*text);
        if (!value) return bad(printable(value.error().what, 300));
        if (!in_range(*value)) return false;
        into = *value;
        return true;
    }
    bool text(std::string& into) {
        const auto* raw = scalar(row_.kind == Kind::path ? "an absolute path" : "text");
        if (!raw || !check_text(*raw)) return false;
        into = *raw;
        return true;
    }
    bool schedule(std::optional<std::string>& into) {
        const auto* raw = scalar("a schedule such as \"0 13 * * *\", or none");
        if (!raw || !check_text(*raw)) return false;
        into.reset();
        if (*raw != "none") into = *raw;
        return true;
    }
    bool choice(std::size_t& into) {
        const auto* raw = scalar(row_.range);
        if (!raw) return false;
        return find_choice(*raw, into);
    }
    bool words(std::vector<std::string>& into) {
        if (node_.kind == NodeKind::scalar && (row_.kind == Kind::patterns || row_.kind == Kind::choices)) {
            std::string word;
            if (!text(word)) return false;
            into = {std::move(word)};
            return true;
        }
        if (node_.kind != NodeKind::list) {
            if (node_.kind != NodeKind::null) return bad("expected a list: [a, b]");
            into.clear();
            return true;
        }
        std::vector<std::string> read;
        bool good = true;
        for (const auto& item : node_.items) {
            std::string word;
            Value value(context_, row_, item);
            good = value.text(word) && good;
            read.push_back(std::move(word));
        }
        if (good) into = std::move(read);
        return good;
    }
    bool labels(core::Labels& into) {
        if (node_.kind != NodeKind::map) return bad("expected a map: {region: littoral}");
        bool good = true;
        for (std::size_t i = 0; i < node_.keys.size(); ++i) {
            std::string text;
            Value value(context_, row_, node_.items[i]);
            if (has_control(node_.keys[i].text) || node_.keys[i].text.empty() || node_.keys[i].text.find('=') != std::string::npos) {
                context_.problem(node_.keys[i].mark, fmt::format("{}: '{}' cannot be the name of a label", row_.name, shown(node_.keys[i].text)));
                good = false;
            } else if (value.text(text)) {
                into[node_.keys[i].text] = std::move(text);
            } else {
                good = false;
            }
        }
        return good;
    }

private:
    bool find_choice(const std::string& raw, std::size_t& into) {
        const auto words = split(row_.choices, ' ');
        const auto at = std::find(words.begin(), words.end(), raw);
        if (at == words.end()) {
            const auto near = nearest(raw, words);
            return bad(fmt::format("'{}' is none of {}{}", shown(raw), fmt::join(words, ", "),
                                   near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near)));
        }
        into = static_cast<std::size_t>(at - words.begin());
        return true;
    }
    /// People write the password where its file's name belongs: that is not to be read in a log.
    std::string said(const std::string& raw) const {
        return row_.name.starts_with("password") || row_.kind == Kind::url ? "what stands there" : fmt::format("'{}'", shown(raw));
    }
    bool check_text(const std::string& raw) {
        if (raw.empty()) return bad("is empty");
        if (raw.size() > kMaxText) return bad(fmt::format("is longer than {} bytes", kMaxText));
        if (has_control(raw)) return bad(said(raw) + " holds control characters");
        switch (row_.kind) {
            case Kind::name:
                return (core::acceptable_component(raw) && raw.size() <= 64) ||
                       bad(said(raw) + ": only letters, digits, '.', '_' and '-', at most 64");
            case Kind::path: return check_path(raw);
            case Kind::address:
            case Kind::addresses:
                if (const auto address = core::parse_mail_address(raw); !address) return bad(address.error().what);
                return true;
            case Kind::url:
                if (const auto url = parse_url(raw, row_.choices); !url) return bad(url.error().what);
                return true;
            case Kind::choices: {
                std::size_t chosen = 0;
                return find_choice(raw, chosen);
            }
            case Kind::zone: return core::zone_exists(raw) || bad(fmt::format("'{}' is not a time zone (such as UTC or Africa/Douala)", shown(raw)));
            case Kind::year:
                return (raw.size() == 4 && std::all_of(raw.begin(), raw.end(), [](char c) { return c >= '0' && c <= '9'; })) ||
                       bad(fmt::format("'{}' is not a year", shown(raw)));
            case Kind::layout:
                if (const auto path = core::PathTemplate::parse(raw); !path) return bad(fmt::format("'{}': {}", shown(raw), path.error().what));
                return true;
            default: return true;
        }
    }
    bool check_path(const std::string& raw) {
        if (!raw.starts_with('/')) return bad(said(raw) + " is not an absolute path");
        const auto parts = split(std::string_view(raw).substr(1), '/');
        const bool root = raw == "/";
        for (const auto& part : parts)
            if (!root && (part.empty() || part == "." || part == ".."))
                return bad(said(raw) + ": write the path without '//', '.', '..' and a '/' at its end");
        return true;
    }

    Context& context_;
    const Row& row_;
    const Node& node_;
};

struct Reader {
    Value& value;
    const Row& row;
    bool operator()(std::monostate) const { return false; }
    bool operator()(std::string* to) const {
        if (row.kind != Kind::choice) return value.text(*to);
        std::size_t chosen = 0;
        if (!value.choice(chosen)) return false;
        *to = split(row.choices, ' ')[chosen];
        return true;
    }
    bool operator()(std::optional<std::string>* to) const { return value.schedule(*to); }
    bool operator()(bool* to) const {
        if (row.kind == Kind::flag) return value.flag(*to);
        std::size_t chosen = 0;
        if (!value.choice(chosen)) return false;
        *to = chosen == 0;
        return true;
    }
    bool operator()(int* to) const { return value.decimal(*to, "a whole number"); }
    bool operator()(double* to) const { return value.decimal(*to, "a number"); }
    bool operator()(std::uint64_t* to) const { return value.size(*to); }
    bool operator()(milliseconds* to) const { return value.duration(*to); }
    bool operator()(core::Content* to) const {
        std::size_t chosen = 0;
        if (!value.choice(chosen)) return false;
        *to = static_cast<core::Content>(chosen);
        return true;
    }
    bool operator()(std::vector<std::string>* to) const { return value.words(*to); }
    bool operator()(core::Labels* to) const { return value.labels(*to); }
};

struct Writer {
    const Row& row;
    std::string operator()(std::monostate) const { return {}; }
    std::string operator()(const std::string* v) const { return *v; }
    std::string operator()(const std::optional<std::string>* v) const { return v->value_or("none"); }
    std::string operator()(const bool* v) const {
        if (row.kind == Kind::choice) return split(row.choices, ' ')[*v ? 0 : 1];
        return *v ? "true" : "false";
    }
    std::string operator()(const int* v) const { return std::to_string(*v); }
    std::string operator()(const double* v) const { return fmt::format("{}", *v); }
    std::string operator()(const std::uint64_t* v) const { return std::to_string(*v); }
    std::string operator()(const milliseconds* v) const {
        return *v == milliseconds(0) && !row.choices.empty() ? std::string(row.choices) : duration_text(*v);
    }
    std::string operator()(const core::Content* v) const { return split(row.choices, ' ')[static_cast<std::size_t>(*v)]; }
    std::string operator()(const std::vector<std::string>* v) const { return fmt::format("[{}]", fmt::join(*v, ", ")); }
    std::string operator()(const core::Labels* v) const {
        std::string text;
        for (const auto& [name, value] : *v) text += (text.empty() ? "" : ", ") + name + ": " + value;
        return "{" + text + "}";
    }
};

}  // namespace

bool read_value(Context& context, const Row& row, const Node& node, Slot slot) {
    Value value(context, row, node);
    return std::visit(Reader{value, row}, slot);
}

std::string value_text(const Row& row, const Slot& slot) { return std::visit(Writer{row}, slot); }

std::string unknown_key(std::string_view key, const std::vector<std::string>& known) {
    // A line without its ':' is one long key; what follows the word may be a password.
    const auto word = key.substr(0, key.find_first_of(" \t\r\n"));
    if (!word.empty() && word.size() < key.size()) return fmt::format("unknown key '{} …': the ':' behind '{}' is missing", shown(word), shown(word));
    const auto near = nearest(key, known);
    return fmt::format("unknown key '{}'{}", shown(key),
                       near.empty() ? fmt::format(" (known: {})", fmt::join(known, ", ")) : fmt::format(" (did you mean '{}'?)", near));
}

bool expect_map(Context& context, const std::string& path, const Node& node) {
    if (node.kind == NodeKind::map || node.kind == NodeKind::null) return true;
    context.problem(node.mark,
                    path.empty() ? std::string("the file must hold a map of sections such as 'deposits:'") : fmt::format("{}: expected a map", path));
    return false;
}

}  // namespace bkmon::config
