#pragma once
#include <atomic>
#include <string>
#include <vector>

namespace bkmon::test {

/// How long "slow….test" takes; how many names were looked up by anybody.
extern std::atomic<int> slow_milliseconds, names_asked;
/// From now on nobody gets a socket.
extern std::atomic<bool> no_descriptors;
/// What "many.test" stands for.
extern std::vector<std::string> addresses_of_many;

}  // namespace bkmon::test
