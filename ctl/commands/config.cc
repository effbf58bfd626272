#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/json_writer.h"
#include "common/base/text.h"
#include "common/base/unique_fd.h"
#include "ctl/commands/command.h"
#include "ctl/render/words.h"

namespace bkmon::ctl {

namespace {

using protocol::Params;

struct Finished {
    int status = 0;
    std::string output;  ///< stdout and stderr, in the order written
};

/// Beside bkmonctl first: a build or a private installation checks with its own daemon.
std::string find_bkmond(const World& world) {
    std::vector<std::string> folders{world.program_folder, world.program_folder + "/../sbin"};
    for (std::string& folder : split(world.env("PATH"), ':')) folders.push_back(std::move(folder));
    for (const std::string& folder : folders) {
        const std::string path = folder + "/bkmond";
        if (!folder.empty() && ::access(path.c_str(), X_OK) == 0) return path;
    }
    return {};
}

Outcome<Finished> run_program(std::vector<std::string> words) {
    int ends[2];
    if (::pipe(ends) != 0) return refuse(kFailed, "failed", "no pipe can be had");
    UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, writing.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, writing.get(), STDERR_FILENO);
    ::posix_spawn_file_actions_addclose(&actions, reading.get());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_t child = -1;
    const int failed = ::posix_spawn(&child, words.front().c_str(), &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) return refuse(kFailed, "failed", fmt::format("cannot start {}: error {}", words.front(), failed));
    writing.reset();
    Finished finished;
    char bytes[4096];
    for (ssize_t n = 0; (n = ::read(reading.get(), bytes, sizeof bytes)) != 0;) {
        if (n > 0)
            finished.output.append(bytes, static_cast<std::size_t>(n));
        else if (errno != EINTR)
            break;
    }
    while (::waitpid(child, &finished.status, 0) < 0 && errno == EINTR) {
    }
    return finished;
}

/// "file:line:col: message" in two parts; a line without a place is a message.
std::pair<std::string, std::string> where_and_message(const std::string& line) {
    std::size_t colons = 0;
    for (std::size_t at = line.find(':'); at != std::string::npos; at = line.find(':', at + 1)) {
        if (++colons == 3 && at + 1 < line.size() && line[at + 1] == ' ') return {line.substr(0, at), line.substr(at + 2)};
    }
    return {"", line};
}

std::string check_document(int code, const std::string& output) {
    JsonWriter writer;
    writer.begin_object().field("ok", code == 0).key("problems").begin_array();
    for (const std::string& line : split(output, '\n')) {
        if (code == 0 || line.empty()) continue;
        const auto [where, message] = where_and_message(line);
        writer.begin_object().field("where", where).field("message", message).end_object();
    }
    return writer.end_array().end_object().take();
}

std::string safe_lines(const std::string& text) {
    std::string out;
    for (const std::string& line : split(text, '\n')) out += shown(line) + "\n";
    while (out.size() >= 2 && out[out.size() - 2] == '\n') out.pop_back();
    return out == "\n" ? std::string() : out;
}

std::string up_for(const Params& version) {
    const auto value = version.number("uptime");
    return value && *value && **value >= 0 ? duration_words(milliseconds(static_cast<std::int64_t>(**value * 1000))) : "?";
}

}  // namespace

int run_config_check(Session& session, const Arguments& arguments) {
    const std::string program = find_bkmond(session.world());
    if (program.empty())
        return session.fail({kFailed, "no_bkmond", "bkmond is neither beside bkmonctl nor in PATH; it is what reads the configuration"});
    std::vector<std::string> words{program, "--check-config"};
    if (arguments.has("--file")) words.insert(words.end(), {"--config", arguments.one("--file")});
    const auto finished = run_program(std::move(words));
    if (!finished) return session.fail(finished.error());
    if (!WIFEXITED(finished->status))
        return session.fail({kFailed, "failed", fmt::format("{} was killed by signal {}", program, WTERMSIG(finished->status))});
    const int code = WEXITSTATUS(finished->status);
    if (session.json()) {
        static_cast<void>(session.print_json(check_document(code, finished->output)));
    } else if (code == 0) {
        session.print(finished->output.empty() ? "the configuration is good\n" : safe_lines(finished->output));
    } else {
        session.world().err << safe_lines(finished->output) << std::flush;
    }
    return code;
}

int run_config_show(Session& session, const Arguments& arguments) {
    const auto reply = session.call("io.bkmon.Daemon.Settings");
    if (!reply) return session.fail(reply.error());
    std::vector<Params> settings;
    for (Params& setting : reply->objects("settings")) {
        if (arguments.has("--effective") || text_of(setting, "origin") != "default") settings.push_back(std::move(setting));
    }
    if (session.json()) return session.print_json("{\"settings\":" + array_json(settings) + "}");
    if (session.csv()) return session.print_csv({"path", "value", "origin"}, settings);
    Table table({{"SETTING", false, true, true, 24}, {"VALUE", false, true, false, 20}, {"ORIGIN", false, true, true, 12, 1}});
    for (const Params& setting : settings) table.add({{text_of(setting, "path")}, {text_of(setting, "value")}, {text_of(setting, "origin")}});
    return session.print_table(table, "no file sets anything; the defaults: bkmonctl config show --effective",
                               arguments.has("--effective") ? "" : "defaults too: bkmonctl config show --effective");
}

int run_reload(Session& session, const Arguments&) {
    const auto reply = session.call("io.bkmon.Daemon.Reload");
    if (!reply) return session.fail(reply.error());
    const auto problems = reply->objects("problems");
    const int code = problems.empty() ? kDone : kFailed;
    if (session.json()) {
        static_cast<void>(session.print_json(reply->dump()));
        return code;
    }
    if (problems.empty()) {
        const auto changed = reply->boolean("changed");
        session.print(changed && changed->value_or(false) ? "the configuration was read again\n"
                                                          : "the configuration was read again; nothing has changed\n");
        return code;
    }
    for (const Params& problem : problems) {
        const std::string where = text_of(problem, "where");
        session.world().err << shown(where.empty() ? text_of(problem, "message") : where + ": " + text_of(problem, "message")) << '\n';
    }
    return session.fail({kFailed, "config_invalid",
                         fmt::format("{}: the configuration is as it was before", counted(static_cast<std::int64_t>(problems.size()), "problem"))});
}

int run_version(Session& session, const Arguments&) {
    const std::string own = session.world().version;
    const auto reply = session.call("io.bkmon.Daemon.Version");
    if (session.json()) {
        if (!reply) return session.fail(reply.error());
        JsonWriter writer;
        writer.begin_object().field("bkmonctl", own);
        for (const std::string& name : reply->names()) writer.key(name).raw(reply->dump(name));
        return session.print_json(writer.end_object().str());
    }
    std::string out = fmt::format("bkmonctl {}\n", own);
    if (!reply) {
        session.print_now(out);
        return session.fail(reply.error());
    }
    out += fmt::format("bkmond   {}, site {}, process {}, up for {}\n", shown(text_of(*reply, "version")), shown(text_of(*reply, "site")),
                       number_of(*reply, "pid"), up_for(*reply));
    for (const std::string& file : texts_of(*reply, "config")) out += "  reads " + shown(file) + "\n";
    for (const std::string& what : texts_of(*reply, "degraded"))
        out += paint(session.terminal(), Tone::critical, "  does not fully work: ") + shown(what) + "\n";
    session.print(out);
    return kDone;
}

}  // namespace bkmon::ctl
