#pragma once
#include <string>

#include "daemon/config/config.h"

namespace bkmon::app {

struct Arguments {
    std::string config = "/etc/bkmon/bkmon.yaml";
    bool check_only = false;  ///< load, print the problems, end: 0 without any, 1 with
};

/// The configuration of a file, with the credential "bkmon.extra" read like one more file of conf.d. Blocks on disk.
config::Loaded read_configuration(const std::string& file);

/// Runs bkmond in the foreground until SIGTERM or SIGINT. The process's exit status: 0 stopped, 1 could not start.
int run(const Arguments& arguments);

}  // namespace bkmon::app
