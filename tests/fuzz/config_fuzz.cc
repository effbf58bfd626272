// A configuration file with any bytes in it: the loader must answer with settings or with problems that an editor can follow, in bounded time.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/base/text.h"
#include "daemon/config/sources.h"

namespace {
void must(bool kept) {
    if (!kept) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace bkmon;
    // A NUL parts two files, so that merging is reached too.
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    const auto cut = bytes.find('\0');
    std::vector<config::Source> sources{{"a.yaml", bytes.substr(0, cut)}};
    if (cut != std::string::npos) sources.push_back({"b.yaml", bytes.substr(cut + 1)});
    const auto loaded = config::load_sources(sources);
    for (const auto& p : loaded.problems)
        must(!p.message.empty() && valid_utf8(p.where) && valid_utf8(p.message) && p.message.find('\n') == std::string::npos);
    if (!loaded.problems.empty()) return 0;
    const auto& s = loaded.settings;
    must(s.state.starts_with('/') && s.history.path.starts_with('/') && s.deposits.root != s.deposits.vault);
    std::vector<config::AdoptJob> adopt;
    for (const auto& job : s.deposits.jobs) {
        must(!job.agent.empty() && !job.database.empty() && !job.origin.empty() && job.keep >= 1);
        adopt.push_back({job.agent, job.database});
    }
    // What the daemon writes itself must be YAML.
    const auto again =
        config::load_sources({{"adopted.yaml", "deposits: {defaults: {path: \"{agent}-{file}\"}}\n"}, {"jobs.yaml", config::adopt_yaml(adopt)}});
    for (const auto& p : again.problems) must(p.message.find("vault") != std::string::npos);  // names that no path can hold
    return 0;
}
