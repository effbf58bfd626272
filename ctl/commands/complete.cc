#include <algorithm>
#include <set>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "ctl/commands/command.h"
#include "ctl/commands/complete.h"

namespace bkmon::ctl {

namespace {

constexpr milliseconds kPatience{200};  ///< a key press must not hang on a daemon that does
constexpr std::string_view kFiles = ":files";
constexpr std::int64_t kMostWords = 500;

struct Candidate {
    std::string word;
    std::string_view help;
};

struct Line {
    std::vector<std::string> words;  ///< before the current one, without the program
    std::string current;
    bool cut_at_equals = false;  ///< the shell replaces only what stands behind "="
};

/// bash breaks words at "=": "--kind=dep" comes as three. Put together again.
Line read_line(std::string_view shell, std::size_t at, const std::vector<std::string>& all) {
    Line line;
    std::vector<std::string> words(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(at + 1, all.size())));
    if (words.size() <= at) words.resize(at + 1);
    if (shell == "bash") {
        std::vector<std::string> merged;
        for (std::size_t i = 0; i < words.size(); ++i) {
            const bool behind_equals = i >= 2 && words[i - 1] == "=" && words[i - 2].rfind("--", 0) == 0;
            const bool equals = i >= 1 && words[i] == "=" && words[i - 1].rfind("--", 0) == 0;
            if (equals || behind_equals) {
                merged.back() += words[i];
                line.cut_at_equals = i + 1 == words.size();
            } else {
                merged.push_back(words[i]);
            }
        }
        words = std::move(merged);
    }
    line.current = words.back();
    line.words.assign(words.begin() + (words.size() > 1 ? 1 : 0), words.end() - 1);
    return line;
}

/// What the words before the current one mean.
struct Place {
    const Command* command = nullptr;
    std::string path;                  ///< as far as it is clear
    const Option* awaiting = nullptr;  ///< the option whose value comes now
    std::size_t positionals = 0;
    std::set<std::string, std::less<>> used;
    std::string socket;
    bool only_arguments = false;  ///< after "--"
};

const Option* find_option(const Place& place, std::string_view name) {
    if (place.command != nullptr) {
        for (const Option& option : place.command->options) {
            if (option.name == name) return &option;
        }
    }
    for (const Option& option : global_options()) {
        if (option.name == name) return &option;
    }
    return nullptr;
}

bool takes_next_word(const Option& option) { return !option.value.empty() && option.name != "--json"; }

void read_word(Place& place, const std::string& word) {
    if (place.awaiting != nullptr) {
        if (place.awaiting->name == "--socket") place.socket = word;
        place.awaiting = nullptr;
    } else if (!place.only_arguments && word == "--") {
        place.only_arguments = true;
    } else if (!place.only_arguments && word.rfind("--", 0) == 0) {
        const std::size_t equals = word.find('=');
        const std::string name = word.substr(0, equals);
        place.used.insert(name);
        const Option* const option = find_option(place, name);
        if (equals != std::string::npos && name == "--socket") place.socket = word.substr(equals + 1);
        if (option != nullptr && equals == std::string::npos && takes_next_word(*option)) place.awaiting = option;
    } else if (place.command == nullptr) {
        place.path += (place.path.empty() ? "" : " ") + word;
        place.command = find_command(place.path);
    } else {
        ++place.positionals;
    }
}

std::vector<Candidate> command_words(const std::string& path) {
    std::vector<Candidate> out;
    if (path.empty()) {
        for (const Group& group : groups()) out.push_back({std::string(group.name), group.help});
    }
    const std::string before = path.empty() ? path : path + " ";
    for (const Command& command : commands()) {
        if (command.help.empty() || command.path.substr(0, before.size()) != before) continue;
        const std::string_view rest = command.path.substr(before.size());
        if (rest.find(' ') == std::string_view::npos) out.push_back({std::string(rest), command.help});
    }
    return out;
}

std::vector<Candidate> option_names(const Place& place) {
    std::vector<Candidate> out;
    const auto add = [&](const Option& option) {
        if (option.name.rfind("--", 0) == 0 && (option.many || place.used.count(option.name) == 0))
            out.push_back({std::string(option.name), option.help});
    };
    if (place.command != nullptr) {
        for (const Option& option : place.command->options) add(option);
    }
    for (const Option& option : global_options()) add(option);
    return out;
}

std::string_view what_to_ask(Words words) {
    switch (words) {
        case Words::target: return "targets";
        case Words::held: return "held";
        case Words::agent: return "agents";
        case Words::outlet: return "outlets";
        case Words::mode: return "modes";
        case Words::run: return "runs";
        case Words::incident: return "incidents";
        case Words::silence: return "silences";
        case Words::mail: return "mails";
        default: return {};
    }
}

/// Names from the daemon, within 200 ms altogether; none is no error.
std::vector<Candidate> ask(const World& world, const Place& place, std::string_view what, const std::string& prefix) {
    std::string socket = place.socket;
    if (socket.empty()) socket = world.env("BKMON_SOCKET");
    if (socket.empty()) socket = Globals().socket;
    const BootTime deadline = world.clock.boot() + kPatience;
    auto client = Client::connect(socket, kPatience);
    if (!client) return {};
    JsonWriter writer;
    writer.begin_object().field("what", what).field("prefix", prefix).field("limit", kMostWords);
    const auto reply = client->call("io.bkmon.Daemon.Complete", writer.end_object().str(), std::max(deadline - world.clock.boot(), milliseconds(1)));
    std::vector<Candidate> out;
    if (!reply) return out;
    for (std::string& word : texts_of(*reply, "words")) {
        // Only what needs no quoting in any shell: a name from outside must not become a part of somebody's command line.
        const bool plain = word.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-%+@,") == std::string::npos;
        if (plain && !word.empty() && word.front() != '-') out.push_back({std::move(word), {}});
    }
    return out;
}

std::vector<Candidate> values(const World& world, const Place& place, const Option& option, const std::string& prefix) {
    if (option.words == Words::file) return {{std::string(kFiles), {}}};
    std::vector<Candidate> out;
    for (const std::string_view word : closed_words(option.words)) out.push_back({std::string(word), {}});
    const std::string_view what = what_to_ask(option.words);
    return what.empty() ? out : ask(world, place, what, prefix);
}

const Option* positional(const Command& command, std::size_t index) {
    for (const Option& option : command.options) {
        if (option.name.rfind("--", 0) == 0) continue;
        if (index == 0 || option.many) return &option;
        --index;
    }
    return nullptr;
}

std::vector<Candidate> candidates(const World& world, const Place& place, const Line& line) {
    const std::string& current = line.current;
    if (place.awaiting != nullptr) return values(world, place, *place.awaiting, current);
    const std::size_t equals = current.find('=');
    if (!place.only_arguments && current.rfind("--", 0) == 0 && equals != std::string::npos) {
        const Option* const option = find_option(place, current.substr(0, equals));
        if (option == nullptr || option->value.empty()) return {};
        auto found = values(world, place, *option, current.substr(equals + 1));
        if (!line.cut_at_equals) {
            for (Candidate& candidate : found) {
                if (candidate.word != kFiles) candidate.word.insert(0, current, 0, equals + 1);
            }
        }
        return found;
    }
    if (!place.only_arguments && !current.empty() && current.front() == '-') return option_names(place);
    if (place.command == nullptr) return command_words(place.path);
    const Option* const option = positional(*place.command, place.positionals);
    return option == nullptr ? std::vector<Candidate>() : values(world, place, *option, current);
}

std::string written(std::string_view shell, const Candidate& candidate) {
    if (shell == "bash" || candidate.word == kFiles) return candidate.word;
    if (shell == "fish") return candidate.help.empty() ? candidate.word : candidate.word + "\t" + std::string(candidate.help);
    std::string word;
    for (const char c : candidate.word) word += c == ':' ? std::string("\\:") : std::string(1, c);
    return candidate.help.empty() ? word : word + ":" + std::string(candidate.help);
}

}  // namespace

int complete(World& world, const std::vector<std::string>& words) {
    if (words.size() < 3) return kUsage;
    const std::string& shell = words[0];
    const std::size_t at = static_cast<std::size_t>(std::atoi(words[1].c_str()));
    if (at == 0 || at > 1000 || (shell != "bash" && shell != "zsh" && shell != "fish")) return kUsage;
    const Line line = read_line(shell, at, {words.begin() + 2, words.end()});
    Place place;
    for (const std::string& word : line.words) read_word(place, word);
    const std::size_t equals = line.current.find('=');
    const std::string prefix = line.cut_at_equals && equals != std::string::npos ? line.current.substr(equals + 1) : line.current;
    for (const Candidate& candidate : candidates(world, place, line)) {
        if (candidate.word == kFiles || candidate.word.rfind(prefix, 0) == 0) world.out << written(shell, candidate) << '\n';
    }
    world.out.flush();
    return kDone;
}

int run_complete(Session& session, const Arguments& arguments) { return complete(session.world(), arguments.all("words")); }

}  // namespace bkmon::ctl
