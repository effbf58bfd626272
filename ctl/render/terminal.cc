#include "ctl/render/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace bkmon::ctl {

namespace {

std::size_t number_or(const std::string& text, std::size_t otherwise) {
    char* end = nullptr;
    const unsigned long n = std::strtoul(text.c_str(), &end, 10);
    return text.empty() || *end != '\0' || n == 0 || n > 10000 ? otherwise : n;
}

}  // namespace

Terminal look_at_terminal(int fd, const Env& env) {
    Terminal terminal;
    terminal.tty = ::isatty(fd) == 1;
    if (!terminal.tty) return terminal;
    winsize size{};
    const bool known = ::ioctl(fd, TIOCGWINSZ, &size) == 0;
    terminal.width = known && size.ws_col > 0 ? size.ws_col : number_or(env("COLUMNS"), 80);
    terminal.height = known && size.ws_row > 0 ? size.ws_row : number_or(env("LINES"), 24);
    return terminal;
}

bool wants_colour(ColourMode mode, bool tty, const Env& env) {
    if (mode != ColourMode::automatic) return mode == ColourMode::always;
    return tty && env("NO_COLOR").empty() && env("TERM") != "dumb";
}

}  // namespace bkmon::ctl
