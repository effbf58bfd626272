#pragma once
#include <string>
#include <vector>

#include "daemon/config/config.h"

namespace bkmon::config {

struct Source {
    enum class Kind { main, drop_in, extra };
    std::string path, bytes;
    Kind kind = Kind::main;  ///< only the main file, which the operator alone writes, may give rights
};

/// The main file and conf.d/*.yaml beside it, in name order. What cannot be read, is no plain file or is too large becomes a problem.
/// Blocks on disk.
std::vector<Source> read_sources(const std::string& file, std::vector<Problem>& problems);

/// What load() does with what was read. Pure but for the zone database.
Loaded load_sources(const std::vector<Source>& sources);

}  // namespace bkmon::config
