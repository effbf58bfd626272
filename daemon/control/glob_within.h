#pragma once
#include <string_view>

namespace bkmon::control {

/// True only when everything that `inner` matches is matched by `outer`, both as for glob_match(). False also where that cannot be seen from
/// the patterns alone: who asks whether somebody may, must take no for an answer. At most their lengths' product in steps.
bool glob_within(std::string_view inner, std::string_view outer);

}  // namespace bkmon::control
