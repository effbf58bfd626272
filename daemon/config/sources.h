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

/// The bytes of a plain file of at most so many bytes; never waits for somebody to write into a FIFO.
Result<std::string> read_plain_file(const std::string& path, std::size_t most);

/// What load() does with what was read. Without `check` pure but for the zone database.
Loaded load_sources(const std::vector<Source>& sources, const TemplateCheck& check = {});

}  // namespace bkmon::config
