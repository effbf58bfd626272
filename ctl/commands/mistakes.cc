#include "ctl/commands/mistakes.h"

#include <fmt/format.h>

#include "common/base/text.h"
#include "ctl/commands/command.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

bool is_option(std::string_view name) { return name.rfind("--", 0) == 0; }

const Option* find_option(const Command* command, std::string_view name) {
    if (command != nullptr) {
        for (const Option& option : command->options) {
            if (option.name == name) return &option;
        }
    }
    for (const Option& option : global_options()) {
        if (option.name == name) return &option;
    }
    return nullptr;
}

bool takes_next_word(const Option& option) { return !option.value.empty() && option.name != "--json"; }

std::string with_nearest(const std::string& sentence, const std::string& nearest) {
    return nearest.empty() ? sentence : sentence + fmt::format("; did you mean '{}'?", nearest);
}

std::string unknown_option(const Command* command, const std::string& name) {
    std::vector<std::string> names;
    if (command != nullptr) {
        for (const Option& option : command->options) {
            if (is_option(option.name)) names.emplace_back(option.name);
        }
    }
    for (const Option& option : global_options()) names.emplace_back(option.name);
    const std::string where =
        command != nullptr ? fmt::format("`{}` has no option '{}'", command->path, shown(name)) : fmt::format("unknown option '{}'", shown(name));
    const std::string close = nearest(name, names);
    return close.empty() ? where + fmt::format("; see bkmonctl {}{}--help", command != nullptr ? command->path : "", command != nullptr ? " " : "")
                         : with_nearest(where, close);
}

/// The words that may follow `path` ("" or "runs").
std::vector<std::string> next_words(const std::string& path) {
    std::vector<std::string> words;
    if (path.empty()) {
        for (const Group& group : groups()) words.emplace_back(group.name);
    }
    const std::string before = path.empty() ? path : path + " ";
    for (const Command& command : commands()) {
        if (command.help.empty() || command.path.substr(0, before.size()) != before) continue;
        const std::string_view rest = command.path.substr(before.size());
        if (rest.find(' ') == std::string_view::npos) words.emplace_back(rest);
    }
    return words;
}

bool is_group(std::string_view name) {
    for (const Group& group : groups()) {
        if (group.name == name) return true;
    }
    return false;
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
    return out;
}

std::string unknown_command(const std::string& path, const std::string& word) {
    const auto words = next_words(path);
    const std::string close = nearest(word, words);
    if (path.empty())
        return close.empty() ? fmt::format("unknown command '{}'; see bkmonctl --help", shown(word))
                             : with_nearest(fmt::format("unknown command '{}'", shown(word)), close);
    const std::string sentence = fmt::format("`{}` has no command '{}'", path, shown(word));
    return close.empty() ? sentence + fmt::format("; there are {}", joined(words)) : with_nearest(sentence, close);
}

}  // namespace

std::optional<std::string> find_mistake(const std::vector<std::string>& arguments) {
    std::string path;
    const Command* command = nullptr;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& word = arguments[i];
        if (word == "--") break;
        if (word.size() > 1 && word.front() == '-') {
            const std::size_t equals = word.find('=');
            const std::string name = word.substr(0, equals);
            const Option* const option = name == "-h" ? find_option(nullptr, "--help") : find_option(command, name);
            if (option == nullptr) return unknown_option(command, name);
            if (takes_next_word(*option) && equals == std::string::npos) ++i;
        } else if (command == nullptr) {
            const std::string longer = path.empty() ? word : path + " " + word;
            command = find_command(longer);
            if (command == nullptr && !is_group(longer)) return unknown_command(path, word);
            path = longer;
        }
    }
    if (path.empty()) return "a command is missing; the most wanted one is `bkmonctl status`, all are in bkmonctl --help";
    if (command == nullptr) return fmt::format("`{}` needs one more word: {}", path, joined(next_words(path)));
    return std::nullopt;
}

std::string command_path(const std::vector<std::string>& arguments) {
    std::string path;
    for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
        if (!arguments[i].empty() && arguments[i].front() == '-') {
            const Option* const option = find_option(find_command(path), arguments[i]);
            if (option != nullptr && takes_next_word(*option)) ++i;
            continue;
        }
        const std::string longer = path.empty() ? arguments[i] : path + " " + arguments[i];
        if (find_command(longer) == nullptr && !is_group(longer)) return path;
        path = longer;
    }
    return path;
}

}  // namespace bkmon::ctl
