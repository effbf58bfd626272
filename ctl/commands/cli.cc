#include "ctl/commands/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>

#include "common/base/text.h"
#include "ctl/commands/command.h"
#include "ctl/commands/complete.h"
#include "ctl/commands/help.h"
#include "ctl/commands/mistakes.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

bool is_named(const Option& option) { return option.name.rfind("--", 0) == 0; }

/// Texts of one command or of the global options while CLI11 fills them.
struct Slots {
    std::map<std::string_view, std::vector<std::string>> values;
    std::map<std::string_view, bool> switches;
    std::map<std::string_view, CLI::Option*> options;
};

void add_option(CLI::App& app, Slots& slots, const Option& option) {
    CLI::Option* added = nullptr;
    if (option.name == "--json") {
        // A flag that may carry a value, so that it never swallows the next word.
        added = app.add_flag("--json{fitting}", slots.values[option.name], std::string(option.help))->take_last();
    } else if (option.value.empty()) {
        added = app.add_flag(std::string(option.name), slots.switches[option.name], std::string(option.help));
    } else {
        added = app.add_option(std::string(option.name), slots.values[option.name], std::string(option.help))->type_name(std::string(option.value));
        // Only `--target A B`, `--outlet A B` and a command's own list take more than one word; others (a label) may be given again.
        const bool list = option.many && (!is_named(option) || option.name == "--target" || option.name == "--outlet");
        added->expected(list && !is_named(option) && !option.required ? 0 : 1, list ? 100'000 : 1)->allow_extra_args(list);
        if (option.many) added->take_all();
        if (option.required) added->required();
    }
    slots.options[option.name] = added;
}

/// The command line as CLI11 sees it, made from the table.
class CommandLine {
public:
    explicit CommandLine(const std::string& version) : app_("Asks bkmond how the backups are.", "bkmonctl") {
        app_.set_version_flag("--version", "bkmonctl " + version);
        app_.set_help_flag("--help,-h", "this help; after a command its own");
        app_.fallthrough();
        app_.require_subcommand(1);
        for (const Option& option : global_options()) {
            if (option.name != "--help" && option.name != "--version") add_option(app_, global_, option);
        }
        std::map<std::string_view, CLI::App*> parents;
        for (const Group& group : groups())
            parents[group.name] = app_.add_subcommand(std::string(group.name), std::string(group.help))->require_subcommand(1);
        for (const Command& command : commands()) {
            if (command.help.empty()) continue;
            const std::size_t space = command.path.find(' ');
            CLI::App* const parent = space == std::string_view::npos ? &app_ : parents.at(command.path.substr(0, space));
            const std::string_view name = space == std::string_view::npos ? command.path : command.path.substr(space + 1);
            Entry& entry = entries_[command.path];
            entry.command = &command;
            entry.app = parent->add_subcommand(std::string(name), std::string(command.help));
            for (const Option& option : command.options) add_option(*entry.app, entry.slots, option);
        }
    }

    /// Throws CLI::ParseError.
    void parse(std::vector<std::string> words) {
        std::reverse(words.begin(), words.end());
        app_.parse(words);
    }

    std::string version() const { return app_.version(); }

    const Command* command() const {
        for (const auto& [path, entry] : entries_) {
            if (entry.app->parsed()) return entry.command;
        }
        return nullptr;
    }

    Arguments arguments() const {
        Arguments out;
        const Slots& slots = entries_.at(command()->path).slots;
        for (const auto& [name, option] : slots.options) {
            if (option->count() == 0) continue;
            const auto found = slots.values.find(name);
            out.set(std::string(name), found != slots.values.end() ? found->second : std::vector<std::string>());
        }
        return out;
    }

    std::optional<std::string> global(std::string_view name) const {
        const auto option = global_.options.find(name);
        if (option == global_.options.end() || option->second->count() == 0) return std::nullopt;
        const auto found = global_.values.find(name);
        return found == global_.values.end() || found->second.empty() ? "" : found->second.back();
    }

private:
    struct Entry {
        const Command* command = nullptr;
        CLI::App* app = nullptr;
        Slots slots;
    };
    CLI::App app_;
    Slots global_;
    std::map<std::string_view, Entry> entries_;
};

Refusal usage(std::string message) { return refuse(kUsage, "usage", std::move(message)); }

Outcome<void> check_closed(std::string_view name, Words words, const std::string& value) {
    const auto closed = closed_words(words);
    if (closed.empty() || std::find(closed.begin(), closed.end(), value) != closed.end()) return {};
    const std::string close = nearest(value, {closed.begin(), closed.end()});
    std::string all;
    for (const std::string_view word : closed) all += (all.empty() ? "" : ", ") + std::string(word);
    return usage(close.empty() ? fmt::format("{}: '{}' is none of {}", name, value, all)
                               : fmt::format("{}: there is no '{}'; did you mean '{}'?", name, value, close));
}

Outcome<Globals> read_globals(const CommandLine& line, const World& world) {
    Globals globals;
    if (const std::string from_env = world.env("BKMON_SOCKET"); !from_env.empty()) globals.socket = from_env;
    globals.socket = line.global("--socket").value_or(globals.socket);
    if (const auto form = line.global("--json")) {
        const std::map<std::string_view, JsonMode> forms{
            {"fitting", JsonMode::fitting}, {"short", JsonMode::one_line}, {"pretty", JsonMode::indented}};
        const auto found = forms.find(*form);
        if (found == forms.end()) return usage(fmt::format("--json: '{}' is neither short nor pretty", *form));
        globals.json = found->second;
    }
    globals.csv = line.global("--csv").has_value();
    if (globals.csv && globals.json != JsonMode::off) return usage("--json and --csv exclude each other");
    globals.pager = !line.global("--no-pager");
    globals.legend = !line.global("--no-legend");
    globals.yes = line.global("--yes").has_value();
    if (const auto colour = line.global("--color")) {
        if (const auto known = check_closed("--color", Words::colour, *colour); !known) return Refusal(known.error());
        globals.colour = *colour == "always" ? ColourMode::always : *colour == "never" ? ColourMode::never : ColourMode::automatic;
    }
    if (const auto timeout = line.global("--timeout")) {
        char* end = nullptr;
        const double n = std::strtod(timeout->c_str(), &end);
        if (timeout->empty() || *end != '\0' || !(n >= 0.001 && n <= 86'400))
            return usage(fmt::format("--timeout: '{}' is no number of seconds from 0.001 to 86400", *timeout));
        globals.timeout = milliseconds(static_cast<std::int64_t>(n * 1000));
        globals.timeout_given = true;
    }
    return globals;
}

Outcome<void> check_arguments(const Command& command, const Arguments& arguments, const Globals& globals) {
    for (const Option& option : command.options) {
        for (const std::string& value : arguments.all(option.name)) {
            if (value.empty()) return usage(fmt::format("{} is empty", option.name));
            if (const auto known = check_closed(option.name, option.words, value); !known) return Refusal(known.error());
        }
    }
    if (globals.csv && !command.csv) return usage(fmt::format("`{}` has no CSV; it has --json", command.path));
    return {};
}

std::string sentence_of(const CLI::ParseError& error, const Command* command) {
    const auto is = [&](CLI::ExitCodes code) { return error.get_exit_code() == static_cast<int>(code); };
    const std::string what = error.what();
    const bool about_option = what.rfind("--", 0) == 0;
    if (command != nullptr && is(CLI::ExitCodes::RequiredError)) return fmt::format("`{}` needs more: {}", command->path, usage_of(*command));
    if (command != nullptr && (is(CLI::ExitCodes::ExtrasError) || (is(CLI::ExitCodes::ArgumentMismatch) && !about_option))) {
        return fmt::format("`{}` has too many words: {}", command->path, usage_of(*command));
    }
    if (is(CLI::ExitCodes::ArgumentMismatch)) return fmt::format("{} needs exactly one value", what.substr(0, what.find(':')));
    return what;
}

/// What nobody can run: a sentence and 2, for `check` the plugin's UNKNOWN.
int refuse_line(World& world, const std::vector<std::string>& words, const Trouble& trouble) {
    Globals globals;
    const bool json = std::any_of(words.begin(), words.end(), [](const std::string& word) { return word.rfind("--json", 0) == 0; });
    if (json) globals.json = JsonMode::fitting;
    if (!json && command_path(words) == "check") return check_unknown(world, trouble.message);
    Session session(world, globals);
    const int code = session.fail(trouble);
    return command_path(words) == "check" ? 3 : code;
}

}  // namespace

int run(const std::vector<std::string>& words, World& world) {
    if (!words.empty() && words.front() == "__complete") return complete(world, {words.begin() + 1, words.end()});
    CommandLine line(world.version);
    try {
        line.parse(words);
    } catch (const CLI::CallForHelp&) {
        world.out << help_text(words, world.out_terminal.width) << std::flush;
        return kDone;
    } catch (const CLI::CallForVersion&) {
        world.out << line.version() << std::endl;
        return kDone;
    } catch (const CLI::ParseError& error) {
        const auto mistake = find_mistake(words);
        return refuse_line(world, words, {kUsage, "usage", mistake.value_or(sentence_of(error, find_command(command_path(words))))});
    }
    const Command& command = *line.command();
    const Arguments arguments = line.arguments();
    const auto globals = read_globals(line, world);
    if (!globals) return refuse_line(world, words, globals.error());
    if (const auto good = check_arguments(command, arguments, *globals); !good) return refuse_line(world, words, good.error());
    Session session(world, *globals);
    const int code = command.run(session, arguments);
    world.out.flush();
    if (!world.out) return session.fail({kFailed, "write_failed", "the output could not be written whole"});
    return code;
}

}  // namespace bkmon::ctl
