// Bytes from agents on their way to a terminal, a log line, JSON, CSV, HTML, a shell or YAML: never syntax there, and nothing lost on the way: what
// was written is read back by a reader that shares no code with the writer.
#include <array>

#include "common/base/json_writer.h"
#include "common/base/target_id.h"
#include "ctl/render/csv.h"
#include "ctl/render/html.h"
#include "ctl/render/json.h"
#include "ctl/render/table.h"
#include "ctl/render/words.h"
#include "daemon/config/config.h"
#include "daemon/config/sources.h"
#include "daemon/core/json_tree.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace bkmon;

void append(std::string& out, std::uint32_t c) {
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += {static_cast<char>(0xc0U | c >> 6U), static_cast<char>(0x80U | (c & 0x3fU))};
    } else if (c < 0x10000) {
        out += {static_cast<char>(0xe0U | c >> 12U), static_cast<char>(0x80U | (c >> 6U & 0x3fU)), static_cast<char>(0x80U | (c & 0x3fU))};
    } else {
        out += {static_cast<char>(0xf0U | c >> 18U), static_cast<char>(0x80U | (c >> 12U & 0x3fU)), static_cast<char>(0x80U | (c >> 6U & 0x3fU)),
                static_cast<char>(0x80U | (c & 0x3fU))};
    }
}

std::string unprintable(std::string_view s) {
    std::string out;
    for (std::size_t i = 0; i < s.size(); ++i) {
        if (s[i] != '\\') {
            out += s[i];
            continue;
        }
        MUST(i + 1 < s.size());
        switch (s[++i]) {
            case '\\': out += '\\'; break;
            case 'n': out += '\n'; break;
            case 'r': out += '\r'; break;
            case 't': out += '\t'; break;
            case 'x':
                MUST(i + 2 < s.size());
                out += static_cast<char>(std::strtoul(std::string(s.substr(i + 1, 2)).c_str(), nullptr, 16));
                i += 2;
                break;
            case 'u': {
                const auto end = s.find('}', i);
                MUST(s[i + 1] == '{' && end != std::string_view::npos);
                append(out, static_cast<std::uint32_t>(std::strtoul(std::string(s.substr(i + 2, end - i - 2)).c_str(), nullptr, 16)));
                i = end;
                break;
            }
            default: MUST(false);
        }
    }
    return out;
}

