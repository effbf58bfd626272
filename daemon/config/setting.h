#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daemon/config/context.h"
#include "daemon/core/settings/settings.h"

namespace bkmon::config {

/// What a setting may be; decides how its text is read and checked.
enum class Kind {
    text,       ///< one line
    name,       ///< [A-Za-z0-9._-]{1,64}
    path,       ///< absolute, normal
    zone,       ///< IANA time zone
    schedule,   ///< expression, or `none`; parsed once its zone is known
    layout,     ///< path template
    flag,       ///< true, false
    whole,      ///< number without a fraction
    number,     ///< decimal number
    size,       ///< 20GB
    duration,   ///< 26h
    choice,     ///< one of the words in `choices`
    year,       ///< four digits
    words,      ///< list of texts
    patterns,   ///< one text or a list of them
    choices,    ///< one of the words in `choices`, or a list of them
    address,    ///< mail address, with or without a name
    addresses,  ///< list of them
    url,        ///< of one of the schemes in `choices`; see config/url.h
    labels,     ///< map of texts
    section,    ///< read by a function of its own
};

/// Where a setting goes. A choice becomes text unless its slot is a flag (true for the first word) or a Content.
using Slot = std::variant<std::monostate, std::string*, std::optional<std::string>*, bool*, int*, double*, std::uint64_t*, milliseconds*,
                          core::Content*, std::vector<std::string>*, core::Labels*>;

/// One row of a section's table; the manual page and the example list the same rows, which a test holds together.
struct Row {
    std::string_view name;
    Kind kind;
    std::string_view range;  ///< for people: "1..1000", "mysql, postgresql, …"
    std::string_view description;
    double low = 0, high = 0;       ///< of whole, number, size (bytes), duration (ms); both 0: no limit
    std::string_view choices = {};  ///< words, separated by a space; of a duration: the word that means 0; of a url: its schemes
};

template <class S>
struct Setting {
    Row row;
    Slot (*slot)(S&);                                                            ///< Slot{} for sections
    void (*read)(Context&, const std::string& path, const Node&, S&) = nullptr;  ///< only sections
};

/// Reads one value into its slot; false after a problem.
bool read_value(Context& context, const Row& row, const Node& node, Slot slot);

/// As it would be written, for `config show --effective`.
std::string value_text(const Row& row, const Slot& slot);

/// "unknown key 'schedul' (did you mean 'schedule'?)".
std::string unknown_key(std::string_view key, const std::vector<std::string>& known);

/// False after a problem when the node is no map; an empty value is an empty map.
bool expect_map(Context& context, const std::string& path, const Node& node);

/// Where the keys of one map stand, for problems that are found later.
using KeyMarks = std::map<std::string, Mark, std::less<>>;

/// Reads a map by its table: unknown keys are problems, what is absent keeps what `into` has. With `defaults_too` each setting of the table
/// is listed as effective, else only what the map sets.
template <class S>
KeyMarks read_map(Context& context, const std::string& path, const Node& node, std::span<const Setting<S>> table, S& into, bool defaults_too) {
    KeyMarks marks;
    if (!expect_map(context, path, node)) return marks;
    const auto full = [&](std::string_view name) { return path.empty() ? std::string(name) : path + "." + std::string(name); };
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
        const auto& key = node.keys[i];
        const Setting<S>* setting = nullptr;
        for (const auto& s : table)
            if (s.row.name == key.text) setting = &s;
        if (!setting) {
            std::vector<std::string> known;
            for (const auto& s : table) known.emplace_back(s.row.name);
            context.problem(key.mark, unknown_key(key.text, known));
            continue;
        }
        marks.emplace(key.text, node.items[i].mark);
        if (setting->read)
            setting->read(context, full(key.text), node.items[i], into);
        else if (!read_value(context, setting->row, node.items[i], setting->slot(into)))
            marks.erase(key.text);
    }
    for (const auto& s : table) {
        if (s.read) continue;
        const auto at = marks.find(s.row.name);
        if (at == marks.end() && !defaults_too) continue;
        context.effective(full(s.row.name), value_text(s.row, s.slot(into)), at == marks.end() ? nullptr : &at->second);
    }
    return marks;
}

}  // namespace bkmon::config
