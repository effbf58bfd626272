#include "tests/unit/ctl/commands/harness.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/base/text.h"
#include "ctl/commands/cli.h"

namespace bkmon::test {

namespace {

class StandingClock : public Clock {
public:
    Time now() const override { return test_now(); }
    BootTime boot() const override { return system_clock().boot(); }
};

}  // namespace

Time test_now() { return parse_rfc3339("2026-11-22T03:04:05Z").value(); }

Ended ctl(const std::vector<std::string>& arguments, const Seat& seat) {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    std::ostringstream out;
    std::ostringstream err;
    std::istringstream in(seat.input);
    const StandingClock clock;
    const auto env = [&](const char* name) {
        const std::string key = name;
        if (key == "BKMON_SOCKET" && !seat.socket.empty()) return seat.socket;
        const auto found = seat.env.find(key);
        return found == seat.env.end() ? std::string() : found->second;
    };
    ctl::Terminal err_terminal = seat.terminal;
    err_terminal.tty = seat.err_tty;
    ctl::World world{out, err, in, seat.terminal, err_terminal, seat.in_tty, env, clock, "9.8.7", seat.program_folder};
    const int code = ctl::run(arguments, world);
    return {code, out.str(), err.str()};
}

Seat on_terminal(const std::string& socket, std::size_t width, std::size_t height) {
    Seat seat;
    seat.socket = socket;
    seat.env["BKMON_PAGER"] = "cat";
    seat.terminal = {true, width, height, false};
    seat.err_tty = seat.in_tty = true;
    return seat;
}

std::vector<std::string> lines_of(const std::string& text) {
    auto lines = split(text, '\n');
    if (!lines.empty() && lines.back().empty()) lines.pop_back();
    return lines;
}

std::string plain(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\033' && i + 1 < text.size() && text[i + 1] == '[') {
            while (i < text.size() && text[i] != 'm' && text[i] != 'K') ++i;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::size_t widest(const std::string& text) {
    std::size_t most = 0;
    for (const std::string& line : lines_of(plain(text))) most = std::max(most, display_width(line));
    return most;
}

bool same_json(const std::string& a, const std::string& b) {
    const auto left = nlohmann::json::parse(a, nullptr, false);
    const auto right = nlohmann::json::parse(b, nullptr, false);
    return !left.is_discarded() && left == right;
}

}  // namespace bkmon::test