/// No C0, DEL or C1, nothing that turns or hides text.
void harmless(std::string_view s) {
    MUST(valid_utf8(s));
    for (std::size_t i = 0; i < s.size(); ++i) {
        const auto c = static_cast<unsigned char>(s[i]);
        MUST(c >= 0x20 && c != 0x7f);
        MUST(!(c == 0xc2 && static_cast<unsigned char>(s[i + 1]) < 0xa0));
    }
    for (const std::string_view bad : {"\u200b", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202e", "\u2066", "\u2069", "\ufeff", "\u061c"})
        MUST(s.find(bad) == std::string_view::npos);
}

void to_terminal(std::string_view raw, std::size_t limit) {
    const auto all = printable(raw, std::string::npos);
    harmless(all);
    MUST(unprintable(all) == raw);
    const auto cut = printable(raw, limit);
    harmless(cut);
    MUST(cut.size() <= limit);
    if (all.size() <= limit) MUST(cut == all);
    const auto fitted = fit_width(all, limit);
    MUST(valid_utf8(fitted) && display_width(fitted) <= limit);
    harmless(ctl::shown(raw));
    for (const auto& line : ctl::wrap(all, limit)) harmless(line);
    if (limit > 0) MUST(display_width(ctl::fit_middle(all, limit)) <= limit);
    ctl::Table table({{.name = "A", .shrink = true}, {.name = "B", .right = true, .shrink = true, .middle = true}});
    table.add({{std::string(raw)}, {std::string(raw)}});
    const auto text = table.text({.width = limit}, true);
    MUST(std::count(text.begin(), text.end(), '\n') == 2);
    for (const auto& line : split(text, '\n')) harmless(line);
}

/// What a reader of JSON finds: the text, with U+FFFD for each bad byte.
void to_json(std::string_view raw) {
    JsonWriter w;
    w.begin_object().field(raw, raw).key("b").begin_array().value(raw).value(std::int64_t{-1}).value(true).null().end_array();
    const auto text = w.end_object().take();
    MUST(valid_utf8(text) && text.find_first_of(std::string_view("\n\r\0", 3)) == std::string::npos);
    const auto tree = core::parse_json(text, {.bytes = 64U << 20});
    if (raw == "b") return;  // the same key twice is rightly refused
    MUST(tree && tree->items.size() == 2 && tree->keys[0] == tree->items[0].text && tree->items[1].items[0].text == tree->keys[0]);
    if (valid_utf8(raw)) MUST(tree->keys[0] == raw);
    const auto params = protocol::Params::parse(text);
    MUST(params && params->strings("b").has_value() == false && params->names().size() == 2);
    // For a terminal the same JSON, and nothing that it acts on.
    for (const bool pretty : {false, true}) {
        const auto shown = ctl::json_text(text, pretty);
        for (const auto& line : split(shown, '\n')) harmless(line);
        const auto again = protocol::Params::parse(shown);
        MUST(again && again->dump() == params->dump());
    }
    for (const auto& line : split(ctl::json_tree(text, Time{}, 40), '\n')) harmless(line);
}

/// RFC 4180, strictly.
std::vector<std::string> read_csv(std::string_view s) {
    std::vector<std::string> cells;
    std::size_t i = 0;
    for (;;) {
        std::string cell;
        if (i < s.size() && s[i] == '"') {
            for (++i;; ++i) {
                MUST(i < s.size());
                const bool quote = s[i] == '"';
                if (quote && s.substr(i + 1, 1) != "\"") break;
                if (quote) ++i;
                cell += s[i];
            }
            ++i;
        } else {
            for (; i < s.size() && s[i] != ',' && s[i] != '\r'; ++i) {
                MUST(s[i] != '"' && s[i] != '\n');
                cell += s[i];
            }
        }
        cells.push_back(cell);
        MUST(i < s.size() && (s[i] == ',' || s.substr(i) == "\r\n"));
        if (s[i++] == '\r') return cells;
    }
}

void to_csv(std::string_view raw) {
    MUST(read_csv(csv_field(raw) + "," + csv_field(raw) + "\r\n") == std::vector<std::string>(2, std::string(raw)));
    JsonWriter w;
    const auto row = protocol::Params::parse(w.begin_object().field("a", raw).field("b", 7).end_object().str());
    MUST(row.has_value());
    const auto cells = read_csv(ctl::csv_text({"a", "b"}, {*row}, false, false));
    MUST(cells.size() == 2 && cells[1] == "7");
    // Nothing that a spreadsheet would run; an apostrophe before such a text is all that was added.
    MUST(cells[0].find_first_of("=+-@\t\r") != 0);
    if (valid_utf8(raw)) MUST((cells[0].starts_with('\'') ? cells[0].substr(1) : cells[0]) == raw);
    auto safe = ctl::csv_text({"a", "b"}, {*row}, false, true);
    MUST(safe.ends_with("\r\n"));
    safe.resize(safe.size() - 2);
    harmless(safe);
}

void to_html(std::string_view raw) {
    const auto html = ctl::html_text(raw);
    MUST(html.find_first_of("<>\"'") == std::string::npos);
    for (auto at = html.find('&'); at != std::string::npos; at = html.find('&', at + 1)) MUST(html.find(';', at) != std::string::npos);
    harmless(html);
}

/// One word for a shell: nothing outside of quotes but what no shell knows, and quotes undone it is the text that was shown.
void to_shell(std::string_view raw) {
    const auto word = ctl::shell_word(raw);
    std::string read;
    bool quoted = false;
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (word[i] == '\'') {
            quoted = !quoted;
        } else if (quoted) {
            read += word[i];
        } else if (word[i] == '\\') {
            MUST(++i < word.size());
            read += word[i];
        } else {
            MUST(std::string_view(" \t\n\"$`&|;<>()*?[]{}~#!%").find(word[i]) == std::string_view::npos || word[i] == '%');
            read += word[i];
        }
    }
    MUST(!quoted && !word.empty());
    if (raw.find('\0') == std::string_view::npos) MUST(read == raw);
}

void to_yaml(std::string_view raw) {
    const std::string name(raw);
    const auto yaml = config::adopt_yaml({{name, name}});
    const auto loaded = config::load_sources({{"a.yaml", "deposits: {defaults: {path: \"{agent}-{file}\"}}\n", config::Source::Kind::main},
                                              {"b.yaml", yaml, config::Source::Kind::drop_in}});
    MUST(loaded.settings.deposits.jobs.size() <= 1);
    for (const auto& job : loaded.settings.deposits.jobs) MUST(job.agent == name && job.database == name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const std::size_t limit = input.byte();
    const auto raw = input.rest();
    to_terminal(raw, limit);
    to_json(raw);
    to_csv(raw);
    to_html(raw);
    to_shell(raw);
    if (limit % 16 == 3) to_yaml(raw);  // slow: reads the whole configuration
    return 0;
}
