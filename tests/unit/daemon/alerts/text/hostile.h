#pragma once
#include <string>
#include <vector>

#include "samples.h"

namespace bkmon::alerts {

/// What a name, a note or a message of a server may be: every byte, markup, templates, line ends, characters that turn others around.
std::vector<std::string> hostile_values();
/// Every field that comes from outside is `value`.
Story story_of(const std::string& value);
Story group_of(const std::string& value);
DigestStory digest_of(const std::string& value);

}  // namespace bkmon::alerts
