#pragma once
#include <string>
#include <string_view>

#include "common/base/time.h"

namespace bkmon::ctl {

/// The same JSON, on one line or indented by two. Members keep their order. Characters that a terminal could act on (DEL, C1, bidi,
/// zero width) are written as \uXXXX, which means the same. Text that is no JSON comes back as it was.
std::string json_text(std::string_view json, bool pretty);

/// An object as "key   value" lines for people, indented by two a level; what is null or empty is left out. Members named *_bytes are shown as
/// sizes, RFC 3339 texts as local times with their age, *_seconds and duration as words. Lines are fitted to `width` (0: no limit) by wrapping.
std::string json_tree(std::string_view json, Time now, std::size_t width);

/// One member of JSON for a CSV cell: texts as they are, null empty, lists joined by ";", objects as "k=v;k=v".
std::string json_cell(std::string_view json);

}  // namespace bkmon::ctl
