#pragma once
#include <map>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "ctl/render/terminal.h"

namespace bkmon::test {

/// Where one run of bkmonctl sits: by default all streams are pipes and nobody sits there.
struct Seat {
    std::string socket;  ///< BKMON_SOCKET
    std::map<std::string, std::string> env;
    ctl::Terminal terminal;  ///< of stdout
    bool err_tty = false, in_tty = false;
    std::string input;
    std::string program_folder = "/nonexistent";
};

struct Ended {
    int code = -1;
    std::string out, err;
};

/// 2026-11-22T03:04:05Z: what "now" is in these tests. The zone is UTC.
Time test_now();

/// Runs bkmonctl in this process.
Ended ctl(const std::vector<std::string>& arguments, const Seat& seat);

/// The same on a terminal of this size.
Seat on_terminal(const std::string& socket, std::size_t width, std::size_t height);

std::vector<std::string> lines_of(const std::string& text);

/// Text without colours.
std::string plain(const std::string& text);

/// The widest line in columns.
std::size_t widest(const std::string& text);

/// Equal as JSON, whatever the order of members.
bool same_json(const std::string& a, const std::string& b);

}  // namespace bkmon::test
