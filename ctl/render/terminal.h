#pragma once
#include <cstddef>
#include <functional>
#include <string>

namespace bkmon::ctl {

/// Reads one environment variable; empty when it is not set. Tests bring their own.
using Env = std::function<std::string(const char* name)>;

enum class ColourMode { automatic, always, never };

/// What a stream can show.
struct Terminal {
    bool tty = false;
    std::size_t width = 0;   ///< columns; 0: no limit (a pipe or a file)
    std::size_t height = 0;  ///< lines; 0: no limit
    bool colour = false;
};

/// Size by TIOCGWINSZ, else COLUMNS and LINES, else 80 x 24; no limits when `fd` is no terminal.
Terminal look_at_terminal(int fd, const Env& env);

/// `always` and `never` win; otherwise a terminal that is not dumb, unless NO_COLOR is set and not empty.
bool wants_colour(ColourMode mode, bool tty, const Env& env);

}  // namespace bkmon::ctl
