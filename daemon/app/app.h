#pragma once
#include <string>

namespace bkmon::app {

struct Arguments {
    std::string config = "/etc/bkmon/bkmon.yaml";
    bool check_only = false;  ///< load, print the problems, end: 0 without any, 1 with
};

/// Runs bkmond in the foreground until SIGTERM or SIGINT. The process's exit status: 0 stopped, 1 could not start.
int run(const Arguments& arguments);

}  // namespace bkmon::app
