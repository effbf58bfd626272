#include "daemon/platform/inspect/worker/options.h"

#include <charconv>
#include <string_view>

#include "common/base/text.h"
#include "daemon/platform/inspect/content_word.h"

namespace bkmon::inspect {
namespace {

Result<std::uint64_t> bytes(std::string_view option, std::string_view text) {
    std::uint64_t v = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), v);
    if (ec != std::errc{} || end != text.data() + text.size() || text.empty())
        return fail(Errc::invalid, std::string(option) + ": '" + printable(text) + "' is no number of bytes");
    return v;
}

Result<void> set_value(CommandLine& to, std::string_view option, std::string_view value) {
    if (option == "--name") {
        to.inquiry.name = value;
    } else if (option == "--content") {
        const auto content = content_of(value);
        if (!content) return fail(Errc::invalid, "--content: '" + printable(value) + "' is unknown");
        to.inquiry.content = *content;
    } else if (option == "--end-mark") {
        if (value != "yes" && value != "no") return fail(Errc::invalid, "--end-mark is yes or no");
        to.inquiry.end_mark = value == "yes";
    } else if (option == "--size" || option == "--output-limit") {
        const auto n = bytes(option, value);
        if (!n) return fail(n.error());
        if (option == "--size") to.size_given = true;
        (option == "--size" ? to.inquiry.size : to.limits.output) = *n;
    } else {
        return fail(Errc::invalid, "unknown option '" + printable(option) + "'");
    }
    return {};
}

}  // namespace

Result<CommandLine> parse_command_line(int argc, char** argv) {
    CommandLine line;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--version")
            line.action = CommandLine::Action::version;
        else if (option == "--growing")
            line.growing = true;
        else if (option == "--help")
            line.action = CommandLine::Action::help;
        else if (option == "--self-test")
            line.action = CommandLine::Action::self_test;
        else if (option == "--self-test=landlock" || option == "--self-test=seccomp") {
            line.action = CommandLine::Action::self_test;
            line.walls = {option.ends_with("landlock"), option.ends_with("seccomp")};
        } else if (i + 1 < argc) {
            if (auto done = set_value(line, option, argv[++i]); !done) return fail(std::move(done.error()));
        } else {
            return fail(Errc::invalid, "option '" + printable(option) + "' is unknown or lacks its value");
        }
    }
    if (line.growing && !line.size_given) return fail(Errc::invalid, "--growing needs --size");
    return line;
}

}  // namespace bkmon::inspect
