#include "ctl/commands/help.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"
#include "ctl/commands/mistakes.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

bool is_named(const Option& option) { return option.name.rfind("--", 0) == 0; }

std::string written(const Option& option) {
    if (!is_named(option)) return std::string(option.value);
    if (option.name == "--json") return "--json[=FORM]";
    return std::string(option.name) + (option.value.empty() ? "" : " ") + std::string(option.value);
}

struct Row {
    std::string left;
    std::string_view right;
};

std::string rows_text(const std::vector<Row>& rows, std::size_t width) {
    std::size_t widest = 0;
    for (const Row& row : rows) widest = std::max(widest, row.left.size());
    std::string out;
    for (const Row& row : rows) {
        std::string start = "  " + row.left + std::string(widest - row.left.size() + 2, ' ');
        for (const std::string& line : wrap(row.right, width - std::min(width - 20, start.size()))) {
            out += start + line + "\n";
            start.assign(start.size(), ' ');
        }
    }
    return out;
}

std::string global_text(std::size_t width) {
    std::vector<Row> rows;
    for (const Option& option : global_options()) rows.push_back({written(option), option.help});
    return "\nOptions of every command, before or after it\n" + rows_text(rows, width);
}

/// Commands whose path begins with `before` ("" or "runs ").
std::vector<Row> command_rows(const std::string& before, bool whole_path) {
    std::vector<Row> rows;
    for (const Command& command : commands()) {
        if (command.help.empty() || command.path.substr(0, before.size()) != before) continue;
        rows.push_back({std::string(whole_path ? command.path : command.path.substr(before.size())), command.help});
    }
    return rows;
}

std::string help_of_all(std::size_t width) {
    std::string out =
        "bkmonctl asks bkmond: are last night's backups really there, whole and usable?\n\nusage: bkmonctl [OPTION…] COMMAND …\n\nCommands\n";
    out += rows_text(command_rows("", true), width) + global_text(width);
    return out +
           "\nExit codes: 0 done, 1 failed, 2 usage, 3 daemon unreachable, 4 no such object,\n5 not allowed; `check`: 0 OK, 1 WARNING, 2 CRITICAL, 3 "
           "UNKNOWN.\n"
           "More: bkmonctl COMMAND --help, man bkmonctl\n";
}

std::string help_of(const Command& command, std::size_t width) {
    std::string out;
    std::string indent = "usage: ";
    for (const std::string& line : wrap(usage_of(command), width - 11)) {
        out += indent + line + "\n";
        indent.assign(11, ' ');
    }
    out += "\n" + std::string(command.help) + ".\n";
    for (const bool named : {false, true}) {
        std::vector<Row> rows;
        for (const Option& option : command.options) {
            if (is_named(option) == named) rows.push_back({written(option), option.help});
        }
        if (!rows.empty()) out += std::string(named ? "\nOptions\n" : "\nArguments\n") + rows_text(rows, width);
    }
    return out + global_text(width);
}

}  // namespace

std::string usage_of(const Command& command) {
    std::string out = "bkmonctl " + std::string(command.path);
    for (const Option& option : command.options) {
        std::string word = written(option);
        if (option.many) word += "…";
        out += option.required ? " " + word : " [" + word + "]";
    }
    return out;
}

std::string help_text(const std::vector<std::string>& words, std::size_t width) {
    const std::size_t columns = width == 0 ? 80 : std::max<std::size_t>(width, 40);
    const std::string path = command_path(words);
    if (const Command* const command = find_command(path); command != nullptr) return help_of(*command, columns);
    for (const Group& group : groups()) {
        if (group.name != path) continue;
        std::string out = fmt::format("usage: bkmonctl {} COMMAND …\n\n{}.\n\nCommands\n", group.name, group.help);
        return out + rows_text(command_rows(path + " ", false), columns) + global_text(columns);
    }
    return help_of_all(columns);
}

}  // namespace bkmon::ctl
